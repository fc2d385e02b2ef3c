using System.Runtime.InteropServices;

namespace CcwFs.Vfio;

/// <summary>The ioctls of an iommufd, _IO(';', 0x80 + n) (linux/iommufd.h). The number carries no size; the structure's first word does.</summary>
public enum IommufdIoctl : uint
{
    /// <summary>IOMMU_DESTROY.</summary>
    Destroy = 0x3B80,

    /// <summary>IOMMU_IOAS_ALLOC.</summary>
    IoasAlloc = 0x3B81,

    /// <summary>IOMMU_IOAS_IOVA_RANGES.</summary>
    IoasIovaRanges = 0x3B84,

    /// <summary>IOMMU_IOAS_MAP.</summary>
    IoasMap = 0x3B85,

    /// <summary>IOMMU_IOAS_UNMAP.</summary>
    IoasUnmap = 0x3B86,

    /// <summary>IOMMU_GET_HW_INFO.</summary>
    GetHwInfo = 0x3B8A,

    /// <summary>IOMMU_IOAS_MAP_FILE (Linux 6.13).</summary>
    IoasMapFile = 0x3B8F,

    /// <summary>
    /// One of ours, with <see cref="GuestCodeChannel"/>; no driver of Linux has the number (Documentation/userspace-api/ioctl/ioctl-number.rst).
    /// </summary>
    SetGuestCode = 0xFCC6,
}

/// <summary>IOMMU_IOAS_MAP_*, the flags of <see cref="IommuIoasMap"/> and <see cref="IommuIoasMapFile"/>.</summary>
[Flags]
public enum IoasMapFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>IOMMU_IOAS_MAP_FIXED_IOVA: at the given iova, not at one of the kernel's choice.</summary>
    FixedIova = 1,

    /// <summary>IOMMU_IOAS_MAP_WRITEABLE: the device may write.</summary>
    Writeable = 2,

    /// <summary>IOMMU_IOAS_MAP_READABLE: the device may read.</summary>
    Readable = 4,
}

/// <summary>struct iommu_destroy. Host byte order, as all of these.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuDestroy
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>The object.</summary>
    public uint Id;
}

/// <summary>struct iommu_ioas_alloc.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasAlloc
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>0.</summary>
    public uint Flags;

    /// <summary>out_ioas_id.</summary>
    public uint OutIoasId;
}

/// <summary>struct iommu_iova_range.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuIovaRange
{
    /// <summary>First IOVA.</summary>
    public ulong Start;

    /// <summary>Last IOVA.</summary>
    public ulong Last;
}

/// <summary>struct iommu_ioas_iova_ranges.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasIovaRanges
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>The address space.</summary>
    public uint IoasId;

    /// <summary>In: ranges that fit in the array; out: ranges there are.</summary>
    public uint NumIovas;

    /// <summary>0.</summary>
    public uint Reserved;

    /// <summary>Address of the caller's array of <see cref="IommuIovaRange"/>.</summary>
    public ulong AllowedIovas;

    /// <summary>out_iova_alignment, bytes.</summary>
    public ulong OutIovaAlignment;
}

/// <summary>struct iommu_ioas_map.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasMap
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>Flags.</summary>
    public IoasMapFlags Flags;

    /// <summary>The address space.</summary>
    public uint IoasId;

    /// <summary>0.</summary>
    public uint Reserved;

    /// <summary>Address in the caller's memory.</summary>
    public ulong UserVa;

    /// <summary>Bytes.</summary>
    public ulong Length;

    /// <summary>In with <see cref="IoasMapFlags.FixedIova"/>, out always.</summary>
    public ulong Iova;
}

/// <summary>struct iommu_ioas_map_file.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasMapFile
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>Flags.</summary>
    public IoasMapFlags Flags;

    /// <summary>The address space.</summary>
    public uint IoasId;

    /// <summary>The caller's descriptor of a memory file.</summary>
    public int Fd;

    /// <summary>Offset in the file.</summary>
    public ulong Start;

    /// <summary>Bytes.</summary>
    public ulong Length;

    /// <summary>As in <see cref="IommuIoasMap"/>.</summary>
    public ulong Iova;
}

/// <summary>struct iommu_ioas_unmap.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuIoasUnmap
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>The address space.</summary>
    public uint IoasId;

    /// <summary>First IOVA.</summary>
    public ulong Iova;

    /// <summary>In: bytes of the range; out: bytes that were mapped.</summary>
    public ulong Length;
}

/// <summary>struct iommu_hw_info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IommuHwInfo
{
    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>0, or bit 0 in newer kernels.</summary>
    public uint Flags;

    /// <summary>The device.</summary>
    public uint DeviceId;

    /// <summary>Bytes of the caller's array.</summary>
    public uint DataLength;

    /// <summary>Its address.</summary>
    public ulong DataPointer;

    /// <summary>out_data_type.</summary>
    public uint OutDataType;

    /// <summary>out_max_pasid_log2 and three reserved bytes (Linux 6.15); all reserved before.</summary>
    public uint Reserved;

    /// <summary>out_capabilities.</summary>
    public ulong OutCapabilities;
}
