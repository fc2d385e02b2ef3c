using System.Diagnostics;
using System.Globalization;

namespace CcwFs.SystemTests;

/// <summary>
/// One volume, written and read by region files, a VFIO client and requests to `control` at the same time (soak.py): what was acknowledged is what is
/// there, for everybody and at every time, after an unmount and after kills.
/// </summary>
public sealed class SoakTests : IDisposable
{
    /// <summary>How long the soak lasts; CCWFS_SOAK_SECONDS says something else, CCWFS_SOAK_SEED repeats its choices (arbitrary).</summary>
    private const int Seconds = 3;

    /// <summary>How often ccwfs is killed, for each kind of sync; CCWFS_KILLS says something else (arbitrary).</summary>
    private const int Kills = 4;

    private const int Cylinders = 8; // as soak.py has it

    private readonly int _seed = Number("CCWFS_SOAK_SEED", Random.Shared.Next());
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Every_record_is_what_was_written_last_whoever_reads_it_and_after_an_unmount()
    {
        int seconds = Number("CCWFS_SOAK_SECONDS", Seconds);
        string image = _scratch.MakeImage("v.ckd", Cylinders);
        using (MountedCcwfs mounted = Mount(image, "none"))
        {
            Outcome soak = Child.Finish(StartSoak(mounted, _seed, seconds), patience: TimeSpan.FromSeconds(seconds) + Child.Patience);
            Assert.True(soak.Status == 0, $"seed {_seed}\n{soak.Error}\n{mounted.Log}");
            Judge(mounted);
            Child.Ccwfs("umount", mounted.MountPoint).Ok();
            Assert.Equal(0, mounted.WaitForExit());
            Assert.Equal("", mounted.Log.Trim());
        }
        Assert.Contains("0 findings", Child.Ccwfs("dasd", "check", image).Ok().Output, StringComparison.Ordinal);
        using MountedCcwfs again = Mount(image, "none");
        Judge(again);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("program")]
    public void What_was_acknowledged_before_a_kill_is_there_and_what_was_not_is_there_whole_or_not_at_all(string sync)
    {
        string image = _scratch.MakeImage("v.ckd", Cylinders);
        string point = _scratch.MakeDirectory("m");
        var random = new Random(_seed);
        for (int kill = Number("CCWFS_KILLS", Kills); kill > 0; kill--)
            WorkAndKill(image, sync, point, random);
        using (MountedCcwfs last = Mount(image, sync, point))
            Judge(last);
        Assert.Contains("0 findings", Child.Ccwfs("dasd", "check", image).Ok().Output, StringComparison.Ordinal);
    }

    private void WorkAndKill(string image, string sync, string point, Random random)
    {
        using MountedCcwfs mounted = Mount(image, sync, point);
        using Process soak = StartSoak(mounted, random.Next(), (int)Child.Patience.TotalSeconds);
        int steps = random.Next(1, 200);
        Task<string> said = soak.StandardError.ReadToEndAsync();
        while (soak.NextLine() is { } line && int.Parse(line, CultureInfo.InvariantCulture) < steps)
            ;
        mounted.Kill();
        _ = soak.StandardOutput.ReadToEndAsync(); // what comes until they notice
        bool ended = soak.WaitForExit(Child.Patience);
        if (!ended)
            soak.Kill(entireProcessTree: true);
        Assert.True(ended, "a client does not notice that its mount is gone");
        Assert.True(soak.ExitCode == 0, $"seed {_seed}\n{said.Result}\n{mounted.Log}");
        Child.Run("umount", "-l", point).Ok();
    }

    private static int Number(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static MountedCcwfs Mount(string image, string sync, string? point = null) =>
        new(["--device", $"dasd,image={image},count=5,sync={sync}", "--memory", "16M"], mountPoint: point);

    private Process StartSoak(MountedCcwfs mounted, int seed, int seconds) =>
        mounted.StartPython($"import soak; soak.main('{_scratch.At("model")}', {seed}, {seconds})");

    private void Judge(MountedCcwfs mounted)
    {
        Outcome outcome = Child.Finish(mounted.StartPython($"import soak; soak.judge('{_scratch.At("model")}')"));
        Assert.True(outcome.Status == 0, $"seed {_seed}\n{outcome.Output}{outcome.Error}\n{mounted.Log}");
    }
}
