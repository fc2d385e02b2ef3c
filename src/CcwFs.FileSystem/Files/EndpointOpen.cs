using CcwFs.Fuse;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>An open device or iommu, from FUSE to the VFIO endpoint and back. Ioctls are answered late, from a thread of their client.</summary>
internal abstract class EndpointOpen(EndpointFile endpoint, ClientAccount account) : OpenFile(account)
{
    /// <inheritdoc/>
    internal override int Ioctl(in FuseRequest request, uint command, ulong argument)
    {
        int now = endpoint.BeginIoctl(request.Pid, command, argument, out ClientCall? call);
        if (call is null)
            return now;
        DeferredReply reply = request.Defer(_ => call.Interrupt(), call.TryEnd);
        call.Start(value => value < 0 ? reply.TryFail(-value) : reply.TryIoctl(value, default));
        return FuseHandlers.Later;
    }

    /// <inheritdoc/>
    internal override int Fsync() => -(int)Errno.EINVAL;

    /// <inheritdoc/>
    internal override void Close() => endpoint.Release();
}

/// <summary>An open iommu: the client's address spaces.</summary>
internal sealed class IommuOpen(IommuFile iommu, ClientAccount account) : EndpointOpen(iommu, account)
{
    internal static int Open(in Opening opening, out OpenFile? file)
    {
        file = new IommuOpen(opening.Services.Vfio.OpenIommu(opening.IsWritable, opening.Account), opening.Account);
        return 0;
    }
}

/// <summary>An open device: one subchannel's vfio device file.</summary>
internal sealed class DeviceOpen(SubchannelEntry entry, DeviceClient client, ClientAccount account) : EndpointOpen(client, account)
{
    internal static int Open(in Opening opening, out OpenFile? file)
    {
        SubchannelEntry entry = opening.Entry!;
        file = new DeviceOpen(entry, opening.Services.Vfio.OpenDevice(entry.Device, opening.IsWritable, opening.Account), opening.Account);
        return 0;
    }

    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer) => client.Read(offset, buffer);

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data)
    {
        int result = client.Write(offset, data);
        if (result != VfioCcwDevice.MustWait)
            return entry.GoOnAfter(request, result);
        ClientCall call = client.BeginWrite(offset, data.ToArray());
        DeferredReply reply = request.Defer(_ => call.Interrupt());
        call.Start(value => value < 0 ? reply.TryFail(-value) : reply.TryWritten(value));
        return FuseHandlers.Later;
    }
}
