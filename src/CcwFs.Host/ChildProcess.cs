using System.Diagnostics;
using CcwFs.Control;

namespace CcwFs.Host;

/// <summary>Short-lived programs whose answer is wanted.</summary>
internal static class ChildProcess
{
    /// <summary>How long a program may take to tell its version (arbitrary).</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Runs a program without input; gives its exit status and what it said.</summary>
    internal static (int Status, string Output, string Error) Run(string program, IReadOnlyList<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!Task.WhenAll(output, error, process.WaitForExitAsync()).Wait(s_patience))
        {
            process.Kill();
            throw new CommandException($"{program} {string.Join(' ', arguments)} does not end");
        }
        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>The first line of a text, for an error in one line.</summary>
    internal static string FirstLine(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "it said nothing";
}
