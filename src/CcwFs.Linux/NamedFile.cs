using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>Who may have made a file that is opened by its name, and of what kind it may be.</summary>
[Flags]
public enum NamedFileRules
{
    /// <summary>A regular file with one name, of this user or of root.</summary>
    Own = 0,

    /// <summary>The file may have several names.</summary>
    SeveralNames = 1,

    /// <summary>At the path's end symbolic links of this user and of root are followed; else none.</summary>
    OwnLinks = 2,

    /// <summary>A character device of this user or of root will do, as a terminal or the null device.</summary>
    Devices = 4,

    /// <summary>
    /// Only this user and root may write the file, or exchange it by writing one of its directories; neither may a group that is not this user's.
    /// </summary>
    NotShared = 8,

    /// <summary>--owner names a friend, which messages say.</summary>
    OfFriend = 16,

    /// <summary>
    /// A file that is to be written where a person says: its directories may be anybody's, for only links lead out of them, and what lies there is
    /// the caller's to judge. That may be a link: any one without <see cref="OwnLinks"/>, with them one of /proc to an open file.
    /// </summary>
    Output = 32,
}

/// <summary>
/// Files that are opened by a name that a person gave, where others may have put something else: a FIFO, which would be waited for, a link or a
/// second name of a file that only we can write. What lies there is looked at before it is opened, and what was looked at is what is opened. Its
/// directories, and the links that are followed among them, belong to this user or to root, and no directory is everybody's to write without the
/// sticky bit. The messages say why not and what to do, to stand after the path and a colon.
/// </summary>
public static class NamedFile
{
    private const int Attempts = 10; // arbitrary: how often the file may be made and deleted while we look
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
        using NamedPlace place = NamedPlace.Find(path, rules, friend);
        return Open(place, access, out opened, out errno);
    }

    /// <summary>
    /// Opens a file, or makes it with mode 0600 where there is none; else as
    /// <see cref="Open(string, OpenOptions, NamedFileRules, uint?, out FileDescriptor, out int)"/>.
    /// </summary>
    public static string? OpenOrMake(string path, OpenOptions access, NamedFileRules rules, out FileDescriptor opened, out int errno)
    {
        const uint OwnerOnly = 0x180; // 0600
        for (int attempt = 1; ; attempt++)
        {
            using NamedPlace place = NamedPlace.Find(path, rules);
            if (!place.IsFree)
                return Open(place, access, out opened, out errno);
            errno = FileDescriptor.OpenAt(place.Directory, place.Name, access | OpenOptions.Create | OpenOptions.Exclusive, OwnerOnly, out opened);
            if (errno == 0)
                return null;
            if (errno != -(int)Errno.EEXIST || attempt == Attempts)
                return Problem.Of(errno);
        }
    }

    /// <summary>
    /// What <see cref="OpenOrMake"/> to write would say, as far as can be told without opening or making anything.
    /// </summary>
    public static string? CheckWritable(string path, NamedFileRules rules, out int errno)
    {
        using NamedPlace place = NamedPlace.Find(path, rules);
        errno = place.Errno;
        if (place.Wrong is not null && !place.IsFree)
            return place.Wrong;
        errno = FileSystems.MayWrite($"/proc/self/fd/{(place.IsFree ? place.Directory : place.File).Number}", isDirectory: place.IsFree);
        return errno < 0 ? Problem.Of(errno) : null;
    }

    // The file that was looked at, whatever has its name by now.
    private static string? Open(NamedPlace place, OpenOptions access, out FileDescriptor opened, out int errno)
    {
        (opened, errno) = (new FileDescriptor(-1), place.Errno);
        if (place.Wrong is { } wrong)
            return wrong;
        errno = FileDescriptor.Reopen(place.File, access | OpenOptions.NonBlocking, out opened);
        if (errno == 0 && place.WrongRights(opened) is { } shared)
        {
            opened.Dispose();
            errno = place.Errno;
            return shared;
        }
        if (errno == 0)
            errno = Math.Min(Result.Of(LibC.Fcntl(opened, SetFlags, (nint)(access & Kept))), 0);
        return errno == 0 ? null : Problem.Of(errno);
    }
}
