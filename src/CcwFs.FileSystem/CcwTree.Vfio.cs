using CcwFs.Fuse;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem;

/// <content>`device` and `iommu`: from FUSE to the VFIO endpoint and back. Ioctls are answered late, from a thread of their client.</content>
public sealed partial class CcwTree
{
    /// <inheritdoc/>
    public override int Ioctl(
        in FuseRequest request, ulong handle, uint command, ulong argument, ReadOnlySpan<byte> input, Span<byte> output, out int result)
    {
        result = 0;
        if (!_open.TryGetValue(handle, out OpenFile? file))
            return -(int)Errno.EBADF;
        if (file.Endpoint is not { } endpoint)
            return -(int)Errno.ENOTTY;
        int now = endpoint.BeginIoctl(request.Pid, command, argument, out ClientCall? call);
        if (call is null)
            return now;
        DeferredReply reply = request.Defer(_ => call.Interrupt(), call.TryEnd);
        call.Start(value => value < 0 ? reply.TryFail(-value) : reply.TryIoctl(value, default));
        return Later;
    }

    /// <inheritdoc/>
    public override int Fsync(in FuseRequest request, ulong handle, bool dataOnly) =>
        _open.TryGetValue(handle, out OpenFile? file) && file.Endpoint is not null ? -(int)Errno.EINVAL : 0;

    private EndpointFile? OpenEndpoint(NodeKind kind, SubchannelEntry? entry, bool writable, ClientAccount account) => kind switch
    {
        NodeKind.Device => _vfio.OpenDevice(entry!.Device, writable, account),
        NodeKind.Iommu => _vfio.OpenIommu(writable, account),
        _ => null,
    };

    private static int ReadEndpoint(EndpointFile file, long offset, Span<byte> buffer) =>
        file is DeviceClient client ? client.Read(offset, buffer) : -(int)Errno.EINVAL;

    private static int WriteEndpoint(in FuseRequest request, SubchannelEntry? entry, EndpointFile file, long offset, ReadOnlySpan<byte> data)
    {
        if (file is not DeviceClient client)
            return -(int)Errno.EINVAL;
        int result = client.Write(offset, data);
        if (result == VfioCcwDevice.MustWait)
        {
            ClientCall call = client.BeginWrite(offset, data.ToArray());
            DeferredReply reply = request.Defer(_ => call.Interrupt());
            call.Start(value => value < 0 ? reply.TryFail(-value) : reply.TryWritten(value));
            return Later;
        }
        return entry?.GoOnAfter(request, result) ?? result;
    }
}
