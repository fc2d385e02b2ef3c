using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One open of <c>iommu</c>. As in the kernel it lives as long as the open file, whichever processes have that, and on, closed, until the last device
/// that is bound to it has let go. So nothing here watches processes: of one that has ended the private memory is gone, which its /proc file says
/// (<see cref="ClientMemory"/>), and memory files are still what they were.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design", "CA1001", Justification = "the client is disposed on its own thread after the last use, not when Release is called")]
public sealed class IommuFile : EndpointFile
{
    private readonly Lock _gate = new();
    private IommuClient? _client; // guarded by _gate; null: at its end
    private int _uses = 1;        // guarded by _gate: the open file and its bound devices

    internal IommuFile(EndpointServices services, ClientAccount account, bool writable)
        : base(services, "vfio iommu", account, writable) => _client = new IommuClient(services.CallerLog, account);

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
        lock (_gate)
        {
            if (--_uses > 0)
                return;
            (last, _client) = (_client, null);
        }
        Thread.End(() => last?.Dispose());
    }

    /// <inheritdoc/>
    internal override bool IsIntroduced => true;

    private protected override int Judge(uint command, out bool changes)
    {
        changes = IommuClient.Changes(command);
        return 0;
    }

    private protected override int Ioctl(IoctlCaller caller, uint command, ulong argument)
    {
        IommuClient? client;
        lock (_gate)
            client = _client;
        return client?.Ioctl(caller, command, argument) ?? -(int)Errno.ENODEV;
    }
}
