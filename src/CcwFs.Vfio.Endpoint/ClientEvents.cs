using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>The eventfds that a client has given for its device's interrupts. Thread-safe; nothing here waits.</summary>
internal sealed class ClientEvents(EndpointServices services, ClientAccount account)
{
    private const string EventFdName = "anon_inode:[eventfd]";

    private readonly Lock _gate = new();
    private EventSignals? _signals; // guarded by _gate
    private readonly FileDescriptor?[] _eventFds = new FileDescriptor?[Enum.GetValues<DeviceInterrupt>().Length]; // guarded by _gate

    /// <summary>
    /// Takes over a descriptor in place of the one before, closed on failure too: 0, -EINVAL when it is no eventfd, -ENOMEM over a limit, or what the
    /// kernel says when it has no way to signal it.
    /// </summary>
    internal int Set(DeviceInterrupt interrupt, FileDescriptor eventFd)
    {
        // By the kernel's own name for it: a file cannot be called that, for /proc names files with their full path.
        int result = FileSystems.ReadLink($"/proc/self/fd/{eventFd.Number}", out string name);
        EventSignals? signals = null;
        result = result < 0 || name != EventFdName ? -(int)Errno.EINVAL : services.TrySignals(out signals);
        if (result == 0)
            result = account.TryTake(Resource.Descriptors);
        if (result < 0)
        {
            eventFd.Dispose();
            return result;
        }
        Replace(interrupt, eventFd, signals);
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
            if (_eventFds[(int)interrupt] is { } eventFd && _signals!.Signal(eventFd) is var result && result < 0)
                EndpointLog.SignalLost(services.SignalLogger, interrupt, Problem.Of(result));
        }
    }

    private void Replace(DeviceInterrupt interrupt, FileDescriptor? eventFd, EventSignals? signals = null)
    {
        FileDescriptor? old;
        lock (_gate)
        {
            (old, _eventFds[(int)interrupt]) = (_eventFds[(int)interrupt], eventFd);
            _signals ??= signals;
        }
        if (old is null)
            return;
        old.Dispose();
        account.Give(Resource.Descriptors);
    }
}
