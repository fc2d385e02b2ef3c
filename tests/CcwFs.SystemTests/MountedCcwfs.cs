using System.Diagnostics;
using System.Text;

namespace CcwFs.SystemTests;

/// <summary>
/// A running `ccwfs mount` on a directory of its own. Dispose ends it in any case; what it logged is in <see cref="Log"/>.
/// </summary>
public class MountedCcwfs : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _log = new(); // guarded by itself
    private bool _ended;

    /// <summary>The fixture of most classes: one volume in memory.</summary>
    public MountedCcwfs()
        : this(["--device", "dasd"])
    {
    }

    internal MountedCcwfs(string[] arguments, string? workingDirectory = null, string? mountPoint = null, string mountName = "mnt",
        IReadOnlyDictionary<string, string>? environment = null, string[]? through = null, string? program = null)
    {
        Scratch = new Scratch();
        MountPoint = mountPoint ?? Scratch.MakeDirectory(mountName);
        string[] uring = System.Environment.GetEnvironmentVariable("CCWFS_TEST_URING") is { } way && !arguments.Contains("--uring")
            ? ["--uring", way] : [];
        string[] command = [.. through ?? [], program ?? Places.Program, "mount", MountPoint, .. arguments, .. uring]; // it becomes the program
        _process = Child.Start(workingDirectory ?? Scratch.Path, environment, command[0], command[1..]);
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
                _log.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        try
        {
            Task<string?> line = _process.StandardOutput.ReadLineAsync();
            bool came = line.Wait(Child.Patience);
            Assert.True(came && line.Result == $"mounted {MountPoint}", $"not mounted: {(came ? line.Result : "no answer")}\n{Log}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A directory beside the mount point, for images and the like.</summary>
    public Scratch Scratch { get; }

    public string MountPoint { get; }

    public int Pid => _process.Id;

    public bool IsRunning => !_process.HasExited;

    /// <summary>What it wrote to standard error so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Waits until a text stands in the log, which comes a little after what it tells of.</summary>
    public void Logged(string text) =>
        Assert.True(SpinWait.SpinUntil(() => Log.Contains(text, StringComparison.Ordinal), Child.Patience), $"never logged: {text}\n{Log}");

    private Dictionary<string, string> Environment => new()
    {
        ["D"] = MountPoint,
        ["S"] = Scratch.Path,
        ["P"] = Pid.ToString(),
        ["CCWFS"] = Places.Program,
    };

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (_ended)
            return;
        _ended = true;
        if (!_process.HasExited)
            Child.Run("kill", "-TERM", Pid.ToString());
        if (!_process.WaitForExit(Child.Patience))
        {
            _process.Kill();
            _process.WaitForExit();
            Child.Run("umount", "-l", MountPoint);
        }
        _process.Dispose();
        Scratch.Dispose();
    }

    /// <summary>Kills it with SIGKILL and waits; the mount is dead then.</summary>
    internal void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Waits until it has ended by itself; gives the exit status.</summary>
    internal int WaitForExit()
    {
        Assert.True(_process.WaitForExit(Child.Patience), "ccwfs did not end");
        _process.WaitForExit(); // its log too
        return _process.ExitCode;
    }

    /// <summary>Sends a signal by name.</summary>
    internal void Signal(string name) => Child.Run("kill", "-" + name, Pid.ToString()).Ok();

    /// <summary>A verb of ccwfs, with --mount.</summary>
    internal Outcome Ccwfs(string verb, params string[] arguments) => Child.Ccwfs([verb, .. arguments, "--mount", MountPoint]);

    /// <summary>Runs a bash script with D = mount point, S = scratch directory, P = pid, CCWFS = the program.</summary>
    internal Outcome Bash(string script) =>
        Child.Finish(Child.Start("/", Environment, "bash", "-euo", "pipefail", "-c", script));

    /// <summary>Runs a Python script that begins with ccw.py; it asserts for itself.</summary>
    internal string Python(string script) => Child.Finish(StartPython(script)).Ok().Output;

    internal Process StartPython(string script) => Child.Start("/", Environment, "python3", "-c", "from ccw import *\n" + script);
}
