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
