using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Packed;
using CcwFs.Fuzz;
using CcwFs.Memory;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Packed;

/// <summary>Guest program, packed, read, restored: the same program, and the same outcome.</summary>
public sealed class PackedRoundTripTests
{
    /// <summary>As much guest memory as the machines of these tests have.</summary>
    private const int Size = Machine.MemorySize;

    private static IovaMap Map(IReadOnlyList<MemoryRun> memory)
    {
        var map = new IovaMap();
        foreach (MemoryRun run in memory)
            Assert.Equal(MapOutcome.Done, map.Map(run.Address, (ulong)run.Bytes.Length, new ArrayStore(run.Bytes), 0, MemoryRights.ReadWrite));
        return map;
    }

    private static RestoredProgram Restore(PackedProgram program, uint? block = null)
    {
        Assert.True(RestoredProgram.TryRestore(program, block, out RestoredProgram? restored, out string error), error);
        return restored!;
    }

    private static PackedProgram Reread(PackedProgram program)
    {
        PackedProgram read = GuestImage.Read(program.Write(withData: true));
        GuestImage.AssertSame(program, read);
        return read;
    }

    /// <summary>
    /// Runs a program where it is, and packed and restored in another machine; IRB, data and pages that a READ filled must be the same.
    /// </summary>
    private static string RunBoth(byte[] memory, in Orb orb)
    {
        using var here = new Rig(cylinders: 5);
        using var there = new Rig(cylinders: 5);
        foreach (Rig rig in (Rig[])[here, there])
            rig.Formatted(1, 4, 4096).Formatted(2, 3, 512, key: 8);
        using var original = new Machine(here.Device);
        memory.CopyTo(original.Memory, 0);
        Assert.True(ProgramPacker.TryPack(orb, Reader(memory), out PackedProgram packed, out IReadOnlyList<uint> addresses, out string error), error);
        RestoredProgram restored = Restore(Reread(packed));
        using var elsewhere = new Machine(there.Device, map: Map(restored.Memory));

        Irb first = original.Run(orb.ProgramAddress, orb.Control);
        Irb second = elsewhere.Run(restored.Orb.ProgramAddress, restored.Orb.Control);
        uint offset = restored.ToOffset(second.Scsw.CcwAddress);
        Assert.InRange(offset, 8u, PackedProgram.OffsetOf(addresses.Count));
        second.Scsw = second.Scsw with { CcwAddress = addresses[(int)(offset / 8) - 1] + 8 };
        Assert.Equal(Convert.ToHexString(first), Convert.ToHexString(second));
        for (int i = 0; i < packed.Ccws.Count; i++)
        {
            if (!packed.Ccws[i].IsTransferInChannel && CommandCode.MovesToStorage(packed.Ccws[i].Command)
                && !packed.Ccws[i].Has(CcwFlags.IndirectData))
            {
                byte[] data = restored.Data(i, packed.Ccws[i].Count, restored.Memory);
                Assert.Equal(Convert.ToHexString(original.Memory.AsSpan((int)packed.Ccws[i].DataAddress, data.Length)), Convert.ToHexString(data));
            }
        }
        return Convert.ToHexString(first);
    }

    private static GuestReader Reader(byte[] memory) => (address, destination) =>
    {
        if (address > (ulong)memory.Length || (ulong)destination.Length > (ulong)memory.Length - address)
            return false;
        memory.AsSpan((int)address, destination.Length).CopyTo(destination);
        return true;
    };

    public static TheoryData<int> Drivers => [.. Enumerable.Range(0, Corpus.Load(null).Count)];

    /// <summary>The programs of the fuzzer's corpus: what drivers send.</summary>
    [Theory]
    [MemberData(nameof(Drivers))]
    public void A_drivers_program_ends_the_same_elsewhere(int number)
    {
        Seed seed = Corpus.Load(null)[number];
        byte[] memory = new byte[Size];
        foreach ((uint address, byte[] bytes) in seed.Memory)
            bytes.CopyTo(memory, address);
        RunBoth(memory, seed.Orb);
    }

    /// <summary>Seek, search, and a read of record 2 of cylinder 0, head 2 (512 bytes with a key of 8) in many shapes.</summary>
    public static TheoryData<string, uint, uint, ulong[]> Shapes => new()
    {
        { "format 1", Machine.Orb64, 0x1000, [0x0760_0006_0000_2000, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0620_0200_0000_3000] },
        { "format 0", OrbControl.Prefetch | 0x8000, 0x1000,
            [0x0700_2000_6000_0006, 0x3100_2008_6000_0005, 0x0800_1008_0000_0000, 0x0600_3000_2000_0200] },
        { "not to be prefetched", Machine.Orb64 & ~OrbControl.Prefetch, 0x1000,
            [0x0760_0006_0000_2000, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0624_0200_0000_2030] },
        { "a chain elsewhere", Machine.Orb64, 0x1000,
            [0x0760_0006_0000_2000, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0360_0001_0000_0000, 0x0800_0000_0000_5000] },
        { "IDAWs of format 2", Machine.Orb64, 0x1000, [0x0764_0006_0000_2020, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0624_0200_0000_2030] },
        { "IDAWs of 2K", Machine.Orb64 | OrbControl.TwoKIdaws, 0x1000,
            [0x0764_0006_0000_2020, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0624_0200_0000_2040] },
        { "IDAWs of format 1", Machine.Orb64 & ~OrbControl.Format2Idaws, 0x1000,
            [0x0764_0006_0000_2050, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0624_0200_0000_2058] },
        { "SKIP and data chaining", Machine.Orb64, 0x1000,
            [0x0760_0006_0000_2000, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x06B0_0010_0000_3000, 0x00A0_0010_0000_3100,
            0x0020_0200_0000_3800] },
        { "count 0", Machine.Orb64, 0x1000,
            [0x0760_0006_0000_2000, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0660_0000_0000_3000, 0x0320_0000_0000_0000] },
        { "incorrect length", Machine.Orb64, 0x1000,
            [0x0760_0006_0000_2000, 0x3160_0005_0000_2008, 0x0800_0000_0000_1008, 0x0640_0100_0000_3000, 0x0320_0001_0000_0000] },
        { "a data chain over a TIC", Machine.Orb64, 0x1000,
            [0x07A0_0003_0000_2000, 0x0800_0000_0000_1018, 0, 0x0060_0003_0000_2003, 0x0620_1000_0000_3000] },
        { "an invalid command", Machine.Orb64, 0x1000, [0x0760_0006_0000_2000, 0x1020_0001_0000_2000] },
        { "an unknown command, key 5, L on", Machine.Orb64 | 0x5000_0080, 0x1000, [0x0760_0006_0000_2000, 0xFF20_0001_0000_2000] },
        { "MIDA", Machine.Orb64, 0x1000, [0x0760_0006_0000_2000, 0x0621_0010_0000_3000] },
        { "an IDAW list that is wrong", Machine.Orb64, 0x1000, [0x0760_0006_0000_2000, 0x0624_1800_0000_2061] },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_program_ends_the_same_elsewhere(string shape, uint control, uint head, ulong[] ccws)
    {
        var image = new GuestImage(Size);
        image.Ccws(head, ccws).Ccws(0x5000, 0x0620_0200_0000_7000);
        image.Put(0x2000, 0, 0, 0, 0, 0, 2).Put(0x2008, 0, 0, 0, 2, 2); // seek and search arguments
        image.Words(0x2020, 0x2000, 0, 0x3F00, 0x4000, 0x3F00, 0x4000); // lists: seek; the record over a page; over two blocks of 2K
        image.Words(0x2050, 0x0000_2000_0000_0000, 0x0000_3F00_0000_4000);
        image.Words(0x2061, 0x3001, 0x4000);
        string irb = RunBoth(image.Bytes, new Orb(0, control, head));
        if (shape == "format 1")
            Assert.Equal("0C000000", irb[16..24]); // it did find the record
    }

    [Fact]
    public void Data_above_4_gib_is_restored_where_it_was()
    {
        var image = new GuestImage(Size);
        image.Ccws(0x1000, 0x0764_0006_0000_2000, 0x0624_0200_0000_2010).Words(0x2000, 0x12_3456_7890, 0, 0x45_0000_0F00, 0x45_1000_0000);
        bool Read(ulong address, Span<byte> destination)
        {
            if (address < Size)
                return image.Read(address, destination);
            destination.Fill((byte)(address >> 36));
            return true;
        }

        Assert.True(ProgramPacker.TryPack(new Orb(0, GuestImage.Usual, 0x1000), Read, out PackedProgram packed, out _, out string error), error);
        RestoredProgram restored = Restore(Reread(packed));
        Assert.Equal([0x0000ul, 0x2000, 0x12_3456_7000, 0x45_0000_0000, 0x45_1000_0000], restored.Memory.Select(run => run.Address));
        Assert.Equal("010101010101", Convert.ToHexString(restored.Memory[2].Bytes.AsSpan(0x890, 6)));
        Assert.Equal((0x12_3456_7890ul, 0x45_0000_0F00ul), (restored.DataAddress(0), restored.DataAddress(1)));
        restored.Memory[3].Bytes.AsSpan(0xF00).Fill(0xAA);
        restored.Memory[4].Bytes.AsSpan().Fill(0xBB);
        Assert.Equal(new string('A', 0x200) + new string('B', 0x200), Convert.ToHexString(restored.Data(1, 0x200, restored.Memory)));
    }

    [Fact]
    public void The_ccws_are_in_a_page_of_their_own()
    {
        PackedProgram program = new GuestImage().Ccws(0x1000, 0x0760_0006_0000_0010, 0x0620_2000_0000_1000).Pack(0x1000);
        Assert.Equal(0x3000u, Restore(program).Block); // the seek address is in page 0, the data in 1 and 2
        RestoredProgram chosen = Restore(program, 0x7FFF_F000);
        Assert.Equal((0x7FFF_F000u, 0x7FFF_F000u), (chosen.Block, chosen.Orb.ProgramAddress));
        Assert.Equal((8u, 0x1234u), (chosen.ToOffset(0x7FFF_F008), chosen.ToOffset(0x1234)));
        foreach (uint block in (uint[])[0x1000, 0x3001, 0x8000_0000])
        {
            Assert.False(RestoredProgram.TryRestore(program, block, out _, out string error));
            Assert.StartsWith($"the CCWs cannot be at {block:X8}", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_block_without_its_data_is_restored_when_it_needs_none()
    {
        byte[] reads = new GuestImage().Ccws(0x1000, 0xE420_0028_0000_2000).Pack(0x1000).Write(withData: false);
        Assert.Equal(2, Restore(GuestImage.Read(reads)).Memory.Sum(run => run.Bytes.Length / 4096));
        byte[] writes = new GuestImage().Ccws(0x1000, 0x0720_0006_0000_2000).Pack(0x1000).Write(withData: false);
        Assert.False(RestoredProgram.TryRestore(GuestImage.Read(writes), null, out _, out string error));
        Assert.Equal("CCW 0 needs 6 bytes at 00002000 that did not come with it; pack it with its data: ccwfs translate --format packed --with-data",
            error);
        byte[] list = new GuestImage().Ccws(0x1000, 0x0624_0006_0000_2000).Pack(0x1000).Write(withData: false);
        Assert.False(RestoredProgram.TryRestore(GuestImage.Read(list), null, out _, out error));
        Assert.StartsWith("CCW 0: its IDAW at 00002000 is not there", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_of_too_much_memory_is_refused()
    {
        byte[] file = new GuestImage().Ccws(0x1000, 0xE420_0028_0000_2000).Pack(0x1000).Write(withData: true);
        byte[] segment = new byte[12 + PackedProgram.MaxData];
        PackedLayoutTests.Hex("00000001 00000000 04000000").CopyTo(segment, 0);
        Assert.False(RestoredProgram.TryRestore(GuestImage.Read([.. file, .. segment]), null, out _, out string error));
        Assert.Equal("the program needs over 64 MiB of memory", error);
    }
}
