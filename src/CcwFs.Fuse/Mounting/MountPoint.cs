using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>Questions about the directory that is mounted on, asked so that a dead or stuck file system there never keeps us waiting.</summary>
internal static class MountPoint
{
    // MAXSYMLINKS of the kernel (include/linux/namei.h).
    private const int LinkLimit = 40;

    // How long a live file system has for a STATFS before it counts as alive but stuck. Arbitrary.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The absolute path without symbolic links. Only readlink(2) is used, which a mount's root answers without its server.
    /// </summary>
    internal static string Resolve(string path)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
            throw new FuseMountException("cannot mount: the mount point's path is empty or holds a NUL: name a directory");
        string done = "";
        Stack<string> left = new(Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        int links = 0;
        while (left.TryPop(out string? part))
        {
            if (part is ".." or ".")
            {
                done = part == ".." ? done[..Math.Max(done.LastIndexOf('/'), 0)] : done;
                continue;
            }
            if (FileSystems.ReadLink($"{done}/{part}", out string target) != 0)
            {
                done = $"{done}/{part}";
                continue;
            }
            if (++links > LinkLimit)
                throw new FuseMountException($"cannot use {path}: too many symbolic links: name the directory itself");
            if (target.StartsWith('/'))
                done = "";
            foreach (string piece in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                left.Push(piece);
        }
        return done.Length == 0 ? "/" : done;
    }

    /// <summary>Detaches a dead mount of our type; refuses every other mount there.</summary>
    internal static void ReplaceDead(string path, string type, bool throughHelper)
    {
        // More than one can lie there, one upon the other, after several crashes.
        while (MountTable.Find(path) is { } entry)
        {
            if (entry.Type != type)
                throw new FuseMountException($"cannot mount {path}: a {entry.Type} is mounted there: choose another directory");
            if (!IsDead(path))
                throw new FuseMountException($"cannot mount {path}: a running {entry.Source} is mounted there: unmount it first");
            Detach(path, lazy: true, throughHelper);
        }
    }

    /// <summary>Refuses what is no empty directory.</summary>
    internal static FileStatus RequireEmptyDirectory(string path)
    {
        int result = FileDescriptor.Status(path, follow: false, out FileStatus status);
        if (result < 0)
        {
            throw new FuseMountException(-result == (int)Errno.ENOENT
                ? $"cannot mount {path}: there is no such directory: create it first"
                : $"cannot mount {path}: the directory cannot be looked at ({(Errno)(-result)})");
        }
        if (status.Type != FileStatus.TypeDirectory)
            throw new FuseMountException($"cannot mount {path}: it is not a directory: name an empty directory");
        try
        {
            if (Directory.EnumerateFileSystemEntries(path).Any())
                throw new FuseMountException($"cannot mount {path}: the directory is not empty: name an empty one");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FuseMountException($"cannot mount {path}: the directory cannot be read: {exception.Message}");
        }
        return status;
    }

    /// <summary>True when unmounted (or nothing was mounted); false when busy and <paramref name="lazy"/> is off.</summary>
    internal static bool Detach(string path, bool lazy, bool throughHelper)
    {
        if (throughHelper)
            return FuserMount.Unmount(path, lazy);
        int result = FileSystems.Unmount(path, FileSystems.UnmountNoFollow | (lazy ? FileSystems.UnmountDetach : 0));
        return result switch
        {
            0 or -(int)Errno.EINVAL => true,
            -(int)Errno.EBUSY => false,
            _ => throw new FuseMountException($"cannot unmount {path}: {(Errno)(-result)}"
                + (result == -(int)Errno.EPERM ? ": run it as root or as the user who mounted it" : "")),
        };
    }

    // A dead connection answers ENOTCONN (or ECONNABORTED) at once; a live one asks its server, who may be stuck: then the thread is
    // left alone, and ends with the server or with us.
    private static bool IsDead(string path)
    {
        int result = 0;
        Thread probe = new(() => Volatile.Write(ref result, FileSystems.Type(path, out _))) { IsBackground = true, Name = "mount probe" };
        probe.Start();
        return probe.Join(Patience) && Volatile.Read(ref result) is -(int)Errno.ENOTCONN or -(int)Errno.ECONNABORTED;
    }
}
