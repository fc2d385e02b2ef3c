namespace CcwFs.Fuse;

/// <summary>
/// Which workers wait in read(2). All of them, as a rule. While one thread makes all the requests, one worker is quickest: the kernel wakes
/// waiting readers in turn, so that others would run only to find the request taken. Then the rest is parked, until another thread
/// asks, the sole reader is held up by a request, or nothing comes any more. Of a worker it matters alone which one it is.
/// </summary>
internal sealed class SoleReader : IDisposable
{
    /// <summary>Requests of one thread in a row that make a sole reader (arbitrary: more than a program that opens, reads and closes).</summary>
    private const int Streak = 256;

    /// <summary>How often the sole reader is looked after; it is held up when it is in the same request twice (arbitrary).</summary>
    private const int WatchMilliseconds = 20;

    /// <summary>Looks without a request after which all workers wait again (arbitrary).</summary>
    private const int IdleLooks = 5;

    private readonly object _gate = new(); // a monitor: pulsed when parked workers may go on
    private readonly Timer _watch;         // runs while there is a sole reader
    private object? _sole;             // written under _gate, read without
    private uint _lastCaller;              // these two are not exact when several workers count; they need not be
    private int _streak;
    private long _turns;                   // of the sole reader: even while it reads, odd while it handles
    private long _seenTurns;               // the watch's
    private int _idleLooks;                // the watch's

    internal SoleReader() => _watch = new Timer(_ => Watch());

    /// <summary>Called before read(2); parks the worker while another one is the sole reader.</summary>
    internal void BeforeRead(object worker)
    {
        object? sole = Volatile.Read(ref _sole);
        if (sole is null)
            return;
        if (sole == worker)
        {
            Volatile.Write(ref _turns, (_turns | 1) + 1);
            return;
        }
        lock (_gate)
        {
            while (_sole is not null && _sole != worker)
                Monitor.Wait(_gate);
        }
    }

    /// <summary>Called for every request read, with the thread that made it (0: not known, no thread's).</summary>
    internal void AfterRead(object worker, uint caller)
    {
        object? sole = Volatile.Read(ref _sole);
        if (sole == worker)
            Volatile.Write(ref _turns, _turns | 1);
        if (caller != _lastCaller || caller == 0)
        {
            (_lastCaller, _streak) = (caller, 0);
            if (sole is not null)
                End();
        }
        else if (sole is null && ++_streak >= Streak)
        {
            Begin(worker);
        }
    }

    /// <summary>All workers wait for requests again.</summary>
    internal void End()
    {
        lock (_gate)
        {
            if (_sole is null)
                return;
            Volatile.Write(ref _sole, null);
            _streak = 0;
            _watch.Change(Timeout.Infinite, Timeout.Infinite);
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose() => _watch.Dispose();

    private void Begin(object worker)
    {
        lock (_gate)
        {
            if (_sole is not null)
                return;
            (_turns, _seenTurns, _idleLooks) = (1, 0, 0);
            Volatile.Write(ref _sole, worker);
            _watch.Change(WatchMilliseconds, WatchMilliseconds);
        }
    }

    private void Watch()
    {
        long turns = Volatile.Read(ref _turns);
        bool moved = turns != Interlocked.Exchange(ref _seenTurns, turns);
        _idleLooks = moved ? 0 : _idleLooks + 1;
        bool heldUp = !moved && turns % 2 != 0;
        if (heldUp || _idleLooks >= IdleLooks)
            End();
    }
}
