using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Benchmarks;

/// <summary>A directory that goes away with what is in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("ccwfs-bench-").FullName;

    internal string Sub(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    /// <summary>A volume as ccwfs mount makes its default one, but read once so that it is in the page cache.</summary>
    internal string Volume(int cylinders = 100, string name = "volume.ckd")
    {
        string path = System.IO.Path.Combine(Path, name);
        CkdGeometry geometry = CkdGeometry.Model3390(cylinders);
        CkdImageCreator.Create(path, geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, volser: "BENCH1"));
        using FileStream file = File.OpenRead(path);
        file.CopyTo(Stream.Null);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A server of a mount in a process of its own; ends with its mount.</summary>
internal sealed class Server : IDisposable
{
    private readonly Process _process;
    private readonly string _mountPoint;

    private Server(Process process, string mountPoint, double seconds) => (_process, _mountPoint, SecondsToReady) = (process, mountPoint, seconds);

    /// <summary>From exec to its "mounted" line.</summary>
    internal double SecondsToReady { get; }

    internal int Id => _process.Id;

    /// <summary>Resident bytes now.</summary>
    internal long Resident => long.Parse(
        File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;

    internal static Server Start(string mountPoint, string program, params string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string? line = process.StandardOutput.ReadLine();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return line?.StartsWith("mounted", StringComparison.Ordinal) == true
            ? new Server(process, mountPoint, seconds)
            : throw new InvalidOperationException($"{program} has not mounted {mountPoint}");
    }

    /// <summary>ccwfs as it was built beside us.</summary>
    internal static Server StartCcwFs(string mountPoint, params string[] arguments) =>
        Start(mountPoint, CcwFs, ["mount", mountPoint, .. arguments, .. Way]);

    /// <summary>CCWFS_URING: which way requests are to come.</summary>
    private static string[] Way => Environment.GetEnvironmentVariable("CCWFS_URING") is { Length: > 0 } uring ? ["--uring", uring] : [];

    /// <summary>The program that scripts/bench has built; else the copy that this one brings along.</summary>
    internal static string CcwFs =>
        Environment.GetEnvironmentVariable("CCWFS_PROGRAM") ?? System.IO.Path.Combine(AppContext.BaseDirectory, "ccwfs");

    public void Dispose()
    {
        Tool.Run("umount", _mountPoint);
        _process.WaitForExit();
        _process.Dispose();
    }
}

/// <summary>Short programs.</summary>
internal static class Tool
{
    /// <summary>Runs a program; gives its output, throws when it fails.</summary>
    internal static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
