using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// Files of this machine. A writer holds an exclusive flock on every image file, a reader a shared one, both for as long as the file is open; the kernel
/// frees them with the process. <paramref name="user"/>: who opens them, for the judgement of redo files; with <paramref name="locks"/> off they are looked at
/// while somebody else may have them.
/// </summary>
public sealed class HostImageFiles(uint user, bool locks = true) : IImageFiles
{
    /// <summary>With this process's own rights.</summary>
    public static HostImageFiles Instance { get; } = new(Descriptors.EffectiveUser);

    /// <summary>The same for facts that a moment's change does not make wrong: nothing is locked, nothing can be written.</summary>
    public static HostImageFiles Unlocked { get; } = new(Descriptors.EffectiveUser, locks: false);

    /// <inheritdoc/>
    public Guid BootId { get; } = Boot.Id;

    /// <inheritdoc/>
    public IImageFile? Open(string path, bool write) => OpenHere(path, write);

    /// <summary>As <see cref="Open"/>, for who needs the descriptor too.</summary>
    public HostImageFile? OpenHere(string path, bool write)
    {
        // The name first: opening a FIFO or a device could wait, or do something.
        int result = FileDescriptor.Open(path, OpenOptions.PathOnly, 0, out FileDescriptor name);
        using (name)
        {
            if (result == -(int)Errno.ENOENT && !DirectoryIsMissing(path))
                return null;
            if (result == 0)
                result = name.Status(out FileStatus status) is < 0 and var fault ? fault : Refuse(status);
            FileDescriptor file = name;
            if (result == 0)
                result = FileDescriptor.Open($"/proc/self/fd/{name.Number}", write && locks ? OpenOptions.ReadWrite : OpenOptions.ReadOnly, 0, out file);
            if (result == 0 && locks)
                result = file.TryLock(exclusive: write);
            if (result == 0)
                return new HostImageFile(path, file, write && locks);
            file.Dispose();
            throw new ImageException(result switch
            {
                -(int)Errno.EWOULDBLOCK => "another process has it in use",
                -(int)Errno.ENOENT => "its directory does not exist; make that first",
                _ => Problem.Of(result),
            }, -result);
        }
    }

    /// <inheritdoc/>
    public IRedoPlace RedoOf(IImageFile image) =>
        new HostRedoPlace(image as HostImageFile ?? throw new ArgumentException("it is no file of this machine", nameof(image)), user);

    private static int Refuse(in FileStatus status) =>
        status.Type == FileStatus.TypeDirectory ? throw new ImageException("it is a directory", (int)Errno.EISDIR)
        : status.Type != FileStatus.TypeRegular || status.Size == 0 ? throw new ImageException("it is empty or no regular file", (int)Errno.EINVAL)
        : 0;

    private static bool DirectoryIsMissing(string path) =>
        Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && FileDescriptor.Status(directory, follow: true, out _) < 0;
}

/// <summary>A file of this machine.</summary>
public sealed class HostImageFile : IImageFile
{
    private readonly FileDescriptor _descriptor;

    internal HostImageFile(string path, FileDescriptor descriptor, bool isWritable = true) => (Path, _descriptor, IsWritable) = (path, descriptor, isWritable);

    /// <summary>It was opened to write: who opened it has the right to.</summary>
    internal bool IsWritable { get; }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The open file; it is this object's.</summary>
    public FileDescriptor Descriptor => _descriptor;

    /// <inheritdoc/>
    public int Status(out FileStatus status) => _descriptor.Status(out status);

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

/// <summary>The name of a redo file on this machine: in the directory where the image really is, whatever links led there.</summary>
internal sealed class HostRedoPlace : IRedoPlace
{
    private const uint WriteByOthers = 0x12;  // S_IWGRP | S_IWOTH
    private const uint OwnerBits = 0x180;     // S_IRUSR | S_IWUSR
    private const uint GroupBits = 0x30;      // S_IRGRP | S_IWGRP
    private const uint ReadAndWrite = 0x1B6;  // 0666: no more of the image's mode
    private readonly HostImageFile _image;
    private readonly uint _user;
    private readonly FileDescriptor _directory;
    private readonly string _name;
    private FileStatus _made; // what Create made last

    internal HostRedoPlace(HostImageFile image, uint user)
    {
        (_image, _user) = (image, user);
        int result = FileSystems.ReadLink($"/proc/self/fd/{image.Descriptor.Number}", out string real);
        _name = System.IO.Path.GetFileName(real) + CkdImage.RedoSuffix;
        string directory = System.IO.Path.GetDirectoryName(real) is { Length: > 0 } there ? there : "/";
        Path = System.IO.Path.Combine(directory, _name);
        if (result == 0)
            result = FileDescriptor.Open(directory, OpenOptions.PathOnly | OpenOptions.Directory, 0, out _directory!);
        _directory ??= new FileDescriptor(-1);
        if (result == 0)
            result = IsThere() ? 0 : -(int)Errno.ESTALE;
        if (result == 0)
            return;
        _directory.Dispose();
        throw new ImageException(
            result == -(int)Errno.ESTALE ? "it was renamed or removed while it was opened; try again" : $"its directory {directory}: {Problem.Of(result)}", -result);
    }

    public string Path { get; }

    public IImageFile? Open()
    {
        // Not blocking: the name may be a FIFO's.
        int result = FileDescriptor.OpenAt(_directory, _name, OpenOptions.ReadOnly | OpenOptions.NoFollow | OpenOptions.NonBlocking, 0, out FileDescriptor file);
        if (result == -(int)Errno.ENOENT)
            return null;
        if (result < 0)
            throw new ImageException($"{Path}: {(result == -(int)Errno.ELOOP ? "it is a symbolic link; move it away" : Problem.Of(result))}", -result);
        if (Distrust(file) is not { } reason)
            return new HostImageFile(Path, file);
        file.Dispose();
        throw new ImageException($"{Path}: {reason}; it is not used: look whose it is and move it away", (int)Errno.EPERM);
    }

    public IImageFile Create()
    {
        const OpenOptions Options = OpenOptions.ReadWrite | OpenOptions.Create | OpenOptions.Exclusive | OpenOptions.NoFollow;
        int result = FileDescriptor.OpenAt(_directory, _name, Options, 0x180, out FileDescriptor file);
        if (result == 0)
        {
            result = Take(file, out _made);
            if (result == 0)
                return new HostImageFile(Path, file);
            file.Dispose();
            FileDescriptor.RemoveAt(_directory, _name);
        }
        string reason = result == -(int)Errno.EEXIST ? "somebody made a file of this name since the image was opened; move it away" : Problem.Of(result);
        throw new ImageException(reason, -result);
    }

    public bool Holds() => FileDescriptor.StatusAt(_directory, _name, out FileStatus named) == 0 && (named.Device, named.Inode) == (_made.Device, _made.Inode);

    public int Remove() => FileDescriptor.RemoveAt(_directory, _name);

    public int SyncName() => SyncDirectory(_directory, _image.Descriptor);

    public void Dispose() => _directory.Dispose();

    /// <summary>
    /// The names in a directory are on stable storage. To sync a directory takes the right to read it; the file system of <paramref name="file"/> in it is synced without.
    /// </summary>
    internal static int SyncDirectory(FileDescriptor directory, FileDescriptor file)
    {
        int result = FileDescriptor.OpenAt(directory, ".", OpenOptions.Directory, 0, out FileDescriptor readable);
        using (readable)
            return result == 0 ? readable.Sync() : result == -(int)Errno.EACCES ? file.SyncFileSystem() : result;
    }

    private bool IsThere() =>
        FileDescriptor.StatusAt(_directory, _name[..^CkdImage.RedoSuffix.Length], out FileStatus named) == 0
        && _image.Status(out FileStatus open) == 0 && (named.Device, named.Inode) == (open.Device, open.Inode);

    /// <summary>Why somebody without the right to write the image may have made or changed the file; null when nobody may.</summary>
    private string? Distrust(FileDescriptor file)
    {
        if (file.Status(out FileStatus redo) is < 0 and var fault || (fault = _image.Status(out FileStatus image)) < 0)
            return Problem.Of(fault);
        if (redo.Type != FileStatus.TypeRegular)
            return "it is no regular file";
        if (redo.Links != 1)
            return $"the file has {redo.Links} names";
        if (redo.Uid != image.Uid && redo.Uid != 0 && !(redo.Uid == _user && _image.IsWritable))
            return $"it belongs to user {redo.Uid}, the image to user {image.Uid}";
        uint allowed = image.Mode & (redo.Gid == image.Gid ? WriteByOthers : WriteByOthers & ~GroupBits);
        return (redo.Mode & WriteByOthers & ~allowed) != 0 ? "others may write it than may write the image" : null;
    }

    /// <summary>Gives a new file the image's owner and mode, as far as this user may; never more rights than the image has.</summary>
    private int Take(FileDescriptor file, out FileStatus made)
    {
        int result = file.Status(out made);
        if (result < 0 || (result = _image.Status(out FileStatus image)) < 0)
            return result;
        uint mode = image.Mode & ReadAndWrite;
        if ((made.Uid, made.Gid) == (image.Uid, image.Gid))
            return file.SetMode(mode);
        result = file.SetOwner(image.Uid, image.Gid);
        if (result == -(int)Errno.EPERM) // it stays its maker's, who may write the image
            return file.SetMode((made.Gid == image.Gid ? mode : mode & ~GroupBits) | OwnerBits);
        return result < 0 ? result : file.SetMode(mode);
    }
}
