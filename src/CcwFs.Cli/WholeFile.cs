using CcwFs.Control;
using CcwFs.Linux;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace CcwFs.Cli;

/// <summary>
/// Files that a verb writes where a person says. What lies there is looked at before it is opened, and what was looked at is what is written: a link
/// of another user leads nowhere, on the way neither, and a FIFO of another user is not waited for. A descriptor that we were started with
/// (/dev/stdout, /dev/fd/N) is good whatever it is.
/// </summary>
internal static class WholeFile
{
    private const int Attempts = 10; // arbitrary: how often the file may be made and deleted while we look

    /// <summary>
    /// Writes a file. A new one is there whole or not at all, also when we are killed or the disk is full; one that exists is written as it is.
    /// Throws where another user may have put there what it is.
    /// </summary>
    internal static void Write(string file, Action<Stream> write) =>
        Put(file, NewFile.EverybodysMode, namedFirst: false, opened => Fill(opened, write));

    /// <summary>
    /// Begins a file that may be read while it grows, by the same rules; a new one is for its owner alone, for it is to hold what programs hold.
    /// </summary>
    internal static Stream Begin(string file)
    {
        const uint OwnersMode = 0x180; // 0600
        FileDescriptor? begun = null;
        int result = 0;
        Put(file, OwnersMode, namedFirst: true, opened => result = opened.Duplicate(out begun));
        if (result < 0)
            throw new CommandException($"{file}: {Problem.Of(result)}");
        var stream = new FileStream(new SafeFileHandle(begun!.Number, ownsHandle: true), FileAccess.Write);
        begun.SetHandleAsInvalid(); // it is the stream's
        return stream;
    }

    private static void Put(string file, uint mode, bool namedFirst, Action<FileDescriptor> put)
    {
        if (file.Length == 0 || file.Contains('\0', StringComparison.Ordinal))
            throw new CommandException(FileProblem.NoPath, CommandException.WrongUsage);
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            using NamedPlace place = NamedPlace.Find(file, NamedFileRules.Output | NamedFileRules.OwnLinks);
            if (place.IsFree)
            {
                if (TryMake(file, place, mode, namedFirst, put))
                    return;
                continue;
            }
            if (place.Errno == -(int)Errno.ENOENT && Path.GetDirectoryName(file) is { Length: > 0 } directory)
                throw new CommandException(FileProblem.NoDirectory(file, directory));
            if ((place.Wrong ?? Wrong(place.Status)) is { } wrong)
                throw new CommandException($"{file}: {wrong}");
            Overwrite(file, place, put);
            return;
        }
        throw new CommandException($"{file}: comes and goes; give another path");
    }

    /// <summary>False: one was made meanwhile.</summary>
    private static bool TryMake(string file, NamedPlace place, uint mode, bool namedFirst, Action<FileDescriptor> put)
    {
        int result = NewFile.Make(place, mode, out NewFile? made);
        if (result == 0)
        {
            using NewFile whole = made!;
            if (!namedFirst)
                put(whole.File);
            result = whole.Name();
            if (namedFirst && result == 0)
                put(whole.File);
        }
        return result is 0 or -(int)Errno.EEXIST ? result == 0 : throw new CommandException($"{file}: {Problem.Of(result)}");
    }

    private static void Overwrite(string file, NamedPlace place, Action<FileDescriptor> put)
    {
        const OpenOptions Anew = OpenOptions.WriteOnly | OpenOptions.Truncate;
        int result = place.Status.Type == FileStatus.TypeLink
            ? FileDescriptor.OpenAt(place.Directory, place.Name, Anew, 0, out FileDescriptor opened) // one of /proc, to what we have open
            : FileDescriptor.Reopen(place.File, Anew, out opened);
        using (opened)
        {
            if (result < 0)
                throw new CommandException($"{file}: {Problem.Of(result)}");
            put(opened);
        }
    }

    private static string? Wrong(in FileStatus status) => status.Type switch
    {
        FileStatus.TypeRegular => status.Links <= 1 ? null : "has another name too (a hard link); give a file with one name",
        FileStatus.TypeLink => null,
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
