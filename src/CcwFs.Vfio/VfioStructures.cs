using System.Runtime.InteropServices;

namespace CcwFs.Vfio;

/// <summary>struct vfio_device_bind_iommufd (linux/vfio.h). Host byte order, as all of these; argsz is the caller's room for the structure.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceBindIommufd
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>Must be 0.</summary>
    public uint Flags;

    /// <summary>The caller's descriptor of the iommu file.</summary>
    public int Iommufd;

    /// <summary>Out: the device's id in that iommufd.</summary>
    public uint OutDevId;
}

/// <summary>struct vfio_device_attach_iommufd_pt, as far as Linux 6.6 knows it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceAttachIommufdPt
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>Must be 0.</summary>
    public uint Flags;

    /// <summary>In: the address space (IOAS); out: the page table in use, here the same.</summary>
    public uint PtId;
}

/// <summary>struct vfio_device_detach_iommufd_pt, as far as Linux 6.6 knows it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceDetachIommufdPt
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>Must be 0.</summary>
    public uint Flags;
}

/// <summary>struct vfio_device_info up to num_irqs: what a device without capabilities fills in.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceInfo
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>VFIO_DEVICE_FLAGS_*.</summary>
    public uint Flags;

    /// <summary>Regions.</summary>
    public uint NumRegions;

    /// <summary>Interrupt indices.</summary>
    public uint NumIrqs;

    /// <summary>VFIO_DEVICE_FLAGS_RESET: takes VFIO_DEVICE_RESET.</summary>
    public const uint FlagReset = 1 << 0;

    /// <summary>VFIO_DEVICE_FLAGS_CCW: a vfio-ccw device.</summary>
    public const uint FlagCcw = 1 << 4;
}

/// <summary>struct vfio_region_info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioRegionInfo
{
    /// <summary>In: the caller's room; out: what all capabilities need.</summary>
    public uint ArgSz;

    /// <summary>VFIO_REGION_INFO_FLAG_*.</summary>
    public uint Flags;

    /// <summary>In: which region.</summary>
    public uint Index;

    /// <summary>Out: offset of the first capability in the caller's buffer; 0 when there was no room.</summary>
    public uint CapOffset;

    /// <summary>Out: bytes of the region.</summary>
    public ulong Size;

    /// <summary>Out: file offset of the region.</summary>
    public ulong Offset;

    /// <summary>VFIO_REGION_INFO_FLAG_READ.</summary>
    public const uint FlagRead = 1 << 0;

    /// <summary>VFIO_REGION_INFO_FLAG_WRITE.</summary>
    public const uint FlagWrite = 1 << 1;

    /// <summary>VFIO_REGION_INFO_FLAG_CAPS.</summary>
    public const uint FlagCapabilities = 1 << 3;
}

/// <summary>struct vfio_region_info_cap_type: struct vfio_info_cap_header and two words.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioRegionInfoCapType
{
    /// <summary>VFIO_REGION_INFO_CAP_TYPE.</summary>
    public ushort Id;

    /// <summary>Version of the capability.</summary>
    public ushort Version;

    /// <summary>Offset of the next capability; 0: none.</summary>
    public uint Next;

    /// <summary>Kind of device.</summary>
    public uint Type;

    /// <summary>Kind of region.</summary>
    public uint Subtype;

    /// <summary>VFIO_REGION_INFO_CAP_TYPE.</summary>
    public const ushort CapabilityId = 2;

    /// <summary>VFIO_REGION_TYPE_CCW.</summary>
    public const uint TypeCcw = 2;
}

/// <summary>struct vfio_irq_info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioIrqInfo
{
    /// <summary>Bytes of the structure.</summary>
    public uint ArgSz;

    /// <summary>VFIO_IRQ_INFO_*.</summary>
    public uint Flags;

    /// <summary>In: which interrupt.</summary>
    public uint Index;

    /// <summary>Out: interrupts at this index.</summary>
    public uint Count;

    /// <summary>VFIO_IRQ_INFO_EVENTFD.</summary>
    public const uint FlagEventFd = 1 << 0;
}

/// <summary>What SET_IRQS carries and does: VFIO_IRQ_SET_*.</summary>
[Flags]
public enum VfioIrqSetFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>VFIO_IRQ_SET_DATA_NONE.</summary>
    DataNone = 1 << 0,

    /// <summary>VFIO_IRQ_SET_DATA_BOOL: a byte an interrupt.</summary>
    DataBool = 1 << 1,

    /// <summary>VFIO_IRQ_SET_DATA_EVENTFD: a descriptor (s32) an interrupt.</summary>
    DataEventFd = 1 << 2,

    /// <summary>VFIO_IRQ_SET_ACTION_MASK.</summary>
    ActionMask = 1 << 3,

    /// <summary>VFIO_IRQ_SET_ACTION_UNMASK.</summary>
    ActionUnmask = 1 << 4,

    /// <summary>VFIO_IRQ_SET_ACTION_TRIGGER.</summary>
    ActionTrigger = 1 << 5,

    /// <summary>VFIO_IRQ_SET_DATA_TYPE_MASK.</summary>
    DataTypes = DataNone | DataBool | DataEventFd,

    /// <summary>VFIO_IRQ_SET_ACTION_TYPE_MASK.</summary>
    Actions = ActionMask | ActionUnmask | ActionTrigger,
}

/// <summary>struct vfio_irq_set without the data after it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioIrqSet
{
    /// <summary>Bytes of structure and data.</summary>
    public uint ArgSz;

    /// <summary>One data type, and actions.</summary>
    public VfioIrqSetFlags Flags;

    /// <summary>Which interrupt.</summary>
    public uint Index;

    /// <summary>First at that index.</summary>
    public uint Start;

    /// <summary>How many.</summary>
    public uint Count;
}

/// <summary>struct vfio_device_feature without the data after it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VfioDeviceFeature
{
    /// <summary>Bytes of structure and data.</summary>
    public uint ArgSz;

    /// <summary>The feature's number, and VFIO_DEVICE_FEATURE_*.</summary>
    public uint Flags;

    /// <summary>VFIO_DEVICE_FEATURE_MASK, _GET, _SET, _PROBE.</summary>
    public const uint KnownFlags = 0x7_FFFF;
}
