using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Packed;

namespace CcwFs.Tests.Packed;

/// <summary>What of a guest's program and memory becomes the packed one.</summary>
public sealed class ProgramPackerTests
{
    private const ulong Nop = 0x0320_0001_0000_0000;

    private static string Ccws(PackedProgram program)
    {
        byte[] bytes = new byte[Ccw.Size];
        return string.Join(' ', program.Ccws.Select(ccw =>
        {
            ccw.WriteFormat1(bytes);
            return Convert.ToHexString(bytes);
        }));
    }

    private static string Segments(PackedProgram program) => string.Join(' ', program.Segments.Select(s => $"{s.Address:X}+{s.Bytes.Length:X}"));

    [Fact]
    public void Tics_into_other_chains_and_back_become_offsets()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x3000, 0x0360_0001_0000_0000, 0x0800_0000_0000_1008) // to the second CCW of a chain at lower addresses
            .Ccws(0x1008, 0x0460_0008_0000_8000, 0x0800_0000_0000_5000)
            .Ccws(0x5000, 0x0360_0001_0000_0000, 0x0360_0001_0000_0000, 0x0800_0000_0000_5008, 0x0360_0001_0000_0000, 0x0800_0000_0000_3000)
            .Pack(0x3000);
        Assert.Equal(
            "0360000100000000 0800000000000010 " + // 0, 8: to chain 2 at offset 16
            "0460000800008000 0800000000000020 " + // 16, 24: to chain 3 at 32
            "0360000100000000 0360000100000000 0800000000000028 0360000100000000 0800000000000000", // a loop, and back to the beginning
            Ccws(program));
        GuestImage.AssertSame(program, GuestImage.Read(program.Write(withData: true)));
    }

    [Fact]
    public void A_tic_into_the_middle_of_a_chain_finds_its_ccw()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x1000, 0x0360_0001_0000_0000, 0x0360_0001_0000_0000, 0x0800_0000_0000_2000)
            .Ccws(0x2000, 0x0360_0001_0000_0000, 0x0800_0000_0000_1008)
            .Pack(0x1000);
        Assert.Equal("0360000100000000 0360000100000000 0800000000000018 0360000100000000 0800000000000008", Ccws(program));
    }

    [Fact]
    public void Chains_that_overlap_are_copies_of_which_each_loops_in_itself()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x1000, 0x0360_0001_0000_0000, 0x0360_0001_0000_0000, 0x0800_0000_0000_1008, Nop)
            .Ccws(0x1020, 0x0800_0000_0000_1000)
            .Ccws(0x0FF8, 0x0360_0001_0000_0000)
            .Ccws(0x2000, 0x0360_0001_0000_0000, 0x0800_0000_0000_1000)
            .Pack(0x2000);
        Assert.Equal("0360000100000000 0800000000000010 0360000100000000 0360000100000000 0800000000000018 0320000100000000", Ccws(program));
        GuestImage two = new GuestImage()
            .Ccws(0x1000, 0x0360_0001_0000_0000, 0x0360_0001_0000_0000, 0x0800_0000_0000_1008, 0x0360_0001_0000_0000, 0x0800_0000_0000_0FF8)
            .Ccws(0x0FF8, 0x0360_0001_0000_0000);
        PackedProgram copies = two.Pack(0x1000);
        Assert.Equal(12, copies.Ccws.Count); // the copy goes on behind its TIC back, as any chain
        Assert.Equal([0x08u, 0x28u, 0x38u, 0x28u], copies.Ccws.Where(c => c.IsTransferInChannel).Select(c => c.DataAddress));
    }

    [Fact]
    public void Format_0_is_converted()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x1000, 0x0700_2000_4000_0006, 0x3100_2008_4000_0005, 0xA800_1008_FFFF_FFFF, 0x0600_3000_20FF_0010)
            .Pack(0x1000, OrbControl.Prefetch);
        Assert.Equal("0740000600002000 3140000500002008 0800000000000008 0620001000003000", Ccws(program));
        Assert.Equal("2000+6 2008+5", Segments(program));
        Assert.Equal(PackedProgram.DefaultOrb, program.Orb);
    }

    [Fact]
    public void Idaws_of_format_2_travel_with_what_they_name()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x1000, 0x0544_1010_0000_2000, 0x0624_2000_0000_2100)
            .Words(0x2000, 0x8FF8, 0xA000, 0x6000) // 8 bytes, 4096, 8 bytes of the last
            .Words(0x2100, 0xC000, 0x1_E000) // a READ: the list travels, room does not
            .Pack(0x1000);
        Assert.Equal("2000+18 2100+10 6000+8 8FF8+8 A000+1000", Segments(program));
        Assert.Equal("0544101000002000 0624200000002100", Ccws(program)); // an IDAL CCW's entry has the list's address
        Assert.Equal(PackedProgram.DefaultOrb, program.Orb);
    }

    [Theory]
    [InlineData(GuestImage.Usual & ~OrbControl.Format2Idaws, 4)]
    [InlineData(GuestImage.Usual | OrbControl.TwoKIdaws, 8)]
    public void Idaws_of_2k_blocks_travel_and_the_orb_with_them(uint control, int size)
    {
        var image = new GuestImage();
        image.Ccws(0x1000, 0x0524_0C00_0000_2000);
        if (size == 4)
            image.Words(0x2000, 0x0000_8600_0000_A000);
        else
            image.Words(0x2000, 0x8600, 0xA000);
        PackedProgram program = image.Pack(0x1000, control);
        Assert.Equal($"2000+{2 * size:X} 8600+200 A000+800".Replace("A000+800", "A000+800", StringComparison.Ordinal),
            Segments(image.Ccws(0x1000, 0x0524_0A00_0000_2000).Pack(0x1000, control)));
        Assert.Equal(control, program.Orb.Control);
        GuestImage.AssertSame(program, GuestImage.Read(program.Write(withData: true)));
    }

    [Theory]
    [InlineData(0x0630_0010_0000_3000ul, "")] // SKIP: nothing is stored
    [InlineData(0x0530_0010_0000_3000ul, "3000+10")] // a write takes its data all the same
    [InlineData(0x0520_0000_0000_3000ul, "")] // count 0
    [InlineData(0x0524_0000_0000_3000ul, "3000+8")] // of a list one IDAW is looked at
    [InlineData(0x0320_0010_0000_3000ul, "")] // NOP
    [InlineData(0x0620_0010_0000_3000ul, "")] // READ
    [InlineData(0x0C20_0010_0000_3000ul, "")] // READ BACKWARD
    [InlineData(0x0420_0010_0000_3000ul, "")] // SENSE
    [InlineData(0x0B20_0010_0000_3000ul, "3000+10")] // control
    public void Bytes_travel_that_the_device_is_given(ulong ccw, string segments) =>
        Assert.Equal(segments, Segments(new GuestImage().Ccws(0x1000, ccw).Words(0x3000, 0x8000).Pack(0x1000)));

    [Theory]
    [InlineData("3000+6", 0x05A0_0004_0000_3000ul, 0x0620_0002_0000_3004ul)] // a write goes on, whatever code the CCW has
    [InlineData("3004+2", 0x06A0_0004_0000_3000ul, 0x0520_0002_0000_3004ul)] // to be sure
    [InlineData("", 0x06A0_0004_0000_3000ul, 0x0620_0002_0000_3004ul)]
    public void Data_chains_go_on_with_their_command(string segments, params ulong[] ccws) =>
        Assert.Equal(segments, Segments(new GuestImage().Ccws(0x1000, ccws).Pack(0x1000)));

    [Fact]
    public void A_data_chain_over_a_tic_takes_its_bytes_along()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x1000, 0x05A0_0004_0000_3000, 0x0800_0000_0000_1018, 0, 0x02A0_0004_0000_4000, 0x0220_0004_0000_5000)
            .Pack(0x1000);
        Assert.Equal("3000+4 4000+4 5000+4", Segments(program));
    }

    [Fact]
    public void Pieces_that_touch_or_overlap_are_one_segment()
    {
        PackedProgram program = new GuestImage()
            .Ccws(0x1000, 0x0760_0006_0000_3000, 0x3160_0005_0000_3004, 0x0160_0010_0000_3009, 0x0120_0001_0000_301A)
            .Put(0x3000, [.. Enumerable.Range(1, 0x20).Select(i => (byte)i)])
            .Pack(0x1000);
        Assert.Equal(["3000: " + string.Concat(Enumerable.Range(1, 0x19).Select(i => i.ToString("X2", null))), "301A: 1B"],
            program.Segments.Select(GuestImage.Text));
    }

    [Theory]
    [InlineData("the TIC at 00001008 goes to 00001004, where no CCW can be", 0x1000u, 0x0360_0001_0000_0000ul, 0x0800_0000_0000_1004ul)]
    [InlineData("the CCW at 00100000 is not in the guest's memory", 0x1000u, 0x0360_0001_0000_0000ul, 0x0800_0000_0010_0000ul)]
    [InlineData("the ORB begins at 00001004, where no CCW can be", 0x1004u)]
    [InlineData("the CCW at 7FFFFFF8 is not in the guest's memory", 0x7FFF_FFF8u)]
    [InlineData("CCW 1 uses 16 bytes at 00100000 that are not in the guest's memory", 0x1000u, 0x0360_0001_0000_0000ul, 0x0520_0010_0010_0000ul)]
    [InlineData("CCW 0 uses 16 bytes at 00100000 that are not in the guest's memory", 0x1000u, 0x0620_0010_0010_0000ul)]
    [InlineData("CCW 0: its IDAW at 00100000 is not there", 0x1000u, 0x0524_0010_0010_0000ul)]
    public void What_is_not_there_is_refused(string because, uint head, params ulong[] ccws) =>
        Assert.Equal(because, new GuestImage().Ccws(0x1000, ccws).Refused(head));

    [Fact]
    public void What_the_format_cannot_say_is_refused()
    {
        Assert.Contains("transport-mode", new GuestImage().Refused(0x1000, GuestImage.Usual | OrbControl.TransportMode), StringComparison.Ordinal);
        GuestImage last = new GuestImage().Ccws(0x1000, 0x0524_0010_0000_2000).Words(0x2000, 0xFFFF_FFFF_FFFF_F800);
        Assert.Contains("last page of the address space", last.Refused(0x1000), StringComparison.Ordinal);
    }

    [Fact]
    public void The_addresses_of_the_ccws_are_given_too()
    {
        GuestImage image = new GuestImage().Ccws(0x1000, 0x0360_0001_0000_0000, 0x0800_0000_0000_4000).Ccws(0x4000, Nop);
        Assert.True(ProgramPacker.TryPack(new Orb(7, GuestImage.Usual, 0x1000), image.Read, out _, out IReadOnlyList<uint> addresses, out _));
        Assert.Equal([0x1000u, 0x1008u, 0x4000u], addresses);
    }
}
