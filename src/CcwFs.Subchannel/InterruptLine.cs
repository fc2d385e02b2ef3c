namespace CcwFs.Subchannel;

/// <summary>
/// One interrupt of a device as a counter, the way an eventfd counts: signals add up until they are taken. Thread-safe.
/// </summary>
public sealed class InterruptLine
{
    /// <summary>The largest count (eventfd(2)).</summary>
    public const ulong Max = ulong.MaxValue - 1;

    private readonly Lock _gate = new();
    private ulong _count; // guarded by _gate
    private long _takes;  // guarded by _gate

    /// <summary>Called after the count or the state has changed, without locks of the line; it must not wait.</summary>
    public event Action? Changed;

    /// <summary>True when a read would give something now.</summary>
    public bool IsReady
    {
        get
        {
            lock (_gate)
                return _count != 0 || (HasMore?.Invoke() ?? false);
        }
    }

    /// <summary>
    /// How often the count was taken. A reader that began to wait at the present number has come after what was taken last, and asks for what follows
    /// it; one that has waited longer has not.
    /// </summary>
    public long Takes
    {
        get
        {
            lock (_gate)
                return _takes;
        }
    }

    /// <summary>The device is gone: nothing more will come.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Set by the device: something waits after what was last taken, and taking again would bring it.</summary>
    internal Func<bool>? HasMore { get; set; }

    /// <summary>Set by the device: the count was taken (first), or asked for while it was zero.</summary>
    internal Action<bool>? Taken { get; set; }

    /// <summary>Adds; false when the counter would pass <see cref="Max"/>: nothing is added.</summary>
    public bool TryAdd(ulong number)
    {
        lock (_gate)
        {
            if (number > Max - _count)
                return false;
            _count += number;
        }
        Changed?.Invoke();
        return true;
    }

    /// <summary>Signals once; a full counter stays full.</summary>
    public void Signal() => TryAdd(1);

    /// <summary>Takes the count and clears it; false when it is zero.</summary>
    public bool TryTake(out ulong count)
    {
        if (!TakeNow(out count))
        {
            Taken?.Invoke(false); // may bring the next interrupt, and its signal, to the front
            if (!TakeNow(out count))
                return false;
        }
        Taken?.Invoke(true);
        return true;
    }

    /// <summary>As <see cref="TryTake"/>, but what follows what was last taken stays there.</summary>
    public bool TryTakeSignalled(out ulong count)
    {
        bool taken = TakeNow(out count);
        if (taken)
            Taken?.Invoke(true);
        return taken;
    }

    /// <summary>Gives back what was taken for a reader that went away meanwhile.</summary>
    public void GiveBack(ulong count) => TryAdd(count);

    /// <summary>Something waits now after what was last taken: the next reader may have it.</summary>
    internal void Poke() => Changed?.Invoke();

    /// <summary>Ends the line.</summary>
    internal void Close()
    {
        IsClosed = true;
        Changed?.Invoke();
    }

    private bool TakeNow(out ulong count)
    {
        lock (_gate)
        {
            (count, _count) = (_count, 0);
            _takes += count != 0 ? 1 : 0;
            return count != 0;
        }
    }

    /// <summary>The one of a device's lines that is of an interrupt.</summary>
    internal static InterruptLine Of(DeviceInterrupt interrupt, InterruptLine io, InterruptLine crw, InterruptLine request) => interrupt switch
    {
        DeviceInterrupt.Io => io,
        DeviceInterrupt.Crw => crw,
        DeviceInterrupt.Request => request,
        _ => throw new ArgumentOutOfRangeException(nameof(interrupt)),
    };

    /// <summary>Ends several lines.</summary>
    internal static void Close(params ReadOnlySpan<InterruptLine> lines)
    {
        foreach (InterruptLine line in lines)
            line.Close();
    }
}
