using System.Runtime.InteropServices;

namespace CcwFs.Vfio;

/// <summary>struct vfio_group_status (linux/vfio.h). Host byte order, as all of these.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioGroupStatus
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>VFIO_GROUP_FLAGS_*.</summary>
    public uint Flags;

    /// <summary>VFIO_GROUP_FLAGS_VIABLE: every device of the group is bound to a driver of VFIO.</summary>
    public const uint FlagViable = 1 << 0;
}

/// <summary>struct vfio_iommu_type1_dma_map.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDmaMap
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>VFIO_DMA_MAP_FLAG_*.</summary>
    public uint Flags;

    /// <summary>Address in the caller's memory.</summary>
    public ulong Vaddr;

    /// <summary>Address for the device.</summary>
    public ulong Iova;

    /// <summary>Bytes.</summary>
    public ulong Size;

    /// <summary>VFIO_DMA_MAP_FLAG_READ: the device may read.</summary>
    public const uint FlagRead = 1 << 0;

    /// <summary>VFIO_DMA_MAP_FLAG_WRITE: the device may write.</summary>
    public const uint FlagWrite = 1 << 1;
}

/// <summary>struct vfio_iommu_type1_dma_unmap.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDmaUnmap
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>0.</summary>
    public uint Flags;

    /// <summary>First address for the device.</summary>
    public ulong Iova;

    /// <summary>In: bytes of the range; out: bytes that were mapped.</summary>
    public ulong Size;
}

/// <summary>Numbers of the container interface.</summary>
public static class VfioContainer
{
    /// <summary>VFIO_API_VERSION.</summary>
    public const int ApiVersion = 0;

    /// <summary>VFIO_TYPE1v2_IOMMU: maps by page, and unmaps what was mapped.</summary>
    public const uint Type1v2 = 3;
}
