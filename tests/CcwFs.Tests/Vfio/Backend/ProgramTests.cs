using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Policy;
using CcwFs.Tests.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>What of a program and its memory reaches the kernel, and how status comes back.</summary>
public sealed class ProgramTests : IDisposable
{
    private const uint Idal = 0x0004_0000; // in the upper half of a CCW: IDA
    private readonly BackendRig _rig = new();

    private FakeKernel Kernel => _rig.Kernel;

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_program_reaches_the_kernel_with_addresses_of_its_map()
    {
        _rig.Ccws(0x1000, 0x0260_1800_0000_2100, 0x0320_0001_1234_5678); // read 6K into 2100 on; no operation
        Assert.Equal(124, _rig.Start());
        var orb = Orb.Read(Kernel.Io);
        Assert.Equal((0x1122_3344u, HostArena.Base), (orb.InterruptionParameter, orb.ProgramAddress));
        Assert.True(orb.Format1 && orb.Format2Idaws && orb.LogicalPathMask == 0x80);
        Assert.Equal("00004000" + new string('0', 16 + (2 * (Irb.Size + 4))), Convert.ToHexStringLower(Kernel.Io.AsSpan(RegionLayout.ScswOffset)));

        byte[] ccws = Kernel.Memory(HostArena.Base, 16);
        var read = Ccw.ReadFormat1(ccws);
        Assert.Equal((0x02, CcwFlags.ChainCommand | CcwFlags.SuppressLength | CcwFlags.IndirectData, 0x1800), (read.Command, read.Flags, read.Count));
        Assert.Equal([BackendRig.GuestBase + 0x2100, BackendRig.GuestBase + 0x3000], Idaws(read.DataAddress, 2));
        // moves nothing: the kernel would leave the guest's address to the channel
        Assert.Equal([ulong.MaxValue], Idaws(Ccw.ReadFormat1(ccws.AsSpan(8)).DataAddress, 1));
        Assert.Equal(_rig.Shared.AddressOf(0), Kernel.Maps[BackendRig.GuestBase].Address);
        Assert.Equal(Machine.MemorySize, (long)Kernel.Maps[BackendRig.GuestBase].Length);
    }

    [Theory]
    [InlineData(0x03, 0x20)] // no operation, suppress length
    [InlineData(0x02, 0x30)] // read and skip, in a write: the channel knows no skip there
    public void Chained_data_has_the_command_that_began_the_chain(byte code, byte flags)
    {
        byte first = code == 0x03 ? (byte)0x02 : (byte)0x01;
        _rig.Ccws(0x1000, ((ulong)first << 56) | 0x00A0_0008_0000_2100, ((ulong)code << 56) | ((ulong)flags << 48) | 0x0000_0008_0000_3000);
        Assert.Equal(124, _rig.Start());
        var next = Ccw.ReadFormat1(Kernel.Memory(HostArena.Base + Ccw.Size, Ccw.Size));
        // so the kernel pins what the channel uses
        Assert.Equal((first, CcwFlags.SuppressLength | CcwFlags.IndirectData), (next.Command, next.Flags));
        Assert.Equal([BackendRig.GuestBase + 0x3000], Idaws(next.DataAddress, 1));
    }

    [Fact]
    public void A_list_of_2K_blocks_keeps_its_blocks_and_a_transfer_leads_to_its_chain()
    {
        _rig.Ccws(0x1000, 0x0244_1000_0000_3000, 0x0800_0000_0000_5000); // read through an IDAL, then TIC
        _rig.Memory.Write(0x3000, [0, 0, 0x21, 0, 0, 0, 0x48, 0, 0, 0, 0x60, 0, 0, 0, 0, 0]); // format 1: 2100, 4800, 6000
        _rig.Ccws(0x5000, 0x0320_0001_0000_0000);
        Assert.Equal(124, _rig.Start(control: OrbControl.Format1 | OrbControl.Prefetch | 0x8000));
        Assert.Equal(OrbControl.Format2Idaws | OrbControl.TwoKIdaws, Orb.Read(Kernel.Io).Control & (OrbControl.Format2Idaws | OrbControl.TwoKIdaws));
        byte[] ccws = Kernel.Memory(HostArena.Base, 16);
        Assert.Equal(
            [BackendRig.GuestBase + 0x2100, BackendRig.GuestBase + 0x4800, BackendRig.GuestBase + 0x6000],
                Idaws(Ccw.ReadFormat1(ccws).DataAddress, 3));
        var transfer = Ccw.ReadFormat1(ccws.AsSpan(8));
        Assert.Equal(0x03, Kernel.Memory(transfer.DataAddress, 1)[0]);
    }

    [Fact]
    public void An_argument_that_a_policy_has_judged_reaches_the_kernel_as_the_copy()
    {
        using var rig = new BackendRig(identity: BackendRig.Dasd);
        rig.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        byte[] extent = Step.DefineExtentBytes(0x40, 0, 0);
        rig.Memory.Write(0x2000, extent);
        rig.Ccws(0x1000, 0x6340_0010_0000_2000, 0x0620_0018_0000_3000);
        Assert.Equal(124, rig.Start());
        rig.Memory.Write(0x2000, new byte[16]);
        byte[] ccws = rig.Kernel.Memory(HostArena.Base, 16);
        ulong copy = Idaws(Ccw.ReadFormat1(ccws).DataAddress, 1, rig.Kernel)[0];
        Assert.InRange(copy, HostArena.Base, HostArena.Base + (ulong)HostArena.Window);
        Assert.Equal(extent, rig.Kernel.Memory((uint)copy, 16));
        Assert.Equal([BackendRig.GuestBase + 0x3000], Idaws(Ccw.ReadFormat1(ccws.AsSpan(8)).DataAddress, 1, rig.Kernel));
    }

    [Fact]
    public void A_program_that_a_policy_refuses_never_reaches_the_kernel()
    {
        using var rig = new BackendRig(identity: BackendRig.Dasd);
        rig.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        byte[] before = [.. rig.Kernel.Io];
        rig.Ccws(0x1000, 0x0520_0010_0000_2000);
        Assert.Equal(124, rig.Start());
        rig.Device.GoOn(WorkThread.Caller);
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
        rig.ReadIrb().WriteInhibited();
        Assert.Equal(before, rig.Kernel.Io);
    }

    [Theory]
    [InlineData(8, 0x1008)]
    [InlineData(0x1000_0000, 0)] // an address of the kernel's own is nobody's business
    public void Status_comes_back_with_the_guests_addresses(uint offset, uint expected)
    {
        _rig.Ccws(0x1000, 0x0320_0001_0000_2000);
        Assert.Equal(124, _rig.Start());
        Assert.Equal(DeviceState.Pending, _rig.Device.State);
        Kernel.Interrupt(BackendRig.Final(HostArena.Base + offset));
        Assert.Equal(1u, _rig.Await(_rig.Device.IoInterrupt));
        Scsw scsw = _rig.ReadIrb().Scsw;
        Assert.Equal((expected, 7, DeviceState.Idle), (scsw.CcwAddress, scsw.Residual, _rig.Device.State));
    }

    [Fact]
    public void Intermediate_and_unsolicited_status_are_carried_and_a_late_signal_is_not_status()
    {
        _rig.Ccws(0x1000, 0x0320_0001_0000_2000);
        Assert.Equal(124, _rig.Start());
        var intermediate = default(Irb);
        intermediate.Scsw = Scsw.Build(
            0, FunctionControl.Start, ActivityControl.SubchannelActive, StatusControl.Intermediate | StatusControl.Pending, HostArena.Base + 8, 0,
            SubchannelStatus.ProgramControlledInterruption, 0);
        Kernel.Interrupt(intermediate);
        Assert.Equal(1u, _rig.Await(_rig.Device.IoInterrupt));
        Assert.Equal((0x1008u, DeviceState.Pending), (_rig.ReadIrb().Scsw.CcwAddress, _rig.Device.State));
        Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        Assert.Equal(1u, _rig.Await(_rig.Device.IoInterrupt));
        _rig.ReadIrb();

        // The same IRB signalled again is none, before a start and after it; what comes behind tells that the signals were taken.
        Kernel.Signal(DeviceInterrupt.Io);
        Settle();
        Assert.Equal(124, _rig.Start());
        Kernel.Signal(DeviceInterrupt.Io);
        Settle();
        Assert.Equal((0ul, DeviceState.Pending), (Machine.Take(_rig.Device.IoInterrupt), _rig.Device.State));

        var attention = default(Irb);
        attention.Scsw = Scsw.Build(0, FunctionControl.None, 0, StatusControl.Alert | StatusControl.Pending, 0, DeviceStatus.Attention, 0, 0);
        Kernel.Interrupt(attention);
        Assert.Equal(1u, _rig.Await(_rig.Device.IoInterrupt));
        Assert.Equal((DeviceStatus.Attention, DeviceState.Pending), (_rig.ReadIrb().Scsw.Device, _rig.Device.State));
    }

    [Fact]
    public void Halt_clear_and_resume_are_the_kernels_requests()
    {
        _rig.Ccws(0x1000, 0x0322_0001_0000_2000);
        Assert.Equal(124, _rig.Start());
        Kernel.Log.Clear();
        Assert.Equal(8, _rig.Command(RegionLayout.CommandHalt));
        Assert.Equal(8, _rig.Command(RegionLayout.CommandClear));
        byte[] io = Machine.Request(0x1000);
        BinaryPrimitives.WriteUInt32BigEndian(io.AsSpan(RegionLayout.ScswOffset), Machine.Start | 0x820); // resume pending, suspended
        Assert.Equal(124, _rig.Device.WriteRegion(RegionIndex.Io, 0, io));
        string[] expected = [$"write Cmd 0 {Host(1)}{Host(0)}", $"write Cmd 0 {Host(2)}{Host(0)}"];
        Assert.Equal(expected, Kernel.Log[..2]);
        Assert.StartsWith("write Io 0 ", Kernel.Log[2], StringComparison.Ordinal);
        Assert.Equal((2 * 24) + "write Io 0 ".Length, Kernel.Log[2].Length); // orb and scsw alone: an unread IRB stays
        Assert.Equal(0x0000_4820u, BinaryPrimitives.ReadUInt32BigEndian(Kernel.Io.AsSpan(RegionLayout.ScswOffset)));
        Assert.Equal(HostArena.Base, Orb.Read(Kernel.Io).ProgramAddress);

        var cleared = default(Irb);
        cleared.Scsw = Scsw.Build(0, FunctionControl.Clear, 0, StatusControl.Pending, 0, 0, 0, 0);
        Kernel.Interrupt(cleared);
        Assert.Equal(1u, _rig.Await(_rig.Device.IoInterrupt));
        Assert.Equal(DeviceState.Idle, _rig.Device.State);
    }

    [Fact]
    public void Reports_are_taken_until_there_is_none()
    {
        Crw gone = Crw.ChannelPath(0x41, Crw.PermanentError), back = Crw.ChannelPath(0x41, Crw.Initialized);
        Kernel.Report(gone, back);
        _rig.Await(_rig.Device.CrwInterrupt);
        Settle();
        byte[] bytes = new byte[RegionLayout.CrwSize];
        foreach (Crw expected in (Crw[])[gone, back, default])
        {
            Assert.Equal(bytes.Length, _rig.Device.ReadRegion(RegionIndex.Crw, 0, bytes));
            Assert.Equal(expected, Crw.Read(bytes));
        }
    }

    [Fact]
    public void The_kernels_maps_follow_the_clients_and_end_before_the_memory_does()
    {
        _rig.Ccws(0x1000, 0x0260_0010_0040_0000, 0x0320_0001_0000_0000);
        Assert.Equal(-(int)Errno.EINVAL, _rig.Start()); // nothing at 400000 yet
        using var more = new GuestBlock(0x2000);
        Assert.Equal(MapOutcome.Done, _rig.Map.Map(0x40_0000, 0x2000, more.Store, 0, MemoryRights.ReadWrite));
        // no address: out of reach
        Assert.Equal(MapOutcome.Done, _rig.Map.Map(0x50_0000, 0x1000, new ArrayStore(new byte[0x1000]), 0, MemoryRights.ReadWrite));
        Assert.Equal(MapOutcome.Done, _rig.Map.Map(0x60_0000, 0x1000, more.Store, 0x1000, MemoryRights.Read)); // nothing that can be pinned
        Assert.Equal(124, _rig.Start());
        Assert.Equal([HostArena.Base, BackendRig.GuestBase, BackendRig.GuestBase + 0x40_0000], Kernel.Maps.Keys);

        // Of a program that runs: it is ended, silently, and the kernel lets go, before the unmapping is answered.
        Kernel.Log.Clear();
        Assert.Equal(MapOutcome.Done, _rig.Map.Unmap(0x40_0000, 0x2000, out _));
        Assert.Equal([HostArena.Base, BackendRig.GuestBase], Kernel.Maps.Keys);
        Assert.Equal(["device Reset 0", "iommu IoasUnmap"], Kernel.Log.Select(l => l.StartsWith("iommu", StringComparison.Ordinal) ? l[..15] : l));
        Assert.Equal(DeviceState.Idle, _rig.Device.State);

        // Nothing changes: nothing is asked.
        _rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Kernel.Log.Clear();
        Assert.Equal(124, _rig.Start());
        Assert.Single(Kernel.Log);
    }

    [Fact]
    public void A_client_and_a_private_run_take_nothing_of_each_others_memory()
    {
        _rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, _rig.Start());
        Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        _rig.Await(_rig.Device.IoInterrupt);

        using var own = new GuestBlock(0x2000);
        own.Put(0, [3, 0x20, 0, 1, 0, 0, 0, 0]);
        ulong ownAddress = own.Store.TryAddress(0, out ulong address, out _) ? address : 0;
        using var ended = new ManualResetEventSlim();
        ulong[] left = [];
        Assert.Equal((Errno)0, _rig.Device.RunPrivate(new AddressSpace(IovaMap.Identity(own.Store)), new Orb(0, Machine.Orb64, 0), (_, final, _) =>
        {
            left = [.. Kernel.Maps.Keys];
            ended.Set();
        }, out _));
        Assert.Equal(ownAddress, Kernel.Maps[BackendRig.GuestBase].Address);
        Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        Assert.True(ended.Wait(Machine.Patience));
        Assert.Equal([HostArena.Base], left); // before its owner is told that it has ended

        Assert.Equal(124, _rig.Start());
        Kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        _rig.Await(_rig.Device.IoInterrupt);
        Assert.Equal(2, Kernel.Maps.Count);
        var client = new Client();
        Assert.Equal((Errno)0, _rig.Device.Take(client));
        Assert.Equal([HostArena.Base], Kernel.Maps.Keys);
        Assert.True(_rig.Device.Attach(client, new AddressSpace(IovaMap.Identity(own.Store), Errno.ENOENT)));
        Assert.Equal(124, _rig.Device.WriteRegion(client, RegionIndex.Io, 0, Machine.Request(0), default, mayWait: false));
        Assert.Equal(ownAddress, Kernel.Maps[BackendRig.GuestBase].Address);
        Assert.True(_rig.Device.Attach(client, null));
        Assert.Equal([HostArena.Base], Kernel.Maps.Keys);
        _rig.Device.GiveBack(client);
    }

    [Fact]
    public void A_guest_address_without_room_above_4G_is_refused()
    {
        using var high = new GuestBlock(0x1000);
        const ulong Top = ulong.MaxValue - 0xFFFF;
        Assert.Equal(MapOutcome.Done, _rig.Map.Map(Top, 0x1000, high.Store, 0, MemoryRights.ReadWrite));
        _rig.Ccws(0x1000, 0x0224_0010_0000_3000);
        byte[] idaw = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(idaw, Top);
        _rig.Memory.Write(0x3000, idaw);
        Assert.Equal(-(int)Errno.EINVAL, _rig.Start());
        Assert.Equal(0, Kernel.Starts);
        Assert.Equal(DeviceState.Idle, _rig.Device.State);
    }

    [Fact]
    public void A_start_with_its_status_allocates_nothing()
    {
        const int Warm = 300, Measured = 100;
        Kernel.IsLogging = false;
        _rig.Ccws(0x1000, 0x0260_1000_0000_2100, 0x0320_0001_0000_0000);
        byte[] request = Machine.Request(0x1000), io = new byte[RegionLayout.IoSize];
        long here = 0, there = 0, last = 0;
        Kernel.Reading = () => last = GC.GetAllocatedBytesForCurrentThread(); // on the backend's thread, for each IRB
        var spin = new SpinWait();
        for (int i = 0; i < Warm + Measured; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread(), thread = Volatile.Read(ref last);
            int written = _rig.Device.WriteRegion(RegionIndex.Io, 0, request);
            long started = GC.GetAllocatedBytesForCurrentThread();
            Kernel.Interrupt(BackendRig.Final(HostArena.Base + 16));
            while (!_rig.Device.IoInterrupt.TryTake(out _))
                spin.SpinOnce();
            long waited = GC.GetAllocatedBytesForCurrentThread();
            int read = _rig.Device.ReadRegion(RegionIndex.Io, 0, io);
            long after = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(written == 124 && read == 124, $"round {i}: {written} {read}");
            if (i < Warm)
                continue;
            here += started - before + after - waited == 0 ? 0 : 1;
            there += Volatile.Read(ref last) - thread == 0 ? 0 : 1;
        }
        Assert.InRange(here, 0, Measured / 10); // what is allocated comes with every round; see Allocations for the others
        Assert.InRange(there, 0, Measured / 10);
    }

    /// <summary>The backend's thread has taken everything that was signalled.</summary>
    private void Settle() => Kernel.Settle();

    private ulong[] Idaws(uint list, int count, FakeKernel? kernel = null) =>
        [.. Enumerable.Range(0, count).Select(i => BinaryPrimitives.ReadUInt64BigEndian((kernel ?? Kernel).Memory(list + (uint)(i * 8), 8)))];

    private static string Host(uint word) => Convert.ToHexStringLower(BitConverter.GetBytes(word));

    private sealed class Client : IDeviceClient
    {
        public string GuestCode => "unknown";

        public void Signal(DeviceInterrupt interrupt)
        {
        }
    }
}
