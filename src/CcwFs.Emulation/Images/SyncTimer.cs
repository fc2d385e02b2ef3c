namespace CcwFs.Emulation.Images;

/// <summary>Syncs a store some seconds after a write, on a thread of its own. Thread-safe.</summary>
/// <param name="sync">The sync; it may start the timer again.</param>
internal sealed class SyncTimer(Action sync)
{
    private const long Never = long.MaxValue;

    private readonly Lock _gate = new(); // nothing else is taken under it
    private Timer? _timer;     // guarded by _gate
    private long _due = Never; // when it fires, in milliseconds of the machine's run; guarded by _gate
    private bool _hasEnded;    // guarded by _gate

    /// <summary>Syncs after so many seconds, or sooner where it was set before; 0: never. Nothing after <see cref="Stop"/>.</summary>
    internal void Start(int seconds)
    {
        lock (_gate)
        {
            long due = seconds == 0 ? Never : Environment.TickCount64 + (seconds * 1000L);
            if (_hasEnded || due >= _due)
                return;
            _due = due;
            _timer ??= new Timer(static timer => ((SyncTimer)timer!).Fire(), this, Timeout.Infinite, Timeout.Infinite);
            _timer.Change(TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>No sync of the timer runs any more when this returns. Without a lock that such a sync takes.</summary>
    internal void Stop()
    {
        Timer? timer;
        lock (_gate)
            (timer, _timer, _hasEnded) = (_timer, null, true);
        if (timer is null)
            return;
        using var ended = new ManualResetEvent(false);
        if (timer.Dispose(ended))
            ended.WaitOne();
    }

    private void Fire()
    {
        lock (_gate)
            _due = Never;
        sync();
    }
}
