namespace CcwFs.Emulation.Channel;

/// <summary>
/// The threads on which emulated subchannels run their programs. A subchannel gets a slice and then queues up again behind the others, so that a
/// program which loops for ever starves nobody. Thread-safe.
/// </summary>
public sealed class ChannelExecutor : IDisposable
{
    /// <summary>Fewest threads: programs wait for files, so more than the cores of a small machine (arbitrary).</summary>
    public const int MinThreads = 4;

    private readonly object _gate = new(); // a monitor: pulsed for every subchannel queued
    private readonly Queue<EmulatedSubchannel> _ready = new(); // guarded by _gate
    private readonly int _limit = Math.Max(MinThreads, Environment.ProcessorCount);
    private int _threads; // guarded by _gate
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
            if (_idle < _ready.Count && _threads < _limit)
                new Thread(Work) { IsBackground = true, Name = $"channel {++_threads}" }.Start();
            else
                Monitor.Pulse(_gate);
        }
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
            if (!subchannel.RunSlice(EmulatedSubchannel.LongSlice))
                Schedule(subchannel);
        }
    }

    private EmulatedSubchannel? Next()
    {
        lock (_gate)
        {
            EmulatedSubchannel? subchannel;
            _idle++;
            while (!_ready.TryDequeue(out subchannel) && !_ended)
                Monitor.Wait(_gate);
            _idle--;
            return subchannel;
        }
    }
}
