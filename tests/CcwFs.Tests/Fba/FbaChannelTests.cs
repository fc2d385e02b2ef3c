using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Policy;
using CcwFs.CommandSets;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Fba;

/// <summary>Programs for a 9336 through a subchannel: data chaining as Linux does it, indirect addresses, discards, policies.</summary>
public sealed class FbaChannelTests : IDisposable
{
    private const uint Program = 0x1000, Parameters = 0x2000, List = 0x3000;
    private const int Data = 0x1_0000, Blocks = 96;
    private const ulong Chain = 0x40UL << 48, DataChain = 0x80UL << 48, Sli = 0x20UL << 48, Indirect = 0x04UL << 48;

    private readonly FbaRig _rig = new();
    private readonly Machine _machine;

    public FbaChannelTests() => _machine = new Machine(_rig.Device);

    public void Dispose()
    {
        _machine.Dispose();
        _rig.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Blocks_are_data_chained_as_Linux_does(bool writes)
    {
        byte[] bytes = FbaRig.Bytes(Blocks * 512, 1);
        if (writes)
            bytes.CopyTo(_machine.Memory, Data);
        else
            _rig.Put(20, bytes);
        Begin(writes ? FbaRig.Verify : FbaRig.Read, Blocks, 20);
        for (int i = 0; i < Blocks; i++)
            Put(2 + i, (byte)(writes ? 0x41 : 0x42), 512, (uint)(Data + (i * 512)), i < Blocks - 1 ? DataChain : 0);
        Assert.True(IsGood(_machine.Run(Program)));
        Assert.Equal(bytes, writes ? _rig.Get(20, Blocks) : _machine.Memory[Data..(Data + bytes.Length)]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Blocks_lie_where_indirect_addresses_say(bool writes)
    {
        byte[] bytes = FbaRig.Bytes(16 * 512, 2);
        for (int i = 0; i < 2; i++) // the pages in the other order
        {
            BinaryPrimitives.WriteUInt64BigEndian(_machine.Memory.AsSpan((int)List + (8 * i)), (ulong)(Data + ((1 - i) * 4096)));
            if (writes)
                bytes.AsSpan(i * 4096, 4096).CopyTo(_machine.Memory.AsSpan(Data + ((1 - i) * 4096)));
        }
        if (!writes)
            _rig.Put(20, bytes);
        Begin(writes ? FbaRig.Verify : FbaRig.Read, 16, 20);
        Put(2, (byte)(writes ? 0x41 : 0x42), bytes.Length, List, Indirect);
        Assert.True(IsGood(_machine.Run(Program)));
        Assert.Equal(bytes, writes ? _rig.Get(20, 16) : [.. _machine.Memory[(Data + 4096)..(Data + 8192)], .. _machine.Memory[Data..(Data + 4096)]]);
    }

    [Fact]
    public void A_discard_is_a_write_of_nothing()
    {
        _rig.Put(0, FbaRig.Bytes(200 * 512, 3));
        Begin(FbaRig.Write, 96, 20);
        Put(2, 0x41, 0, 0, Sli);
        Assert.True(IsGood(_machine.Run(Program)));
        Assert.Equal(-1, _rig.Get(20, 96).AsSpan().IndexOfAnyExcept((byte)0));
        Assert.NotEqual(-1, _rig.Get(116).AsSpan().IndexOfAnyExcept((byte)0));
    }

    /// <summary>A write that is cut off must not be taken for one that gives less.</summary>
    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public void A_command_that_is_too_long_for_memory_that_may_wait_is_a_check_and_writes_no_zeros(int pieces, bool good)
    {
        const int Piece = 128 * 512; // by two CCWs
        using var rig = new FbaRig(2000);
        using var machine = new Machine(rig.Device, mayWait: true);
        byte[] before = FbaRig.Bytes(2000 * 512, 4);
        rig.Put(0, before);
        foreach (bool writes in (bool[])[true, false])
        {
            Begin(machine, writes ? FbaRig.Write : FbaRig.Read, 2000, 0);
            for (int i = 0; i < 2 * pieces; i++)
                Put(machine, 2 + i, (byte)(writes ? 0x41 : 0x42), Piece / 2, Data, i < (2 * pieces) - 1 ? DataChain : Sli);
            Irb irb = machine.Run(Program);
            Assert.Equal(good, IsGood(irb));
            Assert.Equal(!good, (irb.Scsw.Subchannel & SubchannelStatus.ProgramCheck) != 0);
            if (writes)
                Assert.Equal(good ? new byte[512] : before[^512..], rig.Get(1999));
        }
    }

    [Fact]
    public void A_policys_extents_are_blocks()
    {
        Assert.Null(ExtentRanges.TryParse("10-19", Families.Fba, out ExtentRanges? blocks));
        _machine.Device.SetPolicy(new DevicePolicy(Families.Fba) { Extents = blocks });
        foreach ((uint block, bool allowed) in ((uint, bool)[])[(9, false), (10, true), (19, true), (20, false)])
        {
            Begin(FbaRig.Write, 1, block);
            Put(2, 0x41, 512, Data, 0);
            Assert.Equal((block, allowed), (block, IsGood(_machine.Run(Program))));
        }
    }

    [Fact]
    public void Its_types_are_those_of_its_family() =>
        Assert.Equal((("9336/10", "6310/01"), Families.Fba),
            ((_machine.Emulated.Identity.DeviceType, _machine.Emulated.Identity.ControlUnitType), _machine.Emulated.Identity.Commands));

    private static bool IsGood(Irb irb) =>
        irb.Scsw is { Device: DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, Subchannel: SubchannelStatus.None };

    private void Begin(byte operation, int count, uint block) => Begin(_machine, operation, count, block);

    private static void Begin(Machine machine, byte operation, int count, uint block)
    {
        Step extent = FbaRig.Extent(0xC0, block, block, block + (uint)count - 1), locate = FbaRig.Locate(operation, count, block);
        extent.Out.CopyTo(machine.Memory, (int)Parameters);
        locate.Out.CopyTo(machine.Memory, (int)Parameters + 16);
        Put(machine, 0, 0x63, 16, Parameters, Chain);
        Put(machine, 1, 0x43, 8, Parameters + 16, Chain);
    }

    private void Put(int index, byte command, int count, uint address, ulong flags) => Put(_machine, index, command, count, address, flags);

    private static void Put(Machine machine, int index, byte command, int count, uint address, ulong flags) =>
        machine.Ccws(Program + (uint)(index * 8), ((ulong)command << 56) | flags | ((ulong)count << 32) | address);
}
