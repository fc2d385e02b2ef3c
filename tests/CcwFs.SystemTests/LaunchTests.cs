using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>
/// What signals do to children of the tests, and to ccwfs when it is started with signals ignored, as by nohup or in a script's background.
/// </summary>
public sealed class LaunchTests
{
    /// <summary>A test host starts, and a mount; a noisy machine takes its time.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_ends_a_mount(string signal)
    {
        using var mounted = new MountedCcwfs();
        mounted.Signal(signal);
        Assert.Equal(0, mounted.WaitForExit());
    }

    [Theory]
    [InlineData("HUP", 129)]
    [InlineData("INT", 130)]
    [InlineData("QUIT", 131)]
    [InlineData("TERM", 143)]
    public void A_signal_ends_another_program(string signal, int status)
    {
        using Process child = Child.Start("/", null, "sleep", "1000");
        Child.Run("kill", "-" + signal, child.Id.ToString()).Ok();
        Assert.Equal(status, Child.Finish(child).Status);
    }

    [Fact]
    public void Children_are_the_same_when_the_tests_were_started_with_signals_ignored()
    {
        string filter =
            $"--TestCaseFilter:FullyQualifiedName~{nameof(A_signal_ends_a_mount)}|FullyQualifiedName~{nameof(A_signal_ends_another_program)}";
        const string Script = """
            trap '' HUP INT QUIT TERM USR1
            exec dotnet vstest "$@"
            """;
        Process tests = Child.Start("/", null, "bash", "-c", Script, "bash", typeof(LaunchTests).Assembly.Location, filter);
        Assert.Matches(@"Passed: +7\b", Child.Finish(tests, patience: s_patience).Ok().Output);
    }

    [Fact]
    public void A_mount_in_the_foreground_goes_on_ignoring_what_it_was_started_to_ignore()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], through: ["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"]);
        mounted.Signal("HUP");
        mounted.Signal("INT");
        mounted.Ccwfs("list").Ok();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
    }

    [Fact]
    public void A_daemon_hears_signals_however_it_was_started()
    {
        using var scratch = new Scratch();
        string point = scratch.MakeDirectory("m");
        File.WriteAllText(scratch.At("c.json"), """{ "log": "log", "log-level": "information", "devices": [] }""");
        string script = $"trap '' HUP INT QUIT; exec '{Places.Program}' mount '{point}' --config c.json --daemon";
        Assert.Equal($"mounted {point}\n", Child.Finish(Child.Start(scratch.Path, null, "sh", "-c", script)).Ok().Output);
        string pid = ServiceTests.Pid(point);
        Child.Run("kill", "-HUP", pid).Ok();
        Assert.True(SpinWait.SpinUntil(() => File.ReadAllText(scratch.At("log")).Contains("reload", StringComparison.Ordinal), Child.Patience));
        Child.Run("kill", "-INT", pid).Ok();
        Assert.True(SpinWait.SpinUntil(() => !File.Exists($"/proc/{pid}/stat"), Child.Patience), "SIGINT does not end the daemon");
    }
}
