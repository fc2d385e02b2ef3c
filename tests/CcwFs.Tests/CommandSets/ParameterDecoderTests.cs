using System.Text;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;
using CcwFs.CommandSets.Text;

namespace CcwFs.Tests.CommandSets;

/// <summary>Parameters of commands, field by field and as a short line.</summary>
public sealed class ParameterDecoderTests
{
    private const int Rounds = 20;

    public static TheoryData<string, string> Commands
    {
        get
        {
            var commands = new TheoryData<string, string>();
            foreach (CommandSet family in Families.All)
            {
                foreach (CommandDescription row in family.Rows.Where(row => row.Layout is not null))
                    commands.Add(family.Name, row.Word);
            }
            return commands;
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Any_bytes_decode_and_each_is_in_one_field(string family, string word)
    {
        var random = new Random(7);
        CommandSet commands = Families.Find(family)!;
        CommandDescription command = commands.Find(word)!;
        for (int length = 0; length <= command.Layout!.Size + 40; length++)
        {
            for (int round = 0; round < Rounds; round++)
            {
                byte[] bytes = new byte[length];
                if (round > 0)
                    random.NextBytes(bytes);
                if (length > 0 && round % 2 == 1)
                    bytes[0] = (byte)random.Next(4); // formats of PREFIX
                if (length > 20 && round % 4 == 3)
                    (bytes[0], bytes[18]) = ((byte)random.Next(64), 0); // few extended parameters
                DecodedStructure decoded = Decode(family, word, Convert.ToHexString(bytes));
                Assert.DoesNotContain('\n', decoded.Summary);
                int at = 0;
                foreach (DecodedField field in decoded.Fields)
                {
                    Assert.Equal((at, 0), (field.Offset, field.Bit));
                    Assert.NotEmpty(field.Meaning);
                    Assert.Equal(Convert.ToHexString(bytes, at, field.BitLength / 8), field.Hex);
                    at += field.BitLength / 8;
                }
                Assert.Equal(command.Layout.TakesData ? Math.Min(length, command.Layout.Size) : length, at);
                Assert.Equal(length < command.Layout.LengthOf(bytes), decoded.Summary.Contains(" bytes)", StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("DEFINE_EXTENT", "80C0000000000000 00000000 0000000E", "DEFINE EXTENT: begin 0/0 end 0/14 mask update.")]
    [InlineData("DEFINE_EXTENT", "9BC0100000000008 00010000 FFFF0023", "DEFINE EXTENT: begin 1/0 end 196607/3 mask 9B block 4096 ext 08 (16 of 32 bytes).")]
    [InlineData("DEFINE_EXTENT", "80C0", "DEFINE EXTENT: mask update (2 of 16 bytes).")]
    [InlineData("DEFINE_EXTENT", "", "DEFINE EXTENT: (0 of 16 bytes).")]
    [InlineData("DEFINE_EXTENT", "80C0000000000000 00000000 0000000E 0102",
        "DEFINE EXTENT: begin 0/0 end 0/14 mask update. Bytes that are not known: 2.")]
    [InlineData("LOCATE_RECORD", "C3800001 00000001 0000000100 00 1000",
        "LOCATE RECORD: op format orient index count 1 seek 0/1 search 0/1/0 length 4096.")]
    [InlineData("LRE", "3F000003 00000001 0000000100 00 0000 00 11 0002 E000",
        "LOCATE RECORD EXTENDED: orient count count 3 seek 0/1 search 0/1/0 op write-tracks tracks 0xE000.")]
    [InlineData("pfx", "01800000 00000000 00000000 40C0000000000000 00000000 0000000E 00000000000000000000000000000000"
        + "06000001 00000000 0000000001 FF 0000 00 00 0000",
        "PREFIX: begin 0/0 end 0/14 mask read op read orient count count 1 seek 0/0 search 0/0/1 sector 255.")]
    [InlineData("psf", "18000000 0000 41 00 00 000000", "PERFORM SUBSYSTEM FUNCTION: prepare features.")]
    [InlineData("psf", "18000000 0102 01 00 01 000000", "PERFORM SUBSYSTEM FUNCTION: prepare statistics unit 0x0102 parm 01.")]
    [InlineData("psf", "1D0000", "PERFORM SUBSYSTEM FUNCTION: order 1D. Bytes that are not known: 2.")]
    [InlineData("dso", "81002000 0003 0000 0000000000000000 00000000 00010000 00000000 0000000E",
        "DEFINE SUBSYSTEM OPERATION: scope 20 unit 0x0003 begin 0/0 end 0/14.")]
    [InlineData("seek-head", "000000020003", "SEEK HEAD: to 2/3.")]
    [InlineData("set_file_mask", "40", "SET FILE MASK: mask read.")]
    [InlineData("SEARCH_ID_EQUAL_MT", "0000000003", "SEARCH ID EQUAL MT: id 0/0/3.")]
    [InlineData("SHA", "00000003", "SEARCH HOME ADDRESS EQUAL: to 0/3.")]
    [InlineData("WCKD", "0000000001080010 0102", "WRITE COUNT KEY AND DATA: id 0/0/1 kl 8 dl 16. Data after them: 2.")]
    public void A_short_line_has_the_words_of_program_text(string word, string hex, string line) =>
        Assert.Equal(line, Decode("eckd", word, hex).Summary);

    [Theory]
    [InlineData("DEFINE_EXTENT", "80000200 00000064 00000000 00000063", "DEFINE EXTENT: begin 100 first 0 last 99 mask update.")]
    [InlineData("LOCATE", "0600000C 00000010", "LOCATE: op read at 16 count 12.")]
    [InlineData("LOCATE", "07020001 FFFFFFFF", "LOCATE: op 07 at 4294967295 count 1 repeat 2.")]
    public void A_short_line_of_blocks_does(string word, string hex, string line) => Assert.Equal(line, Decode("fba", word, hex).Summary);

    [Theory]
    [InlineData("eckd", "DEFINE_EXTENT begin=1/2 end=3/4 mask=update block=4096")]
    [InlineData("eckd", "DEFINE_EXTENT begin=1/2 end=3/4 mask=9B attr=C4 ext=40")]
    [InlineData("eckd", "LOCATE_RECORD op=read-ckd orient=data count=2 seek=1/2 search=1/2/3 sector=4 length=5")]
    [InlineData("eckd", "LOCATE_RECORD_EXTENDED orient=count count=2 seek=1/2 search=1/2/3 op=read-track-set tracks=0xA000")]
    [InlineData("eckd", "PREFIX begin=1/2 end=3/4 mask=format op=write orient=home count=2 seek=1/2 search=1/2/3")]
    [InlineData("eckd", "PERFORM_SUBSYSTEM_FUNCTION prepare=hosts unit=0x0102 parm=07")]
    [InlineData("eckd", "SEEK to=1/2")]
    [InlineData("eckd", "SET_SECTOR sector=7")]
    [InlineData("eckd", "SEARCH_ID_HIGH id=1/2/3")]
    [InlineData("eckd", "WRITE_COUNT_KEY_DATA id=1/2/3 kl=4 dl=5")]
    [InlineData("fba", "LOCATE op=read-replicated at=1 count=2 repeat=3")]
    public void What_program_text_makes_reads_the_same(string family, string text)
    {
        CommandSet commands = Families.Find(family)!;
        Assert.True(ProgramText.TryAssemble([text], null, commands, out AssembledProgram program, out string error), error);
        ProgramStep step = Assert.Single(program.Steps);
        var line = new StringBuilder();
        ParameterDecoder.AppendLine(line, commands.Find(step.Ccw.Command)!, program.Storage.AsSpan((int)step.DataAddress, step.Count));
        Assert.Equal(text[(text.IndexOf(' ') + 1)..].Replace('=', ' '), line.ToString());
    }

    [Fact]
    public void Fields_say_their_name_their_place_and_what_they_mean()
    {
        DecodedStructure extent = Decode("eckd", "define-extent", "9BC4100000000042 00010000 FFFF0023" + "0102030405060708 01 02 01 0C 00000000");
        Assert.Equal("DEFINE_EXTENT", extent.Name);
        Assert.Equal((0, "9B", "writes: update; seeks: none; authorization: device support; PCI fetch"), Field(extent, "define_extent.mask"));
        Assert.Equal((1, "C4", "mode: ECKD; cache: bypass"), Field(extent, "define_extent.attributes"));
        Assert.Equal((2, "1000", "4096 bytes"), Field(extent, "define_extent.block_size"));
        Assert.Equal((7, "42", "regular data format, extended parameters follow"), Field(extent, "define_extent.extended_attributes"));
        Assert.Equal((12, "FFFF0023", "track 196607/3"), Field(extent, "define_extent.end"));
        Assert.Equal((16, "0102030405060708", "0102030405060708"), Field(extent, "define_extent.extended.system_time"));
        Assert.Equal((27, "0C", "12"), Field(extent, "define_extent.extended.records_per_track"));
        DecodedField reserved = extent.Fields.First(field => field.Path == "define_extent.extended.reserved");
        Assert.Equal((26, true, "not used, but is 01"), (reserved.Offset, reserved.IsSuspicious, reserved.Meaning));
    }

    [Fact]
    public void Bits_and_codes_that_nobody_defines_are_shown()
    {
        Assert.Equal((0, "26", "writes: format; seeks: all; authorization: 06 (not defined); 20 is not defined"),
            Field(Decode("eckd", "SET_FILE_MASK", "26"), "set_file_mask.mask"));
        DecodedStructure locate = Decode("eckd", "LOCATE_RECORD", "7F9E00");
        Assert.Equal((0, "7F", "operation: extended; orientation: home"), Field(locate, "locate_record.operation"));
        Assert.Equal((1, "9E", "length valid; 1E is not defined"), Field(locate, "locate_record.auxiliary_byte"));
        Assert.Equal((0, "0001", "must be zero, but is 0001"), Field(Decode("eckd", "SEEK", "000100000000"), "seek.reserved"));
        Assert.Equal((2, "00", "cut: 1 of 4 bytes"), Field(Decode("eckd", "SEEK", "000000"), "seek.seek_address"));
        Assert.Equal((0, "07", "07 (not defined)"), Field(Decode("fba", "LOCATE", "07"), "locate.operation"));
    }

    [Fact]
    public void What_stands_in_prefix_is_decoded_in_turn()
    {
        string head = "80000000 00000000 000000", extent = "40C00000000000000000000000000000" + new string('0', 32);
        DecodedStructure locate = Decode("eckd", "PREFIX", "01" + head + extent + "3F000001 00000000 0000000000 00 0000 00 0A 0001 01");
        Assert.Equal((12, "40", "writes: read; seeks: all; authorization: normal"), Field(locate, "prefix.define_extent.mask"));
        Assert.Equal((61, "0A", "operation: read-any"), Field(locate, "prefix.locate_record_extended.extended_operation"));
        Assert.Equal((64, "01", "1 records at a time"), Field(locate, "prefix.locate_record_extended.any_record.set"));
        DecodedStructure order = Decode("eckd", "PREFIX", "02" + head + extent + new string('0', 36) + "18000000 0000 0E 00 00 000000");
        Assert.Equal((62, "18", "prepare for read subsystem data"), Field(order, "prefix.order.order"));
        Assert.Equal((68, "0E", "units"), Field(order, "prefix.order.suborder"));
        DecodedStructure none = Decode("eckd", "PREFIX", "0000000000000000000000" + "00" + extent + new string('0', 40));
        Assert.DoesNotContain(none.Fields, field => field.Path.Contains("extent", StringComparison.Ordinal));
        DecodedStructure ranges = Decode("eckd", "DSO", "81002000 0003 0000 0000000000000000 00000000 00020000 00000000 0000000E 00010000 00020000");
        Assert.Equal((2, "20", "by ranges"), Field(ranges, "define_subsystem_operation.scope"));
        Assert.Equal((36, "00020000", "track 2/0"), Field(ranges, "define_subsystem_operation.range1.end"));
    }

    [Fact]
    public void A_short_line_allocates_nothing()
    {
        CommandDescription prefix = Families.Eckd.Find("PREFIX")!;
        byte[] bytes = Convert.FromHexString("018000000000000000000000" + "9BC41000000000000000000000000E00" + new string('0', 32)
            + "3F0000030000000100000001000000000011" + "0002E000");
        var text = new StringBuilder(1024);
        void Append()
        {
            text.Clear();
            ParameterDecoder.AppendLine(text, prefix, bytes);
        }
        Append();
        Assert.Equal(0, Allocations.Least(Append));
        Assert.Contains(" tracks 0xE000", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_without_parameters_and_too_many_bytes_are_one_line()
    {
        Assert.False(StructureDecoder.TryDecode("SENSE_ID", [], true, Families.Eckd, out _, out string error));
        Assert.Equal("SENSE_ID has no parameters that ccwfs knows", error);
        Assert.False(StructureDecoder.TryDecode("LOCATE_RECORD", [], true, Families.Fba, out _, out error));
        Assert.StartsWith("unknown structure 'LOCATE_RECORD': it is one of orb, ccw, ", error, StringComparison.Ordinal);
        Assert.False(StructureDecoder.TryDecode("SEEK", new byte[0x10000], true, Families.Eckd, out _, out error));
        Assert.Equal("SEEK takes at most 65535 bytes, as a CCW counts them, not 65536", error);
    }

    private static DecodedStructure Decode(string family, string word, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        bool good = StructureDecoder.TryDecode(
            word, bytes, true, Families.Find(family)!, out IReadOnlyList<DecodedStructure> decoded, out string error);
        Assert.True(good, error);
        return Assert.Single(decoded);
    }

    private static (int Offset, string Hex, string Meaning) Field(DecodedStructure structure, string path)
    {
        DecodedField field = structure.Fields.Single(field => field.Path == path);
        return (field.Offset, field.Hex, field.Meaning);
    }
}
