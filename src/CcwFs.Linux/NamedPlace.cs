using System.Globalization;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>
/// What lies at a path, found component by component without opening it, and judged on the way: who else may lead the path elsewhere, or has put
/// something there. Disposal lets go of it.
/// </summary>
public sealed class NamedPlace : IDisposable
{
    private const int LinkLimit = 40; // MAXSYMLINKS of the kernel (include/linux/namei.h)
    private const uint OthersWrite = 2, GroupWrite = 0x10, Sticky = 0x200; // S_IWOTH, S_IWGRP, S_ISVTX
    private const int Unmapped = 65_534; // what the kernel calls users that a user namespace has no number for (fs.overflowuid)

    private static readonly Lazy<bool> s_isNamespaceWhole = new(IsNamespaceWhole);

    private readonly NamedFileRules _rules;
    private readonly uint? _friend;
    private readonly Stack<string> _left = new();
    private string _walked = "";
    private bool _isDirectory; // the path says that it is one

    private NamedPlace(NamedFileRules rules, uint? friend) => (_rules, _friend) = (rules, friend);

    /// <summary>A name (O_PATH) for what lies there; invalid where nothing does.</summary>
    public FileDescriptor File { get; private set; } = new(-1);

    /// <summary>A name for its directory; invalid where that is not there.</summary>
    public FileDescriptor Directory { get; private set; } = new(-1);

    /// <summary>Of <see cref="File"/>.</summary>
    public FileStatus Status { get; private set; }

    /// <summary>Its name in its directory.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Why it is not to be opened, to stand after the path and a colon; null: it is good.</summary>
    public string? Wrong { get; private set; }

    /// <summary>Why the system refused: a negative errno; 0 where we do.</summary>
    public int Errno { get; private set; }

    /// <summary>There is a good directory, and nothing of that name in it.</summary>
    public bool IsFree => Errno == -(int)Mono.Unix.Native.Errno.ENOENT && !Directory.IsInvalid;

    /// <summary>Looks at a path; <paramref name="friend"/>: a user whose files are as good as ours.</summary>
    public static NamedPlace Find(string path, NamedFileRules rules, uint? friend = null)
    {
        var place = new NamedPlace(rules, friend);
        place._isDirectory = path.EndsWith('/');
        place.Push(Path.IsPathRooted(path) ? path : Path.Combine(Environment.CurrentDirectory, path));
        place.Wrong = place.Walk();
        return place;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Dispose();
        Directory.Dispose();
    }

    private string? Walk()
    {
        if (GoToRoot() is { } noRoot)
            return noRoot;
        for (int links = 0; _left.TryPop(out string? name);)
        {
            int result = OpenName(name, out FileDescriptor found);
            FileStatus status = default;
            result = result < 0 ? result : found.Status(out status);
            if (result < 0)
            {
                found.Dispose();
                Name = name;
                return Refused(result, isLast: _left.Count == 0 && !_isDirectory);
            }
            string at = name == ".." ? Path.GetDirectoryName(_walked) ?? "" : $"{_walked.TrimEnd('/')}/{name}";
            if (status.Type == FileStatus.TypeLink && !IsEnd(found))
            {
                if (Follow(found, at, status, ++links) is { } wrong)
                    return wrong;
                continue;
            }
            if (_left.Count == 0)
            {
                (File, Name, Status) = (found, name, status);
                if (_isDirectory && status.Type != FileStatus.TypeDirectory)
                    return Refused(-(int)Mono.Unix.Native.Errno.ENOTDIR, isLast: false);
                return WrongFile(status);
            }
            Directory.Dispose();
            (Directory, _walked) = (found, at);
            if (WrongDirectory(status) is { } refused)
                return refused;
        }
        File = Directory; // the root directory itself
        return "is a directory; give a file";
    }

    /// <summary>A directory is opened as one, which has it mounted where that is done on demand (autofs(5)).</summary>
    private int OpenName(string name, out FileDescriptor found)
    {
        const OpenOptions Itself = OpenOptions.PathOnly | OpenOptions.NoFollow;
        int result = FileDescriptor.OpenAt(Directory, name, _left.Count > 0 ? Itself | OpenOptions.Directory : Itself, 0, out found);
        return result == -(int)Mono.Unix.Native.Errno.ENOTDIR ? FileDescriptor.OpenAt(Directory, name, Itself, 0, out found) : result;
    }

    /// <summary>A link at the path's end that is not to be followed.</summary>
    private bool IsEnd(FileDescriptor link) => _left.Count == 0 && _rules.HasFlag(NamedFileRules.Output)
        && (!_rules.HasFlag(NamedFileRules.OwnLinks) || (FileSystems.Type(link, out long type) == 0 && type == FileSystems.Processes));

    private string? GoToRoot()
    {
        Directory.Dispose();
        int result = FileDescriptor.Open("/", OpenOptions.PathOnly | OpenOptions.Directory, 0, out FileDescriptor root);
        (Directory, _walked) = (root, "/");
        return result < 0 ? Refused(result, isLast: false) : null;
    }

    private string? Follow(FileDescriptor link, string at, in FileStatus status, int links)
    {
        using (link)
        {
            bool isLast = _left.Count == 0;
            if (isLast && (!_rules.HasFlag(NamedFileRules.OwnLinks) || !IsOurs(status.Uid)))
                return $"is a symbolic link of user {status.Uid}; give the file itself";
            if (!isLast && !IsOurs(status.Uid))
                return $"passes the symbolic link {at} of user {status.Uid}; give a path without it";
            if (links > LinkLimit)
                return "too many symbolic links; give the file itself";
            int result = FileSystems.ReadLink(link, out string target);
            if (result < 0)
                return Refused(result, isLast: false);
            Push(target);
            return target.StartsWith('/') ? GoToRoot() : null;
        }
    }

    private void Push(string path)
    {
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            if (name != ".")
                _left.Push(name);
        }
    }

    private string Refused(int result, bool isLast)
    {
        Errno = result;
        if (!isLast)
        {
            Directory.Dispose();
            Directory = new FileDescriptor(-1);
        }
        return Problem.Of(result);
    }

    /// <summary>Who owns a directory, or may write one without the sticky bit, says what its names lead to.</summary>
    private string? WrongDirectory(in FileStatus status)
    {
        if (status.Type != FileStatus.TypeDirectory)
            return Refused(-(int)Mono.Unix.Native.Errno.ENOTDIR, isLast: false);
        if (_rules.HasFlag(NamedFileRules.Output))
            return null;
        if (!IsOurs(status.Uid) && !(status.Uid == Unmapped && !s_isNamespaceWhole.Value))
            return $"lies in {_walked}, which belongs to user {status.Uid}; give a file in directories of your own or of root";
        if ((status.Mode & Sticky) != 0) // what belongs to us or to root stays there
            return null;
        if ((status.Mode & OthersWrite) != 0)
            return $"lies in {_walked}, which everybody may write; change that (chmod o-w {_walked}), or give a file elsewhere";
        if (!_rules.HasFlag(NamedFileRules.NotShared))
            return null;
        int result = SharedWith(Directory, status, out string? others);
        return result < 0 ? Refused(result, isLast: false)
            : others is null ? null
            : $"lies in {_walked}, which {others} may write and so exchange what is in it; change that (chmod g-w {_walked}), or give a file elsewhere";
    }

    private string? WrongFile(in FileStatus status)
    {
        if (_rules.HasFlag(NamedFileRules.Output))
            return status.Type == FileStatus.TypeLink && !IsOurs(status.Uid) ? $"is a symbolic link of user {status.Uid}; give the file itself"
                : null;
        bool isDevice = status.Type == FileStatus.TypeCharacterDevice && _rules.HasFlag(NamedFileRules.Devices);
        if (status.Type != FileStatus.TypeRegular && !isDevice)
            return $"is {Kind(status.Type)}; give a file";
        if (!IsOurs(status.Uid))
        {
            string friend = _rules.HasFlag(NamedFileRules.OfFriend) ? ", or that user's name with --owner" : "";
            return $"belongs to user {status.Uid}; give a file of your own{friend}";
        }
        if (!isDevice && status.Links != 1 && !_rules.HasFlag(NamedFileRules.SeveralNames))
            return "has another name too (a hard link); give a file with one name";
        return null;
    }

    /// <summary>Why another user may write an opened file, against <see cref="NamedFileRules.NotShared"/>.</summary>
    internal string? WrongRights(FileDescriptor opened)
    {
        if (!_rules.HasFlag(NamedFileRules.NotShared))
            return null;
        string? others = null;
        int result = opened.Status(out FileStatus status);
        if (result >= 0 && (status.Mode & OthersWrite) != 0)
            return "may be written by everybody; change that: chmod o-w";
        result = result < 0 ? result : SharedWith(opened, status, out others);
        return result < 0 ? Refused(result, isLast: true) : others is null ? null : $"may be written by {others}; change that: chmod g-w";
    }

    /// <summary>
    /// What group may write a file; null: none, or one that may. With an access control list the group bits of its mode are the most that users and
    /// groups of the list have, whatever group the file has. 0 or a negative errno.
    /// </summary>
    private static int SharedWith(FileDescriptor file, in FileStatus status, out string? others)
    {
        int list = (status.Mode & GroupWrite) == 0 ? 0 : file.HasAccessList();
        others = (status.Mode & GroupWrite) == 0 || list < 0 ? null
            : list > 0 ? "users of its access control list"
            : status.Gid != 0 && !IsPrivate(status.Gid) ? $"group {status.Gid}" : null;
        return Math.Min(list, 0);
    }

    /// <summary>A group of its user's number has no other member, by the custom of adduser(8).</summary>
    private static bool IsPrivate(uint group) => group == Descriptors.EffectiveGroup && group == Descriptors.EffectiveUser;

    private bool IsOurs(uint user) => user == 0 || user == Descriptors.EffectiveUser || user == _friend;

    private static string Kind(uint type) => type switch
    {
        FileStatus.TypeDirectory => "a directory",
        FileStatus.TypeCharacterDevice or FileStatus.TypeBlockDevice => "a device",
        FileStatus.TypeSocket => "a socket",
        _ => "a FIFO",
    };

    /// <summary>
    /// Whether our user namespace has a number for every user (user_namespaces(7)): else root of the machine, who owns most directories, has the
    /// number of those without one.
    /// </summary>
    private static bool IsNamespaceWhole()
    {
        try
        {
            return System.IO.File.ReadLines("/proc/self/uid_map").Any(Has);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true;
        }

        // First number here, first number outside, how many.
        static bool Has(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [{ } first, _, { } count]
            && Unmapped - long.Parse(first, CultureInfo.InvariantCulture) is >= 0 and var offset
                && offset < long.Parse(count, CultureInfo.InvariantCulture);
    }
}
