using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>The border between the kernel's errnos and ours.</summary>
internal static class KernelErrors
{
    /// <summary>
    /// One row per errno that a write of io or cmd may give (Documentation/arch/s390/vfio-ccw.rst); the meaning is the client's too unless a row says
    /// otherwise.
    /// </summary>
    private static readonly (Errno Kernel, FunctionResult Answer)[] s_writes =
    [
        (Errno.EBUSY, ConditionCode.Busy),
        (Errno.EAGAIN, ConditionCode.Busy), // it was tried again often enough
        (Errno.EACCES, FunctionResult.Refused(Errno.EACCES)),         // none of these paths
        (Errno.ENODEV, FunctionResult.Refused(Errno.ENODEV)),         // no path is left
        (Errno.EOPNOTSUPP, FunctionResult.Refused(Errno.EOPNOTSUPP)),
        (Errno.EINVAL, FunctionResult.Refused(Errno.EINVAL)),
        (Errno.ENOENT, FunctionResult.Refused(Errno.EINVAL)),         // an address that our maps have not; so do iommufd and type1 differ
        (Errno.E2BIG, FunctionResult.Refused(Errno.EINVAL)),          // of more chains than it takes
        (Errno.EOVERFLOW, FunctionResult.Refused(Errno.EINVAL)),
        (Errno.EPERM, FunctionResult.Refused(Errno.EPERM)),
        (Errno.EFAULT, FunctionResult.Refused(Errno.EFAULT)),
        (Errno.ENOMEM, FunctionResult.Refused(Errno.ENOMEM)),
        (Errno.EIO, FunctionResult.Refused(Errno.EIO)),
    ];

    /// <summary>What a refused write means; an errno of no row is EIO, and <paramref name="known"/> is false.</summary>
    internal static FunctionResult OfWrite(int result, out bool known)
    {
        foreach ((Errno kernel, FunctionResult answer) in s_writes)
        {
            if (result == -(int)kernel)
            {
                known = true;
                return answer;
            }
        }
        known = false;
        return FunctionResult.Refused(Errno.EIO);
    }

    /// <summary>
    /// No device is behind the descriptor any more: ENODEV of the schib region, and what the files of a file system say that ended.
    /// </summary>
    internal static bool IsGone(int result) =>
        result < 0 && (Errno)(-result) is Errno.ENODEV or Errno.ENXIO or Errno.ENOTCONN or Errno.ECONNABORTED or Errno.ESTALE;

    /// <summary>A write of io or cmd makes it worth asking whether the device is still there.</summary>
    internal static bool IsSuspicious(int result) => result < 0 && (Errno)(-result) is Errno.EIO or Errno.ENODEV || IsGone(result);
}
