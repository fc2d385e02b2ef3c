using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Cli.Mount;

/// <summary>Keeps us from opening files of a ccwfs mount, our own above all: we would wait for ourselves.</summary>
internal static class OwnMounts
{
    private const int MaxLinks = 40; // as the kernel's path walk (MAXSYMLINKS)

    /// <summary>
    /// Refuses a path that leads into a mounted ccwfs. Symbolic links are followed with readlink, component by component, and never inside such
    /// a mount.
    /// </summary>
    internal static void Refuse(string path)
    {
        if (Find(path) is { } mount)
            throw new CommandException($"{path} is inside the mounted ccwfs {mount.MountPoint}; give an image outside of it");
    }

    /// <summary>Whether a path leads into a mounted ccwfs.</summary>
    internal static bool IsInside(string path) => Find(path) is not null;

    /// <summary>As <see cref="Refuse"/>, for our own mount alone, wherever else it is bound: another ccwfs may well be asked.</summary>
    internal static void RefuseOwn(string path, string? ownMountPoint)
    {
        if (ownMountPoint is not null && Find(path) is { } mount && mount.Device == MountTable.Find(ownMountPoint)?.Device)
            throw new CommandException($"{path} is inside this ccwfs itself; give a device of the host, or of another ccwfs");
    }

    private static MountEntry? Find(string path)
    {
        MountEntry[] mounts = [.. MountTable.Read().Where(m => m.Type == "fuse.ccwfs")];
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
