namespace CcwFs.CommandSets.Decode;

/// <summary>The errnos a region's ret_code holds (Linux, Documentation/arch/s390/vfio-ccw.rst; numbers of the generic table, also s390's).</summary>
internal static class ErrnoNames
{
    private static readonly Dictionary<int, string> Names = new()
    {
        [1] = "EPERM, the mapping does not allow this access",
        [2] = "ENOENT",
        [4] = "EINTR",
        [5] = "EIO, the ORB or the device state does not allow it",
        [6] = "ENXIO",
        [11] = "EAGAIN, another access holds the region",
        [12] = "ENOMEM",
        [13] = "EACCES, the paths that were asked for are gone",
        [14] = "EFAULT",
        [16] = "EBUSY, a program is running or status is pending",
        [19] = "ENODEV, no path to the device",
        [22] = "EINVAL, an address is not mapped or a CCW chain cannot be translated",
        [25] = "ENOTTY",
        [28] = "ENOSPC",
        [95] = "EOPNOTSUPP, not a function of this region",
        [110] = "ETIMEDOUT",
    };

    internal static string Describe(int code) => code switch
    {
        0 => "0, accepted",
        < 0 and > -4096 => Names.GetValueOrDefault(-code, $"errno {-code}"),
        _ => $"{code}, not an errno (a value the writer put there)",
    };
}
