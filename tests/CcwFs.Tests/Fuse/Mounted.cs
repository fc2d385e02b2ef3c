using System.Diagnostics;
using CcwFs.Fuse;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Fuse;

/// <summary>A <see cref="SampleTree"/> mounted in a directory of its own. The test's process never touches its own mount: children do.</summary>
internal sealed class Mounted : IDisposable
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    internal Mounted(FuseSessionOptions? options = null, ILogger? logger = null)
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("ccwfs-test-").FullName;
        Mount = FuseMount.Mount(Directory);
        Session = new FuseSession(Mount.Device, Tree, options, logger ?? NullLogger.Instance);
        Tree.Session = Session;
        Session.Start();
        Session.Ready.WaitAsync(Patience).GetAwaiter().GetResult();
    }

    internal string Directory { get; }

    internal SampleTree Tree { get; } = new();

    internal FuseMount Mount { get; }

    internal FuseSession Session { get; }

    public void Dispose()
    {
        Tree.Blocker.Set();
        Session.Dispose();
        Mount.Dispose();
        System.IO.Directory.Delete(Directory);
    }

    /// <summary>Starts a child in the directory; its output goes to pipes.</summary>
    internal Process Start(string program, params string[] arguments) => Child.Start(Directory, program, arguments);

    /// <summary>Runs a child to its end.</summary>
    internal (int Status, string Output) Run(string program, params string[] arguments) => Child.Run(Start(program, arguments));

    /// <summary>Runs a Python script whose <c>D</c> is the mount point.</summary>
    internal string Python(string script)
    {
        (int status, string output) = Child.Run(StartPython(script));
        Assert.True(status == 0, output);
        return output;
    }

    internal Process StartPython(string script) =>
        Child.Start("/", "python3", "-c", $"import os, sys, errno, fcntl, select, signal, struct, threading\nD = {'"' + Directory + '"'}\n{script}");
}

/// <summary>Child processes of tests.</summary>
internal static class Child
{
    internal static Process Start(string directory, string program, params string[] arguments)
    {
        ProcessStartInfo start = Launch.Of(program, arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;

        // Not WorkingDirectory: that would look at the mount from this process.
        start.Environment["D"] = directory;
        return Launch.Begin(start);
    }

    internal static (int Status, string Output) Run(Process process)
    {
        using (process)
        {
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(Mounted.Patience))
            {
                process.Kill();
                Assert.Fail("the child did not end");
            }
            return (process.ExitCode, output.Result + error.Result);
        }
    }
}
