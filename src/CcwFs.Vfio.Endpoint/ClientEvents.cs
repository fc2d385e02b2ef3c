using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>The eventfds that a client has given for its device's interrupts. Thread-safe; nothing here waits.</summary>
internal sealed class ClientEvents(VfioService service)
{
    private const string EventFdName = "anon_inode:[eventfd]";

    private readonly Lock _gate = new();
    private readonly FileDescriptor?[] _eventFds = new FileDescriptor?[Enum.GetValues<DeviceInterrupt>().Length]; // guarded by _gate

    /// <summary>Takes over a descriptor in place of the one before, closed on failure too: 0, or -EINVAL when it is no eventfd.</summary>
    internal int Set(DeviceInterrupt interrupt, FileDescriptor eventFd)
    {
        // By the kernel's own name for it: a file cannot be called that, for /proc names files with their full path.
        int result = FileSystems.ReadLink($"/proc/self/fd/{eventFd.Number}", out string name);
        if (result < 0 || name != EventFdName)
        {
            eventFd.Dispose();
            return -(int)Errno.EINVAL;
        }
        Replace(interrupt, eventFd);
        return 0;
    }

    /// <summary>Takes the descriptor of an interrupt away.</summary>
    internal void Remove(DeviceInterrupt interrupt) => Replace(interrupt, null);

    /// <summary>Takes all away.</summary>
    internal void Clear()
    {
        for (int i = 0; i < _eventFds.Length; i++)
            Remove((DeviceInterrupt)i);
    }

    /// <summary>Signals, if a descriptor is there.</summary>
    internal void Signal(DeviceInterrupt interrupt)
    {
        lock (_gate)
        {
            if (_eventFds[(int)interrupt] is { } eventFd && service.Signals.Signal(eventFd) is var result && result < 0)
                EndpointLog.SignalLost(service.Logger, interrupt, Problem.Of(result));
        }
    }

    private void Replace(DeviceInterrupt interrupt, FileDescriptor? eventFd)
    {
        FileDescriptor? old;
        lock (_gate)
            (old, _eventFds[(int)interrupt]) = (_eventFds[(int)interrupt], eventFd);
        old?.Dispose();
    }
}
