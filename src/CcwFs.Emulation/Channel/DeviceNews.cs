using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// What a device has said of its own accord, kept until a slice can make something of it. It may come from anywhere, also from inside the device's
/// command and before the slice of that command is settled, or under another's gate: so nothing is locked or called here, and all of it is changed by
/// interlocked operations.
/// </summary>
internal sealed class DeviceNews
{
    private int _unsolicited; // status of the device's own, pending
    private int _announce;    // 1: that is not announced yet, or waits for the running program's end
    private int _freed;       // 1: a device that was busy, or waited, can go on
    private int _deviceEnd;   // device end that came, and what came with it

    /// <summary>Status of the device's own is pending.</summary>
    internal bool HasUnsolicited => Volatile.Read(ref _unsolicited) != 0;

    /// <summary>It is still to be announced.</summary>
    internal bool IsToAnnounce => Volatile.Read(ref _announce) != 0;

    /// <summary>A device that was busy, or waited, can go on.</summary>
    internal bool IsFreed => Volatile.Read(ref _freed) != 0;

    /// <summary>Device end came.</summary>
    internal bool HasDeviceEnd => Volatile.Read(ref _deviceEnd) != 0;

    /// <summary>Something that may be waited for has come.</summary>
    internal bool IsThere => (Volatile.Read(ref _freed) | Volatile.Read(ref _deviceEnd)) != 0;

    /// <summary>The device has status of its own, to be announced.</summary>
    internal void AddUnsolicited(DeviceStatus status)
    {
        Interlocked.Or(ref _unsolicited, (int)status);
        AnnounceLater();
    }

    /// <summary>Takes the status of the device's own; none: there is none.</summary>
    internal DeviceStatus TakeUnsolicited() => (DeviceStatus)Interlocked.Exchange(ref _unsolicited, 0);

    /// <summary>Status of the device's own is to be announced, now or after the running program's end.</summary>
    internal void AnnounceLater() => Volatile.Write(ref _announce, 1);

    /// <summary>Whether something is to be announced; it is not any more.</summary>
    internal bool TakeAnnouncement() => Interlocked.Exchange(ref _announce, 0) != 0;

    /// <summary>The device can go on.</summary>
    internal void Free() => Volatile.Write(ref _freed, 1);

    /// <summary>Whether the device can go on; that is known then.</summary>
    internal bool TakeFreed() => Interlocked.Exchange(ref _freed, 0) != 0;

    /// <summary>Device end, with what came with it.</summary>
    internal void AddDeviceEnd(DeviceStatus status) => Interlocked.Or(ref _deviceEnd, (int)status);

    /// <summary>Takes the device end that came; none: it did not.</summary>
    internal DeviceStatus TakeDeviceEnd() => (DeviceStatus)Interlocked.Exchange(ref _deviceEnd, 0);

    /// <summary>No device end is waited for.</summary>
    internal void ForgetDeviceEnd() => Volatile.Write(ref _deviceEnd, 0);
}
