using CcwFs.Linux;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace CcwFs.Cli;

/// <summary>
/// Files that a verb writes where a person says. What lies there is looked at before it is opened, and what was looked at is what is written: a link of another
/// user leads nowhere, and a FIFO of another user is not waited for. A descriptor that we were started with (/dev/stdout, /dev/fd/N) is good whatever it is.
/// </summary>
internal static class WholeFile
{
    private const int MaxSteps = 40; // links on the way as in the kernel's path walk (MAXSYMLINKS), and files that come and go meanwhile

    /// <summary>
    /// Writes a file. A new one is there whole or not at all, also when we are killed or the disk is full; one that exists is written as it is. Throws where
    /// somebody else may have put there what it is.
    /// </summary>
    internal static void Write(string file, Action<Stream> write)
    {
        string path = Path.GetFullPath(file);
        for (int step = 0; step < MaxSteps; step++)
        {
            int result = FileDescriptor.Open(path, OpenOptions.PathOnly | OpenOptions.NoFollow, 0, out FileDescriptor named);
            using (named)
            {
                if (result == -(int)Errno.ENOENT ? TryMake(file, path, write) : result == 0 && TryWrite(file, ref path, named, write))
                    return;
            }
            if (result is < 0 and not -(int)Errno.ENOENT)
                throw new CommandException($"{file}: {Problem.Of(result)}");
        }
        throw new CommandException($"{file}: too many links, or it comes and goes; give the path of the file itself");
    }

    /// <summary>False: somebody made one meanwhile.</summary>
    private static bool TryMake(string file, string path, Action<Stream> write)
    {
        int result = NewFile.Make(path, out NewFile? made);
        if (result == 0)
        {
            using NewFile whole = made!;
            Fill(whole.File, write);
            result = whole.Name();
        }
        if (result == -(int)Errno.ENOENT && Path.GetDirectoryName(file) is { Length: > 0 } directory)
            throw new CommandException(FileProblem.NoDirectory(file, directory));
        return result is 0 or -(int)Errno.EEXIST ? result == 0 : throw new CommandException($"{file}: {Problem.Of(result)}");
    }

    /// <summary>Writes what is there; false: it is a link, and <paramref name="path"/> is what it leads to.</summary>
    private static bool TryWrite(string file, ref string path, FileDescriptor named, Action<Stream> write)
    {
        const OpenOptions Anew = OpenOptions.WriteOnly | OpenOptions.Truncate;
        int result = named.Status(out FileStatus status);
        FileDescriptor? opened = null;
        if (result == 0 && status.Type == FileStatus.TypeLink)
        {
            if (!IsOurs(status))
                throw new CommandException($"{file}: is a symbolic link of user {status.Uid}; remove it, or give the path of the file itself");
            if (FileSystems.Type(named, out long type) == 0 && type == FileSystems.Processes)
                result = FileDescriptor.Open(path, Anew, 0, out opened);
            else if ((result = FileSystems.ReadLink(named, out string target)) == 0)
            {
                path = Path.GetFullPath(target, Path.GetDirectoryName(path)!);
                return false;
            }
        }
        else if (result == 0)
        {
            if (Wrong(status) is { } wrong)
                throw new CommandException($"{file}: {wrong}");
            result = FileDescriptor.Reopen(named, Anew, out opened);
        }
        using (opened)
        {
            if (result < 0)
                throw new CommandException($"{file}: {Problem.Of(result)}");
            Fill(opened!, write);
            return true;
        }
    }

    private static string? Wrong(in FileStatus status) => status.Type switch
    {
        FileStatus.TypeRegular => status.Links <= 1 ? null : "has another name too (a hard link); give a file with one name",
        FileStatus.TypeCharacterDevice => IsOurs(status) ? null : "is a device of another user; give a file",
        FileStatus.TypeFifo => IsOurs(status) ? null : "is a FIFO of another user; give a file, or /dev/stdout and a pipe",
        FileStatus.TypeDirectory => "is a directory; give a file",
        FileStatus.TypeBlockDevice => "is a block device; give a file",
        _ => "is a socket; give a file, or /dev/stdout and a pipe",
    };

    private static bool IsOurs(in FileStatus status) => status.Uid == 0 || status.Uid == Descriptors.EffectiveUser;

    private static void Fill(FileDescriptor file, Action<Stream> write)
    {
        using var bytes = new FileStream(new SafeFileHandle(file.Number, ownsHandle: false), FileAccess.Write);
        write(bytes);
    }
}
