using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>As many subchannels as a set has.</summary>
public sealed class ManyDevicesTests
{
    private const string All = "dasd,count=65536";
    private const int Few = 8_192;    // an eighth of them
    private const int MostTimes = 24; // three times the 8 of what is linear: a machine may be busy with something else

    /// <summary>Eight times as many take about eight times as long, up and down; where each looked at all others it would be 64 times.</summary>
    [Fact]
    public void All_subchannels_of_a_set_come_in_time_and_go_in_time()
    {
        (TimeSpan Up, TimeSpan Down)[] few = [Time(Few), Time(Few)]; // the slower one counts
        (TimeSpan up, TimeSpan down) = Time(65_536, mounted =>
        {
            mounted.Bash("""
                test -d $D/0.0.0000 -a -d $D/0.0.ffff
                test $(ls $D | grep -c '^0.0.') = 65536
                """).Ok();
            Assert.Contains("all 65,536 subchannels", mounted.Ccwfs("add", "dasd").Refused(1), StringComparison.Ordinal);
            mounted.Ccwfs("remove", "0.0.8000").Ok();
            Assert.Equal("added 0.0.8000\n", mounted.Ccwfs("add", "dasd").Ok().Output);
        });
        TimeSpan fewUp = few.Max(time => time.Up), fewDown = few.Max(time => time.Down);
        string times = $"up {fewUp} and {up}, down {fewDown} and {down}";
        Assert.True(up < MostTimes * fewUp && down < MostTimes * fewDown, times);
    }

    /// <summary>How long so many take to come, from the start of the program on, and to go, until it has ended.</summary>
    private static (TimeSpan Up, TimeSpan Down) Time(int count, Action<MountedCcwfs>? between = null)
    {
        var watch = Stopwatch.StartNew();
        using var mounted = new MountedCcwfs(["--device", $"dasd,count={count}"]);
        TimeSpan up = watch.Elapsed;
        between?.Invoke(mounted);
        watch.Restart();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        return (up, watch.Elapsed);
    }

    [Fact]
    public void A_signal_ends_it_while_they_are_made()
    {
        using var scratch = new Scratch();
        string point = scratch.MakeDirectory("m");
        using Process mount = Child.Start("/", null, Places.Program, "mount", point, "--device", All);
        while (!File.ReadAllText("/proc/self/mountinfo").Contains(point, StringComparison.Ordinal))
            Assert.False(mount.HasExited, "it ended by itself");
        Child.Run("kill", "-TERM", mount.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)).Ok();
        Outcome outcome = Child.Finish(mount);
        Assert.Equal(("", ""), (outcome.Ok().Output, outcome.Error));
        Assert.DoesNotContain(point, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_are_taken_are_passed_over()
    {
        // The second thirty thousand want the numbers of the first.
        using var mounted = new MountedCcwfs(["--device", "dasd,count=30000,id=0.0.8000,devno=0.0.0150", "--device", "dasd,count=30000"]);
        string list = mounted.Ccwfs("list").Ok().Output;
        Assert.Contains("0.0.7680 0.0.0000", list, StringComparison.Ordinal);
        Assert.Equal(60_000,
            list.Split('\n').Where(line => line.StartsWith("0.0.", StringComparison.Ordinal)).Select(line => line[..8]).Distinct().Count());
    }
}
