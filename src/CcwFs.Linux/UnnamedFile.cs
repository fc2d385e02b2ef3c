using Microsoft.Win32.SafeHandles;

namespace CcwFs.Linux;

/// <summary>
/// A file that gets its name when it is whole (O_TMPFILE): whatever ends its writer before that, nothing of it is left. Each call gives 0 or a negative errno.
/// </summary>
public static class UnnamedFile
{
    private const uint EverybodysMode = 0x1B6; // 0666, less the umask

    /// <summary>Makes one on the file system of a directory, to write; the caller's. Not every file system can do it.</summary>
    public static int Open(string directory, out SafeFileHandle? made)
    {
        const int CloseOnExec = 0x80000;
        int result = Result.Of(LibC.Open(directory, (int)(OpenOptions.Unnamed | OpenOptions.WriteOnly) | CloseOnExec, EverybodysMode));
        made = result < 0 ? null : new SafeFileHandle(result, ownsHandle: true);
        return Math.Min(result, 0);
    }

    /// <summary>Gives it its name, which must not be taken yet.</summary>
    public static int Name(SafeFileHandle file, string path)
    {
        const int CurrentDirectory = -100, FollowLink = 0x400; // AT_*
        bool held = false;
        try
        {
            file.DangerousAddRef(ref held);
            return Result.Of(LibC.LinkAt(CurrentDirectory, $"/proc/self/fd/{file.DangerousGetHandle()}", CurrentDirectory, path, FollowLink));
        }
        finally
        {
            if (held)
                file.DangerousRelease();
        }
    }
}
