using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Subchannel;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// Finds the regions of a vfio-ccw device. Region 0 is io; what the others are stands in a capability of each (linux/vfio.h). All that the kernel
/// says is checked: it may be a program.
/// </summary>
internal sealed class RegionDiscovery(ISystemCalls system, FileDescriptor device, string name)
{
    private const uint MaxRegions = 64;   // arbitrary; the kernel has four
    private const uint MaxInfo = 4096;    // bytes of a region's capabilities, arbitrary; the kernel has 16
    private const int NextOffset = 4;     // of struct vfio_info_cap_header
    private const int HeaderSize = 8;

    /// <summary>The offset of each region in the device file, by <see cref="RegionIndex"/>; null for one that the kernel has not.</summary>
    internal long?[] Find(uint regions)
    {
        long?[] found = new long?[Enum.GetValues<RegionIndex>().Length];
        for (uint index = 0; index < Math.Min(regions, MaxRegions); index++)
        {
            byte[] info = Ask(index);
            RegionIndex? region = index == 0 ? RegionIndex.Io : Kind(info, index);
            if (region is not { } kind || found[(int)kind] is not null)
                continue;
            VfioRegionInfo head = MemoryMarshal.Read<VfioRegionInfo>(info);
            if (head.Size != (ulong)RegionLayout.Size(kind) || head.Offset > long.MaxValue - head.Size)
                throw new VfioException($"{name}: the kernel's {kind} region has {head.Size} bytes at {head.Offset:x}, {RegionLayout.Size(kind)} are known; that needs a newer ccwfs");
            found[(int)kind] = (long)head.Offset;
        }
        return found[(int)RegionIndex.Io] is null ? throw new VfioException($"{name} has no io region; it is no subchannel") : found;
    }

    private byte[] Ask(uint index)
    {
        int size = Unsafe.SizeOf<VfioRegionInfo>();
        for (int round = 0; ; round++)
        {
            byte[] info = new byte[size];
            VfioRegionInfo head = new() { ArgSz = (uint)size, Index = index };
            MemoryMarshal.Write(info, head);
            VfioException.Check(system.Control(device, (uint)VfioIoctl.GetRegionInfo, info), $"{name}: region {index}");
            uint needed = MemoryMarshal.Read<VfioRegionInfo>(info).ArgSz;
            if (needed <= size || round > 0)
                return info;
            if (needed > MaxInfo)
                throw new VfioException($"{name}: region {index} has {needed} bytes of capabilities, that cannot be");
            size = (int)needed;
        }
    }

    private RegionIndex? Kind(byte[] info, uint index)
    {
        VfioRegionInfo head = MemoryMarshal.Read<VfioRegionInfo>(info);
        if ((head.Flags & VfioRegionInfo.FlagCapabilities) == 0)
            return null;
        int least = Unsafe.SizeOf<VfioRegionInfo>();
        for (uint at = head.CapOffset; at != 0;)
        {
            if (at < least || at > info.Length - HeaderSize)
                throw new VfioException($"{name}: the capabilities of region {index} lead outside of what the kernel gave");
            ReadOnlySpan<byte> capability = info.AsSpan((int)at);
            if (capability.Length >= Unsafe.SizeOf<VfioRegionInfoCapType>()
                && MemoryMarshal.Read<VfioRegionInfoCapType>(capability) is { Id: VfioRegionInfoCapType.CapabilityId,
                    Type: VfioRegionInfoCapType.TypeCcw } type)
                return type.Subtype is >= (uint)RegionIndex.Cmd and <= (uint)RegionIndex.Crw ? (RegionIndex)type.Subtype : null;
            least = (int)at + HeaderSize; // a chain that does not go forward is none
            at = MemoryMarshal.Read<uint>(capability[NextOffset..]);
        }
        return null;
    }
}
