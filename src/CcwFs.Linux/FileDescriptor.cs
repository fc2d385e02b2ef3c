using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// An open file descriptor; closes it when disposed. Calls give a count or 0, or a negative errno; none throws for what the kernel
/// answers. Descriptors are close-on-exec, and a terminal that is opened does not become the one of this session (O_NOCTTY): who has it could end us.
/// </summary>
public sealed partial class FileDescriptor : SafeHandle
{
    private const int NoDescriptor = -1;
    private const int AtFdCwd = -100;
    private const int AtEmptyPath = 0x1000;
    private const int AtSymlinkNoFollow = 0x100;
    private const int AtStatXDontSync = 0x4000;
    private const int Always = 0x80100; // O_CLOEXEC, O_NOCTTY
    private const int AlwaysByName = 0x80000; // O_CLOEXEC: openat2(2) takes O_NOCTTY with O_PATH for an error
    private const uint BasicStats = 0x7FF;
    private const int GetFlags = 3; // F_GETFL
    private const int GetSeals = 1034; // F_GET_SEALS
    private bool _isLocked;

    /// <summary>Takes over <paramref name="descriptor"/>.</summary>
    public FileDescriptor(int descriptor)
        : base(NoDescriptor, ownsHandle: true) => SetHandle(descriptor);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The descriptor's number, for option strings and the environment of a child; valid while this is not disposed.</summary>
    public int Number => (int)handle;

    /// <summary>Takes over what a call of the C library gave: 0, or a negative errno and then none.</summary>
    internal static int Of(int returned, out FileDescriptor opened)
    {
        int result = Result.Of(returned);
        opened = new FileDescriptor(Math.Max(result, NoDescriptor));
        return Math.Min(result, 0);
    }

    /// <summary>open(2); <paramref name="opened"/> belongs to the caller when the result is 0.</summary>
    public static int Open(string path, OpenOptions options, uint mode, out FileDescriptor opened) =>
        Of(LibC.Open(path, KernelFlags.Of(options) | Always, mode), out opened);

    /// <summary>openat(2) under <paramref name="directory"/>; <paramref name="opened"/> belongs to the caller when the result is 0.</summary>
    public static int OpenAt(SafeHandle directory, string path, OpenOptions options, uint mode, out FileDescriptor opened) =>
        Of(LibC.OpenAt(directory, path, KernelFlags.Of(options) | Always, mode), out opened);

    /// <summary>
    /// openat2(2) with O_PATH and RESOLVE_IN_ROOT: as if <paramref name="root"/> were the root directory, also for symbolic links on the way.
    /// <paramref name="opened"/> belongs to the caller when the result is 0.
    /// </summary>
    public static int OpenBelow(FileDescriptor root, string path, out FileDescriptor opened)
    {
        const ulong InRoot = 0x10; // RESOLVE_IN_ROOT
        using var held = new HeldHandle(root);
        return Open(held.Number, path, OpenOptions.PathOnly, InRoot, out opened);
    }

    /// <summary>
    /// openat2(2) with RESOLVE_NO_MAGICLINKS: -ELOOP where a link of /proc to an open file or to a directory of a process is on the way, whatever
    /// leads to it. The kernel asks nobody for rights on what such a link of our own process leads to: who acts for another user opens paths with
    /// this. <paramref name="opened"/> belongs to the caller when the result is 0.
    /// </summary>
    public static int OpenPlain(string path, OpenOptions options, out FileDescriptor opened)
    {
        const ulong NoMagicLinks = 2; // RESOLVE_NO_MAGICLINKS
        return Open(AtFdCwd, path, options, NoMagicLinks, out opened);
    }

    private static unsafe int Open(int directory, string path, OpenOptions options, ulong resolve, out FileDescriptor opened)
    {
        int flags = KernelFlags.Of(options) | (options.HasFlag(OpenOptions.PathOnly) ? AlwaysByName : Always);
        ulong* how = stackalloc ulong[3] { (ulong)flags, 0, resolve }; // struct open_how: flags, mode, resolve
        byte[] name = [.. System.Text.Encoding.UTF8.GetBytes(path), 0];
        fixed (byte* start = name)
        {
            // SAFETY: a NUL-terminated path and a structure of the given size, both alive during the call; the callers hold the directory open.
            return Of((int)LibC.SystemCall(KernelNumbers.OpenAt2, directory, (nint)start, (nint)how, 3 * sizeof(ulong)), out opened);
        }
    }

    /// <summary>statx(2) of a path; with <paramref name="follow"/> off, of a symbolic link itself.</summary>
    public static unsafe int Status(string path, bool follow, out FileStatus status)
    {
        StatXBuffer buffer = default;

        // SAFETY: statx writes 256 bytes, the size of the local structure.
        int result = Result.Of(LibC.StatX(AtFdCwd, path, follow ? 0 : AtSymlinkNoFollow, BasicStats, &buffer));
        status = Convert(buffer);
        return result;
    }

    /// <summary>statx(2) of the open file.</summary>
    public int Status(out FileStatus status) => Status(this, out status);

    /// <summary>statx(2) of an open file.</summary>
    public static int Status(SafeHandle file, out FileStatus status) => Status(file, "", AtEmptyPath, BasicStats, out status);

    /// <summary>statx(2) of a name in an open directory; of a symbolic link itself.</summary>
    public static int StatusAt(SafeHandle directory, string name, out FileStatus status) =>
        Status(directory, name, AtSymlinkNoFollow, BasicStats, out status);

    /// <summary>
    /// Whether a name in an open directory leads to the file of <paramref name="device"/> and <paramref name="inode"/> (as in
    /// <see cref="FileStatus"/>).
    /// </summary>
    [SkipLocalsInit]
    public static unsafe bool Holds(SafeHandle directory, string name, ulong device, ulong inode)
    {
        const uint Inode = 0x100; // STATX_INO
        StatXBuffer buffer;

        // SAFETY: as above; what is read was written, for the call went well.
        return LibC.StatX(directory, name, AtSymlinkNoFollow, Inode, &buffer) == 0 && buffer.Inode == inode
            && (((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor) == device;
    }

    /// <summary>
    /// The device that holds an open file (as in <see cref="FileStatus"/>), from what the kernel knows: the server of a FUSE file system is not
    /// asked.
    /// </summary>
    public static int Device(SafeHandle file, out ulong device)
    {
        int result = Status(file, "", AtEmptyPath | AtStatXDontSync, 0, out FileStatus status);
        device = status.Device;
        return result;
    }

    /// <summary>
    /// Opens the very file that <paramref name="file"/> has open, also as a name alone (<see cref="OpenOptions.PathOnly"/>), whatever lies at its
    /// path by now; <paramref name="opened"/> belongs to the caller when the result is 0.
    /// </summary>
    public static int Reopen(SafeHandle file, OpenOptions options, out FileDescriptor opened)
    {
        using var held = new HeldHandle(file);
        return Open($"/proc/self/fd/{held.Number}", options, 0, out opened);
    }

    /// <summary>
    /// Whether the calling thread could open, to read or also to write, the very file that <paramref name="file"/> has open: 0, or why not.
    /// </summary>
    public static int MayReopen(SafeHandle file, bool write)
    {
        int result = Reopen(file, (write ? OpenOptions.ReadWrite : OpenOptions.ReadOnly) | OpenOptions.NonBlocking, out FileDescriptor opened);
        opened.Dispose();
        return result;
    }

    /// <summary>fallocate(2): the range becomes a hole that reads as zeros, the file's size stays. Retried on EINTR.</summary>
    public static int PunchHole(SafeHandle file, long offset, long length)
    {
        const int KeepSize = 1, Punch = 2; // FALLOC_FL_*
        int result;
        do
            result = Result.Of(LibC.Allocate(file, KeepSize | Punch, offset, length));
        while (result == -(int)Errno.EINTR);
        return result;
    }

    /// <summary>unlinkat(2) of a file in an open directory.</summary>
    public static int RemoveAt(SafeHandle directory, string name) => Result.Of(LibC.UnlinkAt(directory, name, 0));

    /// <summary>
    /// renameat2(2) in an open directory; without <paramref name="replace"/> -EEXIST when the new name is taken, and -EINVAL where the file system
    /// cannot tell.
    /// </summary>
    public static int RenameAt(SafeHandle directory, string from, string to, bool replace)
    {
        const uint NoReplace = 1; // RENAME_NOREPLACE
        return Result.Of(LibC.RenameAt(directory, from, directory, to, replace ? 0 : NoReplace));
    }

    /// <summary>
    /// The names in a directory are on stable storage. To sync a directory takes the right to read it, and a file system that can; else the whole
    /// file system of <paramref name="file"/>, which is in it, is synced.
    /// </summary>
    public static int SyncNames(SafeHandle directory, FileDescriptor file)
    {
        int result = OpenAt(directory, ".", OpenOptions.Directory, 0, out FileDescriptor readable);
        using (readable)
            result = result == 0 ? readable.Sync() : result;
        return result is -(int)Errno.EACCES or -(int)Errno.EINVAL ? file.SyncFileSystem() : result;
    }

    /// <summary>
    /// linkat(2): gives an unnamed file (<see cref="OpenOptions.Unnamed"/>) a name in an open directory; -EEXIST when that is taken.
    /// </summary>
    internal int LinkInto(SafeHandle directory, string name)
    {
        const int FollowLink = 0x400; // AT_SYMLINK_FOLLOW
        return Result.Of(LibC.LinkAt(AtFdCwd, $"/proc/self/fd/{Number}", directory, name, FollowLink));
    }

    /// <summary>
    /// fsync(2): bytes and attributes are on stable storage, of a directory its names. An error is told once, to the first who asks.
    /// </summary>
    public int Sync() => Uninterrupted(static file => LibC.Sync(file));

    /// <summary>fdatasync(2): as <see cref="Sync"/> for the bytes and what is needed to find them.</summary>
    public int SyncData() => Uninterrupted(static file => LibC.SyncData(file));

    /// <summary>syncfs(2): everything of the file system that the file is on.</summary>
    public int SyncFileSystem() => Uninterrupted(static file => LibC.SyncFileSystem(file));

    /// <summary>
    /// lseek(2) with SEEK_DATA: the first offset from <paramref name="offset"/> on that is in no hole; <paramref name="offset"/> itself where the
    /// file system knows no holes; -ENXIO after the last data. Moves the file's position.
    /// </summary>
    public long NextData(long offset)
    {
        const int SeekData = 3;
        long result = LibC.Seek(this, offset, SeekData);
        return result >= 0 ? result : -Marshal.GetLastPInvokeError();
    }

    /// <summary>lseek(2) with SEEK_END: where the file ends, of a block device too. Moves the file's position.</summary>
    public long End()
    {
        const int SeekEnd = 2;
        long result = LibC.Seek(this, 0, SeekEnd);
        return result >= 0 ? result : -Marshal.GetLastPInvokeError();
    }

    /// <summary>read(2); not retried: a signal's EINTR is the caller's to see.</summary>
    public unsafe int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            // SAFETY: the span is pinned for the call and its own length is passed.
            return Result.Of(LibC.Read(this, start, (nuint)buffer.Length));
        }
    }

    /// <summary>write(2), once; may be short.</summary>
    public unsafe int Write(ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            // SAFETY: the span is pinned for the call and its own length is passed.
            return Result.Of(LibC.Write(this, start, (nuint)data.Length));
        }
    }

    /// <summary>writev(2) of two pieces in one call: one message.</summary>
    public unsafe int Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        fixed (byte* firstStart = first, secondStart = second)
        {
            // SAFETY: both spans are pinned for the call and their own lengths are passed.
            IoVector* vectors = stackalloc IoVector[2];
            vectors[0] = new IoVector { Base = firstStart, Length = (nuint)first.Length };
            vectors[1] = new IoVector { Base = secondStart, Length = (nuint)second.Length };
            return Result.Of(LibC.WriteV(this, vectors, 2));
        }
    }

    /// <summary>pread(2), retried on EINTR; may be short.</summary>
    public unsafe int ReadAt(long offset, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            int result;
            do
            {
                // SAFETY: the span is pinned for the call and its own length is passed.
                result = Result.Of(LibC.PRead(this, start, (nuint)buffer.Length, offset));
            }
            while (result == -(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>pwrite(2), retried on EINTR; may be short.</summary>
    public unsafe int WriteAt(long offset, ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            int result;
            do
            {
                // SAFETY: the span is pinned for the call and its own length is passed.
                result = Result.Of(LibC.PWrite(this, start, (nuint)data.Length, offset));
            }
            while (result == -(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>Fills the buffer from an offset on; false at the file's end or on an error, and then some of it may be filled.</summary>
    public bool ReadWholeAt(long offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int read = ReadAt(offset, buffer);
            if (read <= 0)
                return false;
            buffer = buffer[read..];
            offset += read;
        }
        return true;
    }

    /// <summary>Writes all of the data from an offset on; false on an error, and then some of it may be written.</summary>
    public bool WriteWholeAt(long offset, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int written = WriteAt(offset, data);
            if (written <= 0)
                return false;
            data = data[written..];
            offset += written;
        }
        return true;
    }

    /// <summary>
    /// The flags it was opened with or has got since (F_GETFL): bits of <see cref="OpenOptions"/>, the access mode in the two lowest; or a negative
    /// errno.
    /// </summary>
    public int OpenFlags() => Result.Of(LibC.Fcntl(this, GetFlags, 0)) is var flags && flags < 0 ? flags : (int)KernelFlags.OptionsOf(flags);

    /// <summary>The file's seals (F_GET_SEALS): F_SEAL_* bits, or -EINVAL for a file that cannot have any.</summary>
    public int Seals() => Result.Of(LibC.Fcntl(this, GetSeals, 0));

    /// <summary>ftruncate(2).</summary>
    public int SetLength(long length) => Result.Of(LibC.Truncate(this, length));

    /// <summary>
    /// flock(2) without waiting: 0, or -EWOULDBLOCK when another open file has it. It ends with <see cref="Dispose"/>, also where a child process
    /// that is just being started still has the open file, until its exec.
    /// </summary>
    public int TryLock(bool exclusive)
    {
        const int LockShared = 1, LockExclusive = 2, LockNonBlocking = 4;
        int result = Result.Of(LibC.Flock(this, (exclusive ? LockExclusive : LockShared) | LockNonBlocking));
        _isLocked |= result == 0;
        return result;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        const int Unlock = 8;
        if (disposing && _isLocked && !IsClosed)
            _ = LibC.Flock(this, Unlock);
        base.Dispose(disposing);
    }

    /// <summary>A second descriptor of the same open file.</summary>
    public int Duplicate(out FileDescriptor duplicate)
    {
        const int DuplicateCloseOnExec = 1030; // F_DUPFD_CLOEXEC
        return Of(LibC.Fcntl(this, DuplicateCloseOnExec, 0), out duplicate);
    }

    /// <summary>Lets the descriptor survive an execve(2) of this process.</summary>
    public int KeepOverExec()
    {
        const int SetDescriptorFlags = 2; // F_SETFD
        return Result.Of(LibC.Fcntl(this, SetDescriptorFlags, 0));
    }

    /// <summary>The file system's magic number (linux/magic.h) from fstatfs(2).</summary>
    public unsafe int FileSystemType(out long magic) => FileSystems.Type(this, out magic);

    private static unsafe int Status(SafeHandle directory, string name, int flags, uint mask, out FileStatus status)
    {
        StatXBuffer buffer = default;

        // SAFETY: statx writes 256 bytes, the size of the local structure.
        int result = Result.Of(LibC.StatX(directory, name, flags, mask, &buffer));
        status = Convert(buffer);
        return result;
    }

    private int Uninterrupted(Func<FileDescriptor, int> call)
    {
        int result;
        do
            result = Result.Of(call(this));
        while (result == -(int)Errno.EINTR);
        return result;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.Close((int)handle) == 0;

    private static FileStatus Convert(in StatXBuffer from) => new(
        ((ulong)from.DeviceMajor << 32) | from.DeviceMinor, from.Inode, (long)from.Size, from.Mode, from.Uid, from.Gid, from.Blocks,
        ((ulong)from.RawDeviceMajor << 32) | from.RawDeviceMinor)
    {
        Links = from.Links,
        ChangedAt = from.ChangedSeconds * 1_000_000_000 + from.ChangedNanoseconds,
    };
}
