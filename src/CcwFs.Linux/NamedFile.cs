using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>Who may have made a file that is opened by its name, and of what kind it may be.</summary>
[Flags]
public enum NamedFileRules
{
    /// <summary>A regular file with one name, of this user or of root.</summary>
    Own = 0,

    /// <summary>The file may be another user's, and have several names.</summary>
    OfAnybody = 1,

    /// <summary>Symbolic links of this user and of root are followed; else none.</summary>
    OwnLinks = 2,

    /// <summary>A character device of this user or of root will do, as a terminal or the null device.</summary>
    Devices = 4,
}

/// <summary>
/// Files that are opened by a name that somebody gave, where others may have put something else: a FIFO, which would be waited for, a link or a second name of
/// a file that only we can write. What lies there is looked at before it is opened, and what was looked at is what is opened. Links among the directories are
/// followed. The messages say why not and what to do, to stand behind the path and a colon.
/// </summary>
public static class NamedFile
{
    private const int LinkLimit = 40; // MAXSYMLINKS of the kernel (include/linux/namei.h)
    private const int Attempts = 10; // arbitrary: how often somebody may make and delete the file while we look
    private const OpenOptions NoTerminal = (OpenOptions)0x100; // O_NOCTTY: a terminal does not become the one of this session
    private const OpenOptions Kept = OpenOptions.Append; // of the flags that F_SETFL sets
    private const int SetFlags = 4; // F_SETFL

    /// <summary>
    /// Opens a file; null, or why not. <paramref name="opened"/> is the caller's; <paramref name="friend"/>: a user whose files are as good as ours.
    /// </summary>
    public static string? Open(string path, OpenOptions access, NamedFileRules rules, out FileDescriptor opened, uint? friend = null) =>
        Open(path, access, rules, friend, out opened, out _);

    /// <summary>As above; <paramref name="errno"/>: why the system refused, 0 where we do.</summary>
    public static string? Open(string path, OpenOptions access, NamedFileRules rules, uint? friend, out FileDescriptor opened, out int errno)
    {
        opened = new FileDescriptor(-1);
        string? wrong = Find(path, rules, friend, out FileDescriptor place, out errno);
        using (place)
        {
            if (wrong is not null)
                return wrong;

            // The file that was looked at, whatever has its name by now.
            errno = FileDescriptor.Reopen(place, access | OpenOptions.NonBlocking | NoTerminal, out opened);
            if (errno == 0)
                errno = Math.Min(Result.Of(LibC.Fcntl(opened, SetFlags, (nint)(access & Kept))), 0);
            return errno == 0 ? null : Problem.Of(errno);
        }
    }

    /// <summary>
    /// Opens a file, or makes it with mode 0600 where there is none; else as
    /// <see cref="Open(string, OpenOptions, NamedFileRules, uint?, out FileDescriptor, out int)"/>.
    /// </summary>
    public static string? OpenOrMake(string path, OpenOptions access, NamedFileRules rules, out FileDescriptor opened, out int errno)
    {
        const uint OwnerOnly = 0x180; // 0600
        (string? wrong, errno) = (null, 0);
        opened = new FileDescriptor(-1);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            wrong = Open(path, access, rules, friend: null, out opened, out errno);
            if (errno != -(int)Errno.ENOENT)
                return wrong;
            errno = FileDescriptor.Open(path, access | OpenOptions.Create | OpenOptions.Exclusive, OwnerOnly, out opened);
            if (errno == 0)
                return null;
            wrong = Problem.Of(errno);
            if (errno != -(int)Errno.EEXIST)
                break;
        }
        return wrong;
    }

    /// <summary>A name for what lies at a path, without opening it: a FIFO does not wait, a device does nothing, a link is the link itself.</summary>
    private static string? Find(string path, NamedFileRules rules, uint? friend, out FileDescriptor place, out int errno)
    {
        for (int links = 0; ; links++)
        {
            errno = FileDescriptor.Open(path, OpenOptions.PathOnly | OpenOptions.NoFollow, 0, out place);
            FileStatus status = default;
            if (errno == 0)
                errno = place.Status(out status);
            if (errno < 0)
                return Problem.Of(errno);
            if (status.Type != FileStatus.TypeLink)
                return Wrong(status, rules, friend);
            if (!rules.HasFlag(NamedFileRules.OwnLinks) || !IsOurs(status.Uid))
                return $"is a symbolic link of user {status.Uid}; give the file itself";
            if (links == LinkLimit)
                return "too many symbolic links; give the file itself";
            place.Dispose();
            errno = FileSystems.ReadLink(path, out string target);
            if (errno < 0)
                return Problem.Of(errno);
            path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/", target);
        }
    }

    private static string? Wrong(in FileStatus status, NamedFileRules rules, uint? friend)
    {
        bool isDevice = status.Type == FileStatus.TypeCharacterDevice && rules.HasFlag(NamedFileRules.Devices);
        if (status.Type != FileStatus.TypeRegular && !isDevice)
            return $"is {Kind(status.Type)}; give a file";
        if (rules.HasFlag(NamedFileRules.OfAnybody))
            return null;
        if (!IsOurs(status.Uid) && status.Uid != friend)
            return $"belongs to user {status.Uid}; give a file of your own";
        return isDevice || status.Links == 1 ? null : "has another name too (a hard link); give a file with one name";
    }

    private static bool IsOurs(uint user) => user == 0 || user == Descriptors.EffectiveUser;

    private static string Kind(uint type) => type switch
    {
        FileStatus.TypeDirectory => "a directory",
        FileStatus.TypeCharacterDevice or FileStatus.TypeBlockDevice => "a device",
        FileStatus.TypeSocket => "a socket",
        _ => "a FIFO",
    };
}
