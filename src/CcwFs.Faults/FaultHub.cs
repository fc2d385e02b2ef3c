using CcwFs.ChannelIo;

namespace CcwFs.Faults;

/// <summary>
/// Tells devices of each other's programs, for interrupts that wait for another subchannel: one for the devices that may wait for each other.
/// Thread-safe. Nothing is told while nobody waits.
/// </summary>
public sealed class FaultHub
{
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = []; // at most one of each device; guarded by _gate
    private volatile bool _isAwaited;

    /// <summary>Somebody waits for something.</summary>
    public bool IsAwaited => _isAwaited;

    /// <summary>
    /// Waits for a program of <paramref name="other"/>, its START or its end; <paramref name="came"/> is called once, and must be short.
    /// </summary>
    internal void Await(SubchannelId other, bool start, Action came)
    {
        lock (_gate)
        {
            _waiters.Add(new Waiter(other, start, came));
            _isAwaited = true;
        }
    }

    /// <summary>Who waits with this no longer does.</summary>
    internal void Forget(Action came)
    {
        lock (_gate)
        {
            _waiters.RemoveAll(waiter => waiter.Came == came);
            _isAwaited = _waiters.Count > 0;
        }
    }

    /// <summary>A program of a subchannel was started, or has ended.</summary>
    internal void Tell(SubchannelId id, bool start)
    {
        Waiter[] told;
        lock (_gate)
        {
            told = [.. _waiters.Where(waiter => waiter.Other == id && waiter.Start == start)];
            _waiters.RemoveAll(waiter => told.Contains(waiter));
            _isAwaited = _waiters.Count > 0;
        }
        foreach (Waiter waiter in told)
            waiter.Came();
    }

    private sealed record Waiter(SubchannelId Other, bool Start, Action Came);
}
