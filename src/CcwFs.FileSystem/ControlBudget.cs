namespace CcwFs.FileSystem;

/// <summary>
/// What all open control files together may take of our memory: requests that are not whole yet, those being carried out, replies that nobody has read,
/// and the address spaces of programs. No user takes it all from the others, and the others together nothing from root and the user who mounts. Thread-safe.
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
    private const long TrimAfter = 8 << 20; // bytes given back, arbitrary: below it nobody misses them

    private static readonly TimeSpan s_trimDelay = TimeSpan.FromSeconds(2); // arbitrary: rarely, for it stops every thread for some milliseconds

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, long> _taken = []; // by user; guarded by _gate
    private long _others;    // of users who are neither; guarded by _gate
    private long _returned;  // since the last trim; guarded by _gate
    private bool _trims;     // one is under way; guarded by _gate

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

    internal void Return(uint uid, long bytes)
    {
        lock (_gate)
        {
            if ((_taken[uid] -= bytes) == 0)
                _taken.Remove(uid);
            _others -= uid == Root || uid == mounter ? 0 : bytes;
            _returned += bytes;
            if (_trims || _returned < TrimAfter)
                return;
            _trims = true;
        }
        _ = Task.Run(TrimAsync);
    }

    /// <summary>The arrays are garbage now, and a process that is idle after a rush would keep it for hours: it goes back to the system.</summary>
    private async Task TrimAsync()
    {
        await Task.Delay(s_trimDelay).ConfigureAwait(false);
        lock (_gate)
            (_returned, _trims) = (0, false);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}

/// <summary>What one open control file has of the <see cref="ControlBudget"/>. Dispose gives all of it back. Thread-safe.</summary>
public sealed class ControlAccount : IDisposable
{
    private readonly ControlBudget _budget;
    private readonly uint _uid;
    private long _taken; // changed by interlocked operations

    internal ControlAccount(ControlBudget budget, uint uid) => (_budget, _uid) = (budget, uid);

    /// <summary>Takes some bytes; false when there is no room for them.</summary>
    public bool TryTake(long bytes)
    {
        if (!_budget.TryTake(_uid, bytes))
            return false;
        Interlocked.Add(ref _taken, bytes);
        return true;
    }

    /// <summary>Gives some of them back.</summary>
    public void Return(long bytes)
    {
        Interlocked.Add(ref _taken, -bytes);
        _budget.Return(_uid, bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _taken, 0) is > 0 and long taken)
            _budget.Return(_uid, taken);
    }
}
