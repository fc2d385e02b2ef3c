using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio.Backend;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>A kernel that refuses, has less, goes away, or says nothing.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData(Errno.EBUSY, Errno.EBUSY)]
    [InlineData(Errno.EACCES, Errno.EACCES)]
    [InlineData(Errno.ENODEV, Errno.ENODEV)]
    [InlineData(Errno.EOPNOTSUPP, Errno.EOPNOTSUPP)]
    [InlineData(Errno.EINVAL, Errno.EINVAL)]
    [InlineData(Errno.ENOENT, Errno.EINVAL)]
    [InlineData(Errno.EOVERFLOW, Errno.EINVAL)]
    [InlineData(Errno.EPERM, Errno.EPERM)]
    [InlineData(Errno.EFAULT, Errno.EFAULT)]
    [InlineData(Errno.ENOMEM, Errno.ENOMEM)]
    [InlineData(Errno.EIO, Errno.EIO)]
    [InlineData(Errno.ETIMEDOUT, Errno.EIO)] // nothing that the driver gives
    public void What_the_kernel_says_to_a_request_is_what_the_client_hears(Errno kernel, Errno client)
    {
        using var rig = new BackendRig();
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        rig.Kernel.Fails["write Io"] = new([-(int)kernel]);
        rig.Kernel.Fails["write Cmd"] = new([-(int)kernel, -(int)kernel]);
        Assert.Equal(-(int)client, rig.Start());
        Assert.Equal(-(int)client, rig.Command(RegionLayout.CommandHalt));
        Assert.Equal(-(int)client, rig.Command(RegionLayout.CommandClear));
        Assert.Equal((DeviceState.Idle, 124), (rig.Device.State, rig.Start()));
    }

    [Theory]
    [InlineData(3, 124)]
    [InlineData(VfioSubchannel.MaxTries, -(int)Errno.EBUSY)]
    public void EAGAIN_is_tried_again_and_then_busy(int times, int expected)
    {
        using var rig = new BackendRig();
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        rig.Kernel.Fails["write Io"] = new(Enumerable.Repeat(-(int)Errno.EAGAIN, times));
        Assert.Equal(expected, rig.Start());
    }

    [Fact]
    public void A_short_write_is_an_error_and_a_short_irb_no_status()
    {
        using var rig = new BackendRig();
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        rig.Kernel.Fails["write Io"] = new([100 + 1]);
        Assert.Equal(-(int)Errno.EIO, rig.Start());
        Assert.Equal(124, rig.Start());
        rig.Kernel.Fails["read Io"] = new([95 + 1]);
        rig.Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        rig.Kernel.Settle();
        Assert.Equal(DeviceState.Pending, rig.Device.State);
        rig.Kernel.Signal(DeviceInterrupt.Io);
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
    }

    [Fact]
    public void A_kernel_that_refuses_to_map_is_said_and_asked_again()
    {
        using var rig = new BackendRig();
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        rig.Kernel.Fails["IoasMap"] = new([-(int)Errno.ENOMEM]);
        Assert.Equal(-(int)Errno.EFAULT, rig.Start());
        Assert.Equal((0, 124), (rig.Kernel.Starts, rig.Start()));
    }

    [Fact]
    public void A_kernel_without_the_newer_regions_still_starts_programs()
    {
        var kernel = new FakeKernel { Interrupts = 1 };
        kernel.Regions.RemoveWhere(r => r != RegionIndex.Io);
        using var rig = new BackendRig(kernel);
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start(control: Machine.Orb64 & ~0xFF00u)); // any path
        Assert.Equal(0x80, Orb.Read(kernel.Io).LogicalPathMask);
        Assert.Equal(-(int)Errno.EOPNOTSUPP, rig.Command(RegionLayout.CommandHalt));
        Assert.Equal(-(int)Errno.EOPNOTSUPP, rig.Command(RegionLayout.CommandClear));
        byte[] bytes = new byte[RegionLayout.SchibSize];
        Assert.Equal(bytes.Length, rig.Device.ReadRegion(RegionIndex.Schib, 0, bytes));
        var schib = Schib.Read(bytes);
        Assert.Equal((0x2B09, FunctionControl.Start), (schib.Pmcw.DeviceNumber, schib.Scsw.Function));
        kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
        Assert.Equal(
            "cmd (halt and clear are not supported), schib (paths and activity are not known), crw (channel reports do not come)",
            rig.Subchannel.Describe().Single(f => f.Key == "kernel lacks").Value);
        Assert.DoesNotContain(kernel.Log, l => l.StartsWith("write Cmd", StringComparison.Ordinal));
    }

    [Fact]
    public void An_io_only_kernel_with_halt_and_clear_has_them()
    {
        var kernel = new FakeKernel();
        kernel.Regions.ExceptWith([RegionIndex.Schib, RegionIndex.Crw]);
        using var rig = new BackendRig(kernel);
        Assert.Equal((8, 8), (rig.Command(RegionLayout.CommandHalt), rig.Command(RegionLayout.CommandClear)));
    }

    [Theory]
    [InlineData(Errno.EIO, Errno.ENODEV)]
    [InlineData(Errno.ENOTCONN, Errno.ENOTCONN)] // the file system that was the kernel has ended
    public void A_device_that_is_gone_at_a_start_is_unplugged(Errno start, Errno schib)
    {
        using var rig = new BackendRig();
        using var left = new ManualResetEventSlim();
        rig.Device.Leaving += sudden => Mark(sudden, left);
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        rig.Kernel.Fails["write Io"] = new([-(int)start]);
        rig.Kernel.Fails["read Schib"] = new(Enumerable.Repeat(-(int)schib, 100));
        Assert.Equal(-(int)Errno.EIO, rig.Start());
        Assert.True(left.Wait(Machine.Patience), "nobody heard of it");
        Assert.Equal(DeviceState.NotOperational, rig.Device.State);
        Assert.True(rig.Device.IoInterrupt.IsClosed);
        Assert.Equal(-(int)Errno.ENODEV, rig.Device.ReadRegion(RegionIndex.Schib, 0, new byte[RegionLayout.SchibSize]));
        Assert.Equal(Errno.EINVAL, rig.Device.Reset());
        Assert.Empty(rig.Kernel.Maps);
        rig.Device.Dispose();
        Assert.Equal(0, rig.Kernel.OpenFiles);
    }

    [Fact]
    public void A_device_that_goes_while_a_program_runs_ends_the_program()
    {
        using var rig = new BackendRig();
        using var own = new GuestBlock(0x1000);
        own.Put(0, [3, 0x20, 0, 1, 0, 0, 0, 0]);
        using var ended = new ManualResetEventSlim();
        bool byReset = false;
        Assert.Equal((Errno)0, rig.Device.RunPrivate(new AddressSpace(IovaMap.Identity(own.Store)), new Orb(0, Machine.Orb64, 0), (irb, _, _) =>
        {
            byReset = irb is null;
            ended.Set();
        }, out _));
        rig.Kernel.Fails["read Schib"] = new(Enumerable.Repeat(-(int)Errno.ENOTCONN, 100));
        Assert.True(ended.Wait(Machine.Patience), "it waits for ever");
        Assert.True(byReset);
        BackendRig.Eventually(() => rig.Device.State == DeviceState.NotOperational, "it is still there");
    }

    [Fact]
    public void A_device_that_is_asked_back_works_until_it_is_given()
    {
        using var rig = new BackendRig();
        using var asked = new ManualResetEventSlim();
        rig.Device.Leaving += sudden => Mark(!sudden, asked);
        rig.Kernel.Signal(DeviceInterrupt.Request);
        Assert.True(asked.Wait(Machine.Patience));
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start());
    }

    [Fact]
    public void A_kernel_that_does_not_let_memory_go_is_closed()
    {
        using var rig = new BackendRig();
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start());
        rig.Kernel.Fails["IoasUnmap"] = new([-(int)Errno.EBUSY]);
        int before = rig.Kernel.OpenFiles;
        Assert.Equal(MapOutcome.Done, rig.Map.Unmap(0, Machine.MemorySize, out _));
        Assert.Equal(before - 2, rig.Kernel.OpenFiles); // device and iommu, before the memory is given back
        BackendRig.Eventually(() => rig.Device.State == DeviceState.NotOperational, "it is still there");
    }

    [Fact]
    public void A_program_that_never_interrupts_ends_when_a_persons_patience_does()
    {
        using var rig = new BackendRig(timeout: TimeSpan.FromMilliseconds(10));
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start());
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
        Scsw scsw = rig.ReadIrb().Scsw;
        Assert.Equal((SubchannelStatus.InterfaceControlCheck, FunctionControl.Start, DeviceState.Idle),
            (scsw.Subchannel, scsw.Function, rig.Device.State));
        Assert.Contains("device Reset 0", rig.Kernel.Log);
        Assert.Equal(8, rig.Command(RegionLayout.CommandClear));
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
        Assert.Equal(FunctionControl.Clear, rig.ReadIrb().Scsw.Function);
    }

    [Fact]
    public void A_persons_patience_ends_also_while_other_status_comes_and_comes()
    {
        using var rig = new BackendRig(timeout: TimeSpan.FromMilliseconds(300));
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start());
        var attention = default(Irb);
        attention.Scsw = Scsw.Build(0, FunctionControl.None, 0, StatusControl.Alert | StatusControl.Pending, 0, DeviceStatus.Attention, 0, 0);
        using var chatter = new Timer(_ => rig.Kernel.Interrupt(attention), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(20));
        BackendRig.Eventually(
            () =>
            {
                rig.Await(rig.Device.IoInterrupt);
                return rig.ReadIrb().Scsw.Subchannel == SubchannelStatus.InterfaceControlCheck;
            },
            "the program still waits");
    }

    [Fact]
    public void A_defect_where_interrupts_are_waited_for_ends_the_device_alone()
    {
        var log = new LogLines();
        using var rig = new BackendRig(logger: log);
        using var left = new ManualResetEventSlim();
        rig.Device.Leaving += sudden => Mark(sudden, left);
        rig.Kernel.Reading = () => throw new InvalidOperationException("a defect");
        rig.Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        Assert.True(left.Wait(Machine.Patience), "nobody heard of it");
        Assert.Contains(log.Lines, line => line.StartsWith("0.0.0313: waiting for interrupts failed", StringComparison.Ordinal));
        rig.Kernel.Reading = null;
    }

    [Fact]
    public void A_range_that_the_kernel_maps_in_part_is_taken_back_and_asked_for_again_whole()
    {
        using var rig = new BackendRig();
        using var block = new GuestBlock(0x3000);
        Assert.Equal(MapOutcome.Done, rig.Map.Map(0x40_0000, 0x3000, new Paged(block.Store), 0, MemoryRights.ReadWrite));
        rig.Ccws(0x1000, 0x0220_0010_0040_2000);
        rig.Kernel.Fails["IoasMap"] = new([0, 0, -(int)Errno.ENOMEM]); // the rig's memory and a page of the block are mapped
        Assert.Equal(-(int)Errno.EFAULT, rig.Start());
        Assert.Equal([HostArena.Base, BackendRig.GuestBase], rig.Kernel.Maps.Keys);
        Assert.Equal(124, rig.Start());
        Assert.Equal([HostArena.Base, BackendRig.GuestBase, .. new ulong[] { 0x40_0000, 0x40_1000, 0x40_2000 }.Select(a => BackendRig.GuestBase + a)],
            rig.Kernel.Maps.Keys);
    }

    [Fact]
    public void Without_a_timeout_a_program_is_looked_after_and_left_alone()
    {
        using var rig = new BackendRig();
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start());
        int looks = 0;
        rig.Kernel.Reading = () => Interlocked.Increment(ref looks);
        BackendRig.Eventually(() => Volatile.Read(ref looks) >= 2, "nobody looks");
        Assert.Equal(DeviceState.Pending, rig.Device.State);
        Assert.DoesNotContain("device Reset 0", rig.Kernel.Log);
    }

    /// <summary>Memory that lies in this process page by page.</summary>
    private sealed class Paged(IMemoryStore store) : IMemoryStore
    {
        public long Length => store.Length;

        public bool TryAddress(long offset, out ulong address, out long length)
        {
            bool there = store.TryAddress(offset, out address, out length);
            length = Math.Min(length, 4096 - (offset % 4096));
            return there;
        }

        public bool Read(long offset, Span<byte> destination) => store.Read(offset, destination);

        public bool Write(long offset, ReadOnlySpan<byte> source) => store.Write(offset, source);
    }

    private static void Mark(bool expected, ManualResetEventSlim happened)
    {
        if (expected)
            happened.Set();
    }
}
