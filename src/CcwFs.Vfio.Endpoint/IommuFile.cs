namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One open of <c>iommu</c>. As in the kernel it lives on, closed, until the last device that is bound to it has let go. A client that dies takes its
/// address spaces with it even when somebody else holds the file; for that one it begins anew.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design", "CA1001", Justification = "the client is disposed on its own thread after the last use, not when Release is called")]
public sealed class IommuFile : EndpointFile
{
    private readonly Lock _gate = new();
    private IommuClient? _client; // guarded by _gate; null: at its end
    private IDisposable? _watch;          // guarded by _gate
    private int _uses = 1;                // guarded by _gate: the open file and its bound devices

    internal IommuFile(VfioService service)
        : base(service, "vfio iommu") => _client = new IommuClient(service.CallerLog);

    /// <inheritdoc/>
    public override void Release() => Free();

    /// <summary>A device is being bound: its address spaces, and the file stays until <see cref="Free"/>. Null at its end.</summary>
    internal IommuClient? Use()
    {
        lock (_gate)
        {
            if (_client is not null)
                _uses++;
            return _client;
        }
    }

    /// <summary>Ends one use.</summary>
    internal void Free()
    {
        IommuClient? last;
        IDisposable? watch;
        lock (_gate)
        {
            if (--_uses > 0)
                return;
            (last, watch, _client, _watch) = (_client, _watch, null, null);
        }
        watch?.Dispose();
        Thread.End(() => last?.Dispose());
    }

    private protected override int Judge(uint command) => 0;

    private protected override int Ioctl(IoctlCaller caller, uint command, ulong argument)
    {
        IommuClient? client;
        bool watched;
        lock (_gate)
            (client, watched) = (_client, _watch is not null);
        if (client is null)
            return -(int)Mono.Unix.Native.Errno.ENODEV;
        if (!watched)
        {
            int result = Service.Processes.Watch(caller, () => Thread.Order(Renew), out IDisposable? watch);
            if (result < 0)
                return result;
            lock (_gate)
                _watch = watch;
        }
        return client.Ioctl(caller, command, argument);
    }

    private void Renew()
    {
        IommuClient? dead;
        lock (_gate)
        {
            if (_client is null)
                return;
            (dead, _client, _watch) = (_client, new IommuClient(Service.CallerLog), null);
        }
        dead.Dispose();
    }
}
