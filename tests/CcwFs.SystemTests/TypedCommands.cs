using System.Text;
using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>
/// Runs the commands of a text, its blocks of ```bash, in their order, with a mount of their own at /run/ccwfs that is made on first use.
/// </summary>
internal static partial class TypedCommands
{
    /// <summary>The blocks.</summary>
    internal static string[] Of(string text) => [.. Fence().Matches(text).Select(m => m.Groups[1].Value.Trim())];

    /// <summary>Runs blocks behind <paramref name="mount"/>, which stays in the foreground. The last line of the output is "done".</summary>
    internal static Outcome Run(string mount, IEnumerable<string> blocks, TimeSpan patience)
    {
        // A /run and a place for the default volume of this test's own; the mount ends with SIGINT, as by Ctrl-C.
        var script = new StringBuilder($$"""
            set -euo pipefail
            while umount -l /run/ccwfs 2>/dev/null; do :; done
            mkdir -p /run /var/lib/ccwfs
            mount -t tmpfs ccwfs-test /run
            mount -t tmpfs ccwfs-test /var/lib/ccwfs
            coproc RUN { exec {{mount}} 2>&1; }
            pid=$RUN_PID
            while read -r line <&"${RUN[0]}"; do
                echo "$line"
                [[ $line != "mounted /run/ccwfs" ]] || break
            done
            trap 'kill -INT $pid' EXIT

            """);
        foreach (string block in blocks)
            script.Append("(\n").Append(block).Append("\n)\n");
        script.Append("echo done\n");
        string path = $"{Places.ProgramDirectory}:{Environment.GetEnvironmentVariable("PATH")}";
        Outcome outcome = Child.Finish(Child.Start(
            Places.Repository, new Dictionary<string, string> { ["PATH"] = path }, "unshare", "-m", "bash", "-c", script.ToString()),
                patience: patience);
        outcome.Ok();
        Assert.Contains("mounted /run/ccwfs\n", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("done\n", outcome.Output, StringComparison.Ordinal);
        return outcome;
    }

    [GeneratedRegex("^```bash\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
