namespace CcwFs.FileSystem;

/// <summary>
/// What all open control files together may take of our memory: requests that are not whole yet, those being carried out, replies that nobody has
/// read, and the address spaces of programs. No user takes it all from the others, and the others together nothing from root and the user who mounts.
/// Thread-safe.
/// </summary>
/// <param name="mounter">The user who mounts.</param>
public sealed class ControlBudget(uint mounter)
{
    /// <summary>Most bytes for one user (arbitrary: the largest program, and some requests beside it).</summary>
    internal const long PerUser = 96 << 20;

    /// <summary>Most bytes for all users but root and the mounter together (arbitrary).</summary>
    internal const long Others = 256 << 20;

    /// <summary>Most bytes for root, and for the mounter (arbitrary).</summary>
    internal const long Trusted = 256 << 20;

    private const uint Root = 0;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, long> _taken = []; // by user; guarded by _gate
    private long _others;    // of users who are neither; guarded by _gate
    private readonly GarbageTrim _trim = new();

    /// <summary>An account of one open file of a user.</summary>
    internal ControlAccount Open(uint uid) => new(this, uid);

    internal bool TryTake(uint uid, long bytes)
    {
        lock (_gate)
        {
            long taken = _taken.GetValueOrDefault(uid) + bytes;
            bool trusted = uid == Root || uid == mounter;
            if (taken > (trusted ? Trusted : PerUser) || (!trusted && _others + bytes > Others))
                return false;
            _taken[uid] = taken;
            _others += trusted ? 0 : bytes;
            return true;
        }
    }

    /// <summary>Bytes of arrays that were given back since the last trim; tests see by it that nothing of a request stays.</summary>
    internal long Garbage => _trim.Bytes;

    /// <summary>
    /// Gives back. <paramref name="garbage"/>: how many bytes of arrays the collector has to free now; what was counted for threads, and memory that
    /// goes back to the system by itself, is none.
    /// </summary>
    internal void Return(uint uid, long bytes, long garbage)
    {
        lock (_gate)
        {
            if ((_taken[uid] -= bytes) == 0)
                _taken.Remove(uid);
            _others -= uid == Root || uid == mounter ? 0 : bytes;
        }
        _trim.Add(garbage);
    }
}

/// <summary>What one open control file has of the <see cref="ControlBudget"/>. Dispose gives all of it back. Thread-safe.</summary>
public sealed class ControlAccount : IDisposable
{
    private readonly ControlBudget _budget;
    private readonly uint _uid;
    private long _taken; // changed by interlocked operations, as the next
    private long _forRequest; // of it: until the request has been answered

    internal ControlAccount(ControlBudget budget, uint uid) => (_budget, _uid) = (budget, uid);

    /// <summary>Takes some bytes; false when there is no room for them.</summary>
    public bool TryTake(long bytes)
    {
        if (!_budget.TryTake(_uid, bytes))
            return false;
        Interlocked.Add(ref _taken, bytes);
        return true;
    }

    /// <summary>
    /// Takes some bytes for the request that is being carried out, until it has been answered; false when there is no room for them.
    /// </summary>
    public bool TryTakeForRequest(long bytes)
    {
        if (!TryTake(bytes))
            return false;
        Interlocked.Add(ref _forRequest, bytes);
        return true;
    }

    /// <summary>Gives some of them back that are no garbage of ours, as memory of the system.</summary>
    public void Return(long bytes) => Return(bytes, garbage: 0);

    /// <summary>Gives some of them back; so many are arrays that are unused now.</summary>
    internal void Return(long bytes, long garbage)
    {
        Interlocked.Add(ref _taken, -bytes);
        _budget.Return(_uid, bytes, garbage);
    }

    /// <summary>The request has been answered.</summary>
    internal void ReturnRequest(long garbage) => Return(Interlocked.Exchange(ref _forRequest, 0), garbage);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _taken, 0) is > 0 and long taken)
            _budget.Return(_uid, taken, garbage: 0);
    }
}
