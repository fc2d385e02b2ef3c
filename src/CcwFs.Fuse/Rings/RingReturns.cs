using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>
/// Entries with a late reply, on their way from whoever gave it to the worker that has them: only the thread of a ring may submit to it. Thread-safe.
/// </summary>
internal sealed class RingReturns(FileDescriptor wake) : IDisposable
{
    private readonly Lock _gate = new(); // around signals and the end
    private RingEntry? _first;
    private int _owner; // the worker's thread, which needs no signal

    /// <summary>The eventfd that is signalled; belongs to this.</summary>
    internal FileDescriptor Wake => wake;

    /// <summary>The calling thread is the one that takes.</summary>
    internal void Own() => Volatile.Write(ref _owner, Environment.CurrentManagedThreadId);

    /// <summary>Hands an entry over.</summary>
    internal void Push(RingEntry entry)
    {
        RingEntry? first = Volatile.Read(ref _first);
        while (true)
        {
            entry.Next = first;
            RingEntry? seen = Interlocked.CompareExchange(ref _first, entry, first);
            if (seen == first)
                break;
            first = seen;
        }
        if (first is null && Volatile.Read(ref _owner) != Environment.CurrentManagedThreadId)
            Signal();
    }

    /// <summary>Takes all, linked by <see cref="RingEntry.Next"/>.</summary>
    internal RingEntry? TakeAll() => Volatile.Read(ref _first) is null ? null : Interlocked.Exchange(ref _first, null);

    /// <summary>Wakes the worker.</summary>
    internal void Signal()
    {
        lock (_gate)
        {
            if (!wake.IsClosed)
                Descriptors.Signal(wake, 1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            wake.Dispose();
    }
}
