using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>Programs that end in another way than by one last status, as a trace and a recording see them, and where those are written to.</summary>
public sealed class CutProgramTests : IDisposable
{
    private const string ClearOne = """
        def lost():
            drain()
            assert run_start() == 0
            cmd(2); wait()
        def run_start():
            program((0xe4, SLI, 40)); result = start()
            return 0 if result >= 0 else result

        """;

    private readonly MountedCcwfs _mounted = new(["--device", "dasd"]);

    public void Dispose() => _mounted.Dispose();

    [Fact]
    public void A_program_that_CLEAR_has_ended_is_one_for_a_trace_and_for_a_recording()
    {
        Add("SENSE_ID -> lose");
        using Process until = Follow("--until-error"), counted = Follow("--count", "1"),
            filtered = Follow("--until-error", "--filter", "command=SENSE_ID,errors");
        string recording = _mounted.Scratch.At("recording");
        Process[] following = [until, counted, filtered];
        for (int i = 0; i < 100 && following.Any(process => !process.HasExited); i++) // they do not say when they have begun
            _mounted.Python(ClearOne + "lost()");
        foreach (Process process in following)
            Assert.Contains("CLEAR", Child.Finish(process).Ok().Output, StringComparison.Ordinal);
        _mounted.Python(ClearOne + "lost(); lost()");
        Assert.Contains("SENSE_ID sli count=40", Ccwfs("trace", "--last", "1", "--filter", "errors"), StringComparison.Ordinal);
        Assert.Contains("recorded 2 programs", _mounted.Ccwfs("record", "0.0.0000", recording, "--last", "2").Ok().Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Device_end_that_comes_late_is_the_programs()
    {
        Add("SENSE_ID times=2 -> late_end 20ms");
        string recording = _mounted.Scratch.At("recording");
        _mounted.Python("for n in range(2): run((0xe4, SLI, 40)); wait()");
        string trace = Ccwfs("trace", "--last", "9");
        Assert.DoesNotContain("unsolicited", trace, StringComparison.Ordinal);
        Assert.Equal(2, trace.Split("device end, after channel end").Length - 1);
        Assert.Contains("recorded 2 programs", _mounted.Ccwfs("record", "0.0.0000", recording, "--last", "2").Ok().Error, StringComparison.Ordinal);
        Assert.DoesNotContain("no end", _mounted.Ccwfs("replay", recording, "--on", "0.0.0000", "--continue").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_that_acts_when_it_is_added_has_no_place_in_a_SPEC() =>
        Assert.Contains("take: ccwfs fault add", _mounted.Ccwfs("add", "dasd,fault=path_off").Refused(2), StringComparison.Ordinal);

    [Fact]
    public void A_path_that_is_brought_back_though_it_is_there_is_taken_again()
    {
        Add("start_not_operational");
        _mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Failed(1);
        _mounted.Ccwfs("path", "0.0.0000", "40", "on").Ok();
        _mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
    }

    [Theory]
    [InlineData("record 0.0.0000 FILE --last 1")]
    [InlineData("trace 0.0.0000 --last 1 --pcapng FILE")]
    [InlineData("trace 0.0.0000 --last 1 --perfetto FILE")]
    public void What_is_stored_is_its_owners_and_goes_through_no_link_of_others(string line)
    {
        const string AsNobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
        _mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        _mounted.Bash($"cd $S; chmod 1777 .; echo mine >kept; {AsNobody} ln -s kept link; {AsNobody} mkfifo fifo").Ok();
        string[] Words(string file) => [.. line.Replace("FILE", _mounted.Scratch.At(file), StringComparison.Ordinal).Split(' ')];
        foreach (string trap in (string[])["link", "fifo"])
            _mounted.Ccwfs(Words(trap)[0], Words(trap)[1..]).Refused(1);
        _mounted.Ccwfs(Words("new")[0], Words("new")[1..]).Ok();
        Assert.Equal("mine\n600\n", _mounted.Bash("cd $S; cat kept; stat -c %a new").Ok().Output);
    }

    private void Add(string rule) => _mounted.Ccwfs("fault", "0.0.0000", "add", rule).Ok();

    private string Ccwfs(string verb, params string[] options) => _mounted.Ccwfs(verb, ["0.0.0000", .. options]).Ok().Output;

    private Process Follow(params string[] options) =>
        Child.Start("/", null, Places.Program, ["trace", "0.0.0000", .. options, "--mount", _mounted.MountPoint]);
}
