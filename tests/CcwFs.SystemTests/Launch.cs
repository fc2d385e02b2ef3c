using System.Diagnostics;
using System.Globalization;

namespace CcwFs.SystemTests;

/// <summary>
/// How every child of the tests is started: with the dispositions of signals that a program has at a terminal, however the tests were started. What
/// nohup, or a shell for a job in the background, has ignored is inherited otherwise, and a program that is written for .NET then never sees that
/// signal.
/// </summary>
internal static class Launch
{
    private const ulong BrokenPipe = 1UL << (13 - 1); // the runtime ignores it by itself

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2); // arbitrary: env has only to execute it
    private static readonly bool s_isPlain = (Ignored("/proc/self/status") & ~BrokenPipe) == 0;

    internal static ProcessStartInfo Of(string program, params string[] arguments) =>
        s_isPlain ? new ProcessStartInfo(program, arguments) : new ProcessStartInfo("env", ["--default-signal", program, .. arguments]);

    /// <summary>
    /// Starts what <see cref="Of"/> made and waits until it is the program itself: a signal that came while it is still env would be ignored, and is
    /// lost then.
    /// </summary>
    internal static Process Begin(ProcessStartInfo start)
    {
        Process process = Process.Start(start)!;
        Assert.True(s_isPlain || SpinWait.SpinUntil(() => !IsEnv(process), s_patience), "env does not become the program");
        return process;
    }

    private static bool IsEnv(Process process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/comm") == "env\n";
        }
        catch (IOException)
        {
            return false; // it has ended
        }
    }

    /// <summary>The signals that a process ignores, the first in the lowest bit (proc_pid_status(5)).</summary>
    internal static ulong Ignored(string statusFile)
    {
        const string Field = "SigIgn:";
        string line = File.ReadLines(statusFile).First(l => l.StartsWith(Field, StringComparison.Ordinal));
        return ulong.Parse(line[Field.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
