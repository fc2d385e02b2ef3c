using CcwFs.Linux;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Endpoint;

/// <summary>Opens the files of the VFIO clients of one mount, who have what their accounts leave them. Thread-safe.</summary>
public sealed class VfioService : IDisposable
{
    private readonly EndpointServices _shared;

    /// <summary>
    /// A service that logs to <paramref name="logger"/>, for clients who have what <paramref name="limits"/> leave them (null: what the system
    /// gives). Threads and descriptors are made when the first client needs them.
    /// </summary>
    public VfioService(ILogger logger, ClientLimits? limits = null, uint? owner = null)
        : this(new EndpointServices(logger, recognise: null), ClientAccounts.Make(limits, owner))
    {
    }

    /// <summary>For tests without a mount: <paramref name="recognise"/> tells which open file a descriptor is.</summary>
    internal VfioService(ILogger logger, Func<FileDescriptor, IommuFile?> recognise)
        : this(new EndpointServices(logger, recognise), ClientAccounts.Make())
    {
    }

    private VfioService(EndpointServices shared, ClientAccounts accounts) => (_shared, Accounts) = (shared, accounts);

    /// <summary>Who has how much of what clients can use up.</summary>
    public ClientAccounts Accounts { get; }

    /// <summary>
    /// A new open of a <c>device</c> file, for writing too or not; what is kept for it is counted on <paramref name="account"/> (null: this process's
    /// user's).
    /// </summary>
    public DeviceClient OpenDevice(VfioCcwDevice device, bool writable = true, ClientAccount? account = null) =>
        new(_shared, device, account ?? Accounts.Of(Descriptors.EffectiveUser), writable);

    /// <summary>A new open of the <c>iommu</c> file.</summary>
    public IommuFile OpenIommu(bool writable = true, ClientAccount? account = null) =>
        new(_shared, account ?? Accounts.Of(Descriptors.EffectiveUser), writable);

    /// <inheritdoc/>
    public void Dispose() => _shared.Dispose();
}
