using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

/// <summary>Interrupts that nobody has read yet, channel reports, and what a reset, an unmapping or an unplug does to them.</summary>
public sealed class InterruptTests
{
    private const ulong Nop = 0x0320_0001_0000_2000;
    private const ulong PciNop = 0x0368_0001_0000_2000;
    private const uint SuspendControl = 0x0800_0000;

    [Fact]
    public void Each_waiting_status_signals_once_when_it_becomes_visible()
    {
        using var machine = new Machine();
        machine.Subchannel.Inject(Attention(1), Attention(2), Attention(3));
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        for (ushort number = 1; number <= 3; number++)
        {
            Assert.Equal(number, machine.ReadIrb().Scsw.Residual);
            Assert.Equal(number < 3 ? 1u : 0u, Machine.Take(machine.Device.IoInterrupt));
        }
        Assert.Equal(3, machine.ReadIrb().Scsw.Residual);
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
    }

    [Fact]
    public void A_read_that_stops_before_the_last_byte_of_the_irb_keeps_the_head()
    {
        using var machine = new Machine();
        machine.Subchannel.Inject(Attention(1), Attention(2));
        byte[] bytes = new byte[RegionLayout.IoRetCodeOffset - 1];
        machine.Device.ReadRegion(RegionIndex.Io, 0, bytes);
        Assert.Equal(1, Scsw.Read(bytes.AsSpan(RegionLayout.IrbOffset)).Residual);
        machine.Device.ReadRegion(RegionIndex.Io, RegionLayout.IoRetCodeOffset - 1, bytes.AsSpan(0, 1));
        Assert.Equal(2, machine.ReadIrb().Scsw.Residual);
    }

    [Fact]
    public void A_second_read_of_the_signal_moves_on_without_the_bytes()
    {
        using var machine = new Machine();
        machine.Subchannel.Inject(Attention(1), Attention(2));
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Assert.True(machine.Device.IoInterrupt.IsReady);
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(2, machine.ReadIrb().Scsw.Residual);
        Assert.False(machine.Device.IoInterrupt.IsReady);
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
    }

    [Fact]
    public void An_accepted_start_takes_the_head_and_a_refused_one_does_not()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, Nop);
        machine.Subchannel.Inject(Attention(1), Attention(2));
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Assert.True(machine.Write(RegionIndex.Io, 0, Machine.Request(0x90_0000).AsSpan(0, RegionLayout.IrbOffset)) < 0);
        Assert.Equal(1, Peek(machine).Residual);
        Assert.Equal(124, machine.StartAt(0x1000));
        Assert.Equal(2, Peek(machine).Residual);
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(2, machine.ReadIrb().Scsw.Residual);
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(FunctionControl.Start, machine.ReadIrb().Scsw.Function);
    }

    [Fact]
    public void Program_controlled_interruptions_behind_an_unread_one_become_one_and_stay_in_the_final_status()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, PciNop, PciNop, PciNop, Nop);
        machine.StartAt(0x1000);
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Scsw first = machine.ReadIrb().Scsw;
        Assert.Equal(StatusControl.Intermediate | StatusControl.Pending, first.StatusControl);
        Assert.Equal((SubchannelStatus.ProgramControlledInterruption, 0x1008u), (first.Subchannel, first.CcwAddress));
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Scsw final = machine.ReadIrb().Scsw;
        Assert.Equal((SubchannelStatus.ProgramControlledInterruption, 0x1020u), (final.Subchannel, final.CcwAddress));
        Assert.Equal(StatusControl.Intermediate | StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending, final.StatusControl);
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
    }

    [Fact]
    public void Unread_unsolicited_status_is_limited_and_never_costs_a_final_one()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, Nop);
        machine.Subchannel.Inject([.. Enumerable.Range(1, 100).Select(i => Attention((ushort)i))]);
        machine.StartAt(0x1000);
        machine.Subchannel.Inject([.. Enumerable.Range(1, 100).Select(i => Attention((ushort)i))]);
        int finals = 0, others = 0;
        while (machine.Device.IoInterrupt.IsReady && Machine.Take(machine.Device.IoInterrupt) != 0)
            _ = machine.ReadIrb().Scsw.Function == FunctionControl.Start ? finals++ : others++;
        Assert.Equal(1, finals);
        Assert.InRange(others, 30, 34);
    }

    [Fact]
    public void A_client_that_never_reads_can_go_on_for_ever()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, Nop);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(124, machine.StartAt(0x1000));
            Assert.Equal(8, machine.Command(1));
            Assert.Equal(8, machine.Command(2));
        }
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        Assert.True(Machine.Take(machine.Device.IoInterrupt) > 0);
    }

    [Fact]
    public void A_user_who_writes_the_irb_area_reads_it_back_until_the_next_interrupt()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, Nop);
        machine.Write(RegionIndex.Io, RegionLayout.IrbOffset, Enumerable.Repeat((byte)0x3C, Irb.Size).ToArray());
        Assert.Equal(0x3C, machine.Read(RegionIndex.Io)[RegionLayout.IrbOffset + 95]);
        machine.Run(0x1000);
        Assert.Equal(0, machine.Read(RegionIndex.Io)[RegionLayout.IrbOffset + 95]);
    }

    [Fact]
    public void A_suspended_program_stays_pending_interrupts_once_and_resumes()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0322_0001_0000_2000);
        machine.StartAt(0x1000, Machine.Orb64 | SuspendControl);
        Assert.Equal(1u, machine.Await(machine.Device.IoInterrupt));
        Scsw scsw = machine.ReadIrb().Scsw;
        Assert.Equal((ActivityControl.Suspended, StatusControl.Intermediate | StatusControl.Pending), (scsw.Activity, scsw.StatusControl));
        Assert.Equal(0x1010u, scsw.CcwAddress);
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        Assert.Equal(-16, machine.StartAt(0x1000));
        Assert.Equal(124, machine.Resume());
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(DeviceState.Idle, machine.Device.State);
    }

    [Fact]
    public void A_program_suspended_without_interrupt_can_be_resumed_too()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, 0x0322_0001_0000_2000);
        machine.StartAt(0x1000, Machine.Orb64 | SuspendControl | OrbControl.SuppressSuspended);
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        Assert.Equal(124, machine.Resume());
        Assert.Equal(1u, Machine.Take(machine.Device.IoInterrupt));
    }

    [Fact]
    public void A_resume_of_a_program_that_is_not_suspended_is_busy()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        machine.IsEndless = true;
        machine.StartAt(0x1000);
        Assert.Equal(-16, machine.Resume());
        Assert.Equal(0, (int)machine.Device.Reset());
    }

    [Fact]
    public void Reports_are_read_one_by_one_and_signal_again_while_there_are_more()
    {
        using var machine = new Machine(chpids: [0x10, 0x11]);
        Assert.True(machine.Emulated.SetPath(0x11, false));
        Assert.True(machine.Emulated.SetPath(0x11, false)); // no change, no report
        Assert.True(machine.Emulated.SetPath(0x11, true));
        Assert.False(machine.Emulated.SetPath(0x12, false));
        Assert.Equal(2u, Machine.Take(machine.Device.CrwInterrupt));
        Assert.Equal("0406001100000000", Convert.ToHexString(machine.Read(RegionIndex.Crw)));
        Assert.Equal(1u, Machine.Take(machine.Device.CrwInterrupt));
        Assert.Equal("0402001100000000", Convert.ToHexString(machine.Read(RegionIndex.Crw)));
        Assert.Equal(0u, Machine.Take(machine.Device.CrwInterrupt));
        Assert.Equal("0000000000000000", Convert.ToHexString(machine.Read(RegionIndex.Crw)));
    }

    [Fact]
    public void Lost_reports_are_flagged_in_the_next_one()
    {
        using var machine = new Machine();
        for (int i = 0; i < VfioCcwDevice.CrwLimit + 1; i++)
            machine.Subchannel.Report(Crw.ChannelPath(0, Crw.Initialized));
        machine.Read(RegionIndex.Crw);
        machine.Subchannel.Report(Crw.ChannelPath(0, Crw.PermanentError));
        for (int i = 0; i < VfioCcwDevice.CrwLimit - 1; i++)
            Assert.Equal(0x04, machine.Read(RegionIndex.Crw)[0]);
        Assert.Equal("2406000000000000", Convert.ToHexString(machine.Read(RegionIndex.Crw)));
        Assert.Equal("0000000000000000", Convert.ToHexString(machine.Read(RegionIndex.Crw)));
    }

    [Fact]
    public void A_path_that_goes_leaves_the_schib_and_the_programs_and_comes_back()
    {
        using var machine = new Machine(chpids: [0x10, 0x11]);
        machine.Ccws(0x1000, Nop);
        machine.Emulated.SetPath(0x10, false);
        Assert.Equal(0x40, Schib.Read(machine.Read(RegionIndex.Schib)).Pmcw.Pam);
        Assert.Equal(-(int)Mono.Unix.Native.Errno.EACCES, machine.StartAt(0x1000, (Machine.Orb64 & ~0xFF00u) | 0x8000));
        machine.Run(0x1000, Machine.Orb64 & ~0xFF00u);
        Assert.Equal(1, machine.TestDevice.LastPath);
        machine.Emulated.SetPath(0x10, true);
        machine.Run(0x1000);
        Assert.Equal(0, machine.TestDevice.LastPath);
        Assert.Equal(0x80, Schib.Read(machine.Read(RegionIndex.Schib)).Pmcw.Lpum);
    }

    [Fact]
    public void A_reset_keeps_regions_reports_and_signals_and_drops_the_programs_interrupt()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        machine.IsEndless = true;
        machine.Subchannel.Report(Crw.ChannelPath(0, Crw.Initialized));
        machine.StartAt(0x1000);
        Assert.Equal(0, (int)machine.Device.Reset());
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(1u, Machine.Take(machine.Device.CrwInterrupt));
        Assert.Equal("11223344", Convert.ToHexString(machine.Read(RegionIndex.Io).AsSpan(0, 4)));
        Assert.Equal(1, machine.TestDevice.Abandoned);
        Assert.Equal(1, machine.TestDevice.SystemResets);
    }

    [Fact]
    public void Unmapping_pinned_memory_resets_in_silence_and_gives_the_pins_back()
    {
        using var machine = Suspended(out IovaMap map, out ArrayStore extra);
        Assert.Equal(MapOutcome.Done, map.Unmap(0x20_0000, 0x1000, out _));
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(0, Assert.IsType<HostProgram>(machine.Subchannel.Program).Pins.Count);
        Assert.Equal(MapOutcome.Done, map.Map(0x20_0000, 0x1000, extra, 0, MemoryRights.ReadWrite));
        machine.Ccws(0x1000, Nop);
        machine.Run(0x1000);
    }

    [Fact]
    public void Unmapping_other_memory_leaves_the_program_alone()
    {
        using var machine = Suspended(out IovaMap map, out _);
        Assert.Equal(MapOutcome.Done, map.Unmap(0x20_1000, 0x1000, out _));
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        Assert.Equal(124, machine.Resume());
        Assert.Equal(DeviceState.Idle, machine.Device.State);
    }

    [Fact]
    public void A_private_run_keeps_its_interrupts_and_its_addresses_to_itself()
    {
        using var machine = new Machine();
        byte[] own = new byte[4096];
        Convert.FromHexString("E4280007000000A0").CopyTo(own, 0);
        List<(Irb? Irb, bool Final)> seen = [];
        var orb = new Orb(1, Machine.Orb64, 0);
        var space = new AddressSpace(IovaMap.Identity(new ArrayStore(own)));
        Assert.Equal(0, (int)machine.Device.RunPrivate(space, orb, (irb, final, _) => seen.Add((irb, final)), out _));
        Assert.Equal(-16, machine.StartAt(0x1000));
        machine.Device.GoOn(WorkThread.Caller);
        Assert.True(SpinWait.SpinUntil(() => seen.Count > 0, Machine.Patience));
        (Irb? irb, bool last) = Assert.Single(seen);
        Assert.True(last);
        Assert.Equal(8u, irb!.Value.Scsw.CcwAddress);
        Assert.Equal("FF383204", Convert.ToHexString(own.AsSpan(0xA0, 4)));
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(default, Peek(machine));
        machine.Ccws(0x1000, Nop);
        machine.Run(0x1000);
    }

    [Fact]
    public void A_private_run_ends_with_a_reset_and_not_with_an_unmapping_of_somebody_elses_memory()
    {
        var map = new IovaMap();
        map.Map(0, 0x1000, new ArrayStore(new byte[0x1000]), 0, MemoryRights.ReadWrite);
        using var machine = new Machine(map: map);
        byte[] own = new byte[4096];
        Convert.FromHexString("E4220007000000A0").CopyTo(own, 0);
        List<(Irb? Irb, bool Final)> seen = [];
        var space = new AddressSpace(IovaMap.Identity(new ArrayStore(own)));
        var orb = new Orb(1, Machine.Orb64 | SuspendControl, 0);
        Assert.Equal(0, (int)machine.Device.RunPrivate(space, orb, (irb, final, _) => seen.Add((irb, final)), out _));
        machine.Device.GoOn(WorkThread.Caller);
        Assert.True(SpinWait.SpinUntil(() => seen.Count > 0, Machine.Patience));
        Assert.False(Assert.Single(seen).Final);
        map.Unmap(0, 0x1000, out _);
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        machine.Device.Reset();
        Assert.Equal(2, seen.Count);
        Assert.True(seen[1] is (null, true));
        Assert.Equal(DeviceState.Idle, machine.Device.State);
    }

    [Theory]
    [InlineData("idle")]
    [InlineData("running")]
    [InlineData("suspended")]
    [InlineData("unread")]
    public void An_unplug_ends_everything_and_closes_the_lines(string state)
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        machine.IsEndless = true;
        machine.Ccws(0x2000, 0x0322_0001_0000_2000);
        if (state is "running" or "suspended")
            machine.StartAt(state == "running" ? 0x1000u : 0x2000u, Machine.Orb64 | SuspendControl);
        if (state == "unread")
            machine.Subchannel.Inject(Attention(1), Attention(2));
        machine.Device.Unplug();
        machine.Device.Unplug();
        Assert.Equal(DeviceState.NotOperational, machine.Device.State);
        Assert.Equal(1u, Machine.Take(machine.Device.RequestInterrupt));
        Assert.True(machine.Device.IoInterrupt.IsClosed);
        Assert.Equal(-(int)Mono.Unix.Native.Errno.ENODEV, machine.Device.ReadRegion(RegionIndex.Schib, 0, new byte[52]));
        Assert.Equal("0000000000000000", Convert.ToHexString(machine.Read(RegionIndex.Crw)));
        Assert.Equal(1, machine.TestDevice.SystemResets);
    }

    [Fact]
    public void Status_of_the_device_itself_arrives_and_blocks_a_start_until_it_is_taken()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, Nop);
        machine.Subchannel.Mask();
        machine.TestDevice.Unsolicited!(DeviceStatus.Attention);
        Assert.Equal(-16, machine.StartAt(0x1000));
        Assert.Equal(-16, machine.Command(1));
        machine.Subchannel.Unmask();
        Assert.Equal(1u, machine.Await(machine.Device.IoInterrupt));
        Assert.Equal(DeviceStatus.Attention, machine.ReadIrb().Scsw.Device);
        machine.Run(0x1000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Status_of_the_device_itself_waits_for_the_running_programs_end(bool halt)
    {
        using var machine = new Machine { IsEndless = true };
        machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        Assert.Equal(124, machine.StartAt(0x1000));
        machine.TestDevice.Unsolicited!(DeviceStatus.Attention);
        if (halt)
        {
            Assert.Equal(8, machine.Command(1));
            Assert.Equal(1u, machine.Await(machine.Device.IoInterrupt));
            Assert.Equal(FunctionControl.Start | FunctionControl.Halt, machine.ReadIrb().Scsw.Function);
        }
        else
        {
            Assert.Equal(0, (int)machine.Device.Reset(system: false));
        }
        Assert.Equal(1u, machine.Await(machine.Device.IoInterrupt));
        Irb own = machine.ReadIrb();
        Assert.Equal(
            (FunctionControl.None, StatusControl.Alert | StatusControl.Pending, DeviceStatus.Attention),
            (own.Scsw.Function, own.Scsw.StatusControl, own.Scsw.Device));
        Assert.Equal("00800000", Convert.ToHexString(own[Irb.EswOffset..][..4])); // the path
        machine.IsEndless = false;
    }

    private static Machine Suspended(out IovaMap map, out ArrayStore extra)
    {
        extra = new ArrayStore(new byte[0x2000]);
        map = new IovaMap();
        var machine = new Machine(suppressSuspended: true, map: map);
        map.Map(0, Machine.MemorySize, new ArrayStore(machine.Memory), 0, MemoryRights.ReadWrite);
        map.Map(0x20_0000, 0x1000, extra, 0, MemoryRights.ReadWrite);
        map.Map(0x20_1000, 0x1000, extra, 0x1000, MemoryRights.ReadWrite);
        machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0xE422_0040_0020_0000);
        Assert.Equal(124, machine.StartAt(0x1000, Machine.Orb64 | SuspendControl));
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        return machine;
    }

    /// <summary>The head of the queue as it stands, without taking it.</summary>
    private static Scsw Peek(Machine machine)
    {
        byte[] bytes = new byte[Scsw.Size];
        machine.Device.ReadRegion(RegionIndex.Io, RegionLayout.IrbOffset, bytes);
        return Scsw.Read(bytes);
    }

    private static Irb Attention(ushort number)
    {
        var irb = default(Irb);
        irb.Scsw = new Scsw((uint)(StatusControl.Alert | StatusControl.Pending), 0, 0x8000_0000u | number);
        return irb;
    }
}
