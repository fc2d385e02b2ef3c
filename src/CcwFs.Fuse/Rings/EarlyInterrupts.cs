namespace CcwFs.Fuse;

/// <summary>
/// INTERRUPTs that came through the device before a worker had begun with their requests, which come another way. The kernel tells of them once.
/// Thread-safe.
/// </summary>
internal sealed class EarlyInterrupts
{
    private const int Room = 64; // arbitrary: far more than are on their way at once

    private readonly ulong[] _noted = new ulong[Room]; // a ring, guarded by itself; 0: nothing
    private int _next;
    private bool _any;

    /// <summary>Notes one; the oldest is forgotten, for most belong to requests that were answered before.</summary>
    internal void Note(ulong unique)
    {
        lock (_noted)
        {
            _noted[_next] = unique;
            _next = (_next + 1) % Room;
            Volatile.Write(ref _any, true);
        }
        Interlocked.MemoryBarrier(); // who looks next at the workers sees those that did not see this
    }

    /// <summary>Whether a request was noted; of each it is told once. The worker has made known before what it begins with.</summary>
    internal bool Take(ulong unique)
    {
        Interlocked.MemoryBarrier();
        if (!Volatile.Read(ref _any))
            return false;
        lock (_noted)
        {
            int at = Array.IndexOf(_noted, unique);
            if (at < 0)
                return false;
            _noted[at] = 0;
            return true;
        }
    }
}
