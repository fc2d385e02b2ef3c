using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Text;

namespace CcwFs.Tests.ChannelIo;

public sealed class RunReportTests
{
    [Fact]
    public void Only_the_bytes_that_came_are_shown()
    {
        AssembledProgram program = ProgramTextTests.Assemble("SENSE_ID sli count=40");
        byte[] storage = [.. program.Storage];
        Convert.FromHexString("FF3990E933900C0040FA0100").CopyTo(storage, 8);
        RunReport report = Report(program, Irbs.Well(8, 28), storage);

        Assert.True(report.EndedWell);
        StepData read = Assert.Single(report.Reads);
        Assert.Equal((12, true), (read.Data.Length, read.Exact));
        string text = report.ToText(fields: false);
        Assert.StartsWith("ended well: channel end, device end; residual 28.\n\nSENSE_ID (line 1): 12 of 40 bytes at 00000008\n", text);
        Assert.Contains("  0000  ff3990e9 33900c00 40fa0100           |.9..3...@...    | |.", text);
        Assert.Contains("irb.scsw.fctl", report.ToText(fields: true));
    }

    [Fact]
    public void Earlier_reads_are_whole_and_later_ones_did_not_run()
    {
        AssembledProgram program = ProgramTextTests.Assemble(
            "SEEK to=0/0", "READ_COUNT count=8", "READ_DATA sli count=16", "READ_DATA skip count=9", "READ_DATA count=24", "READ_COUNT count=8");
        byte[] irb = Convert.FromHexString(Irbs.UnitCheck("0008000000000000", cpa: 40, residual: 20));
        RunReport report = Report(program, irb, program.Storage);

        Assert.False(report.EndedWell);
        Assert.Equal([("READ_COUNT", 8, true), ("READ_DATA", 16, false), ("READ_DATA", 4, true)],
            report.Reads.Select(r => (r.Step.Name, r.Data.Length, r.Exact)));
        string text = report.ToText(fields: false);
        Assert.Contains("no record found", text);
        Assert.Contains("Last CCW used: READ_DATA (line 5, at 00000020).", text);
        Assert.Contains("READ_DATA (line 3): at most 16 of 16 bytes", text);
    }

    [Theory]
    [InlineData(0u, 0)]
    [InlineData(0xFFFFFFF8u, 0)]
    [InlineData(4096u, 0)]
    [InlineData(8u, 65535)]
    public void An_address_outside_the_program_or_an_impossible_residual_shows_no_data(uint cpa, int residual)
    {
        AssembledProgram program = ProgramTextTests.Assemble("SENSE_ID sli count=40");
        Assert.Empty(Report(program, Irbs.Well(cpa, (ushort)residual), program.Storage).Reads);
    }

    [Fact]
    public void Json_gives_summary_sense_and_reads()
    {
        AssembledProgram program = ProgramTextTests.Assemble("READ_COUNT", "READ_COUNT");
        byte[] irb = Convert.FromHexString(Irbs.UnitCheck("80000000000000010000000000000000000000000000000000", cpa: 16, residual: 8, length: 24));
        using JsonDocument json = JsonDocument.Parse(Report(program, irb, program.Storage).ToJson());
        Assert.False(json.RootElement.GetProperty("ended_well").GetBoolean());
        Assert.Equal(48, json.RootElement.GetProperty("sense").GetString()!.Length);
        JsonElement read = Assert.Single(json.RootElement.GetProperty("reads").EnumerateArray());
        Assert.Equal((1, 8, "0000000000000000"),
            (read.GetProperty("line").GetInt32(), read.GetProperty("transferred").GetInt32(), read.GetProperty("hex").GetString()));
        Assert.Equal("irb", json.RootElement.GetProperty("irb").GetProperty("structure").GetString());
    }

    [Fact]
    public void A_wrong_length_is_refused()
    {
        AssembledProgram program = ProgramTextTests.Assemble("NOP");
        Assert.False(RunReport.TryCreate(program, new byte[95], program.Storage, out _, out string irb));
        Assert.Equal("irb takes 96 bytes, not 95", irb);
        Assert.False(RunReport.TryCreate(program, new byte[96], new byte[1], out _, out string storage));
        Assert.Contains("the storage has 1 bytes", storage);
    }

    private static RunReport Report(AssembledProgram program, byte[] irb, byte[] storage)
    {
        Assert.True(RunReport.TryCreate(program, irb, storage, out RunReport? report, out string error), error);
        return report!;
    }
}
