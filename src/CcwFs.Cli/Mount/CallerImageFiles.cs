using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using Microsoft.Win32.SafeHandles;

namespace CcwFs.Cli.Mount;

/// <summary>
/// A volume's files with the rights of the user who asked for it (null: our own), whenever they are opened: the redo file is made at the first write, long
/// after the request, in a directory that this user may have filled with traps for root. What was opened is the file <paramref name="image"/>, and none of it is
/// inside a mounted ccwfs.
/// </summary>
internal sealed class CallerImageFiles(CallerIdentity? caller, string imagePath, FileIdentity image) : IImageFiles
{
    private readonly List<SafeFileHandle> _images = [];

    public SafeFileHandle? Open(string path, ImageFileUse use)
    {
        SafeFileHandle? opened = As(caller, () => HostImageFiles.Instance.Open(path, use));
        try
        {
            if (opened is not null)
                Judge(opened, path);
        }
        catch
        {
            opened?.Dispose();
            throw;
        }
        if (opened is not null && use is ImageFileUse.Read or ImageFileUse.ReadWrite)
            _images.Add(opened!);
        return opened;
    }

    /// <summary>
    /// Throws unless <paramref name="other"/> (null: we) could open the files of the image as well, for a second subchannel on it is as good as that. To write
    /// too where it is open for that: even who only reads may reserve the volume from the others.
    /// </summary>
    internal void RefuseWithoutRights(CallerIdentity? other, bool write)
    {
        foreach (SafeFileHandle file in _images.Where(file => !file.IsClosed))
        {
            if (As(other, () => FileDescriptor.MayReopen(file, write)) is < 0 and var result)
                throw new CommandException($"{imagePath}: cannot be opened{(write ? " to write, as it is by another subchannel" : "")}: {Problem.Of(result)}");
        }
    }

    public void DeleteRedo(string path) => As(caller, () =>
    {
        HostImageFiles.Instance.DeleteRedo(path);
        return 0;
    });

    public bool Discard(SafeFileHandle file, long offset, long length) => FileDescriptor.PunchHole(file, offset, length) >= 0;

    public long AllocatedBytes(SafeFileHandle file) =>
        FileDescriptor.Status(file, out FileStatus status) < 0 ? RandomAccess.GetLength(file) : (long)status.Blocks * FileStatus.BlockSize;

    private static T As<T>(CallerIdentity? user, Func<T> action) => user is null ? action() : user.Run(action);

    private void Judge(SafeFileHandle file, string path)
    {
        OwnMounts.Refuse(file, path);
        if (path == imagePath && (FileDescriptor.Status(file, out FileStatus status) < 0 || new FileIdentity(status.Device, status.Inode) != image))
            throw new IOException("it was replaced while it was opened; try again");
    }
}
