namespace CcwFs.Vfio;

/// <summary>The ioctls of a VFIO device file, _IO(';', 100 + n) (linux/vfio.h): they carry no size.</summary>
public enum VfioIoctl : uint
{
    /// <summary>VFIO_DEVICE_GET_INFO.</summary>
    GetInfo = 0x3B6B,
}
