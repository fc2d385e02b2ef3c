namespace CcwFs.Emulation.Channel;

/// <summary>
/// The threads on which emulated subchannels run their programs. A subchannel gets a slice and then queues up again behind the others, so that a
/// program which loops for ever starves nobody. Nor does one whose owner holds its memory back: another thread takes the place of the one that waits, so
/// that there are never more than the limit and one for each subchannel. Thread-safe.
/// </summary>
public sealed class ChannelExecutor : IDisposable
{
    /// <summary>Fewest threads: programs wait for files, so more than the cores of a small machine (arbitrary).</summary>
    public const int MinThreads = 4;

    private readonly object _gate = new(); // a monitor: pulsed for every subchannel queued
    private readonly Queue<EmulatedSubchannel> _ready = new(); // guarded by _gate
    private readonly int _limit = Math.Max(MinThreads, Environment.ProcessorCount);
    private int _threads; // guarded by _gate
    private int _waiting; // guarded by _gate: those in a slice that may wait for somebody's memory
    private int _idle;    // guarded by _gate
    private bool _ended;  // guarded by _gate

    /// <summary>Queues a subchannel for a slice; after <see cref="Dispose"/> nothing happens: the program ends with its owner.</summary>
    public void Schedule(EmulatedSubchannel subchannel)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _ready.Enqueue(subchannel);
            Wake();
        }
    }

    /// <summary>The calling thread of ours may be held up from now on.</summary>
    internal void BeginWait()
    {
        lock (_gate)
        {
            _waiting++;
            if (_ready.Count > 0)
                Wake();
        }
    }

    /// <summary>It is not any more.</summary>
    internal void EndWait()
    {
        lock (_gate)
            _waiting--;
    }

    /// <summary>Ends the threads after their slices.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _ready.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    private void Work()
    {
        while (Next() is { } subchannel)
        {
            if (!subchannel.RunSlice(EmulatedSubchannel.LongSlice, long.MaxValue, SliceThread.Executor))
                Schedule(subchannel);
        }
    }

    // Under _gate.
    private void Wake()
    {
        if (_idle < _ready.Count && !_ended && _threads - _waiting < _limit)
            AddThread();
        Monitor.Pulse(_gate);
    }

    // Under _gate. Where the system gives no thread, what is queued waits for one that is there, and whoever comes next tries again.
    private void AddThread()
    {
        try
        {
            new Thread(Work) { IsBackground = true, Name = $"channel {_threads + 1}" }.Start();
            _threads++;
        }
        catch (OutOfMemoryException)
        {
        }
    }

    private EmulatedSubchannel? Next()
    {
        lock (_gate)
        {
            EmulatedSubchannel? subchannel;
            if (_threads - _waiting > _limit)
            {
                _threads--; // it took the place of one that waited, and has come back
                return null;
            }
            _idle++;
            while (!_ready.TryDequeue(out subchannel) && !_ended)
                Monitor.Wait(_gate);
            _idle--;
            return subchannel;
        }
    }
}
