using System.Collections.Concurrent;
using CcwFs.Control;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Logs;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>
/// The end of all devices of a mount. Those on different files are closed side by side, so that a disk that does not answer holds up none but its
/// own. Thread-safe.
/// </summary>
internal sealed class DeviceEnd(ILogger log)
{
    /// <summary>Most files that are closed at the same time (arbitrary: one may wait for its disk as long as it likes, and keeps a thread).</summary>
    internal const int MostThreads = 128;

    private readonly Lock _gate = new();
    private readonly HashSet<OpenDevice> _left = []; // guarded by _gate
    private readonly List<string> _problems = [];    // guarded by _gate

    /// <summary>Those with a file that are not closed yet.</summary>
    internal IReadOnlyList<OpenDevice> Left
    {
        get
        {
            lock (_gate)
                return [.. _left.Where(device => device.File is not null)];
        }
    }

    /// <summary>Closes them; gives what went wrong, a line each, which the log has too.</summary>
    internal IReadOnlyList<string> Close(IReadOnlyCollection<OpenDevice> devices)
    {
        lock (_gate)
            _left.UnionWith(devices);

        // Devices on one file wait for each other anyway.
        var waiting = new ConcurrentQueue<OpenDevice[]>(devices.GroupBy(device => device.File?.Id).Select(group => group.ToArray()));
        Task[] closers = new Task[Math.Min(waiting.Count, MostThreads)];
        for (int closer = 0; closer < closers.Length; closer++)
            closers[closer] = Waiting.Run(() => CloseFrom(waiting));
        Task.WaitAll(closers);
        lock (_gate)
            return [.. _problems];
    }

    private bool CloseFrom(ConcurrentQueue<OpenDevice[]> waiting)
    {
        while (waiting.TryDequeue(out OpenDevice[]? devices))
        {
            foreach (OpenDevice device in devices)
                Close(device);
        }
        return true;
    }

    private void Close(OpenDevice device)
    {
        string? problem;
        try
        {
            problem = device.End();
        }
        catch (Exception error) when (Expected.Is(error) || error is ImageException)
        {
            problem = $"{device.Id}: {Expected.Text(error)}".ReplaceLineEndings(" ");
            MountLog.NotClosed(log, problem);
        }
        lock (_gate)
        {
            _left.Remove(device);
            if (problem is not null)
                _problems.Add(problem);
        }
    }
}
