using CcwFs.Linux;
using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Ways to the memory of the processes of one client. A range of addresses becomes, area by area of /proc/TID/maps,
/// (a) a mapping of ours, where the area is a shared writable mapping of a memory file that cannot shrink;
/// (b) the client's own descriptor of the file, where it can;
/// (c) the memory file of the process: private memory, and all that has neither.
/// The descriptor is one that the client has open for reading and writing, so nothing is reached that it could not reach itself;
/// /proc/PID/map_files would open a file anew, with our rights.
/// What is looked up can change right after. That harms only the client: writes to (c) override the protection of private pages, which are its own
/// copy, and keep to that of shared ones.
/// </summary>
internal sealed partial class ClientMemory(ClientAccount account) : IDisposable
{
    /// <summary>Most files and processes of one client; each costs a descriptor or two (arbitrary; QEMU has one for each memory backend).</summary>
    internal const int MaxSources = 128;

    /// <summary>Most areas of memory that one range may lie in (arbitrary; a memory backend of QEMU is one).</summary>
    internal const int MaxAreas = 4096;

    /// <summary>
    /// Finds the memory at [address, address + length) of the process of a thread that is blocked now. 0, or -EFAULT: a hole, or an area without the
    /// rights; -ENOMEM over a limit; -EPERM without rights over the process. Waits as long as the process likes.
    /// </summary>
    public int Take(IoctlCaller caller, ulong address, ulong length, MemoryRights rights, out ClientRange? range)
    {
        range = null;
        ulong end = unchecked(address + length);
        if (end < address || end > long.MaxValue)
            return -(int)Errno.EFAULT; // addresses of the kernel
        List<MemoryArea> areas = [];
        int result = caller.Areas(address, end, MaxAreas, areas);
        if (result < 0)
            return Refusal(result);
        RangeBuilder builder = new();
        foreach (MemoryArea area in areas)
        {
            ulong at = address + (ulong)builder.Length;
            if (area.Start > at || !Allows(area, rights))
                break;
            result = Hold(caller, area, at, (long)(Math.Min(area.End, end) - at), builder);
            if (result < 0)
                break;
        }
        if (result == 0 && (ulong)builder.Length == length)
            range = builder.Build();
        else
            Release(builder.Sources);
        return range is not null || result < 0 ? result : -(int)Errno.EFAULT;
    }

    /// <summary>
    /// Takes [offset, offset + length) of a memory file; <paramref name="file"/> is taken over. -EINVAL for a file of another kind or beyond its end,
    /// -EPERM without the access mode.
    /// </summary>
    public int TakeFile(IoctlCaller caller, FileDescriptor file, ulong offset, ulong length, MemoryRights rights, out ClientRange? range)
    {
        range = null;
        int result = Judge(file, offset, length, rights, out FileStatus status, out bool huge);
        if (result < 0 || huge)
        {
            file.Dispose();
            return result < 0 ? result : TakeHuge(caller, status, (long)offset, length, rights, out range);
        }
        result = IsReadWrite(file)
            ? Share(file, status, out ClientSource? source)
            : Enter(new ClientSource(new DescriptorStore(file)) { Length = status.Size }, out source);
        if (result == 0)
            range = new ClientRange(source!.Store, (long)offset, [source]);
        return result;
    }

    /// <summary>Gives a range back; nothing uses it any more.</summary>
    public void GiveBack(ClientRange range) => Release(range.Sources);

    // Files of huge pages have no write(2), and a mapping of ours could meet a page that is not there to be had, which kills. The way is the
    // caller's own mapping of the file.
    private int TakeHuge(IoctlCaller caller, in FileStatus status, long offset, ulong length, MemoryRights rights, out ClientRange? range)
    {
        range = null;
        int result = caller.FindMapping(status.Device, status.Inode, offset, length, out ulong address);
        if (result == -(int)Errno.ENOENT)
            return -(int)Errno.EINVAL;
        return result < 0 ? Refusal(result) : Take(caller, address, length, rights, out range);
    }

    private int Hold(IoctlCaller caller, in MemoryArea area, ulong at, long size, RangeBuilder builder)
    {
        ClientSource? source = null;
        long offset = area.Offset + (long)(at - area.Start);
        int result = area.Shared && area.Writable && area.Inode != 0 ? HoldFile(caller, area, offset, size, out source) : 0;
        if (result == 0 && source is null)
        {
            // Also a shared mapping without a descriptor (closed, anonymous, a device, a file system whose device numbers differ here): the kernel
            // writes to shared pages through /proc/TID/mem only as the process may itself.
            offset = (long)at;
            result = HoldProcess(caller, at, out source);
        }
        if (result == 0)
            builder.Add(source!, offset, size);
        return result;
    }

    private static int Judge(FileDescriptor file, ulong offset, ulong length, MemoryRights rights, out FileStatus status, out bool huge)
    {
        huge = false;
        int result = file.Status(out status);
        if (result < 0 || status.Type != FileStatus.TypeRegular || file.FileSystemType(out long magic) < 0)
            return -(int)Errno.EINVAL;
        huge = magic == FileSystems.HugePages;
        if (!huge && magic != FileSystems.TemporaryFiles)
            return -(int)Errno.EINVAL;
        if (offset > (ulong)status.Size || length > (ulong)status.Size - offset)
            return -(int)Errno.EINVAL;
        bool readOnly = (file.OpenFlags() & (int)AccessMode) == (int)OpenOptions.ReadOnly && !rights.HasFlag(MemoryRights.Write);
        return readOnly || IsReadWrite(file) ? 0 : -(int)Errno.EPERM;
    }

    private static bool Allows(in MemoryArea area, MemoryRights rights) =>
        (area.Readable || !rights.HasFlag(MemoryRights.Read)) && (area.Writable || !rights.HasFlag(MemoryRights.Write));

    // What /proc answers, as the ioctl's errno.
    private static int Refusal(int error) => (Errno)(-error) switch
    {
        Errno.EACCES or Errno.EPERM => -(int)Errno.EPERM,
        Errno.ENOENT or Errno.ESRCH or Errno.EINTR => -(int)Errno.EINTR, // the thread is no more
        Errno.E2BIG or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE => -(int)Errno.ENOMEM,
        _ => -(int)Errno.EFAULT,
    };
}
