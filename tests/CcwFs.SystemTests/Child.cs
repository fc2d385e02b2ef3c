using System.Diagnostics;
using System.Text;

namespace CcwFs.SystemTests;

/// <summary>How a child process ended.</summary>
internal sealed record Outcome(int Status, string Output, string Error, byte[] Bytes)
{
    /// <summary>Asserts exit status 0; what the child said is the message otherwise.</summary>
    internal Outcome Ok()
    {
        Assert.True(Status == 0, $"status {Status}\n{Output}{Error}");
        return this;
    }

    /// <summary>Asserts this exit status; gives standard error.</summary>
    internal string Failed(int status)
    {
        Assert.True(Status == status, $"status {Status} in place of {status}\n{Output}{Error}");
        return Error;
    }

    /// <summary>Asserts this exit status; gives standard output.</summary>
    internal string FailedOutput(int status)
    {
        Failed(status);
        return Output;
    }

    /// <summary>Asserts a refusal: this status, one line on standard error that begins with the program's name, no stack trace.</summary>
    internal string Refused(int status)
    {
        Assert.True(Status == status, $"status {Status} in place of {status}\n{Output}{Error}");
        string line = Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("ccwfs: ", line, StringComparison.Ordinal);
        Assert.True(line.Length > "ccwfs: ".Length);
        return line;
    }
}

/// <summary>Child processes. The tests' own process never touches a mounted tree: children do, and can be killed when it does not answer.</summary>
internal static class Child
{
    /// <summary>No step of a test takes as long on a slow machine; a child that does has hung.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    internal static Process Start(string directory, IReadOnlyDictionary<string, string>? environment, string program, params string[] arguments)
    {
        ProcessStartInfo start = Launch.Of(program, arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        start.WorkingDirectory = directory;
        start.Environment["PYTHONPATH"] = AppContext.BaseDirectory;
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment["PYTHONUNBUFFERED"] = "1";
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        return Launch.Begin(start);
    }

    internal static Outcome Finish(Process process, byte[]? input = null, TimeSpan? patience = null)
    {
        using (process)
        {
            Task<byte[]> output = ReadAsync(process.StandardOutput.BaseStream);
            Task<string> error = process.StandardError.ReadToEndAsync();
            try
            {
                process.StandardInput.BaseStream.Write(input ?? []);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended without reading.
            }
            if (!Task.WhenAll(output, error, process.WaitForExitAsync()).Wait(patience ?? Patience))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail($"the child did not end: {process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)}");
            }
            return new Outcome(process.ExitCode, Encoding.UTF8.GetString(output.Result), error.Result, output.Result);
        }
    }

    internal static Outcome Run(string program, params string[] arguments) => Finish(Start("/", null, program, arguments));

    /// <summary>Runs ccwfs in a directory.</summary>
    internal static Outcome CcwfsIn(string directory, params string[] arguments) => Finish(Start(directory, null, Places.Program, arguments));

    internal static Outcome Ccwfs(params string[] arguments) => CcwfsIn("/", arguments);

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        var all = new MemoryStream();
        await stream.CopyToAsync(all).ConfigureAwait(false);
        return all.ToArray();
    }
}
