using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Text;

namespace CcwFs.Tests.ChannelIo;

public sealed class ProgramTextTests
{
    [Fact]
    public void A_read_gets_an_area_behind_the_ccws()
    {
        AssembledProgram program = Assemble("SENSE_ID sli count=40");
        Assert.Equal("E420002800000008", Ccws(program));
        Assert.Equal(0u, program.ProgramAddress);
        Assert.Equal(new Orb(0, 0x00C0_FF00, 0), program.Orb());
        ProgramStep step = Assert.Single(program.Steps);
        Assert.Equal(("SENSE_ID", 0u, 8u, 40, CommandDirection.Input, 1),
            (step.Name, step.CcwAddress, step.DataAddress, step.Count, step.Direction, step.Line));
        Assert.Equal(4096, program.Storage.Length);
    }

    [Fact]
    public void Consecutive_ccws_are_chained_unless_told_otherwise() =>
        Assert.Equal(
            "0340000000000000" + "0300000000000000" + "0360000000000000" + "0340000000000000",
            Ccws(Assemble("NOP", "NOP nochain", "nop sli", "03 cc")));

    [Theory]
    [InlineData("E4", 0xE4)]
    [InlineData("0xE4", 0xE4)]
    [InlineData("sense-id", 0xE4)]
    [InlineData("rcd", 0xFA)]
    [InlineData("READ_COUNT_MT", 0x92)]
    [InlineData("DE", 0xDE)]
    public void A_command_is_a_name_an_alias_or_a_code(string text, byte code) => Assert.Equal(code, Assemble(text).Storage[0]);

    [Fact]
    public void Every_command_of_the_table_is_found_by_its_names_and_no_name_looks_like_a_code()
    {
        foreach ((CommandSet family, CommandDescription command) in Families.All.SelectMany(family => family.Rows.Select(row => (family, row))))
        {
            Assert.Same(command, family.Find(command.Code));
            foreach (string name in (string[])[command.Word, .. command.Aliases, command.Name.Replace(' ', '_')])
            {
                Assert.Same(command, family.Find(name.ToLowerInvariant()));
                Assert.False(name.Length <= 2 && name.All(char.IsAsciiHexDigit), name);
            }
        }
    }

    [Theory]
    [InlineData("WRITE_DATA cd cc skip pci suspend mida data=00", 0xDB)]
    [InlineData("READ_DATA s sli", 0x22)]
    public void Flags_are_words(string text, byte flags) => Assert.Equal(flags, Assemble(text).Storage[1]);

    [Theory]
    [InlineData("data=C1_c2", "C1C2")]
    [InlineData("data=0xC1C2", "C1C2")]
    [InlineData("data=\"a \\\"b\"", "61202262")]
    [InlineData("data=ascii:\"AB\"", "4142")]
    [InlineData("data=ebcdic:\"VOL1 a\"", "E5D6D3F14081")]
    [InlineData("zero=3", "000000")]
    [InlineData("data=01 data=\"A\" zero=2 data=02", "0141000002")]
    [InlineData("data=01 count=4", "01000000")]
    [InlineData("data=@label", "AABB")]
    public void Output_data_is_hex_text_file_or_zeros(string operands, string hex)
    {
        AssembledProgram program = Assemble($"WRITE_DATA {operands}");
        ProgramStep step = Assert.Single(program.Steps);
        Assert.Equal(hex.Length / 2, step.Count);
        Assert.Equal(hex, Convert.ToHexString(program.Storage.AsSpan((int)step.DataAddress, step.Count)));
    }

    [Theory]
    [InlineData("DEFINE_EXTENT begin=0/1 end=65536/14 mask=update attr=C4 block=4096 ext=04", "80C41000000000040000000100000 01E")]
    [InlineData("DEFINE_EXTENT begin=2/3", "00C00000000000000002000300020003")]
    [InlineData("LOCATE_RECORD op=read count=12 search=1/2/3", "0600000C000100020001000203000000")]
    [InlineData("LOCATE_RECORD op=write orient=data seek=1/2 search=1/2/4 sector=7 length=0x1000", "81800001000100020001000204071000")]
    [InlineData("LOCATE_RECORD op=16 seek=0/1", "16000001000000010000000100000000")]
    [InlineData("SEEK to=258/14", "00000102000E")]
    [InlineData("SEARCH_ID_EQUAL id=0/1/255", "00000001FF")]
    [InlineData("SEARCH_HOME_ADDRESS to=0/1", "00000001")]
    [InlineData("SET_SECTOR sector=12", "0C")]
    [InlineData("SET_FILE_MASK mask=58", "58")]
    [InlineData("WRITE_COUNT_KEY_DATA id=0/1/2 kl=1 data=C1 data=0102", "0000000102010002C10102")]
    [InlineData("WCKD id=0/1/2 dl=4096", "0000000102001000")]
    [InlineData("LRE op=read-tracks search=1/2/1 count=3 length=8192", "0C80000300010002000100020100200000000000")]
    [InlineData("LRE op=write-tracks seek=0/3 count=2", "3F000002000000030000000300000000 00110002C000")]
    [InlineData("LRE op=read-track-set orient=home seek=0/3 count=2 tracks=0xA000", "7F000002000000030000000300000000 000E0002A000")]
    [InlineData("PREFIX begin=0/1 mask=read",
        "00800000000000000000000040C00000000000000000000100000001 00000000000000000000000000000000 0000000000000000000000000000000000000000")]
    [InlineData("PFX begin=1/0 end=1/2 mask=update block=4096 op=write-track-data search=1/0/1 count=3 length=4096 base=0x0150",
        "01A05000010000000000000080C01000000000000001000000010002 00000000000000000000000000000000 3F80000300010000000100000100100000230000")]
    [InlineData("PSF prepare=volume unit=0x0150", "180000000150520000000000")]
    [InlineData("PSF prepare=statistics parm=1", "180000000000010001000000")]
    [InlineData("DSO unit=0x0150", "810000000150000000000000000000000000000000000000")]
    [InlineData("DSO unit=0x0150 begin=0/2 end=65536/14", "810030000150000000000000000000000000000000010000 00000002 0000001E")]
    public void Parameters_can_be_words(string text, string hex)
    {
        AssembledProgram program = Assemble(text);
        ProgramStep step = Assert.Single(program.Steps);
        Assert.Equal(hex.Replace(" ", ""), Convert.ToHexString(program.Storage.AsSpan((int)step.DataAddress, step.Count)));
    }

    [Fact]
    public void Raw_parameters_keep_count_for_the_ccw() =>
        Assert.Equal("4720000F00000008", Ccws(Assemble("LOCATE_RECORD sli count=15 zero=16")));

    [Fact]
    public void A_transfer_in_channel_goes_to_a_label_and_chains_nothing()
    {
        AssembledProgram program =
            Assemble("SEEK to=0/0", "loop: SEARCH_ID_EQUAL id=0/0/3", "tic=loop   # until found", "", "READ_DATA count=80", "TIC LOOP");
        Assert.Equal(
            "0740000600000028" + "3140000500000030" + "0800000000000008" + "0640005000000038" + "0800000000000008", Ccws(program));
        Assert.Equal([1, 2, 3, 5, 6], program.Steps.Select(s => s.Line));
    }

    [Fact]
    public void Data_chaining_goes_on_with_DATA()
    {
        AssembledProgram program = Assemble("READ_DATA cd count=8\nDATA cd skip count=8\nDATA count=4080");
        Assert.Equal("0680000800000018" + "0690000800000020" + "06000FF000000028", Ccws(program));
        Assert.All(program.Steps, s => Assert.Equal(CommandDirection.Input, s.Direction));
    }

    [Fact]
    public void Indirect_data_gets_a_list_of_4K_idaws()
    {
        AssembledProgram program = Assemble("READ_DATA ida count=5000");
        Assert.Equal("0604138800000008", Ccws(program));
        Assert.Equal("0000000000001000" + "0000000000002000", Convert.ToHexString(program.Storage.AsSpan(8, 16)));
        Assert.Equal(0x1000u, program.Steps[0].DataAddress);
        Assert.NotEqual(0u, program.OrbControl & OrbControl.Format2Idaws);
    }

    [Fact]
    public void Big_areas_lie_on_pages_and_2048_bytes_follow_every_ccw()
    {
        AssembledProgram program = Assemble([.. Enumerable.Repeat("NOP", 500)]);
        Assert.True(program.Storage.Length >= (500 * 8) + 2048);
        Assert.Equal(0u, Assemble("NOP", "READ_DATA count=4096").Steps[1].DataAddress % 4096);
    }

    [Theory]
    [InlineData("", "line 1, column 1: there is no CCW in the program")]
    [InlineData("NOP\n  READ_DATTA", "line 2, column 3: 'READ_DATTA' is no command")]
    [InlineData("READ_DATA bogus", "line 1, column 11: 'bogus' is no flag")]
    [InlineData("READ_DATA count=70000", "line 1, column 11: count= takes a number from 0 to 65535")]
    [InlineData("READ_DATA count=-1", "line 1, column 11: count= takes a number")]
    [InlineData("READ_DATA data=00", "line 1, column 11: READ_DATA takes no data")]
    [InlineData("WRITE_DATA", "line 1, column 1: WRITE_DATA needs its data")]
    [InlineData("WRITE_DATA count=16", "line 1, column 1: WRITE_DATA needs its data: data=…, or zero=16")]
    [InlineData("WRITE_DATA data=0", "line 1, column 12: data=: 1 hex digits are not whole bytes")]
    [InlineData("WRITE_DATA data=0G", "line 1, column 12: data=: 'G' at character 2 is not a hex digit")]
    [InlineData("WRITE_DATA data=\"open", "line 1, column 17: the quote is not closed")]
    [InlineData("WRITE_DATA data=\"é\"", "line 1, column 12: the text is not ASCII")]
    [InlineData("WRITE_DATA data=ebcdic:\"€\"", "line 1, column 12: the text has a character that EBCDIC")]
    [InlineData("WRITE_DATA data=@gone", "line 1, column 12: gone cannot be read")]
    [InlineData("TIC", "line 1, column 1: a TIC needs a label")]
    [InlineData("TIC to=nowhere", "line 1, column 5: there is no label 'nowhere:'")]
    [InlineData("a: NOP\na: NOP", "line 2, column 1: the label 'a' is there twice")]
    [InlineData("SEEK to=1", "line 1, column 6: to= takes C/H")]
    [InlineData("SEEK to=1/x", "line 1, column 6: to= takes C/H; 'x' is not a number")]
    [InlineData("SEEK to=70000/16", "line 1, column 6: to= takes C/H; '16' is not a number from 0 to 15")]
    [InlineData("SEEK id=1/2", "line 1, column 6: SEEK has no id=; it takes to=, count=, data=, zero=")]
    [InlineData("LOCATE_RECORD op=bogus search=0/0/1", "line 1, column 15: op= is a byte in hex or one of orient, write")]
    [InlineData("LOCATE_RECORD search=0/0/1 zero=16", "line 1, column 28: LOCATE_RECORD takes op=")]
    [InlineData("LRE op=write-track", "line 1, column 5: op= is a byte in hex or one of")]
    [InlineData("LRE op=write-tracks", "line 1, column 1: LRE needs seek=C/H")]
    [InlineData("PREFIX op=read begin=0/0", "line 1, column 1: PREFIX needs seek=C/H")]
    [InlineData("PREFIX mask=read", "line 1, column 1: PREFIX needs begin=C/H")]
    [InlineData("PSF prepare=everything", "line 1, column 5: prepare= is a byte in hex or one of path-status")]
    [InlineData("DSO unit=1 end=0/0", "line 1, column 1: DSO needs begin=C/H")]
    [InlineData("02_00", "line 1, column 1: '02_00' is no command")]
    [InlineData("C0 count=2", "line 1, column 1: C0 needs its data")]
    [InlineData("F2", "line 1, column 1: F2 needs count=")]
    public void Bad_text_is_one_line_with_its_place(string text, string error)
    {
        Assert.False(ProgramText.TryAssemble([text], Files, Families.Eckd, out AssembledProgram program, out string actual));
        Assert.StartsWith(error, actual);
        Assert.DoesNotContain('\n', actual);
        Assert.Empty(program.Steps);
    }

    [Fact]
    public void Too_much_data_is_refused_before_it_is_made()
    {
        string[] lines = [.. Enumerable.Repeat("READ_DATA count=65535", 1100)];
        Assert.False(ProgramText.TryAssemble(lines, null, Families.Eckd, out _, out string error));
        Assert.Contains("over 64 MiB", error);
    }

    [Fact]
    public void Random_text_never_throws()
    {
        var random = new Random(7);
        string[] words =
            ["NOP", "TIC", "SEEK", "LR", "to=", "to=1/2", "a:", "=", "\"", "data=", "data=\"x\"", "zero=9", "count=0x", "#", "E4", "cd", "DATA",
            "to=a", "id=//", "LOCATE_RECORD", "search=0/0/0", ":", "@", "ida"];
        for (int i = 0; i < 5000; i++)
        {
            string text =
                string.Join(random.Next(4) == 0 ? "\n" : " ", Enumerable.Range(0, random.Next(8)).Select(_ => words[random.Next(words.Length)]));
            bool good = ProgramText.TryAssemble([text], Files, Families.Eckd, out AssembledProgram program, out string error);
            Assert.Equal(good, error.Length == 0);
            Assert.Equal(good, program.Steps.Count > 0);
        }
    }

    internal static AssembledProgram Assemble(params string[] lines)
    {
        Assert.True(ProgramText.TryAssemble(lines, Files, Families.Eckd, out AssembledProgram program, out string error), error);
        return program;
    }

    private static bool Files(string path, int limit, out byte[] bytes, out string error)
    {
        bytes = path == "label" ? [0xAA, 0xBB] : [];
        error = path == "label" ? "" : $"{path} cannot be read: no such file";
        return path == "label";
    }

    private static string Ccws(AssembledProgram program) => Convert.ToHexString(program.Storage.AsSpan(0, program.Steps.Count * Ccw.Size));
}
