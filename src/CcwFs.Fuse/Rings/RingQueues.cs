using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>
/// The workers of one processor's queue, and of queues whose processors cannot be used. The first one serves as a rule; another is added whenever
/// none is left waiting, so that one that is held up stops nobody.
/// </summary>
internal sealed class RingQueues : IRingQueues
{
    private readonly Lock _gate = new();
    private readonly RingContext _context;
    private RingWorker[] _workers = []; // replaced under _gate, read without
    private int _idle;
    private ulong _file;
    private volatile bool _isFull;

    internal RingQueues(RingContext context, int? processor, IReadOnlyList<ushort> numbers)
    {
        (_context, Processor, Numbers) = (context, processor, numbers);
        Add();
    }

    /// <inheritdoc/>
    public IReadOnlyList<ushort> Numbers { get; }

    /// <inheritdoc/>
    public int? Processor { get; }

    /// <inheritdoc/>
    public int Idle => Volatile.Read(ref _idle);

    internal RingWorker[] Workers => Volatile.Read(ref _workers);

    /// <inheritdoc/>
    public void Waits() => Interlocked.Increment(ref _idle);

    /// <inheritdoc/>
    public void Woke() => Interlocked.Decrement(ref _idle);

    /// <inheritdoc/>
    public ulong File => Volatile.Read(ref _file);

    /// <inheritdoc/>
    public void Works(ulong file)
    {
        if (file != 0)
            Volatile.Write(ref _file, file);
        if (Idle == 0 && !_isFull)
            Grow();
    }

    /// <summary>No worker is added any more; those that are there end.</summary>
    internal void End()
    {
        lock (_gate)
        {
            _isFull = true;
            foreach (RingWorker worker in _workers)
                worker.End();
        }
    }

    private void Grow()
    {
        lock (_gate)
        {
            RingWorker newest = _workers[^1];
            if (_isFull || !newest.Registered.IsCompleted)
                return; // one is on its way
            int result = newest.Registered.Result;
            try
            {
                if (result == 0)
                    result = Add();
                if (result == 0)
                    _workers[^1].Go();
            }
            catch (OutOfMemoryException)
            {
                return; // the system gives no thread now: the next request that finds none waiting tries again
            }
            if (result < 0)
                FuseLog.NoMoreWorkers(_context.Session.Replies.Logger, Problem.Of(result));
            _isFull = result < 0 || _workers.Length >= _context.Session.Options.MaxWorkers;
        }
    }

    private int Add()
    {
        int result = RingWorker.Start(_context, this, isFirst: _workers.Length == 0, out RingWorker? worker);
        if (result == 0)
            Volatile.Write(ref _workers, [.. _workers, worker!]);
        return result;
    }
}
