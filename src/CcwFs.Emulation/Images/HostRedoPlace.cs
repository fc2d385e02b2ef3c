using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Images;

/// <summary>
/// The name of a redo file on this machine: in the directory where the image really is, whatever links led there, or the one that was asked for.
/// </summary>
internal sealed class HostRedoPlace : IRedoPlace
{
    private const uint WriteByOthers = 0x12;  // S_IWGRP | S_IWOTH
    private const uint OwnerBits = 0x180;     // S_IRUSR | S_IWUSR
    private const uint GroupBits = 0x30;      // S_IRGRP | S_IWGRP
    private const uint ReadAndWrite = 0x1B6;  // 0666: no more of the image's mode
    // of a directory that are looked at for another redo file (arbitrary: a thousand images are opened in a second)
    private const int MostNames = 4_096;
    private const OpenOptions ToRead = OpenOptions.ReadOnly | OpenOptions.NoFollow | OpenOptions.NonBlocking; // the name may be a FIFO's
    private readonly HostImageFile _image;
    private readonly uint _user;
    private readonly FileDescriptor _directory;
    private readonly string _name;
    private readonly string? _asked; // the path that was asked for
    private FileStatus _made; // what Create made last
    private FileDescriptor? _file;

    internal HostRedoPlace(HostImageFile image, string? path, uint user, bool plain)
    {
        (_image, _user) = (image, user);
        (int result, string real) = (0, path ?? "");
        if ((_asked = path) is null)
        {
            result = FileSystems.ReadLink($"/proc/self/fd/{image.Descriptor.Number}", out real);
            real += IRedoPlace.Suffix;
        }
        real = System.IO.Path.GetFullPath(real);
        _name = System.IO.Path.GetFileName(real);
        string directory = System.IO.Path.GetDirectoryName(real) is { Length: > 0 } there ? there : "/";
        Path = System.IO.Path.Combine(directory, _name);
        if (result == 0)
            result = HostImageFiles.OpenPath(directory, OpenOptions.PathOnly | OpenOptions.Directory, plain, out _directory!);
        _directory ??= new FileDescriptor(-1);
        if (result == 0)
            result = _asked is not null || IsThere() ? 0 : -(int)Errno.ESTALE;
        if (result == 0)
            return;
        _directory.Dispose();
        bool hasGone = result == -(int)Errno.ESTALE;
        throw new ImageException(
            hasGone ? "it was renamed or removed while it was opened; try again"
                : $"{(_asked is null ? "its directory" : "redo:")} {directory}: {Problem.Of(result)}", -result);
    }

    public string Path { get; }

    public IImageFile? Open()
    {
        int result = FileDescriptor.OpenAt(_directory, _name, ToRead, 0, out FileDescriptor file);
        if (result == -(int)Errno.ENOENT)
            return null;
        if (result < 0)
            throw new ImageException($"{Path}: {(result == -(int)Errno.ELOOP ? "it is a symbolic link; move it away" : Problem.Of(result))}",
                -result);
        string? reason = Distrust(file);
        if (reason is null && _asked is not null && file.TryLock(exclusive: true) < 0)
            reason = "another volume that is open has it as its redo file; give each volume one of its own";
        if (reason is null)
            return new HostImageFile(Path, file);
        file.Dispose();
        throw new ImageException($"{Path}: {reason}", (int)Errno.EPERM);
    }

    public IImageFile Create()
    {
        const OpenOptions Options = OpenOptions.ReadWrite | OpenOptions.Create | OpenOptions.Exclusive | OpenOptions.NoFollow;
        int result = FileDescriptor.OpenAt(_directory, _name, Options, 0x180, out FileDescriptor file);
        if (result == 0)
        {
            result = Take(file, out _made);
            if (result == 0 && _asked is not null)
                result = file.TryLock(exclusive: true);
            if (result == 0)
                return new HostImageFile(Path, _file = file);
            file.Dispose();
            FileDescriptor.RemoveAt(_directory, _name);
        }
        string reason = result == -(int)Errno.EEXIST ? "somebody made a file of this name since the image was opened; move it away"
            : Problem.Of(result);
        throw new ImageException(reason, -result);
    }

    public bool Holds() => FileDescriptor.Holds(_directory, _name, _made.Device, _made.Inode);

    public string? FindOther(Func<IImageFile, bool> isOurs)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/self/fd/{_directory.Number}").Take(MostNames)
                .Select(static path => System.IO.Path.GetFileName(path))
                .FirstOrDefault(name => name.EndsWith(IRedoPlace.Suffix, StringComparison.Ordinal) && name != _name
                    && IsOther(name, isOurs)) is { } found
                ? System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, found) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // who may not list the directory is not told
        }
    }

    public int Remove() => FileDescriptor.RemoveAt(_directory, _name);

    public int SyncName() =>
        FileDescriptor.SyncNames(_directory, _asked is not null && _file is { IsClosed: false } made ? made : _image.Descriptor);

    public void Dispose() => _directory.Dispose();

    private bool IsOther(string name, Func<IImageFile, bool> isOurs)
    {
        int result = FileDescriptor.OpenAt(_directory, name, ToRead, 0, out FileDescriptor file);
        using (file)
        {
            if (result < 0 || Distrust(file) is not null)
                return false;
            try
            {
                return isOurs(new HostImageFile(name, file, isWritable: false));
            }
            catch (ImageException)
            {
                return false;
            }
        }
    }

    private bool IsThere() =>
        _image.Status(out FileStatus open) == 0 && FileDescriptor.Holds(_directory, _name[..^IRedoPlace.Suffix.Length], open.Device, open.Inode);

    /// <summary>Why a user without the right to write the image may have made or changed the file, and what to do; null when none may.</summary>
    private string? Distrust(FileDescriptor file)
    {
        const string MoveAway = "; it is not used: look whose it is and move it away";
        if (file.Status(out FileStatus redo) is < 0 and var fault || (fault = _image.Status(out FileStatus image)) < 0
            || (fault = _image.Descriptor.HasAccessList()) < 0)
            return Problem.Of(fault);
        uint shared = fault > 0 ? WriteByOthers & ~GroupBits : WriteByOthers; // the group bits are the list's, not the group's
        if (redo.Type != FileStatus.TypeRegular)
            return "it is no regular file" + MoveAway;
        if (redo.Links != 1)
            return $"the file has {redo.Links} names" + MoveAway;
        if (redo.Uid != image.Uid && redo.Uid != 0 && !(redo.Uid == _user && _image.IsWritable))
        {
            string foreign = $"it belongs to user {redo.Uid}, the image to user {image.Uid}";
            return (image.Mode & WriteByOthers) == 0 ? foreign + MoveAway
                : $"{foreign}; it is not used: if that user may write the image, let him open it once, or give the file to the image's owner "
                    + $"(chown {image.Uid}); else move it away";
        }
        // The users in the file's own access control list are not looked at one by one: its mask, the group bits, must let none of them write.
        fault = file.HasAccessList();
        if (fault < 0)
            return Problem.Of(fault);
        uint allowed = image.Mode & (redo.Gid == image.Gid && fault == 0 ? shared : WriteByOthers & ~GroupBits);
        return (redo.Mode & WriteByOthers & ~allowed) != 0 ? "others may write it than may write the image" + MoveAway : null;
    }

    /// <summary>
    /// Gives a new file the image's owner and mode, as far as this user may; never more rights than the image has. It has no access control list: one
    /// that the directory gave it goes, before the mode would be its mask, and where the image has one the owner alone may have the file.
    /// </summary>
    private int Take(FileDescriptor file, out FileStatus made)
    {
        int result = file.Status(out made);
        if (result < 0 || (result = _image.Status(out FileStatus image)) < 0 || (result = file.RemoveAccessList()) < 0
            || (result = _image.Descriptor.HasAccessList()) < 0)
            return result;
        uint mode = image.Mode & (result > 0 ? OwnerBits : ReadAndWrite);
        if ((made.Uid, made.Gid) != (image.Uid, image.Gid))
        {
            result = file.SetOwner(image.Uid, image.Gid);
            if (result == -(int)Errno.EPERM) // it stays its maker's, who may write the image
                (result, mode) = (0, (made.Gid == image.Gid ? mode : mode & ~GroupBits) | OwnerBits);
        }
        result = result < 0 ? result : file.SetMode(mode);
        if (result != -(int)Errno.EPERM)
            return result;
        // On FAT the mount says the mode of every file.
        result = file.Status(out made);
        return result < 0 ? result : (made.Mode & ReadAndWrite & ~mode) == 0 ? 0 : -(int)Errno.EPERM;
    }
}
