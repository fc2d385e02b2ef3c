using System.Runtime.InteropServices;
using System.Text;

namespace CcwFs.Linux;

/// <summary>Calls about mounts, links and file systems. Each gives 0 or a count, or a negative errno.</summary>
public static class FileSystems
{
    /// <summary>MS_NOSUID.</summary>
    public const ulong NoSetUid = 2;

    /// <summary>MS_NODEV.</summary>
    public const ulong NoDevices = 4;

    /// <summary>MNT_FORCE: FUSE answers with an abort of the connection.</summary>
    public const int UnmountForce = 1;

    /// <summary>MNT_DETACH: out of the tree now, gone when the last user is.</summary>
    public const int UnmountDetach = 2;

    /// <summary>UMOUNT_NOFOLLOW.</summary>
    public const int UnmountNoFollow = 8;

    /// <summary>TMPFS_MAGIC: tmpfs and anonymous memory files.</summary>
    public const long TemporaryFiles = 0x0102_1994;

    /// <summary>HUGETLBFS_MAGIC: files in huge pages, anonymous ones too.</summary>
    public const long HugePages = 0x9584_58F6;

    /// <summary>FUSE_SUPER_MAGIC.</summary>
    public const long Fuse = 0x6573_5546;

    /// <summary>PROC_SUPER_MAGIC.</summary>
    public const long Processes = 0x9FA0;

    private const int PathMax = 4096; // linux/limits.h
    private const int StatFsRoom = 512; // struct statfs has 120 bytes on x86-64 and arm64, 88 on s390x

    /// <summary>mount(2).</summary>
    public static int Mount(string source, string target, string type, ulong flags, string data) =>
        Result.Of(LibC.Mount(source, target, type, (nuint)flags, data));

    /// <summary>umount2(2) with MNT_* and UMOUNT_* flags.</summary>
    public static int Unmount(string target, int flags) => Result.Of(LibC.Unmount(target, flags));

    /// <summary>readlink(2): 0 and the target, or a negative errno; asks no file system about the target.</summary>
    public static unsafe int ReadLink(string path, out string target)
    {
        byte* buffer = stackalloc byte[PathMax];

        // SAFETY: the buffer's own size is passed; the result is its used length.
        int length = Result.Of(LibC.ReadLink(path, buffer, PathMax));
        target = length > 0 ? Encoding.UTF8.GetString(buffer, length) : "";
        return Math.Min(length, 0);
    }

    /// <summary>readlinkat(2) of a link that is open for its name alone.</summary>
    public static unsafe int ReadLink(SafeHandle link, out string target)
    {
        byte* buffer = stackalloc byte[PathMax];

        // SAFETY: as above.
        int length = Result.Of(LibC.ReadLinkAt(link, "", buffer, PathMax));
        target = length > 0 ? Encoding.UTF8.GetString(buffer, length) : "";
        return Math.Min(length, 0);
    }

    /// <summary>
    /// The device (major &lt;&lt; 32 | minor) of the file system that a path leads to, from what the kernel knows already: no file system is asked
    /// about the file. A link like /proc/PID/fd/N leads to the file itself.
    /// </summary>
    public static unsafe int DeviceOf(string path, out ulong device)
    {
        const int CurrentDirectory = -100, NoAutomount = 0x800, DoNotSync = 0x4000; // AT_*
        StatXBuffer buffer = default;

        // SAFETY: statx writes 256 bytes, the size of the local structure.
        int result = Result.Of(LibC.StatX(CurrentDirectory, path, NoAutomount | DoNotSync, 0, &buffer));
        device = ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor;
        return result;
    }

    /// <summary>access(2) with W_OK (and X_OK, to make files in a directory): 0, or why this process may not write there.</summary>
    public static int MayWrite(string path, bool isDirectory)
    {
        const int Execute = 1, Write = 2;
        return Result.Of(LibC.Access(path, isDirectory ? Write | Execute : Write));
    }

    /// <summary>statfs(2): the magic number of the file system at a path. A FUSE server is asked, so this can wait for it.</summary>
    public static unsafe int Type(string path, out long magic)
    {
        byte* buffer = stackalloc byte[StatFsRoom];
        new Span<byte>(buffer, StatFsRoom).Clear();

        // SAFETY: the buffer is larger than struct statfs of any architecture.
        int result = Result.Of(LibC.StatFs(path, buffer));
        magic = Magic(buffer);
        return result;
    }

    /// <summary>fstatfs(2): the same for an open file.</summary>
    public static unsafe int Type(SafeHandle file, out long magic)
    {
        byte* buffer = stackalloc byte[StatFsRoom];
        new Span<byte>(buffer, StatFsRoom).Clear();

        // SAFETY: as above.
        int result = Result.Of(LibC.FStatFs(file, buffer));
        magic = Magic(buffer);
        return result;
    }

    // f_type is the first member: a long, or an unsigned int.
    private static unsafe long Magic(byte* buffer) =>
        // SAFETY: both reads lie within the buffer of StatFsRoom bytes.
        KernelNumbers.FileSystemType.Value == sizeof(uint) ? *(uint*)buffer : *(long*)buffer;
}
