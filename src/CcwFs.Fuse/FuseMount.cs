using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>How a file system is mounted.</summary>
public sealed record FuseMountOptions
{
    /// <summary>The source column of the mount table; the type is <c>fuse.</c> and this.</summary>
    public string Name { get; init; } = "ccwfs";

    /// <summary>Users other than the owner may use it (an ordinary user needs user_allow_other in /etc/fuse.conf).</summary>
    public bool AllowOther { get; init; }

    /// <summary>Whose mount it is: without <see cref="AllowOther"/> only this user reaches it. Default: the process's own. Others need root.</summary>
    public uint? Owner { get; init; }

    /// <summary>That user's group. Default: the process's own.</summary>
    public uint? Group { get; init; }

    /// <summary>Mounts through fusermount3 even as root.</summary>
    public bool ThroughHelper { get; init; }
}

/// <summary>A process that keeps a mount busy.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Command">Its command name.</param>
/// <param name="What">What it holds, as a path, or "working directory" and the like.</param>
public sealed record MountHolder(int Pid, string Command, string What);

/// <summary>
/// A FUSE file system in the tree. Disposal unmounts (lazily when busy) and closes the device; end the session's held requests first.
/// </summary>
public sealed class FuseMount : IDisposable
{
    private FuseMount(string path, FileDescriptor device)
    {
        Path = path;
        Device = device;
    }

    /// <summary>Where it is mounted: absolute, without symbolic links.</summary>
    public string Path { get; }

    /// <summary>The session's device; belongs to this object.</summary>
    public FileDescriptor Device { get; }

    /// <summary>
    /// Mounts on an existing empty directory; replaces a dead mount of the same type there. As root with mount(2), else through fusermount3.
    /// The kernel accepts users only after the session has answered INIT.
    /// </summary>
    /// <exception cref="FuseMountException">Every failure.</exception>
    public static FuseMount Mount(string path, FuseMountOptions? options = null) => throw new NotImplementedException();

    /// <summary>Unmounts whatever FUSE file system of ours is at <paramref name="path"/>. False: busy, and <paramref name="lazy"/> was off.</summary>
    /// <exception cref="FuseMountException">Nothing of ours is mounted there, or it is not permitted.</exception>
    public static bool Unmount(string path, bool lazy) => throw new NotImplementedException();

    /// <summary>Unmounts. False: busy, and <paramref name="lazy"/> was off. True also when it was unmounted before.</summary>
    /// <exception cref="FuseMountException">It is not permitted.</exception>
    public bool Unmount(bool lazy) => throw new NotImplementedException();

    /// <summary>Who keeps the mount at a path busy: open files, working and root directories, mappings. Asks no file system.</summary>
    public static IReadOnlyList<MountHolder> FindHolders(string path) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => Device.Dispose();
}

/// <summary>What is mounted where, from /proc/self/mountinfo; asks no file system.</summary>
public static class MountTable
{
    /// <summary>One line of the table.</summary>
    /// <param name="MountPoint">Absolute path.</param>
    /// <param name="Type">File-system type, fuse.ccwfs for ours.</param>
    /// <param name="Source">Source column.</param>
    /// <param name="Device">major:minor as text; the minor names the FUSE connection.</param>
    /// <param name="SuperOptions">The file system's own options.</param>
    public sealed record Entry(string MountPoint, string Type, string Source, string Device, string SuperOptions);

    /// <summary>The whole table, in the kernel's order: a later line covers an earlier one at the same path.</summary>
    public static IReadOnlyList<Entry> Read() => throw new NotImplementedException();

    /// <summary>What is on top at an absolute path without symbolic links; null when it is no mount point.</summary>
    public static Entry? Find(string path) => throw new NotImplementedException();
}
