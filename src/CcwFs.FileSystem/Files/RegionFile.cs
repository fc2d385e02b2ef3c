using CcwFs.Fuse;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>An open io, cmd, schib or crw: a region of the device, its offsets the region's.</summary>
internal sealed class RegionFile(MountedSubchannel entry, RegionIndex region, ClientAccount account) : OpenFile(account)
{
    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer)
    {
        // The reader may be here before the worker that answered the write: then the program runs now, not after a second read.
        entry.Device.GoOn(WorkThread.Caller);
        int length = (int)Math.Clamp(RegionLayout.Size(region) - offset, 0, buffer.Length);
        return length == 0 ? 0 : entry.Device.ReadRegion(region, (int)offset, buffer[..length]);
    }

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data) => offset > RegionLayout.IoSize
        ? -(int)Errno.EINVAL
        : entry.GoOnAfter(request, entry.Device.WriteRegion(region, (int)offset, data));
}
