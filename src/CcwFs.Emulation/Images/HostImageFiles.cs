using CcwFs.ChannelIo.Text;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Images;

/// <summary>
/// Files of this machine. A writer holds an exclusive flock on every image file, a reader a shared one, both for as long as the file is open; the
/// kernel frees them with the process. <paramref name="user"/>: who opens them, for the judgement of redo files; with <paramref name="locks"/> off
/// they are looked at while somebody else may have them. With <paramref name="plain"/> they are opened for somebody else: no link of /proc to an open
/// file is followed, for the kernel opens those of our own process whatever rights that user has.
/// </summary>
public sealed class HostImageFiles(uint user, bool locks = true, bool plain = false) : IImageFiles
{
    private const uint OwnersMode = 0x180; // S_IRUSR | S_IWUSR

    /// <summary>Why a path that leads through an open file of a process is refused, and what to do.</summary>
    public const string LinkOfProcess = "its path leads through a link of /proc, or too many links; give the path of the file itself";

    /// <summary>With this process's own rights.</summary>
    public static HostImageFiles Instance { get; } = new(Descriptors.EffectiveUser);

    /// <summary>The same for facts that a moment's change does not make wrong: nothing is locked, nothing can be written.</summary>
    public static HostImageFiles Unlocked { get; } = new(Descriptors.EffectiveUser, locks: false);

    /// <inheritdoc/>
    public Guid BootId { get; } = Boot.Id;

    /// <inheritdoc/>
    public bool Locks => locks;

    /// <inheritdoc/>
    public IImageFile? Open(string path, bool write) => OpenHere(path, write);

    /// <inheritdoc/>
    public IImageFile? OpenDisk(string path, bool write) => OpenHere(path, write, disk: true);

    /// <summary>As <see cref="Open"/>, or with <paramref name="disk"/> as <see cref="OpenDisk"/>, for who needs the descriptor too.</summary>
    public HostImageFile? OpenHere(string path, bool write, bool disk = false)
    {
        // The name first: opening a FIFO or a device could wait, or do something.
        int result = OpenPath(path, OpenOptions.PathOnly, plain, out FileDescriptor name);
        using (name)
        {
            if (result == -(int)Errno.ENOENT && !DirectoryIsMissing(path))
                return null;
            OpenOptions access = write && locks ? OpenOptions.ReadWrite : OpenOptions.ReadOnly;
            if (result == 0)
                result = name.Status(out FileStatus status) is < 0 and var fault ? fault : Refuse(status, disk, ref access);
            FileDescriptor file = name;
            if (result == 0)
                result = FileDescriptor.Reopen(name, access, out file);
            if (result == 0 && locks)
                result = file.TryLock(exclusive: write);
            if (result == 0)
                return new HostImageFile(path, file, write && locks);
            string holder = result == -(int)Errno.EWOULDBLOCK ? HolderOf(file) : "";
            file.Dispose();
            throw new ImageException(result switch
            {
                -(int)Errno.EWOULDBLOCK =>
                    "another process has it in use" + holder + (write ? "" : "; its tracks may change while they are read: end that use first"),
                -(int)Errno.EBUSY => "this machine uses it: it is mounted, or part of another device; end that use first",
                -(int)Errno.ELOOP when plain => LinkOfProcess,
                -(int)Errno.ENOENT => "its directory does not exist; make that first",
                _ => Problem.Of(result),
            }, -result);
        }
    }

    /// <inheritdoc/>
    public IRedoPlace RedoOf(IImageFile image, string? path = null) =>
        new HostRedoPlace(image as HostImageFile ?? throw new ArgumentException("it is no file of this machine", nameof(image)), path, user, plain);

    /// <inheritdoc/>
    public int ReadStart(string path, Span<byte> start)
    {
        using HostImageFile? file = new HostImageFiles(user, locks: false, plain).OpenHere(path, write: false, disk: true);
        return file is null ? 0 : ImageException.Check(file.ReadAt(0, start));
    }

    /// <inheritdoc/>
    public IImageFile CreateUnnamed() => CreateUnnamedHere();

    /// <summary>As <see cref="CreateUnnamed"/>, for who needs the descriptor too: in TMPDIR, or /var/tmp.</summary>
    public static HostImageFile CreateUnnamedHere()
    {
        string directory = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } named ? named : "/var/tmp";
        int result = FileDescriptor.Open(directory, OpenOptions.Unnamed | OpenOptions.ReadWrite, OwnersMode, out FileDescriptor file);
        return result == 0 ? new HostImageFile($"a temporary file in {directory}", file)
            : throw new ImageException($"no temporary file can be made in {directory}: {Problem.Of(result)}; set TMPDIR to a directory that has them",
                -result);
    }

    /// <summary>Opens a path, or a plain one alone (<see cref="FileDescriptor.OpenPlain"/>).</summary>
    internal static int OpenPath(string path, OpenOptions options, bool plain, out FileDescriptor opened) =>
        plain ? FileDescriptor.OpenPlain(path, options, out opened) : FileDescriptor.Open(path, options, 0, out opened);

    /// <summary>A user who may read a file can keep it locked, so this says who does; empty where that cannot be seen.</summary>
    private static string HolderOf(FileDescriptor file) => FileLocks.Find(file) switch
    {
        null => "",
        { Command: null } found => $" (locked by pid {found.Process}, which has ended or cannot be seen)",
        { } found => $" (locked by pid {found.Process}, {VisibleText.Quoted(found.Command)})",
    };

    private static int Refuse(in FileStatus status, bool disk, ref OpenOptions access)
    {
        if (status.Type == FileStatus.TypeDirectory)
            throw new ImageException("it is a directory", (int)Errno.EISDIR);
        if (disk && status.Type == FileStatus.TypeBlockDevice)
        {
            access |= access == OpenOptions.ReadWrite ? OpenOptions.Exclusive : OpenOptions.ReadOnly;
            return 0;
        }
        return status.Type != FileStatus.TypeRegular || (status.Size == 0 && !disk)
            ? throw new ImageException("it is empty or no regular file", (int)Errno.EINVAL) : 0;
    }

    private static bool DirectoryIsMissing(string path) =>
        Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && FileDescriptor.Status(directory, follow: true, out _) < 0;
}

/// <summary>A file of this machine.</summary>
public sealed class HostImageFile : IImageFile
{
    private readonly FileDescriptor _descriptor;

    internal HostImageFile(string path, FileDescriptor descriptor, bool isWritable = true) =>
        (Path, _descriptor, IsWritable) = (path, descriptor, isWritable);

    /// <summary>It was opened to write: who opened it has the right to.</summary>
    public bool IsWritable { get; }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The open file; it is this object's.</summary>
    public FileDescriptor Descriptor => _descriptor;

    /// <inheritdoc/>
    public int Status(out FileStatus status) => _descriptor.Status(out status);

    /// <inheritdoc/>
    public long Length() => _descriptor.End();

    /// <inheritdoc/>
    public int ReadAt(long offset, Span<byte> buffer)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            int read = _descriptor.ReadAt(offset + filled, buffer[filled..]);
            if (read < 0)
                return read;
            if (read == 0)
                break;
            filled += read;
        }
        return filled;
    }

    /// <inheritdoc/>
    public int WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int written = _descriptor.WriteAt(offset, bytes);
            if (written <= 0)
                return written < 0 ? written : -(int)Errno.EIO; // a file that takes nothing and says nothing
            bytes = bytes[written..];
            offset += written;
        }
        return 0;
    }

    /// <inheritdoc/>
    public int Sync() => _descriptor.SyncData();

    /// <inheritdoc/>
    public int Discard(long offset, long length) => FileDescriptor.PunchHole(_descriptor, offset, length);

    /// <inheritdoc/>
    public long NextData(long offset) => _descriptor.NextData(offset);

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();
}
