using System.Collections.Concurrent;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// The threads on which emulated subchannels run their programs. A subchannel gets a slice and then queues up again behind the others, so that a
/// program which loops for ever starves nobody. Thread-safe.
/// </summary>
public sealed class ChannelExecutor : IDisposable
{
    /// <summary>Fewest threads: programs wait for files, so more than the cores of a small machine (arbitrary).</summary>
    public const int MinThreads = 4;

    private readonly BlockingCollection<EmulatedSubchannel> _ready = [];
    private readonly Lock _gate = new();
    private readonly int _limit = Math.Max(MinThreads, Environment.ProcessorCount);
    private int _threads; // guarded by _gate
    private int _idle;

    /// <summary>Queues a subchannel for a slice; after <see cref="Dispose"/> nothing happens.</summary>
    public void Schedule(EmulatedSubchannel subchannel)
    {
        try
        {
            _ready.Add(subchannel);
        }
        catch (InvalidOperationException)
        {
            return; // the program ends with its owner
        }
        if (Volatile.Read(ref _idle) == 0)
            AddThread();
    }

    /// <summary>Ends the threads after their slices.</summary>
    public void Dispose() => _ready.CompleteAdding();

    private void AddThread()
    {
        lock (_gate)
        {
            if (_threads == _limit)
                return;
            _threads++;
            new Thread(Work) { IsBackground = true, Name = $"channel {_threads}" }.Start();
        }
    }

    private void Work()
    {
        while (true)
        {
            Interlocked.Increment(ref _idle);
            bool got = _ready.TryTake(out EmulatedSubchannel? subchannel, Timeout.Infinite);
            Interlocked.Decrement(ref _idle);
            if (!got)
                return;
            if (!subchannel!.RunSlice(EmulatedSubchannel.LongSlice))
                Schedule(subchannel);
        }
    }
}
