using CcwFs.ChannelIo;

namespace CcwFs.Faults;

/// <summary>
/// Status that is not given yet: of the program that has ended below and not above, and of the device's own. Thread-safe; what becomes due is
/// announced by <paramref name="announce"/>, without locks, on a timer's thread.
/// </summary>
internal sealed class StatusKeeper(TimeProvider time, Action announce) : IDisposable
{
    /// <summary>Most status of the device's own that waits (arbitrary); what is more is forgotten.</summary>
    private const int MaxUnsolicited = 8;

    private readonly Lock _gate = new();
    private readonly Queue<Irb> _unsolicited = []; // all fields: guarded by _gate when they change
    private Held? _held;
    private bool _isLost;
    private int _drops;
    private volatile bool _isBusy;

    /// <summary>There is something of it.</summary>
    internal bool IsBusy => _isBusy;

    /// <summary>Counts how often all was dropped: who holds status that was taken before that drops it too.</summary>
    internal int Drops => Volatile.Read(ref _drops);

    /// <summary>Status that is pending now.</summary>
    internal bool IsDue
    {
        get
        {
            lock (_gate)
                return _held is { IsDue: true };
        }
    }

    /// <summary>What goes on while the program's status is kept back: for all that a client sees, it runs.</summary>
    internal ActivityControl Activity
    {
        get
        {
            lock (_gate)
            {
                bool runs = _isLost || _held is { IsDue: false, Irb.Scsw.Function: not FunctionControl.None };
                return runs ? ActivityControl.SubchannelActive | ActivityControl.DeviceActive
                    : _held is { IsDue: false } ? ActivityControl.DeviceActive : ActivityControl.None;
            }
        }
    }

    /// <summary>
    /// A program is started. False: one has not ended. What is left of one that has ended goes: no status of an earlier program comes late.
    /// </summary>
    internal bool TryBegin()
    {
        lock (_gate)
        {
            if (_held is { IsExtra: true })
                Drop();
            return _held is null && !_isLost;
        }
    }

    /// <summary>
    /// Keeps the program's status until so long from now; null: until <see cref="Release"/>. <paramref name="drops"/>: from before it was taken.
    /// </summary>
    internal void Hold(in Irb irb, TimeSpan? until, int drops, bool isExtra = false)
    {
        lock (_gate)
        {
            if (drops != _drops)
                return;
            var held = new Held(irb) { IsDue = isExtra, IsExtra = isExtra };
            _held = held;
            if (until is { } wait)
                held.Timer = time.CreateTimer(_ => Release(held), null, wait, Timeout.InfiniteTimeSpan);
            Look();
        }
    }

    /// <summary>The status that is kept, as who is to release it: null: none is.</summary>
    internal object? Token
    {
        get
        {
            lock (_gate)
                return _held;
        }
    }

    /// <summary>What was kept with this token is due. Announced even if it is gone: status that waited for its end may be pending below.</summary>
    internal void Release(object? token)
    {
        lock (_gate)
        {
            if (_held is { } held && held == token)
                held.IsDue = true;
        }
        announce();
    }

    /// <summary>The same, later, on a timer's thread.</summary>
    internal void ReleaseSoon(object? token)
    {
        lock (_gate)
        {
            if (token is not null && _held == token)
                _held.Timer ??= time.CreateTimer(_ => Release(token), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The program's status never comes.</summary>
    internal void Lose(int drops)
    {
        lock (_gate)
        {
            _isLost = drops == _drops;
            Look();
        }
    }

    /// <summary>Status of the device's own; the caller announces it.</summary>
    internal void AddUnsolicited(in Irb irb)
    {
        lock (_gate)
        {
            if (_unsolicited.Count < MaxUnsolicited)
                _unsolicited.Enqueue(irb);
            Look();
        }
    }

    /// <summary>Takes what is due. <paramref name="isBarred"/>: nothing else may be given now, for a program has not ended.</summary>
    internal bool TryTake(out Irb irb, out bool isBarred)
    {
        lock (_gate)
        {
            bool isDue = _held is { IsDue: true };
            irb = isDue ? _held!.Irb : default;
            isBarred = _isLost || (_held is not null && !isDue);
            if (isDue)
                Drop();
            return isDue;
        }
    }

    /// <summary>Takes status of the device's own.</summary>
    internal bool TryTakeUnsolicited(out Irb irb)
    {
        lock (_gate)
        {
            bool found = _unsolicited.TryDequeue(out irb);
            Look();
            return found;
        }
    }

    /// <summary>The program's status is dropped; <paramref name="all"/>: that of the device's own too.</summary>
    internal void Forget(bool all)
    {
        lock (_gate)
        {
            _drops++;
            _isLost = false;
            if (all)
                _unsolicited.Clear();
            Drop();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Forget(all: true);

    private void Drop()
    {
        _held?.Timer?.Dispose();
        _held = null;
        Look();
    }

    private void Look() => _isBusy = _held is not null || _isLost || _unsolicited.Count > 0;

    private sealed class Held(Irb irb)
    {
        internal Irb Irb { get; } = irb;

        internal bool IsDue { get; set; }

        internal bool IsExtra { get; init; }

        internal ITimer? Timer { get; set; }
    }
}
