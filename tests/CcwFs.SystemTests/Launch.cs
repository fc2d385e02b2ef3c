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

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2); // arbitrary: no step of a test takes as long on a slow machine
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

    /// <summary>
    /// The next line that a child says, null at its end. A child that says nothing for two minutes is killed and the test fails: its own children may
    /// hold its output open though it has long ended.
    /// </summary>
    internal static string? NextLine(this Process process)
    {
        Task<string?> line = process.StandardOutput.ReadLineAsync();
        if (line.Wait(s_patience))
            return line.Result;
        process.Kill(entireProcessTree: true);
        throw new InvalidOperationException($"the child says nothing: {process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)}");
    }

    /// <summary>Waits until a child says this line next; what it complains of is the message otherwise.</summary>
    internal static void Says(this Process process, string expected)
    {
        string? line = process.NextLine();
        if (line == expected)
            return;
        process.Kill(entireProcessTree: true);
        Task<string> error = process.StandardError.ReadToEndAsync();
        Assert.Fail($"the child says '{line}' in place of '{expected}': {(error.Wait(s_patience) ? error.Result : "")}");
    }

    /// <summary>Waits for the end of a child that has no reason to go on.</summary>
    internal static void Ends(this Process process) => Assert.True(process.WaitForExit(s_patience), "the child does not end");

    /// <summary>The signals that a process ignores, the first in the lowest bit (proc_pid_status(5)).</summary>
    internal static ulong Ignored(string statusFile)
    {
        const string Field = "SigIgn:";
        string line = File.ReadLines(statusFile).First(l => l.StartsWith(Field, StringComparison.Ordinal));
        return ulong.Parse(line[Field.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
