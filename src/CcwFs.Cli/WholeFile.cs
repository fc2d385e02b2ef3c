using CcwFs.Linux;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace CcwFs.Cli;

/// <summary>Files that a verb writes where a person says.</summary>
internal static class WholeFile
{
    /// <summary>
    /// Writes a file. A new one is there whole or not at all, also when we are killed or the disk is full; one that exists, a FIFO among them, is written as it
    /// is.
    /// </summary>
    internal static void Write(string file, Action<Stream> write)
    {
        string path = Path.GetFullPath(file);
        if (FileDescriptor.Status(path, follow: false, out _) == -(int)Errno.ENOENT && NewFile.Make(path, out NewFile? made) == 0)
        {
            using NewFile whole = made!;
            using (var bytes = new FileStream(new SafeFileHandle(whole.File.Number, ownsHandle: false), FileAccess.Write))
                write(bytes);
            int named = whole.Name();
            if (named == 0)
                return;
            if (named != -(int)Errno.EEXIST) // somebody made one meanwhile
                throw new CommandException($"{file}: {Problem.Of(named)}");
        }
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write);
        write(stream);
    }
}
