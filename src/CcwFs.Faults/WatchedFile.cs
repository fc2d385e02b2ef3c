namespace CcwFs.Faults;

/// <summary>
/// Whether a file exists, looked for on a timer's thread: whoever asks never waits for a file system. Thread-safe; Dispose ends it.
/// </summary>
internal sealed class WatchedFile : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(100); // arbitrary

    private readonly string _path;
    private readonly ITimer _timer;
    private volatile bool _exists;

    /// <summary>Looks at once, and then a tenth of a second after each look: one that hangs is the last.</summary>
    internal WatchedFile(string path, TimeProvider time)
    {
        _path = path;
        _exists = Path.Exists(path);
        _timer = time.CreateTimer(_ => Look(), null, s_period, Timeout.InfiniteTimeSpan);
    }

    /// <summary>It existed at the last look.</summary>
    internal bool Exists => _exists;

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        _exists = Path.Exists(_path);
        _timer.Change(s_period, Timeout.InfiniteTimeSpan);
    }
}
