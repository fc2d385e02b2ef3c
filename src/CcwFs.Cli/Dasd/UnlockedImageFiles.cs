using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using Microsoft.Win32.SafeHandles;

namespace CcwFs.Cli.Dasd;

/// <summary>
/// Files of a volume to look at while somebody else may have them locked: for facts that a moment's change does not make wrong.
/// </summary>
internal sealed class UnlockedImageFiles : IImageFiles
{
    public SafeFileHandle? Open(string path, ImageFileUse use)
    {
        if (use is not (ImageFileUse.Read or ImageFileUse.ReadRedo))
            throw new IOException("it is only looked at");
        int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
        if (result == -(int)Mono.Unix.Native.Errno.ENOENT)
            return null;
        if (result == 0 && status.Type != FileStatus.TypeRegular)
            throw new IOException("it is not a regular file");
        SafeFileHandle? opened = null;
        if (result == 0)
            result = FileDescriptor.OpenUnlocked(path, out opened);
        return result == 0 ? opened : throw new IOException(Problem.Of(result));
    }

    public void DeleteRedo(string path)
    {
    }
}
