using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using Microsoft.Win32.SafeHandles;

namespace CcwFs.Cli.Mount;

/// <summary>
/// A volume's files with the rights of the user who asked for it (null: our own), whenever they are opened: the redo file is made at the first write, long
/// after the request, in a directory that this user may have filled with traps for root.
/// </summary>
internal sealed class CallerImageFiles(CallerIdentity? caller) : IImageFiles
{
    public SafeFileHandle? Open(string path, ImageFileUse use) =>
        caller is null ? HostImageFiles.Instance.Open(path, use) : caller.Run(() => HostImageFiles.Instance.Open(path, use));

    public void DeleteRedo(string path)
    {
        if (caller is null)
        {
            HostImageFiles.Instance.DeleteRedo(path);
            return;
        }
        caller.Run(() =>
        {
            HostImageFiles.Instance.DeleteRedo(path);
            return 0;
        });
    }

    public bool Discard(SafeFileHandle file, long offset, long length) => FileDescriptor.PunchHole(file, offset, length) >= 0;

    public long AllocatedBytes(SafeFileHandle file) =>
        FileDescriptor.Status(file, out FileStatus status) < 0 ? RandomAccess.GetLength(file) : (long)status.Blocks * FileStatus.BlockSize;
}
