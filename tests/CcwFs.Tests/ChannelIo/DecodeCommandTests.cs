using System.CommandLine;
using System.Text.Json;
using CcwFs.Cli.Decode;

namespace CcwFs.Tests.ChannelIo;

public sealed class DecodeCommandTests
{
    [Fact]
    public void Hex_may_come_in_groups()
    {
        (int status, string output, string error) = Run("decode", "ccw", "0xe420_0028", "00002000 03000000", "00000000");
        Assert.Equal((0, ""), (status, error));
        Assert.Contains("SENSE_ID sli count=40 address=00002000", output);
        Assert.Contains("NO_OPERATION", output);
    }

    [Fact]
    public void Format_0_is_an_option()
    {
        (int status, string output, _) = Run("decode", "ccw", "--format", "0", "0600200020001000");
        Assert.Equal(0, status);
        Assert.Contains("READ_DATA sli count=4096 address=00002000", output);
    }

    [Theory]
    [InlineData("eckd", "DEFINE_EXTENT", "SET_FILE_MASK")]
    [InlineData("fba", "DEFINE_EXTENT", "1F")]
    [InlineData("basic", "63", "1F")]
    public void Commands_have_the_names_of_a_family(string family, string first, string second)
    {
        (int status, string output, _) = Run("decode", "ccw", "--commands", family, "63400010000020001f40000100003000");
        Assert.Equal(0, status);
        Assert.Contains($"\n{first} cc count=16 address=00002000\n", output, StringComparison.Ordinal);
        Assert.Contains($"\n{second} cc count=1 address=00003000\n", output, StringComparison.Ordinal);
        Assert.Contains("invalid command", Run("decode", "sense", "--commands", "eckd", "800000000000000100000000000000000000000000000000").Output,
            StringComparison.Ordinal);
        Assert.DoesNotContain("invalid command",
            Run("decode", "sense", "--commands", "fba", "800000000000000100000000000000000000000000000000").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_of_a_command_have_its_name()
    {
        (int status, string output, string error) = Run("decode", "define_extent", "80c00000 00000000 00000000 0001000e");
        Assert.Equal((0, ""), (status, error));
        Assert.StartsWith("DEFINE_EXTENT: 16 bytes\nDEFINE EXTENT: begin 0/0 end 1/14 mask update.\n  off  bits   field ", output,
            StringComparison.Ordinal);
        Assert.Contains("\n   12  0-31   define_extent.end                  0001000E  track 1/14\n", output, StringComparison.Ordinal);
        Assert.StartsWith("DEFINE_EXTENT: 16 bytes\nDEFINE EXTENT: begin 8 first 0 last 7 mask format.\n",
            Run("decode", "DEFINE-EXTENT", "--commands", "fba", "00000200000000080000000000000007").Output, StringComparison.Ordinal);
        using JsonDocument seek = JsonDocument.Parse(Run("decode", "SEEK", "--json", "000000010002").Output);
        Assert.Equal("SEEK", seek.RootElement.GetProperty("structure").GetString());
        Assert.Equal("track 1/2", seek.RootElement.GetProperty("fields")[1].GetProperty("meaning").GetString());
    }

    [Fact]
    public void Json_of_ccws_is_an_array_and_of_others_an_object()
    {
        using JsonDocument ccws = JsonDocument.Parse(Run("decode", "ccw", "--json", "e420002800002000").Output);
        Assert.Equal(1, ccws.RootElement.GetArrayLength());
        using JsonDocument crw = JsonDocument.Parse(Run("decode", "crw", "--json", "04060040").Output);
        Assert.Equal("crw", crw.RootElement.GetProperty("structure").GetString());
    }

    [Theory]
    [InlineData(1, "ccwfs: orb takes 12 bytes, not 2", "orb", "1234")]
    [InlineData(1, "ccwfs: ccw takes a multiple of 8 bytes, not 9", "ccw", "000000000000000000")]
    [InlineData(1, "ccwfs: 'x' at character 1 is not a hex digit", "crw", "xyz")]
    [InlineData(2, "ccwfs: unknown structure 'tcw': did you mean 'ccw'? It is one of orb, ccw, scsw, irb, schib, crw, sense, io, or a command of the 3990 that has parameters", "tcw", "00")]
    [InlineData(2, "ccwfs: unknown structure 'prefx': did you mean 'prefix'? It is one of orb, ccw, scsw, irb, schib, crw, sense, io, or a command of the 3990 that has parameters", "prefx", "00")]
    [InlineData(1, "ccwfs: READ_DATA has no parameters that ccwfs knows", "rd", "00")]
    public void Errors_are_one_line(int status, string message, params string[] arguments)
    {
        (int actual, string output, string error) = Run(["decode", .. arguments]);
        Assert.Equal((status, "", message + "\n"), (actual, output, error));
    }

    private static (int Status, string Output, string Error) Run(params string[] arguments)
    {
        var root = new RootCommand { DecodeCommand.Create() };
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int status = root.Parse(arguments).Invoke(new InvocationConfiguration { Output = output, Error = error });
        return (status, output.ToString(), error.ToString());
    }
}
