namespace CcwFs.Emulation.Channel;

/// <summary>Whoever has programs to run on the threads of a <see cref="ChannelExecutor"/>.</summary>
internal interface IExecutorWork
{
    /// <summary>
    /// Runs a slice on the calling thread, which may be held up. True: nothing is left to do, or another thread does it; false: it queues up again.
    /// </summary>
    bool RunSlice();
}

/// <summary>
/// The threads on which emulated subchannels run their programs. A subchannel gets a slice and then queues up again after the others, so that a
/// program which loops for ever keeps no other waiting. Nor does one whose owner holds its memory back: another thread takes the place of the one
/// that waits, so that there are never more than the limit and one for each subchannel. Thread-safe.
/// </summary>
public sealed class ChannelExecutor : IDisposable
{
    /// <summary>Fewest threads: programs wait for files, so more than the cores of a small machine (arbitrary).</summary>
    public const int MinThreads = 4;

    private readonly object _gate = new(); // a monitor: pulsed for every subchannel queued
    private readonly Queue<IExecutorWork> _ready = new(); // guarded by _gate
    private readonly int _limit = Math.Max(MinThreads, Environment.ProcessorCount);
    private int _threads; // guarded by _gate
    private int _waiting; // guarded by _gate: those in a slice that may wait for a client's memory
    private int _idle;    // guarded by _gate
    private bool _ended;  // guarded by _gate

    /// <summary>Queues work for a slice; after <see cref="Dispose"/> nothing happens: the program ends with its owner.</summary>
    internal void Schedule(IExecutorWork work)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _ready.Enqueue(work);
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
        while (Next() is { } work)
        {
            if (!work.RunSlice())
                Schedule(work);
        }
    }

    // Under _gate.
    private void Wake()
    {
        if (_idle < _ready.Count && !_ended && _threads - _waiting < _limit)
            AddThread();
        Monitor.Pulse(_gate);
    }

    // Under _gate. Where the system gives no thread, what is queued waits for one that is there, and the next one to queue tries again.
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

    private IExecutorWork? Next()
    {
        lock (_gate)
        {
            IExecutorWork? work;
            if (_threads - _waiting > _limit)
            {
                _threads--; // it took the place of one that waited, and has come back
                return null;
            }
            _idle++;
            while (!_ready.TryDequeue(out work) && !_ended)
                Monitor.Wait(_gate);
            _idle--;
            return work;
        }
    }
}
