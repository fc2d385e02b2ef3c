using CcwFs.Fuse;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>An open iommu, from FUSE to the VFIO endpoint and back. Ioctls are answered late, from a thread of their client.</summary>
internal class EndpointOpen(EndpointFile endpoint, ClientAccount account) : OpenFile(account)
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

/// <summary>An open device: one subchannel's vfio device file.</summary>
internal sealed class DeviceOpen(MountedSubchannel entry, DeviceClient client, ClientAccount account) : EndpointOpen(client, account)
{
    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer) => client.Read(offset, buffer);

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data)
    {
        int now = client.Write(offset, data, out ClientCall? call);
        if (call is null)
            return entry.GoOnAfter(request, now);
        DeferredReply reply = request.Defer(_ => call.Interrupt());
        call.Start(value => value < 0 ? reply.TryFail(-value) : reply.TryWritten(value));
        return FuseHandlers.Later;
    }
}
