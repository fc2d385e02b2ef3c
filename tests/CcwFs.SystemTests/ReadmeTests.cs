using System.Text;
using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>Every command of the README, in its order, with a mount of its own at /run/ccwfs.</summary>
public sealed partial class ReadmeTests
{
    /// <summary>The two commands of which one builds and one would run these tests again.</summary>
    private const string Mount = "./scripts/run", Test = "./scripts/test";

    /// <summary>scripts/run may have to build first, and a guest boots.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    [Fact]
    public void Every_command_of_the_readme_works_as_it_stands()
    {
        string[] fences = [.. Fence().Matches(File.ReadAllText(Places.Repository + "/README.md")).Select(m => m.Groups[1].Value.Trim())];
        Assert.Contains(Mount, fences);
        Assert.Contains(Test, fences);
        Assert.True(File.Exists(Places.Repository + "/scripts/test"));

        // A /run and a place for the default volume of this test's own; the mount ends with SIGINT, as by Ctrl-C.
        var script = new StringBuilder($$"""
            set -euo pipefail
            while umount -l /run/ccwfs 2>/dev/null; do :; done
            mkdir -p /run /var/lib/ccwfs
            mount -t tmpfs ccwfs-test /run
            mount -t tmpfs ccwfs-test /var/lib/ccwfs
            coproc RUN { exec {{Mount}} 2>&1; }
            pid=$RUN_PID
            while read -r line <&"${RUN[0]}"; do
                echo "$line"
                [[ $line != "mounted /run/ccwfs" ]] || break
            done
            trap 'kill -INT $pid' EXIT

            """);
        foreach (string fence in fences.Where(f => f is not (Mount or Test)))
            script.Append("(\n").Append(fence).Append("\n)\n");
        script.Append("echo done\n");
        Outcome outcome = Child.Finish(
            Child.Start(Places.Repository, null, "unshare", "-m", "bash", "-c", script.ToString()), patience: s_patience);

        outcome.Ok();
        Assert.Contains("mounted /run/ccwfs\n", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("done\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("ended well: channel end, device end", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("VOL1VOL1CCWFS1", outcome.Output, StringComparison.Ordinal);
        Assert.Matches("(?m)^/dev/dasda1 .* /mnt$", outcome.Output); // the guest's file system
        Assert.Contains("-device vfio-ccw,fd=", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("04 06 00 41", outcome.Output, StringComparison.Ordinal); // the channel report of path 41
    }

    [GeneratedRegex("^```bash\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
