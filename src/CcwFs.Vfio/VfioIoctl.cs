namespace CcwFs.Vfio;

/// <summary>The ioctls of a VFIO device file, _IO(';', 100 + n) (linux/vfio.h): they carry no size, the structure's argsz does.</summary>
public enum VfioIoctl : uint
{
    /// <summary>VFIO_DEVICE_GET_INFO.</summary>
    GetInfo = 0x3B6B,

    /// <summary>VFIO_DEVICE_GET_REGION_INFO.</summary>
    GetRegionInfo = 0x3B6C,

    /// <summary>VFIO_DEVICE_GET_IRQ_INFO.</summary>
    GetIrqInfo = 0x3B6D,

    /// <summary>VFIO_DEVICE_SET_IRQS.</summary>
    SetIrqs = 0x3B6E,

    /// <summary>VFIO_DEVICE_RESET.</summary>
    Reset = 0x3B6F,

    /// <summary>VFIO_DEVICE_FEATURE.</summary>
    Feature = 0x3B75,

    /// <summary>VFIO_DEVICE_BIND_IOMMUFD.</summary>
    BindIommufd = 0x3B76,

    /// <summary>VFIO_DEVICE_ATTACH_IOMMUFD_PT.</summary>
    AttachIommufdPt = 0x3B77,

    /// <summary>VFIO_DEVICE_DETACH_IOMMUFD_PT.</summary>
    DetachIommufdPt = 0x3B78,
}

/// <summary>The ioctls of the container (/dev/vfio/vfio) and of a group (/dev/vfio/N), numbered as <see cref="VfioIoctl"/>.</summary>
public enum VfioContainerIoctl : uint
{
    /// <summary>VFIO_GET_API_VERSION, of a container; no argument.</summary>
    GetApiVersion = 0x3B64,

    /// <summary>VFIO_CHECK_EXTENSION, of a container; the argument is the extension's number.</summary>
    CheckExtension = 0x3B65,

    /// <summary>VFIO_SET_IOMMU, of a container with a group; the argument is the extension's number.</summary>
    SetIommu = 0x3B66,

    /// <summary>VFIO_GROUP_GET_STATUS.</summary>
    GroupGetStatus = 0x3B67,

    /// <summary>VFIO_GROUP_SET_CONTAINER; the argument is a descriptor (s32).</summary>
    GroupSetContainer = 0x3B68,

    /// <summary>VFIO_GROUP_GET_DEVICE_FD; the argument is the device's name, ended by a zero byte.</summary>
    GroupGetDeviceFd = 0x3B6A,

    /// <summary>VFIO_IOMMU_MAP_DMA, of a container with an IOMMU.</summary>
    MapDma = 0x3B71,

    /// <summary>VFIO_IOMMU_UNMAP_DMA.</summary>
    UnmapDma = 0x3B72,
}
