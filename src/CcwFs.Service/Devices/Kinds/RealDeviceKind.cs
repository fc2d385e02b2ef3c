using CcwFs.Linux;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>What a file must be to be a device of VFIO, its iommufd or its container: told without opening it.</summary>
internal static class RealDeviceKind
{
    // Documentation/admin-guide/devices.txt: terminals of the console and of lines, /dev/tty and /dev/console; the two ends of Unix98
    // pseudo-terminals.
    private const ulong Terminal = 4, OtherTerminal = 5, FirstPseudo = 128, LastPseudo = 143;

    /// <summary>
    /// Why it can be none, to stand after the path and a colon; null: it may be one. They are character devices, or files of another ccwfs, which
    /// its FUSE file system shows as regular ones.
    /// </summary>
    internal static string? Wrong(FileDescriptor named, in FileStatus status) => status.Type switch
    {
        FileStatus.TypeCharacterDevice => IsTerminal(status.RawDevice) ? "is a terminal; give a device of VFIO" : null,
        FileStatus.TypeRegular => FileSystems.Type(named, out long type) == 0 && type == FileSystems.Fuse ? null : "is a file; give a device of VFIO",
        FileStatus.TypeDirectory => "is a directory; give a device of VFIO",
        FileStatus.TypeBlockDevice => "is a block device; give a device of VFIO",
        FileStatus.TypeFifo => "is a FIFO; give a device of VFIO",
        _ => "is a socket; give a device of VFIO",
    };

    /// <summary>Lines of many drivers have numbers of their own, which sysfs knows; it knows no pseudo-terminals.</summary>
    private static bool IsTerminal(ulong number) =>
        number >> 32 is Terminal or OtherTerminal or (>= FirstPseudo and <= LastPseudo)
        || (FileSystems.ReadLink($"/sys/dev/char/{number >> 32}:{(uint)number}/subsystem", out string kind) == 0
            && kind.EndsWith("/tty", StringComparison.Ordinal));
}
