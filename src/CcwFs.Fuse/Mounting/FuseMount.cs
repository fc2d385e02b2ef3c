using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// A FUSE file system in the tree. Disposal unmounts (lazily when busy), aborts the connection where that is possible and closes the
/// device; end the session's held requests first.
/// </summary>
public sealed class FuseMount : IDisposable
{
    private const string DevicePath = "/dev/fuse";

    private readonly MountEntry? _entry; // of the mount table, as it was made
    private readonly int? _connection; // directory under /sys/fs/fuse/connections
    private readonly bool _throughHelper;
    private bool _unmounted;

    private FuseMount(string path, FileDescriptor device, string type, bool throughHelper)
    {
        Path = path;
        Device = device;
        Type = type;
        _throughHelper = throughHelper;
        _entry = MountTable.Find(path);
        _connection = _entry is null ? null : MountTable.Connection(_entry);
    }

    /// <summary>Where it is mounted: absolute, without symbolic links.</summary>
    public string Path { get; }

    /// <summary>The session's device; belongs to this object.</summary>
    public FileDescriptor Device { get; }

    /// <summary>Its type in the mount table.</summary>
    public string Type { get; }

    /// <summary>
    /// Mounts on an existing empty directory; replaces a dead mount of the same type there. As root with mount(2), else through fusermount3.
    /// </summary>
    /// <exception cref="FuseMountException">Every failure.</exception>
    public static FuseMount Mount(string path, FuseMountOptions? options = null)
    {
        options ??= new FuseMountOptions();
        string type = "fuse." + options.Name;
        bool throughHelper = options.ThroughHelper || Descriptors.EffectiveUser != 0;
        string full = MountPoint.Resolve(path);
        MountPoint.ReplaceDead(full, type, throughHelper);
        FileStatus status = MountPoint.RequireEmptyDirectory(full);
        FileDescriptor device = throughHelper ? FuserMount.Mount(full, options) : MountDirectly(full, type, status, options);
        return new FuseMount(full, device, type, throughHelper);
    }

    /// <summary>Unmounts the file system of type fuse.<paramref name="name"/> at a path. False: busy, and <paramref name="lazy"/> was off.</summary>
    /// <exception cref="FuseMountException">Nothing of that type is mounted there, or it is not permitted.</exception>
    public static bool Unmount(string path, bool lazy, string name = "ccwfs")
    {
        string full = MountPoint.Resolve(path);
        MountEntry? entry = MountTable.Find(full);
        if (entry is null || entry.Type != "fuse." + name)
        {
            throw new FuseMountException(entry is null
                ? $"cannot unmount {full}: nothing is mounted there"
                : $"cannot unmount {full}: a {entry.Type} is mounted there, which is not ours");
        }
        return MountPoint.Detach(full, lazy, Descriptors.EffectiveUser != 0);
    }

    /// <summary>
    /// Unmounts, wherever in our mount namespace it is by now: another program may have moved it, or bound it to other places. False: busy, and
    /// <paramref name="lazy"/> was off. True also when it was unmounted before.
    /// </summary>
    /// <exception cref="FuseMountException">It is not permitted.</exception>
    public bool Unmount(bool lazy)
    {
        _unmounted = _unmounted || FindPlaces().All(place => MountPoint.Detach(place, lazy, _throughHelper && Descriptors.EffectiveUser != 0));
        return _unmounted;
    }

    /// <summary>
    /// Ends the connection, for a server that answers nobody any more, and unmounts: every waiting caller gets an error. Neither asks the server
    /// anything. Where neither fusectl nor root is there, callers wait until the process has ended.
    /// </summary>
    /// <exception cref="FuseMountException">It is not permitted.</exception>
    public void End()
    {
        EndConnection();
        Unmount(lazy: true);
    }

    /// <summary>
    /// Ends the connection: every waiting caller gets an error, the session's workers end. For a mount that was detached while busy. False when
    /// the kernel offers no way (fusectl is not mounted on /sys/fs/fuse/connections); then the end of the process does it.
    /// </summary>
    private bool Abort()
    {
        // An ended connection's number may have gone to another mount: only a living one is ended by its number.
        if (HasEnded)
            return true;
        if (_connection is not { } number)
            return false;
        int result = FileDescriptor.Open($"/sys/fs/fuse/connections/{number}/abort", OpenOptions.WriteOnly, 0, out FileDescriptor file);
        using (file)
            return result == 0 && file.Write("1"u8) > 0;
    }

    /// <summary>As root a forced unmount does it, fusectl or not.</summary>
    private void EndConnection()
    {
        if (Abort() || Descriptors.EffectiveUser != 0)
            return;
        foreach (string place in FindPlaces())
            FileSystems.Unmount(place, FileSystems.UnmountForce | FileSystems.UnmountDetach | FileSystems.UnmountNoFollow);
    }

    /// <summary>Who keeps it busy, one line a process; none where /proc cannot be read.</summary>
    public IReadOnlyList<MountHolder> FindHolders() => _entry is null ? [] : MountHolder.Find(_entry);

    /// <summary>Where else it is mounted: in other mount namespaces than ours.</summary>
    public IReadOnlyList<MountPlace> FindElsewhere() => _entry is null ? [] : MountPlace.FindElsewhere(_entry);

    /// <summary>Whether the mount table of our namespace has it, there or at another place.</summary>
    internal bool IsReachable => _entry is null || MountTable.Read().Any(entry => entry.Device == _entry.Device && entry.Type == Type);

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            if (!Unmount(lazy: false))
            {
                End();
            }
            else
            {
                // An earlier lazy unmount may have left users.
                Abort();
            }
        }
        catch (FuseMountException)
        {
            // Not permitted any more: closing the device ends the connection, and the next mount replaces it.
        }
        finally
        {
            Device.Dispose();
        }
    }

    private bool HasEnded => (Descriptors.Poll(Device, Descriptors.PollIn, 0) & Descriptors.PollError) != 0;

    /// <summary>
    /// The mount points of our namespace where it lies on top, the last one first. It may have been unmounted, and another one mounted
    /// there, which can have got the device number of an ended connection: then the path must be the old one too.
    /// </summary>
    private IReadOnlyList<string> FindPlaces()
    {
        try
        {
            bool isAlive = !HasEnded;
            return [.. MountTable.Read().GroupBy(entry => entry.MountPoint).Select(covered => covered.Last()).Reverse()
                .Where(top => top.Type == Type && top.Device == _entry?.Device && (isAlive || top.MountPoint == Path)).Select(top => top.MountPoint)];
        }
        catch (IOException)
        {
            return [Path]; // no descriptor is left to look with
        }
    }

    private static FileDescriptor MountDirectly(string path, string type, in FileStatus status, FuseMountOptions options)
    {
        int result = FileDescriptor.Open(DevicePath, OpenOptions.ReadWrite, 0, out FileDescriptor device);
        if (result < 0)
        {
            device.Dispose();
            throw new FuseMountException(-result is (int)Errno.ENOENT or (int)Errno.ENODEV or (int)Errno.ENXIO
                ? $"cannot mount {path}: the kernel has no FUSE ({DevicePath}: {(Errno)(-result)}): run \"modprobe fuse\""
                : $"cannot mount {path}: {DevicePath} cannot be opened ({(Errno)(-result)}): check its permissions");
        }
        uint owner = options.Owner ?? Descriptors.EffectiveUser, group = options.Group ?? Descriptors.EffectiveGroup;
        string mode = Convert.ToString(status.Type, 8);
        string data = $"fd={device.Number},rootmode={mode},user_id={owner},group_id={group},default_permissions"
            + (options.AllowOther ? ",allow_other" : "");
        result = FileSystems.Mount(options.Name, path, type, FileSystems.NoSetUid | FileSystems.NoDevices, data);
        if (result == 0)
            return device;
        device.Dispose();
        throw new FuseMountException(-result is (int)Errno.EPERM or (int)Errno.EACCES
            ? $"cannot mount {path}: mounting is not permitted here ({(Errno)(-result)}): CAP_SYS_ADMIN is needed, in a container too, and no AppArmor or SELinux rule against it"
            : $"cannot mount {path}: mount failed ({(Errno)(-result)}): see the kernel's log");
    }
}
