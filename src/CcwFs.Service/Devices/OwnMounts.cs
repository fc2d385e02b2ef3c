using System.Globalization;
using System.Runtime.InteropServices;
using CcwFs.Control;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Service.Devices;

/// <summary>
/// Keeps us from using files of a ccwfs mount, our own above all: we would wait for ourselves. What counts is the device that holds the file which
/// was opened, for a path leads there in many ways (/proc/PID/root and cwd, bind mounts, other mount namespaces) and may lead elsewhere a moment
/// later. Asking cannot hang in our own mount: it is opened for its name alone (O_PATH), which takes lookups and no open. Those are answered by a
/// worker of the session, which waits for nobody, and the thread that asks is none of the workers. Only before the session serves would nobody
/// answer, so that a path which plainly leads there is refused before it is touched.
/// </summary>
internal static class OwnMounts
{
    private const string OurType = "fuse.ccwfs";
    private const int MaxLinks = 40; // as the kernel's path walk (MAXSYMLINKS)

    /// <summary>
    /// Opens a file for its name alone: 0, or a negative errno; <paramref name="named"/> belongs to the caller. Throws for one of a mounted ccwfs and
    /// of /proc; with <paramref name="plain"/> no link of /proc to an open file is followed (-ELOOP).
    /// </summary>
    internal static int Open(string path, bool plain, out FileDescriptor named)
    {
        if (Find(path) is { } mount)
            throw Inside(path, mount);
        int result = plain ? FileDescriptor.OpenPlain(path, OpenOptions.PathOnly, out named)
            : FileDescriptor.Open(path, OpenOptions.PathOnly, 0, out named);
        try
        {
            if (result == 0)
                Refuse(named, path);
            return result;
        }
        catch
        {
            named.Dispose();
            throw;
        }
    }

    /// <summary>Throws for a file that would be made in a mounted ccwfs, or in /proc; a directory that is not there is no matter here.</summary>
    internal static void RefuseDirectoryOf(string path, bool plain)
    {
        Open(Path.GetDirectoryName(path) is { Length: > 0 } directory ? directory : "/", plain, out FileDescriptor named);
        named.Dispose();
    }

    /// <summary>Throws for an open file of a mounted ccwfs, wherever it is mounted, and for one of /proc.</summary>
    internal static void Refuse(SafeHandle file, string path)
    {
        if (FileDescriptor.Device(file, out ulong device) is < 0 and var result)
            throw new CommandException($"{path}: {Problem.Of(result)}");
        MountEntry[] mounts = [.. MountTable.Read().Where(m => m.Device == Text(device))];
        if (Array.Find(mounts, m => m.Type == OurType) is { } mount)
            throw Inside(path, mount);
        RefuseProc(file, path, mounts);
        if (mounts.Length == 0 && (FileSystems.Type(file, out long magic) < 0 || magic == FileSystems.Fuse))
            throw new CommandException($"{path} is in a FUSE file system of another mount namespace, which may be a mounted ccwfs; give a file outside of it");
    }

    /// <summary>Throws for an open file of /proc: what it shows to us is not what its caller sees.</summary>
    internal static void RefuseProc(SafeHandle file, string path)
    {
        if (FileDescriptor.Device(file, out ulong device) == 0)
            RefuseProc(file, path, [.. MountTable.Read().Where(m => m.Device == Text(device))]);
    }

    private static void RefuseProc(SafeHandle file, string path, MountEntry[] mounts)
    {
        bool isProc = mounts.Length == 0 ? FileSystems.Type(file, out long magic) == 0 && magic == FileSystems.Processes : mounts[0].Type == "proc";
        if (isProc)
            throw new CommandException($"{path} is a file of /proc; give a file or a device itself");
    }

    /// <summary>Whether a path leads into a mounted ccwfs.</summary>
    internal static bool IsInside(string path) => Find(path) is not null;

    /// <summary>The device number of what is mounted at a path; null when nothing is.</summary>
    internal static ulong? DeviceAt(string mountPoint) =>
        MountTable.Find(mountPoint)?.Device.Split(':') is [{ } major, { } minor]
            ? (ulong.Parse(major, CultureInfo.InvariantCulture) << 32) | uint.Parse(minor, CultureInfo.InvariantCulture) : null;

    /// <summary>
    /// As <see cref="Open"/>, for our own mount alone, which has the device number <paramref name="own"/>: another ccwfs may well be asked. What
    /// cannot be opened is no matter here.
    /// </summary>
    internal static void RefuseOwn(string path, ulong? own)
    {
        if (own is not { } device)
            return;
        if (Find(path)?.Device == Text(device))
            throw InsideOurs(path);
        int result = FileDescriptor.Open(path, OpenOptions.PathOnly, 0, out FileDescriptor named);
        using (named)
        {
            if (result == 0)
                RefuseOwn(named, path, own);
        }
    }

    /// <summary>Throws for an open file of our own mount.</summary>
    internal static void RefuseOwn(SafeHandle file, string path, ulong? own)
    {
        if (own is not null && FileDescriptor.Device(file, out ulong device) == 0 && device == own)
            throw InsideOurs(path);
    }

    private static CommandException Inside(string path, MountEntry mount) =>
        new($"{path} is inside the mounted ccwfs {mount.MountPoint}; give a file outside of it");

    private static CommandException InsideOurs(string path) =>
        new($"{path} is inside this ccwfs itself; give a device of the host, or of another ccwfs");

    private static string Text(ulong device) => string.Create(CultureInfo.InvariantCulture, $"{device >> 32}:{(uint)device}");

    /// <summary>
    /// The mounted ccwfs that a path plainly leads into. Symbolic links are followed with readlink, component by component, and never inside such a
    /// mount.
    /// </summary>
    private static MountEntry? Find(string path)
    {
        MountEntry[] mounts = [.. MountTable.Read().Where(m => m.Type == OurType)];
        string walked = "/";
        var left = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        for (int links = 0; left.TryPop(out string? name);)
        {
            walked = Path.GetFullPath(name, walked);
            if (mounts.LastOrDefault(m => IsWithin(walked, m.MountPoint)) is { } mount)
                return mount;
            if (FileSystems.ReadLink(walked, out string target) < 0 || ++links > MaxLinks)
                continue; // no link, or an error that opening it will tell
            walked = target.StartsWith('/') ? "/" : Path.GetDirectoryName(walked)!;
            foreach (string part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                left.Push(part);
        }
        return null;
    }

    private static bool IsWithin(string path, string mount) =>
        path == mount || path.StartsWith(mount.TrimEnd('/') + "/", StringComparison.Ordinal);
}
