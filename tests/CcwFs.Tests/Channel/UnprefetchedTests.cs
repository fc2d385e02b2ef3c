using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Policy;
using CcwFs.Tests.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Channel;

/// <summary>ORB P bit 0: each CCW is fetched at its turn.</summary>
public sealed class UnprefetchedTests
{
    private const uint Live = OrbControl.Format1 | 0x8000, Prefetched = Live | OrbControl.Prefetch;
    private const ulong Nop = 0x0340_0000_0000_0000, LastNop = 0x0300_0000_0000_0000;

    [Fact]
    public void A_program_that_reads_its_own_next_CCWs_runs_them()
    {
        using var rig = new Rig();
        rig.Formatted(0, 2, 24).Formatted(1, 1, 4096);
        // Record 1 as an IPL record: a PSW of eight bytes, then a read of record 2 over 0x18 and a transfer to it.
        byte[] first = new byte[24], second = new byte[24];
        BinaryPrimitives.WriteUInt64BigEndian(first.AsSpan(8), 0x0660_0018_0000_1018);
        BinaryPrimitives.WriteUInt64BigEndian(first.AsSpan(16), 0x0800_0000_0000_1018);
        BinaryPrimitives.WriteUInt64BigEndian(second, 0xE460_0007_0000_3000);
        BinaryPrimitives.WriteUInt64BigEndian(second.AsSpan(8), LastNop);
        rig.Device.Run(Step.Extent(0x80, 0, 0), Step.Locate(0x01, 2, 0, 1, 24), Step.W(0x85, first), Step.W(0x85, second)).Ok();
        using var machine = new Machine(rig.Device);
        machine.Ccws(0x1000, 0x0260_0018_0000_1000); // over itself: the next CCW is at 0x1008
        Irb irb = machine.Run(0x1000, Live).Good();
        Assert.Equal((0xFF, 0x1028u), (machine.Memory[0x3000], irb.Scsw.CcwAddress));

        machine.Ccws(0x1000, 0x0260_0018_0000_1000, LastNop);
        machine.Memory[0x3000] = 0;
        machine.Run(0x1000, Prefetched).Good();
        Assert.Equal(0, machine.Memory[0x3000]);
    }

    [Fact]
    public void A_chain_may_be_of_any_length()
    {
        using var machine = new Machine();
        machine.Ccws(0x1000, [.. Enumerable.Repeat(Nop, 999), LastNop]);
        Irb irb = machine.Run(0x1000, Live).Good();
        Assert.Equal((1_000, 0x1000u + 8_000), (machine.TestDevice.Executed, irb.Scsw.CcwAddress));
        Assert.Equal("EINVAL", Machine.Errno(machine.StartAt(0x1000, Prefetched)));
    }

    /// <summary>
    /// CCW-ILS of Hercules: a NOP that is valid in both formats. A real channel shows no incorrect length of an immediate operation in format 0.
    /// </summary>
    [Theory]
    [InlineData(0x8000u, SubchannelStatus.None)]
    [InlineData(0x8000u | OrbControl.Format1, SubchannelStatus.IncorrectLength)]
    [InlineData(0x8000u | OrbControl.Format1 | OrbControl.LengthSuppression, SubchannelStatus.None)]
    [InlineData(0x8000u | OrbControl.Prefetch, SubchannelStatus.IncorrectLength)] // it becomes format 1, as by the kernel
    public void An_immediate_operation_with_a_count_shows_its_length_in_format_1_alone(uint control, SubchannelStatus expected)
    {
        using var machine = new Machine();
        machine.Ccws(0x500, 0x0300_0500_0000_0500);
        Irb irb = machine.Run(0x500, control);
        Assert.Equal((0x508u, DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, expected, 0x500),
            (irb.Scsw.CcwAddress, irb.Scsw.Device, irb.Scsw.Subchannel, irb.Scsw.Residual));
    }

    [Fact]
    public void Only_the_2K_at_the_program_s_address_must_be_there()
    {
        using var machine = new Machine();
        Assert.Equal("EINVAL", Machine.Errno(machine.StartAt(Machine.MemorySize - 2040, Live)));
        machine.Ccws(Machine.MemorySize - 2048, [.. Enumerable.Repeat(Nop, 256)]);
        Irb irb = machine.Run(Machine.MemorySize - 2048, Live);
        Assert.Equal((256, SubchannelStatus.ProgramCheck), (machine.TestDevice.Executed, irb.Scsw.Subchannel));
        Assert.Equal((uint)Machine.MemorySize + 8, irb.Scsw.CcwAddress);
    }

    [Theory]
    [InlineData(0xE420_0010_0200_0000, 0, SubchannelStatus.ProgramCheck)]       // data unmapped
    [InlineData(0xE420_0010_0020_0000, 0, SubchannelStatus.ProtectionCheck)]    // data that may not be written
    [InlineData(0xE424_0010_0200_0000, 0, SubchannelStatus.ProgramCheck)]       // the list unmapped
    [InlineData(0xE424_0010_0000_2002, 0, SubchannelStatus.ProgramCheck)]       // not on a word
    [InlineData(0xE424_0010_0000_2000, 0x8000_3000, SubchannelStatus.ProgramCheck)]
    [InlineData(0xE420_0010_8000_3000, 0, SubchannelStatus.ProgramCheck)]       // 32 bits
    [InlineData(0x0800_0000_0200_0000, 0, SubchannelStatus.ProgramCheck)]       // a transfer to nowhere
    [InlineData(0x0800_0000_0000_1004, 0, SubchannelStatus.ProgramCheck)]
    [InlineData(0xE420_0010_001F_FFF8, 0, SubchannelStatus.ProgramCheck)]       // over the end: the first bytes are there
    public void Faults_come_at_their_turn(ulong ccw, uint idaw, SubchannelStatus expected)
    {
        byte[] memory = new byte[0x20_1000];
        var store = new ArrayStore(memory);
        var map = new IovaMap();
        map.Map(0, Machine.MemorySize, store, 0, MemoryRights.ReadWrite);
        map.Map(0x1F_F000, 0x1000, store, 0x1F_F000, MemoryRights.ReadWrite);
        map.Map(0x20_0000, 0x1000, store, 0x20_0000, MemoryRights.Read);
        if ((ccw & 0xFFFF_FFFF) == 0x1F_FFF8)
            map.Unmap(0x20_0000, 0x1000, out _);
        using var machine = new Machine(map: map);
        ulong[] program = [Nop, Nop, ccw, LastNop];
        for (int i = 0; i < program.Length; i++)
            BinaryPrimitives.WriteUInt64BigEndian(memory.AsSpan(0x1000 + (8 * i)), program[i]);
        BinaryPrimitives.WriteUInt32BigEndian(memory.AsSpan(0x2000), idaw);
        Irb irb = machine.Run(0x1000, Live);
        Assert.Equal((expected, DeviceStatus.None), (irb.Scsw.Subchannel, irb.Scsw.Device & DeviceStatus.UnitCheck));
        Assert.InRange(machine.TestDevice.Executed, 2, 3);
    }

    /// <summary>Under a limit a command's CCWs and IDAWs are fetched before it is executed.</summary>
    [Fact]
    public void What_a_command_leaves_of_its_list_is_not_given_to_the_next()
    {
        using var machine = new Machine(TestDevice.Dasd);
        machine.Device.SetPolicy(new DevicePolicy(CcwFs.CommandSets.Families.Eckd) { MaxCcws = 16 });
        byte sent = 0;
        machine.TestDevice.Commands[0x06] = data => data.Send([++sent, sent, sent, sent]) == 4 ? TestDevice.Good : DeviceStatus.UnitCheck;
        uint[] idaws = [0x87FC, 0x9000, 0xA000];
        for (int i = 0; i < idaws.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(machine.Memory.AsSpan(0x2000 + (4 * i)), idaws[i]);
        machine.Ccws(0x1000, 0x0664_0010_0000_2000, 0x0604_0004_0000_2008); // 4 of 16 bytes, which end with the first IDAW
        machine.Run(0x1000, Live).Good();
        Assert.Equal((1, 0, 2), (machine.Memory[0x87FC], machine.Memory[0x9000], machine.Memory[0xA000]));
    }

    [Theory]
    [InlineData(0u, 2048)]
    [InlineData(OrbControl.Format2Idaws | OrbControl.TwoKIdaws, 2048)]
    [InlineData(OrbControl.Format2Idaws, 4096)]
    public void Data_is_found_through_lists_of_all_kinds_and_chained_data(uint idaws, int block)
    {
        using var machine = new Machine();
        byte[] taken = new byte[64], expected = new byte[64];
        new Random(1).NextBytes(expected);
        machine.TestDevice.Commands[0x05] = data => data.Receive(taken) == taken.Length ? TestDevice.Good : DeviceStatus.UnitCheck;
        int size = (idaws & OrbControl.Format2Idaws) != 0 ? 8 : 4;
        ulong[] blocks = [(ulong)(0x8000 + block - 10), 0x1_0000];
        for (int i = 0; i < 2; i++)
        {
            if (size == 8)
                BinaryPrimitives.WriteUInt64BigEndian(machine.Memory.AsSpan(0x2000 + (8 * i)), blocks[i]);
            else
                BinaryPrimitives.WriteUInt32BigEndian(machine.Memory.AsSpan(0x2000 + (4 * i)), (uint)blocks[i]);
        }
        expected.AsSpan(0, 10).CopyTo(machine.Memory.AsSpan(0x8000 + block - 10));
        expected.AsSpan(10, 20).CopyTo(machine.Memory.AsSpan(0x1_0000));
        expected.AsSpan(30).CopyTo(machine.Memory.AsSpan(0x5000 - 4)); // over a page
        machine.Ccws(0x1000, 0x0584_001E_0000_2000, 0x0800_0000_0000_1800).Ccws(0x1800, 0x0300_0022_0000_4FFC);
        machine.Run(0x1000, Live | idaws).Good();
        Assert.Equal(expected, taken);
    }

    [Fact]
    public void Format_0_is_read_and_a_loop_is_ended()
    {
        using var machine = new Machine { IsEndless = true };
        machine.Ccws(0x1000, 0x0300_1000_4000_0000, 0x1800_1000_0000_0000); // NOP, TIC back
        Assert.Equal(RegionLayout.IoSize, machine.StartAt(0x1000, 0x8000));
        Assert.Equal(8, machine.Command(RegionLayout.CommandHalt));
        machine.Await(machine.Device.IoInterrupt);
        Assert.Equal(FunctionControl.Start | FunctionControl.Halt, machine.ReadIrb().Scsw.Function);
        Assert.Equal(RegionLayout.IoSize, machine.StartAt(0x1000, 0x8000));
        Assert.Equal((Errno)0, machine.Device.Reset());
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        // And one that the guest ends by changing it.
        Assert.Equal(RegionLayout.IoSize, machine.StartAt(0x1000, 0x8000));
        BinaryPrimitives.WriteUInt64BigEndian(machine.Memory.AsSpan(0x1000), 0x0300_1000_0000_0000);
        machine.Await(machine.Device.IoInterrupt);
        machine.ReadIrb().Good();
    }

    [Fact]
    public void A_real_device_is_given_it_prefetched_with_one_warning()
    {
        var log = new LogLines();
        using var machine = new Machine(logger: log);
        machine.Subchannel.PrefetchesAll = true;
        machine.Ccws(0x1000, [.. Enumerable.Repeat(Nop, 299), LastNop]);
        Assert.Equal("EINVAL", Machine.Errno(machine.StartAt(0x1000, Live)));
        machine.Ccws(0x1000, LastNop);
        machine.Run(0x1000, Live).Good();
        Assert.Collection(
            log.Lines,
            line => Assert.Contains("the whole program is prefetched all the same", line, StringComparison.Ordinal),
            line => Assert.Contains("its CCW at 00001000 cannot be translated: the chain there has more than 256 CCWs", line,
                StringComparison.Ordinal));
    }

    [Fact]
    public void What_prefetching_cannot_run_is_named_with_its_CCW_and_runs_with_the_P_bit_off()
    {
        var log = new LogLines();
        using Rig rig = new Rig().Formatted(15, 3, 64);
        using var machine = new Machine(rig.Device, logger: log);
        Step.Seek(1, 0).Out.CopyTo(machine.Memory.AsSpan(0x2000));
        Step.SearchId(1, 0, 3).Out.CopyTo(machine.Memory.AsSpan(0x2010));
        // SEEK; s: SEARCH; TIC x; READ; x: NOP; TIC s
        machine.Ccws(
            0x1000, 0x0740_0006_0000_2000, 0x3140_0005_0000_2010, 0x0800_0000_0000_1020, 0x0620_0050_0000_3000, 0x0340_0000_0000_0000,
                0x0800_0000_0000_1008);
        Irb irb = machine.Run(0x1000, Prefetched);
        Assert.Equal((SubchannelStatus.ProgramCheck, 0x1020u), (irb.Scsw.Subchannel, irb.Scsw.CcwAddress));
        Assert.Contains("its CCW at 00001018, which was not prefetched: it stands behind a TIC", Assert.Single(log.Warnings),
            StringComparison.Ordinal);
        Assert.Equal(0x1020u, machine.Run(0x1000, Live).Good().Scsw.CcwAddress);
        Assert.Equal(3, machine.Memory[0x3000]);
    }

    [Fact]
    public void A_list_in_the_last_words_of_memory_is_named_when_it_cannot_be_read_as_the_kernel_reads_it()
    {
        var log = new LogLines();
        using var machine = new Machine(logger: log);
        const uint List = Machine.MemorySize - 4;
        BinaryPrimitives.WriteUInt32BigEndian(machine.Memory.AsSpan((int)List), 0x3000);
        machine.Ccws(0x1000, LastNop, 0xE424_0008_0000_0000 | List);
        Assert.Equal("EINVAL", Machine.Errno(machine.StartAt(0x1008, Prefetched)));
        Assert.Contains("its CCW at 00001008 cannot be translated: its list of IDAWs", Assert.Single(log.Warnings), StringComparison.Ordinal);
        machine.Run(0x1008, Live).Good();
    }

    [Fact]
    public void Unmapping_a_page_that_it_has_touched_ends_it_and_another_does_not()
    {
        byte[] memory = new byte[Machine.MemorySize];
        var store = new ArrayStore(memory);
        var map = new IovaMap();
        for (ulong page = 0; page < 4; page++)
            map.Map(page << 16, 0x1_0000, store, (long)page << 16, MemoryRights.ReadWrite);
        using var machine = new Machine(map: map) { IsEndless = true };
        new Ccw(0xE4, CcwFlags.ChainCommand | CcwFlags.SuppressLength, 8, 0x1_0000).WriteFormat1(memory.AsSpan(0x1000));
        new Ccw(0x08, CcwFlags.None, 0, 0x1000).WriteFormat1(memory.AsSpan(0x1008));
        Assert.Equal(RegionLayout.IoSize, machine.StartAt(0x1000, Live));
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref memory[0x1_0000]) == 0xFF, Machine.Patience));
        Assert.Equal(MapOutcome.Done, map.Unmap(0x2_0000, 0x1_0000, out _));
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        Assert.Equal(MapOutcome.Done, map.Unmap(0x1_0000, 0x1_0000, out _));
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        memory[0x1_0000] = 0;
        Assert.Equal(0ul, Machine.Take(machine.Device.IoInterrupt));
        Assert.Equal(0, memory[0x1_0000]);
    }

    [Fact]
    public void A_CCW_in_memory_that_does_not_answer_is_waited_for_and_given_up()
    {
        byte[] memory = new byte[Machine.MemorySize];
        var store = new HeldStore(memory, held: 0x8000);
        using var executor = new ChannelExecutor();
        var device = new TestDevice();
        using var vfio = new VfioCcwDevice(
            new EmulatedSubchannel(new SubchannelId(0, 0, 0), new DeviceId(0, 0, 0), [0], device, executor),
                new AddressSpace(IovaMap.Identity(store)), new LogLines());
        BinaryPrimitives.WriteUInt64BigEndian(memory.AsSpan(0x1000), Nop);
        BinaryPrimitives.WriteUInt64BigEndian(memory.AsSpan(0x1008), 0x0800_0000_0000_9000);
        BinaryPrimitives.WriteUInt64BigEndian(memory.AsSpan(0x9000), LastNop);
        for (int round = 1; round <= 2; round++)
        {
            Assert.Equal(RegionLayout.IoSize, vfio.WriteRegion(RegionIndex.Io, 0, Machine.Request(0x1000, Live)));
            vfio.GoOn(WorkThread.Own);
            store.AwaitWaiting(round);
            Assert.Equal((round, DeviceState.Pending), (device.Executed, vfio.State));
            Assert.Equal((Errno)0, vfio.Reset()); // waits a moment, and no longer
            Assert.Equal(DeviceState.Idle, vfio.State);
        }
        store.Release();
        store.AwaitWaiting(0);
        Assert.Equal(RegionLayout.IoSize, vfio.WriteRegion(RegionIndex.Io, 0, Machine.Request(0x1000, Live)));
        vfio.GoOn(WorkThread.Own);
        Assert.True(SpinWait.SpinUntil(() => vfio.State == DeviceState.Idle, Machine.Patience));
        Assert.Equal(4, device.Executed);
    }

    [Fact]
    public void In_memory_that_may_wait_it_runs_the_same()
    {
        using var machine = new Machine(mayWait: true);
        byte[] taken = new byte[24];
        machine.TestDevice.Commands[0x05] = data => data.Receive(taken) == taken.Length ? TestDevice.Good : DeviceStatus.UnitCheck;
        machine.Memory.AsSpan(0x2000, 24).Fill(7);
        machine.Ccws(0x1000, 0xE480_0004_0000_3000, 0x0060_0010_0000_3010, 0x0560_0018_0000_2000, Nop, LastNop);
        machine.Run(0x1000, Live).Good();
        Assert.Equal((0xFF, 7), (machine.Memory[0x3000], taken[23]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_policy_judges_each_command_at_its_turn(bool mayWait)
    {
        using var rig = new Rig();
        rig.Formatted(0, 12, 4096).Formatted(15, 12, 4096);
        var log = new LogLines();
        using var machine = new Machine(rig.Device, mayWait: mayWait, logger: log);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Extents = PolicyRig.Tracks("1-1") });
        byte[] before = rig.Records(0, 12, 4096);
        int[] tracks = [15, 0];
        foreach (int track in tracks)
        {
            Step[] steps = [.. WriteRuleTests.Update(track)];
            for (int i = 0; i < 3; i++)
                steps[i].Out.CopyTo(machine.Memory, 0x2_0000 + (i * 0x2000));
            machine.Ccws(0x1000, 0x6380_0003_0002_0000, 0x0340_000D_0002_0003, 0x4740_0010_0002_2000, 0x8500_1000_0002_4000);
            Irb irb = machine.Run(0x1000, Live);
            if (track == 15)
                irb.Good();
            else
                Assert.Equal(0x1018u, irb.WriteInhibited().Scsw.CcwAddress); // the extent ran, the locate did not
        }
        Assert.Equal(before, rig.Records(0, 12, 4096));
        Assert.Contains("LOCATE_RECORD", Assert.Single(log.Lines), StringComparison.Ordinal);

        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands("E4"), MaxCcws = 3 });
        machine.Ccws(0x1000, Nop, 0xE420_0010_0000_3000);
        machine.Run(0x1000, Live).Refused(0x80, 0, 1);
        machine.Ccws(0x1000, Nop, Nop, Nop, LastNop);
        Assert.Equal(0x1020u, machine.Run(0x1000, Live).Refused(0x80, 0, 0).Scsw.CcwAddress);
        machine.Ccws(0x1000, Nop, 0x06A0_0001_0000_3000, 0x0020_0001_0000_3001);
        machine.Run(0x1000, Live).Refused(0x80, 0, 0x02); // in order by the policy; READ without a seek
    }

    [Fact]
    public void The_copy_that_was_judged_is_what_the_device_gets()
    {
        using var machine = new Machine(TestDevice.Dasd);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Extents = PolicyRig.Tracks("1") });
        byte[] good = Step.DefineExtentBytes(0x00, 15, 15), taken = new byte[16];
        machine.TestDevice.Commands[0x63] = data =>
        {
            machine.Memory.AsSpan(0x2000, 16).Fill(0xEE);
            machine.Memory.AsSpan(0x1008, 8).Fill(0xEE); // the CCW of the rest too
            data.Receive(taken);
            return TestDevice.Good;
        };
        good.CopyTo(machine.Memory, 0x2000);
        machine.Ccws(0x1000, 0x6380_0008_0000_2000, 0x0000_0008_0000_2008).Run(0x1000, Live).Good();
        Assert.Equal(good, taken);
    }

    [Fact]
    public void A_program_may_read_its_own_later_argument()
    {
        using var rig = new Rig();
        rig.Formatted(0, 1, 24);
        byte[] record = new byte[24];
        Step.DefineExtentBytes(0x40, 0, 0).CopyTo(record, 0);
        rig.Device.Run(Step.Extent(0x80, 0, 0), Step.Locate(0x01, 1, 0, 1, 24), Step.W(0x85, record)).Ok();
        using var machine = new Machine(rig.Device);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        machine.Ccws(0x1000, 0x0740_0006_0000_2000, 0x0660_0018_0000_3000, 0x6300_0010_0000_3000);
        machine.Run(0x1000, Live).Good();
        machine.Run(0x1000, Prefetched).Refused(0x80, 0, 2);
    }
}
