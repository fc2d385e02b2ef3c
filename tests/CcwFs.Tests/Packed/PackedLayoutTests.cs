using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Packed;

namespace CcwFs.Tests.Packed;

/// <summary>The block byte for byte, and what fits into it.</summary>
public sealed class PackedLayoutTests
{
    private static GuestImage Search() => new GuestImage()
        .Ccws(0x1000, 0x0740_0006_0000_2000, 0x3140_0005_0000_2008, 0x0800_0000_0000_1008, 0x0620_0010_0000_3000)
        .Put(0x2000, 0, 0, 0, 1, 0, 2).Put(0x2008, 0, 1, 0, 2, 3);

    [Fact]
    public void A_program_with_its_data_is_a_block_and_segments()
    {
        byte[] file = Search().Pack(0x1000).Write(withData: true);
        byte[] expected = new byte[4096];
        Put(expected, 0, "07400006 00000800"); // SEEK, cc, 6 bytes; its entry is at 2048
        Put(expected, 8, "31400005 00000808"); // SEARCH ID EQUAL
        Put(expected, 16, "08000000 00000008"); // TIC to offset 8
        Put(expected, 24, "06200010 00000818"); // READ DATA
        Put(expected, 32, "03000000 00000000"); // the NOP
        Put(expected, 2048, "00000000 00002000"); // where the guest has the seek address
        Put(expected, 2056, "00000000 00002008");
        Put(expected, 2072, "00000000 00003000"); // where it wants the record
        expected =
        [
            .. expected,
            .. Hex("00000000 00002000 00000006 000000010002"), // u64 address, u32 length, bytes
            .. Hex("00000000 00002008 00000005 0001000203"),
        ];
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(file));
    }

    [Fact]
    public void Without_data_it_is_the_block_alone()
    {
        PackedProgram program = Search().Pack(0x1000);
        byte[] block = program.Write(withData: false);
        Assert.Equal(program.Write(withData: true)[..4096], block);
        PackedProgram read = GuestImage.Read(block);
        Assert.Equal(program.Ccws, read.Ccws);
        Assert.Empty(read.Segments);
    }

    [Fact]
    public void An_unusual_orb_is_the_last_segment()
    {
        const uint Control = GuestImage.Usual | OrbControl.LengthSuppression | 0x5000_0000 | 0x8000; // key 5, path 80
        byte[] file = Search().Pack(0x1000, Control).Write(withData: true);
        Assert.Equal("FFFFFFFFFFFFF000" + "0000000C" + "00000000" + "50C20080" + "00000000", Convert.ToHexString(file.AsSpan(^24)));
        Assert.Equal(0x50C2_0080u, GuestImage.Read(file).Orb.Control);
    }

    [Theory]
    [InlineData(0x00C0_0000u)] // no IDAW, so their format is nobody's concern
    [InlineData(0x00C1_0000u)]
    [InlineData(0x00C2_FF00u)] // the path mask stays behind
    public void The_usual_orb_is_left_out(uint control) => Assert.Equal(PackedProgram.DefaultOrb, Search().Pack(0x1000, control).Orb);

    [Fact]
    public void Two_hundred_and_fifty_five_ccws_fill_the_block()
    {
        ulong[] ccws = [.. Enumerable.Repeat(0x0460_0008_0000_8000ul, 254), 0x0420_0008_0000_8000];
        PackedProgram program = new GuestImage().Ccws(0x1000, ccws).Pack(0x1000);
        byte[] block = program.Write(withData: true);
        Assert.Equal(4096, block.Length); // SENSE takes room, not bytes
        Assert.Equal("0300000000000000", Convert.ToHexString(block.AsSpan(2040, 8)));
        Assert.Equal("0000000000008000" + "0000000000000000", Convert.ToHexString(block.AsSpan(4080)));
        GuestImage.AssertSame(program, GuestImage.Read(block));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(1000)]
    public void More_ccws_are_refused_with_their_count(int count)
    {
        ulong[] ccws = [.. Enumerable.Repeat(0x0360_0001_0000_0000ul, count - 1), 0x0320_0001_0000_0000];
        Assert.Equal($"the program has {count} CCWs; a packed one holds 255", new GuestImage().Ccws(0x1000, ccws).Refused(0x1000));
    }

    [Fact]
    public void All_chains_count()
    {
        ulong[] first = [.. Enumerable.Repeat(0x0360_0001_0000_0000ul, 199), 0x0800_0000_0000_4000];
        ulong[] second = [.. Enumerable.Repeat(0x0360_0001_0000_0000ul, 99), 0x0320_0001_0000_0000];
        GuestImage image = new GuestImage().Ccws(0x1000, first).Ccws(0x4000, second);
        Assert.Equal("the program has 300 CCWs; a packed one holds 255", image.Refused(0x1000));
        ulong[] endless = [.. Enumerable.Repeat(0x0360_0001_0000_0000ul, 0x8000)];
        Assert.Equal("the program has 16384 CCWs or more; a packed one holds 255", new GuestImage().Ccws(0, endless).Refused(0));
    }

    internal static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    private static void Put(byte[] block, int offset, string hex) => Hex(hex).CopyTo(block, offset);
}
