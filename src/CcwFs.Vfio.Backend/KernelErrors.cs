using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>The border between the kernel's errnos and ours.</summary>
internal static class KernelErrors
{
    /// <summary>
    /// What a refused write of io or cmd means (Documentation/arch/s390/vfio-ccw.rst): to the client too, but where a line says otherwise. An errno
    /// that the driver does not give is EIO, and <paramref name="known"/> is false.
    /// </summary>
    internal static FunctionResult OfWrite(int result, out bool known)
    {
        known = true;
        switch ((Errno)(-result))
        {
            case Errno.EBUSY or Errno.EAGAIN: // it was tried again often enough
                return ConditionCode.Busy;
            case Errno.ENOENT: // an address that our maps have not; so do iommufd and type1 differ
            case Errno.E2BIG: // of more chains than it takes
            case Errno.EOVERFLOW:
                return FunctionResult.Refused(Errno.EINVAL);
            case Errno.EACCES: // none of these paths
            case Errno.ENODEV: // no path is left
            case Errno.EOPNOTSUPP or Errno.EINVAL or Errno.EPERM or Errno.EFAULT or Errno.ENOMEM or Errno.EIO:
                return FunctionResult.Refused((Errno)(-result));
            default:
                known = false;
                return FunctionResult.Refused(Errno.EIO);
        }
    }

    /// <summary>
    /// The descriptor has no device any more: ENODEV of the schib region, and what the files of a file system say that ended.
    /// </summary>
    internal static bool IsGone(int result) =>
        result < 0 && (Errno)(-result) is Errno.ENODEV or Errno.ENXIO or Errno.ENOTCONN or Errno.ECONNABORTED or Errno.ESTALE;

    /// <summary>A write of io or cmd makes it worth asking whether the device is still there.</summary>
    internal static bool IsSuspicious(int result) => result < 0 && (Errno)(-result) is Errno.EIO or Errno.ENODEV || IsGone(result);
}
