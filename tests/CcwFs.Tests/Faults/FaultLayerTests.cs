using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Faults;
using CcwFs.Faults.Rules;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Images;
using CcwFs.Tests.Subchannel;
using CcwFs.Tests.Trace;
using CcwFs.Trace;
using Mono.Unix.Native;

namespace CcwFs.Tests.Faults;

/// <summary>What a guest gets of a 3390 with rules, through its regions.</summary>
public sealed class FaultLayerTests : IDisposable
{
    private const DeviceStatus Ending = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    private readonly FaultRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void What_stands_before_the_command_is_executed_and_nothing_from_it_on()
    {
        FaultRule rule = _rig.Add("write nth=2 once -> check data_check");
        Irb irb = _rig.Run(FaultRig.Update(15, 0xA1, 0xA2, 0xA3));
        AssertCheck(irb, 3, 0x08);
        Assert.Equal(4096, irb.Scsw.Residual);
        byte[] track = _rig.Rig.Records(15, 12, 4096);
        Assert.Equal([0xA1, 2, 3], [track[0], track[4096], track[2 * 4096]]);
        AssertWell(_rig.Run(FaultRig.Update(15, 0xA1, 0xA2, 0xA3)));
        Assert.Equal([0xA1, 0xA2, 0xA3], [.. _rig.Rig.Records(15, 3, 4096).Where((_, i) => i % 4096 == 0)]);
        Assert.Equal((5, 1, 1), (rule.Seen, rule.Injected, _rig.Faults.InjectedFaults));
        Assert.Equal("1 rule, 1 injected, last: write nth=2 once -> check data_check", _rig.Fact);
        Assert.Contains(_rig.Log.Lines, line => line.Contains("injected: write nth=2", StringComparison.Ordinal));
    }

    [Fact]
    public void After_the_program_what_was_written_is_written()
    {
        _rig.Add("write -> check equipment_check after");
        AssertCheck(_rig.Run(FaultRig.Update(15, 0xA1)), 2, 0x10);
        Assert.Equal(0xA1, _rig.Rig.Records(15, 1, 4096)[0]);
    }

    [Fact]
    public void A_program_that_ends_before_the_command_ends_as_it_would_have()
    {
        FaultRule rule = _rig.Add("write -> check data_check");
        Irb irb = _rig.Run([Step.Extent(0x40, 15, 15), Step.Locate(0x01, 1, 15, 1, 4096), Step.W(0x85, FaultRig.Block(1))]);
        Assert.Equal(0x80, irb[Irb.EcwOffset]); // the extent is for reading: LOCATE RECORD for a write is rejected
        Assert.Equal(0, rule.Injected);
    }

    [Fact]
    public void A_place_is_that_of_the_parameters()
    {
        FaultRule rule = _rig.Add("read at=1/1-1/5 -> check data_check");
        AssertWell(_rig.Run(FaultRig.Read(15)));
        AssertCheck(_rig.Run(FaultRig.Read(16)), 2, 0x08);
        AssertWell(_rig.Run([Step.Seek(0, 0), Step.SearchId(0, 0, 1), Step.Tic(1), Step.R(0x06, 4096)]));
        AssertCheck(_rig.Run([Step.Extent(0x40, 0, 149), Step.Locate(0x06, 1, 16, 1, 4096), Step.R(0x86, 4096)]), 2, 0x08);
        Assert.Equal(2, rule.Seen);
    }

    [Fact]
    public void Reads_of_the_medium_are_told_from_others()
    {
        _rig.Add("read -> check data_check");
        AssertWell(_rig.Run([Step.R(0xE4, 7).WithSli()]));
        AssertCheck(_rig.Run(FaultRig.Read(15)), 2, 0x08);
        _rig.Faults.Remove(null);
        _rig.Add("sense -> check equipment_check");
        AssertCheck(_rig.Run([Step.R(0xE4, 7).WithSli()]), 0, 0x10);
        AssertWell(_rig.Run(FaultRig.Read(15)));
    }

    [Theory]
    [InlineData("nth=3", "..x.......")]
    [InlineData("every=3", "..x..x..x.")]
    [InlineData("from=8", ".......xxx")]
    [InlineData("times=2", "xx........")]
    [InlineData("once", "x.........")]
    [InlineData("every=2 times=2", ".x.x......")]
    [InlineData("chance=50% seed=4", null)]
    public void It_acts_when_it_is_its_turn(string triggers, string? pattern)
    {
        string Runs()
        {
            _rig.Faults.Remove(null);
            _rig.Add($"SENSE_ID {triggers} -> check overrun");
            return string.Concat(Enumerable.Range(0, 10).Select(_ =>
                _rig.Run([Step.R(0xE4, 7).WithSli()]).Scsw.Device == Ending ? '.' : 'x'));
        }
        string seen = Runs();
        Assert.Equal(pattern ?? seen, seen);
        Assert.Equal(seen, Runs()); // a seed gives the same again
        Assert.Contains('x', seen);
        Assert.Contains('.', seen);
    }

    [Fact]
    public void It_acts_for_a_time_and_while_a_file_exists()
    {
        using var files = new ImageDirectory();
        string path = files["fault"];
        _rig.Add("SENSE_ID for=5s -> check overrun");
        Assert.True(Fails());
        _rig.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(Fails());
        _rig.Add($"SENSE_ID while={path} -> check overrun");
        Assert.False(Fails());
        File.WriteAllText(path, "");
        _rig.Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(Fails());
        File.Delete(path);
        _rig.Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(Fails());
    }

    [Fact]
    public void A_rule_waits_for_the_state_that_another_sets()
    {
        _rig.Add("write -> pass set=written");
        _rig.Add("SENSE_ID state=written -> check overrun unset=written");
        _rig.Add("SENSE_ID state=!written nth=2 -> check bus_out_check");
        Assert.False(Fails());
        AssertWell(_rig.Run(FaultRig.Update(15, 1)));
        Assert.True(Fails(0x04));
        Assert.True(Fails(0x20));
        _rig.Faults.Remove(null);
        _rig.Add("read -> pass set=read");
        _rig.Add("SENSE_ID state=read -> check overrun");
        AssertWell(_rig.Run(FaultRig.Read(15)));
        _rig.Faults.Remove(_rig.Faults.Rules[0].Number);
        Assert.False(Fails()); // the state went with the rule that set it
    }

    [Theory]
    [InlineData("interface", SubchannelStatus.InterfaceControlCheck, 0)]
    [InlineData("control", SubchannelStatus.ChannelControlCheck, 0)]
    [InlineData("data", SubchannelStatus.ChannelDataCheck, 0x0C)]
    [InlineData("chaining", SubchannelStatus.ChainingCheck, 0x0C)]
    [InlineData("program", SubchannelStatus.ProgramCheck, 0x0C)]
    [InlineData("protection", SubchannelStatus.ProtectionCheck, 0x0C)]
    [InlineData("length", SubchannelStatus.IncorrectLength, 0x0C)]
    [InlineData("pci", SubchannelStatus.ProgramControlledInterruption, 0x0C)]
    [InlineData("control+interface", SubchannelStatus.ChannelControlCheck | SubchannelStatus.InterfaceControlCheck, 0)]
    public void Every_bit_of_channel_status_is_given(string bits, SubchannelStatus status, byte device)
    {
        _rig.Add($"read -> channel {bits}");
        Irb irb = _rig.Run(FaultRig.Read(15));
        Assert.Equal((status, (DeviceStatus)device, FaultRig.CcwOf(3)), (irb.Scsw.Subchannel, irb.Scsw.Device, irb.Scsw.CcwAddress));
        bool isMild = status is SubchannelStatus.IncorrectLength or SubchannelStatus.ProgramControlledInterruption;
        Assert.Equal(!isMild, (irb.Scsw.StatusControl & StatusControl.Alert) != 0);
        Assert.Equal(StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending,
            irb.Scsw.StatusControl & (StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending));
        Assert.Equal(DeviceState.Idle, _rig.Device.State);
    }

    [Theory]
    [InlineData("busy", 0x10)]
    [InlineData("channel_end+device_end+exception", 0x0D)]
    [InlineData("channel_end+device_end+unit_check", 0x0E)]
    [InlineData("attention+modifier+control_unit_end", 0xE0)]
    public void Every_bit_of_device_status_is_given(string bits, byte status)
    {
        _rig.Add($"read -> status {bits}");
        Assert.Equal((DeviceStatus)status, _rig.Run(FaultRig.Read(15)).Scsw.Device);
    }

    [Theory]
    [InlineData(1, Errno.EBUSY)]
    [InlineData(2, Errno.EBUSY)]
    [InlineData(3, Errno.EACCES)]
    public void A_start_is_not_taken_with_a_condition_code(int code, Errno errno)
    {
        _rig.Add($"write once -> cc {code}");
        Assert.Equal(-(int)errno, _rig.Start(FaultRig.Update(15, 0xA1)));
        Assert.Equal((DeviceState.Idle, 15 / 15), (_rig.Device.State, _rig.Rig.Records(15, 1, 4096)[0]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_start_ends_with_a_deferred_condition_code(byte code)
    {
        _rig.Add($"start once -> deferred {code}");
        Irb irb = _rig.Run(FaultRig.Update(15, 0xA1));
        Assert.Equal((code, FunctionControl.Start), (irb.Scsw.DeferredConditionCode, irb.Scsw.Function));
        Assert.Equal(1, _rig.Rig.Records(15, 1, 4096)[0]);
        AssertWell(_rig.Run(FaultRig.Update(15, 0xA1)));
    }

    [Fact]
    public void Halt_and_clear_are_not_taken_with_a_condition_code()
    {
        _rig.Add("halt once -> cc 2");
        _rig.Add("clear once -> cc 3");
        Assert.Equal(-(int)Errno.EBUSY, _rig.Command(RegionLayout.CommandHalt));
        Assert.Equal(-(int)Errno.ENODEV, _rig.Command(RegionLayout.CommandClear));
        Assert.True(_rig.Command(RegionLayout.CommandClear) > 0);
        Assert.Equal(FunctionControl.Clear, _rig.Next().Scsw.Function);
    }

    [Fact]
    public void A_late_interrupt_comes_when_its_time_has_come()
    {
        _rig.Add("read once -> delay 2s");
        Assert.True(_rig.Start(FaultRig.Read(15)) > 0);
        AwaitKept();
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((DeviceState.Pending, 0ul), (_rig.Device.State, Machine.Take(_rig.Device.IoInterrupt)));
        Assert.True(_rig.Device.Subchannel.Store(out Schib running));
        Assert.Equal((FunctionControl.Start, ActivityControl.SubchannelActive | ActivityControl.DeviceActive),
            (running.Scsw.Function, running.Scsw.Activity));
        Assert.Equal(-(int)Errno.EBUSY, _rig.Device.WriteRegion(RegionIndex.Io, 0, Machine.Request(FaultRig.Program)));
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        AssertWell(_rig.Next());
        AssertWell(_rig.Run(FaultRig.Read(15)));
    }

    [Theory]
    [InlineData("delay 2s", RegionLayout.CommandHalt)]
    [InlineData("delay 2s", RegionLayout.CommandClear)]
    [InlineData("lose", RegionLayout.CommandHalt)]
    [InlineData("lose", RegionLayout.CommandClear)]
    [InlineData("await 0.0.0009", RegionLayout.CommandHalt)]
    [InlineData("await 0.0.0009", RegionLayout.CommandClear)]
    public void Halt_and_clear_end_a_program_whose_interrupt_does_not_come(string action, uint command)
    {
        _rig.Add($"read once -> {action}");
        Assert.True(_rig.Start(FaultRig.Read(15)) > 0);
        AwaitKept();
        Assert.True(_rig.Command(command) > 0);
        Irb irb = _rig.Next();
        Assert.Equal(command == RegionLayout.CommandHalt ? FunctionControl.Halt : FunctionControl.Clear, irb.Scsw.Function & ~FunctionControl.Start);
        _rig.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((DeviceState.Idle, 0ul), (_rig.Device.State, Machine.Take(_rig.Device.IoInterrupt)));
        AssertWell(_rig.Run(FaultRig.Read(15)));
    }

    [Theory]
    [InlineData("delay 2s")]
    [InlineData("lose")]
    [InlineData("late_end 1s")]
    [InlineData("await 0.0.0009")]
    public void A_reset_ends_a_program_whose_interrupt_does_not_come_and_nothing_comes_late(string action)
    {
        _rig.Add($"read once -> {action}");
        Assert.True(_rig.Start(FaultRig.Read(15)) > 0);
        AwaitKept();
        Machine.Take(_rig.Device.IoInterrupt);
        Assert.Equal((Errno)0, _rig.Device.Reset());
        Assert.Equal(DeviceState.Idle, _rig.Device.State);
        _rig.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0ul, Machine.Take(_rig.Device.IoInterrupt));
        AssertWell(_rig.Run(FaultRig.Read(15)));
    }

    [Fact]
    public void A_device_is_unplugged_with_a_status_that_is_kept()
    {
        _rig.Add("read once -> delay 2s");
        _rig.Start(FaultRig.Read(15));
        AwaitKept();
        _rig.Device.Unplug();
        _rig.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(DeviceState.NotOperational, _rig.Device.State);
        Assert.Equal(-(int)Errno.EIO, _rig.Start(FaultRig.Read(15)));
    }

    [Fact]
    public void Device_end_comes_after_channel_end()
    {
        _rig.Add("read once -> late_end 1s");
        Irb first = _rig.Run(FaultRig.Read(15));
        Assert.Equal((DeviceStatus.ChannelEnd, StatusControl.Primary | StatusControl.Pending), (first.Scsw.Device, first.Scsw.StatusControl));
        Assert.Equal(DeviceState.Pending, _rig.Device.State);
        Assert.True(_rig.Device.Subchannel.Store(out Schib ending));
        Assert.Equal(ActivityControl.DeviceActive, ending.Scsw.Activity);
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        Irb second = _rig.Next();
        Assert.Equal((DeviceStatus.DeviceEnd, StatusControl.Secondary | StatusControl.Pending), (second.Scsw.Device, second.Scsw.StatusControl));
        Assert.Equal(DeviceState.Idle, _rig.Device.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Intermediate_status_comes_before_the_end(bool prefetch)
    {
        _rig.Add("read once -> intermediate");
        Irb first = _rig.Run(FaultRig.Read(15), prefetch);
        Assert.Equal((StatusControl.Intermediate | StatusControl.Pending, SubchannelStatus.ProgramControlledInterruption, FunctionControl.Start),
            (first.Scsw.StatusControl, first.Scsw.Subchannel, first.Scsw.Function));
        Assert.Equal(0u, (uint)first.Scsw.Device);
        AssertWell(_rig.Next());
        AssertWell(_rig.Run(FaultRig.Read(15), prefetch));
    }

    [Fact]
    public void An_interrupt_comes_twice_but_never_into_the_next_program()
    {
        _rig.Add("read -> double");
        AssertWell(_rig.Run(FaultRig.Read(15)));
        AssertWell(_rig.Next());
        AssertWell(_rig.Run(FaultRig.Update(15, 1)));
        Assert.Equal(0ul, Machine.Take(_rig.Device.IoInterrupt));
    }

    [Fact]
    public void Interrupts_that_come_twice_and_that_nobody_reads_do_not_pile_up()
    {
        _rig.Add("read -> double");
        for (int i = 0; i < 100; i++)
        {
            Assert.True(_rig.Start(FaultRig.Read(15)) > 0);
            Assert.True(SpinWait.SpinUntil(() => _rig.Device.State == DeviceState.Idle, Machine.Patience));
        }
        Assert.InRange(Machine.Take(_rig.Device.IoInterrupt), 1ul, 200ul);
        Irb last = AssertWell(_rig.Shown());
        Irb again = AssertWell(_rig.Next());
        Assert.Equal((FaultRig.CcwOf(3), FaultRig.CcwOf(3)), (last.Scsw.CcwAddress, again.Scsw.CcwAddress));
        AssertWell(_rig.Run(FaultRig.Update(15, 1)));
        Assert.Equal(0ul, Machine.Take(_rig.Device.IoInterrupt));
    }

    [Fact]
    public void A_rule_that_a_program_cannot_have_leaves_it_to_the_next_one()
    {
        FaultRule unfit = _rig.Add("any -> stale corrupt");
        FaultRule fit = _rig.Add("write -> check data_check");
        AssertCheck(_rig.Run(FaultRig.Update(15, 0xA1)), 2, 0x08);
        Assert.Equal((0, 1), (unfit.Injected, fit.Injected));
        AssertCheck(_rig.Run(FaultRig.Update(15, 0xA1), prefetch: false), 2, 0x08);
        Assert.Equal((0, 2), (unfit.Injected, fit.Injected));
        _rig.Faults.Remove(null);
        _rig.Add("start -> drop corrupt");
        _rig.Add("start -> channel interface");
        Assert.Equal(SubchannelStatus.InterfaceControlCheck, _rig.Run(FaultRig.Update(15, 1), prefetch: false).Scsw.Subchannel);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_happens_beside_a_program_happens_and_the_program_goes_on(bool prefetch)
    {
        _rig.Add("read once -> unsolicited attention");
        AssertWell(_rig.Run(FaultRig.Read(15), prefetch));
        Assert.Equal(DeviceStatus.Attention, _rig.Next().Scsw.Device);
        _rig.Add("read once -> path_off 41");
        AssertWell(_rig.Run(FaultRig.Read(15), prefetch));
        Assert.True(SpinWait.SpinUntil(() => Pam() == 0x80, Machine.Patience));
        _rig.Add("read once -> crw 24020040");
        AssertWell(_rig.Run(FaultRig.Read(15), prefetch));
        List<uint> reports = [];
        bool Has(int count)
        {
            if (Crw() is var report and not 0)
                reports.Add(report);
            return reports.Count == count;
        }
        Assert.True(SpinWait.SpinUntil(() => Has(2), Machine.Patience));
        Assert.Equal([0x0406_0041u, 0x2402_0040u], reports);
    }

    [Fact]
    public void The_end_of_a_wait_for_another_subchannel_ends_that_wait()
    {
        var hub = new FaultHub();
        using var rig = new FaultRig(hub);
        rig.Add("read once -> await 0.0.0009");
        rig.Start(FaultRig.Read(15));
        Assert.True(SpinWait.SpinUntil(() => hub.IsAwaited, Machine.Patience));
        rig.Command(RegionLayout.CommandClear);
        rig.Next();
        Assert.False(hub.IsAwaited);
    }

    [Theory]
    [InlineData("await 0.0.0007", "end")]
    [InlineData("await 0.0.0007:start", "start")]
    public void An_interrupt_waits_for_a_program_of_another_subchannel(string action, string what)
    {
        var hub = new FaultHub();
        using var here = new FaultRig(hub);
        using var there = new FaultRig(hub, number: 7);
        here.Add($"read once -> {action}");
        there.Add("read -> lose");
        here.Start(FaultRig.Read(15));
        Assert.True(SpinWait.SpinUntil(() => hub.IsAwaited, Machine.Patience));
        there.Start(FaultRig.Read(15));
        Assert.True(SpinWait.SpinUntil(() => there.Faults.InjectedFaults == 1, Machine.Patience));
        here.Time.Advance(TimeSpan.Zero);
        Assert.Equal(what == "start" ? DeviceState.Idle : DeviceState.Pending, here.Device.State);
        there.Command(RegionLayout.CommandClear);
        there.Next();
        there.Run(FaultRig.Update(15, 1));
        here.Time.Advance(TimeSpan.Zero);
        AssertWell(here.Next());
    }

    [Fact]
    public void Status_of_its_own_waits_until_no_program_runs()
    {
        _rig.Add("now -> unsolicited attention+device_end+exception");
        Irb irb = _rig.Next();
        Assert.Equal(((DeviceStatus)0x85, StatusControl.Alert | StatusControl.Pending, FunctionControl.None),
            (irb.Scsw.Device, irb.Scsw.StatusControl, irb.Scsw.Function));
        Assert.Empty(_rig.Faults.Rules);
        _rig.Add("now -> unsolicited unit_check sense=service_message");
        Assert.Equal(0x0F, _rig.Next()[Irb.EcwOffset + 6]);
        _rig.Add("read -> unsolicited attention");
        AssertWell(_rig.Run(FaultRig.Read(15)));
        Assert.Equal(DeviceStatus.Attention, _rig.Next().Scsw.Device);
    }

    [Fact]
    public void Paths_go_and_come_and_reports_have_any_content()
    {
        _rig.Add("now -> path_off 40");
        Assert.Equal(0x40, Pam());
        _rig.Add("now -> path_on 40");
        Assert.Equal(0xC0, Pam());
        _rig.Add("now -> crw 24020040");
        Assert.Equal([0x0406_0040u, 0x0402_0040u, 0x2402_0040u], [Crw(), Crw(), Crw()]);
        _rig.Add("now -> path_flap 41");
        for (int i = 0; i < 20; i++)
            _rig.Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(0xC0, Pam());
        Assert.Equal([6, 2, 6, 2, 6, 2, 6, 2, 6, 2], Enumerable.Range(0, 10).Select(_ => (int)(Crw() >> 16) & 0x3F));
        _rig.Add("write -> path_off 40");
        Assert.Equal(SubchannelStatus.InterfaceControlCheck, _rig.Run(FaultRig.Update(15, 1)).Scsw.Subchannel);
    }

    [Fact]
    public void A_write_is_dropped_torn_or_altered_and_the_answer_is_as_ever()
    {
        _rig.Add("write once -> drop corrupt");
        Irb dropped = AssertWell(_rig.Run(FaultRig.Update(15, 0xA1)));
        Assert.Equal((FaultRig.CcwOf(3), 0), (dropped.Scsw.CcwAddress, dropped.Scsw.Residual));
        Assert.Equal(1, _rig.Rig.Records(15, 1, 4096)[0]);

        _rig.Add("write once -> torn 512 corrupt");
        Assert.Equal(0, AssertWell(_rig.Run(FaultRig.Update(15, 0xA2))).Scsw.Residual);
        byte[] torn = _rig.Rig.Records(15, 1, 4096);
        Assert.Equal([0xA2, 0xA2, 0, 0], [torn[0], torn[511], torn[512], torn[4095]]);

        _rig.Add("write once -> flip 100 corrupt");
        AssertWell(_rig.Run(FaultRig.Update(15, 0xA2)));
        byte[] flipped = _rig.Rig.Records(15, 1, 4096);
        Assert.Equal([0xA2, 0xA3, 0xA2], [flipped[99], flipped[100], flipped[101]]);
        Assert.Equal(0xA2, _rig.Memory[FaultRig.DataOf(2) + 100]); // the guest's own is untouched

        _rig.Add("write once -> data 4090:0102030405060708 corrupt");
        AssertWell(_rig.Run(FaultRig.Update(15, 0xA2)));
        Assert.Equal([1, 2, 3, 4, 5, 6], _rig.Rig.Records(15, 1, 4096)[4090..]);
    }

    [Theory]
    [InlineData(0)]      // at the beginning of a page
    [InlineData(0xFFC)]  // the bytes cross into the next page
    public void Altered_bytes_may_lie_in_two_pages(int into)
    {
        int data = FaultRig.DataOf(2) + into;
        _rig.Into = into;
        _rig.Add("read once -> data 0:0102030405060708 corrupt");
        AssertWell(_rig.Run(FaultRig.Read(15)));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 1], _rig.Memory[data..(data + 9)]);
        _rig.Add("write once -> data 2:0102030405060708 corrupt");
        AssertWell(_rig.Run(FaultRig.Update(15, 0xA1)));
        Assert.Equal([0xA1, 0xA1, 1, 2, 3, 4, 5, 6, 7, 8, 0xA1], _rig.Rig.Records(15, 1, 4096)[..11]);
        Assert.Equal([0xA1, 0xA1, 0xA1], _rig.Memory[data..(data + 3)]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_read_is_stale_torn_or_altered_and_the_answer_is_as_ever(bool mayWait)
    {
        using var rig = new FaultRig(memory: mayWait ? static bytes => new HeldStore(bytes) : null);
        Span<byte> storage() => rig.Memory.AsSpan(FaultRig.DataOf(2), 4096);
        storage().Fill(0xEE);
        rig.Add("read once -> stale corrupt");
        AssertWell(rig.Run(FaultRig.Read(15)));
        Assert.False(storage().ContainsAnyExcept((byte)0xEE));

        rig.Add("read once -> torn 512 corrupt");
        AssertWell(rig.Run(FaultRig.Read(15)));
        Assert.Equal([1, 1, 0xEE], [storage()[0], storage()[511], storage()[512]]);

        rig.Add("read once -> flip 100 corrupt");
        AssertWell(rig.Run(FaultRig.Read(15)));
        Assert.Equal([1, 0, 1], [storage()[99], storage()[100], storage()[101]]);
    }

    [Theory]
    [InlineData(RegionLayout.CommandHalt, FunctionControl.Halt)]
    [InlineData(RegionLayout.CommandClear, FunctionControl.Clear)]
    public void Halt_and_clear_are_answered_when_data_that_is_being_altered_is_let_go(uint command, FunctionControl function)
    {
        HeldStore? held = null;
        using var rig = new FaultRig(memory: bytes => held = new HeldStore(bytes, FaultRig.DataOf(2), readsAlone: true));
        rig.Add("read once -> flip 100 corrupt");
        Assert.True(rig.Start(FaultRig.Read(15)) > 0);
        held!.AwaitWaiting(1);
        Assert.True(rig.Command(command) > 0);
        Assert.Equal(0ul, Machine.Take(rig.Device.IoInterrupt));
        held.Release();
        Assert.Equal(function, rig.Next().Scsw.Function & function);
        Assert.Equal(DeviceState.Idle, rig.Device.State);
        AssertWell(rig.Run(FaultRig.Read(15)));
    }

    [Theory]
    [InlineData("SEEK once -> flip 1 corrupt")]  // another cylinder than there is: command reject
    [InlineData("SEEK once -> torn 3 corrupt")]  // fewer bytes than it needs
    public void What_the_device_does_not_take_counts_as_injected(string text)
    {
        FaultRule rule = _rig.Add(text);
        Assert.NotEqual(0, (int)(_rig.Run([Step.Seek(0, 0)]).Scsw.Device & DeviceStatus.UnitCheck));
        Assert.Equal(1, rule.Injected);
        AssertWell(_rig.Run([Step.Seek(0, 0)]));
    }

    [Fact]
    public void A_turn_behind_many_is_taken_and_copies_are_made_for_that_one_alone()
    {
        FaultRule rule = _rig.Add("SEEK nth=75 -> data 2:ffff corrupt");
        AssertCheck(_rig.Run([.. Enumerable.Repeat(Step.Seek(0, 0), 80)]), 74, 0x80);
        Assert.Equal(1, rule.Injected);
    }

    [Fact]
    public void A_program_that_is_not_prefetched_has_faults_too()
    {
        FaultRule rule = _rig.Add("write at=1/1 nth=2 -> check data_check");
        AssertWell(_rig.Run(FaultRig.Update(15, 1), prefetch: false));
        Irb irb = _rig.Run(FaultRig.Update(16, 0xA1, 0xA2, 0xA3), prefetch: false);
        AssertCheck(irb, 3, 0x08);
        byte[] track = _rig.Rig.Records(16, 3, 4096);
        Assert.Equal([0xA1, 2, 3], [track[0], track[4096], track[2 * 4096]]);
        Assert.Equal((2, 1), (rule.Seen, rule.Injected));
        _rig.Faults.Remove(null);
        _rig.Add("start once -> channel interface");
        Irb first = _rig.Run(FaultRig.Update(15, 1), prefetch: false);
        Assert.Equal((SubchannelStatus.InterfaceControlCheck, FaultRig.CcwOf(1)), (first.Scsw.Subchannel, first.Scsw.CcwAddress));
        _rig.Add("write once -> drop corrupt");
        AssertWell(_rig.Run(FaultRig.Update(15, 0xA9), prefetch: false));
        Assert.Equal(0xA9, _rig.Rig.Records(15, 1, 4096)[0]);
        _rig.Add("read once -> lose");
        _rig.Start(FaultRig.Read(15), prefetch: false);
        AwaitKept();
        _rig.Command(RegionLayout.CommandClear);
        Assert.Equal(FunctionControl.Clear, _rig.Next().Scsw.Function);
    }

    [Fact]
    public void A_trace_shows_the_program_of_the_guest_and_the_fault_before_its_status()
    {
        _rig.Add("read once -> check data_check");
        using TraceReader reader = _rig.Trace.Read();
        _rig.Run(FaultRig.Read(15));
        List<string> lines = [.. Traced.Texts(reader, Families.Eckd).Where(line => !line.StartsWith("0.0.0000 - ", StringComparison.Ordinal))];
        Assert.Contains(lines, line => line.Contains("ccw      00001010 READ_DATA_MT count=4096", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("NO_OPERATION", StringComparison.Ordinal));
        Assert.Equal("0.0.0000 #1 injected read once -> check data_check", lines[^2]);
        Assert.Contains("data check", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_are_limited_and_come_and_go()
    {
        Assert.Null(FaultRule.TryParse("read once -> lose", _rig.Faults.Target, out IReadOnlyList<FaultRule> rule));
        for (int i = 0; i < FaultLayer.MaxRules; i++)
            Assert.Equal([i + 1], _rig.Faults.Add(rule));
        Assert.Null(_rig.Faults.Add(rule));
        Assert.True(_rig.Faults.Remove(3));
        Assert.False(_rig.Faults.Remove(3));
        Assert.Equal([FaultLayer.MaxRules + 1], _rig.Faults.Add(rule));
        Assert.Equal(FaultLayer.MaxRules, _rig.Faults.Rules.Count);
        Assert.True(_rig.Faults.Remove(null));
        Assert.Equal("none", _rig.Fact);
        AssertWell(_rig.Run(FaultRig.Read(15)));
    }

    [Fact]
    public void Rules_of_a_configuration_that_stay_go_on_counting()
    {
        IReadOnlyList<FaultRule> Rules(params string[] texts) => [.. texts.SelectMany(text =>
        {
            Assert.Null(FaultRule.TryParse(text, _rig.Faults.Target, out IReadOnlyList<FaultRule> rules));
            return rules;
        })];
        _rig.Faults.Configure(Rules("SENSE_ID times=2 -> check overrun"), null);
        _rig.Add("write -> check data_check");
        Assert.True(Fails());
        _rig.Faults.Configure(Rules("SENSE_ID times=2 -> check overrun"), null);
        Assert.True(Fails());
        Assert.False(Fails());
        _rig.Faults.Configure(Rules("read -> lose", "SENSE_ID times=2 -> check overrun"), null);
        Assert.False(Fails()); // another rule before it changes nothing
        _rig.Faults.Configure(Rules("SENSE_ID -> check bus_out_check"), null);
        Assert.True(Fails(0x20));
        _rig.Faults.Configure([], null);
        Assert.Equal(["write -> check data_check"], _rig.Faults.Rules.Select(rule => rule.Rule.Text));
    }

    private bool Fails(byte? sense = null)
    {
        Irb irb = _rig.Run([Step.R(0xE4, 7).WithSli()]);
        Assert.True(sense is null || irb[Irb.EcwOffset] == sense, $"sense {irb[Irb.EcwOffset]:X2}");
        return irb.Scsw.Device != Ending;
    }

    private void AwaitKept()
    {
        _rig.AwaitBackend();
        Assert.True(SpinWait.SpinUntil(() => _rig.Faults.InjectedFaults > 0, Machine.Patience));
    }

    private byte Pam() => _rig.Faults.Store(out Schib schib) ? schib.Pmcw.Pam : (byte)0;

    private uint Crw()
    {
        byte[] bytes = new byte[8];
        Assert.Equal(8, _rig.Device.ReadRegion(RegionIndex.Crw, 0, bytes));
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    private static Irb AssertWell(Irb irb)
    {
        Assert.Equal((Ending, SubchannelStatus.None), (irb.Scsw.Device, irb.Scsw.Subchannel));
        return irb;
    }

    /// <summary>Unit check at a step, with concurrent sense.</summary>
    private static void AssertCheck(Irb irb, int step, byte sense)
    {
        Assert.Equal((Ending | DeviceStatus.UnitCheck, SubchannelStatus.None), (irb.Scsw.Device, irb.Scsw.Subchannel));
        Assert.Equal(FaultRig.CcwOf(step + 1), irb.Scsw.CcwAddress);
        Assert.Equal(Irb.ErwConcurrentSense | (32u << 16), BinaryPrimitives.ReadUInt32BigEndian(irb[(Irb.EswOffset + 4)..]));
        Assert.NotEqual(0u, irb.Scsw.Control & Scsw.ExtendedControl);
        Assert.Equal(sense, irb[Irb.EcwOffset]);
    }
}
