namespace CcwFs.FileSystem;

/// <summary>
/// Gives memory back to the system when many bytes of arrays have become garbage: a process that is idle after a rush would keep them for hours.
/// Thread-safe.
/// </summary>
public sealed class GarbageTrim
{
    private const long TrimAfter = 8 << 20; // arbitrary: fewer are not missed

    private static readonly TimeSpan s_delay = TimeSpan.FromSeconds(2); // arbitrary: rarely, for it stops every thread for some milliseconds

    private readonly Lock _gate = new();
    private long _bytes; // since the last trim; guarded by _gate
    private bool _trims; // one is under way; guarded by _gate

    /// <summary>Bytes that were added since the last trim.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _bytes;
        }
    }

    /// <summary>So many bytes of arrays are unused now.</summary>
    public void Add(long bytes)
    {
        lock (_gate)
        {
            _bytes += bytes;
            if (_trims || _bytes < TrimAfter)
                return;
            _trims = true;
        }
        _ = Task.Run(TrimAsync);
    }

    private async Task TrimAsync()
    {
        await Task.Delay(s_delay).ConfigureAwait(false);
        lock (_gate)
            (_bytes, _trims) = (0, false);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
