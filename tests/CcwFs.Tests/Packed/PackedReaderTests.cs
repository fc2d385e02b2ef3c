using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Packed;

namespace CcwFs.Tests.Packed;

/// <summary>Files that claim to be packed programs.</summary>
public sealed class PackedReaderTests
{
    /// <summary>SEEK (6 bytes at 2000), TIC to it, SENSE, NOP.</summary>
    private static byte[] File() => new GuestImage()
        .Ccws(0x1000, 0x0740_0006_0000_2000, 0x0800_0000_0000_1000, 0x0420_0008_0000_3000)
        .Put(0x2000, 1, 2, 3, 4, 5, 6)
        .Pack(0x1000).Write(withData: true);

    public static TheoryData<string, int, string> Damage => new()
    {
        // what the error says; where; hex that is put there
        { "the NOP behind the last CCW is missing", 24, "04" },
        { "the NOP behind the last CCW is missing", 24, "0340" },
        { "the NOP behind the last CCW is missing", 24, "0380" },
        { "the NOP behind the last CCW is missing", 24, "03000000 00000808" },
        { "the NOP behind the last CCW is missing", 2047, "01" },
        { "CCW 0 at offset 0 points to 2056; its entry is at 2048", 4, "00000808" },
        { "CCW 0 at offset 0 points to 2049; its entry is at 2048", 4, "00000801" },
        { "CCW 2 at offset 16 points to 4294967295", 20, "FFFFFFFF" },
        { "CCW 2 at offset 16 points to 0", 20, "00000000" },
        { "CCW 1 at offset 8 is a TIC to 4, where no CCW is", 12, "00000004" },
        { "CCW 1 at offset 8 is a TIC to 32, where no CCW is", 12, "00000020" },
        { "CCW 1 at offset 8 is a TIC to 4294967288, where no CCW is", 12, "FFFFFFF8" },
        { "CCW 1 at offset 8 is a TIC, but its entry is not 0", 2056, "00000000 00000001" },
        { "CCW 0 at offset 0 has the address 100000000, which no CCW can hold", 2048, "00000001 00000000" },
        { "entry 3 at offset 2072 belongs to no CCW and is not 0", 2072, "00000000 00000001" },
        { "entry 255 at offset 4088 belongs to no CCW and is not 0", 4095, "01" },
        { "the segment at offset 4096 has 0 bytes", 4104, "00000000" },
        { "the segment at offset 4096 has 4294967295 bytes; it has 1 to 67108864", 4104, "FFFFFFFF" },
        { "the segment at offset 4096 has 67108865 bytes", 4104, "04000001" },
        { "the segment at offset 4096 is cut: 6 of 7 bytes are there", 4104, "00000007" },
        { "the segment at offset 4113 is cut", 4104, "00000005" },
        { "the segment at offset 4096 reaches over address FFFFFFFFFFFFF000", 4096, "FFFFFFFF FFFFEFFB" },
        { "the segment at offset 4096 reaches over address FFFFFFFFFFFFF000", 4096, "FFFFFFFF FFFFF001" },
        { "the segment at offset 4096 is the ORB, 12 bytes, and has 6", 4096, "FFFFFFFF FFFFF000" },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public void Damage_is_named(string because, int at, string hex)
    {
        byte[] file = File();
        PackedLayoutTests.Hex(hex).CopyTo(file, at);
        Assert.StartsWith(because, Refused(file), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    public void A_cut_block_is_refused(int length) =>
        Assert.StartsWith("a packed program has 4096 to ", Refused(File()[..length]), StringComparison.Ordinal);

    [Fact]
    public void A_block_of_zeros_or_of_a_nop_alone_is_refused()
    {
        Assert.StartsWith("the NOP behind", Refused(new byte[4096]), StringComparison.Ordinal);
        byte[] nop = new byte[4096];
        nop[0] = 3;
        Assert.Equal("there is no CCW before the NOP", Refused(nop));
    }

    [Theory]
    [InlineData("0000000000002005 00000001 00", "the segments for 2000 and 2005 overlap")]
    [InlineData("0000000000001FFF 00000002 0000", "the segments for 1FFF and 2000 overlap")]
    [InlineData("0000000000002000 00000006 000000000000", "the segments for 2000 and 2000 overlap")]
    [InlineData("FFFFFFFFFFFFF000 0000000C 00000000 00420000 00000000", "the ORB is not one for format-1 CCWs")]
    [InlineData("FFFFFFFFFFFFF000 0000000C 00000000 00C60000 00000000", "the ORB is not one for format-1 CCWs")]
    [InlineData("FFFFFFFFFFFFF000 0000000C 00000000 00C20000 00000004", "the ORB begins at 4, where no CCW is")]
    [InlineData("FFFFFFFFFFFFF000 0000000C 00000000 00C20000 00000018", "the ORB begins at 24, where no CCW is")]
    public void Segments_that_contradict_are_refused(string segment, string because) =>
        Assert.Equal(because, Refused([.. File(), .. PackedLayoutTests.Hex(segment)]));

    [Fact]
    public void A_second_orb_is_refused()
    {
        byte[] orb = PackedLayoutTests.Hex("FFFFFFFFFFFFF000 0000000C 00000000 00C20000 00000008");
        Assert.Equal(8u, GuestImage.Read([.. File(), .. orb]).Orb.ProgramAddress);
        Assert.Equal("the segment at offset 4138 is a second ORB", Refused([.. File(), .. orb, .. orb]));
    }

    [Fact]
    public void Segments_may_come_in_any_order_and_the_nop_may_name_its_entry()
    {
        byte[] file = [.. File(), .. PackedLayoutTests.Hex("0000000000001000 00000001 AA")];
        PackedLayoutTests.Hex("03200001 00000818").CopyTo(file, 24);
        PackedProgram program = GuestImage.Read(file);
        Assert.Equal(["1000: AA", "2000: 010203040506"], program.Segments.Select(GuestImage.Text));
    }

    [Fact]
    public void Too_many_segments_are_refused()
    {
        byte[] segments = new byte[(PackedProgram.MaxSegments + 1) * 13];
        for (int i = 0; i <= PackedProgram.MaxSegments; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(segments.AsSpan(i * 13), 0x10_0000 + (2 * (ulong)i));
            segments[(i * 13) + 11] = 1;
        }
        byte[] block = File()[..4096];
        Assert.Contains("over 16384", Refused([.. block, .. segments]), StringComparison.Ordinal);
        Assert.Equal(PackedProgram.MaxSegments, GuestImage.Read([.. block, .. segments[..^13]]).Segments.Count);
    }

    [Fact]
    public void Programs_of_text_are_told_from_packed_ones()
    {
        Assert.True(PackedReader.Recognizes(File()));
        Assert.False(PackedReader.Recognizes("SENSE_ID sli count=40\n"u8));
        Assert.False(PackedReader.Recognizes(Enumerable.Repeat((byte)'#', 5000).ToArray()));
    }

    private static string Refused(byte[] file)
    {
        Assert.False(PackedReader.TryRead(file, out PackedProgram program, out string error));
        Assert.Empty(program.Ccws);
        Assert.DoesNotContain('\n', error);
        return error;
    }
}
