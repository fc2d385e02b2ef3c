using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Emulation.Images;
using CcwFs.Host;
using CcwFs.Linux;
using CcwFs.Service.Images;
using CcwFs.Vfio.Backend;
using Mono.Unix.Native;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>What the keys of a SPEC say of a real device.</summary>
internal sealed class RealNames
{
    /// <summary>What is to be said where <see cref="Device"/> is missing.</summary>
    internal const string Missing = "a vfio device needs device=PATH|SCHID|DEVNO|UUID";

    internal string? Device { get; set; }

    /// <summary>The iommufd or container.</summary>
    internal string? Iommu { get; set; }

    /// <summary>The device's name in its group.</summary>
    internal string? Uuid { get; set; }

    /// <summary>How long to wait for an interrupt; null: for ever.</summary>
    internal TimeSpan? Timeout { get; set; }

    internal static RealNames Of(DeviceSpec spec) => (RealNames)spec.Values!;
}

/// <summary>What device= of a SPEC names.</summary>
/// <param name="Target">What to open.</param>
/// <param name="Id">Its subchannel, where it is known.</param>
/// <param name="Device">Its device number, where it is known before the device is open.</param>
internal sealed record RealTarget(VfioTarget Target, SubchannelId? Id, DeviceId? Device) : KindTarget(Id, Device);

/// <summary>Finds and opens the real subchannels that SPECs name.</summary>
internal static class RealDevices
{
    private const string MountedDevice = "device", MountedIommu = "iommu";

    /// <summary>
    /// Finds one, and opens nothing. <paramref name="directory"/>: what a relative path starts from. Throws for one inside our own mount, which has
    /// the device number <paramref name="own"/>; null: there is none yet.
    /// </summary>
    internal static RealTarget Find(RealNames names, string directory, ulong? own)
    {
        RealTarget found = Find(names, directory);
        OwnMounts.RefuseOwn(found.Target.Path, own);
        OwnMounts.RefuseOwn(found.Target.IommuPath, own);
        return found;
    }

    /// <summary>
    /// Opens one with the rights of <paramref name="caller"/> (null: ours); throws for one inside our own mount <paramref name="own"/>. The file is
    /// that of its path, as it was opened.
    /// </summary>
    internal static (VfioDevice Device, FileIdentity File) Open(RealTarget found, CallerIdentity? caller, ulong? own)
    {
        var calls = new CallerCalls(caller, own);
        VfioDevice opened = VfioDevice.Open(calls, found.Target);
        return (opened, calls.Opened[found.Target.Path]);
    }

    /// <summary>Which file the device is; throws where there is none, and for one inside our own mount.</summary>
    internal static FileIdentity FileOf(RealNames names, string directory, ulong? own)
    {
        string path = Find(names, directory, own).Target.Path;
        int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
        return result < 0 ? throw new CommandException($"{path}: {Problem.Of(result)}; see: ccwfs list --all")
            : FileIdentity.Of(status);
    }

    private static RealTarget Find(RealNames names, string directory)
    {
        string device = names.Device ?? throw new CommandException(RealNames.Missing, CommandException.WrongUsage);
        string path = Path.GetFullPath(device, directory);
        string? iommu = names.Iommu is { } given ? Path.GetFullPath(given, directory) : null;
        if (!device.Contains('/') && HostResolver.IsName(device))
        {
            var roots = new HostRoots();
            HostDevice found = new HostResolver(roots).Resolve(device);
            return new RealTarget(HostTarget(found, roots, iommu, device), found.Id, found.Device);
        }
        if (iommu is null && names.Uuid is null && MountedSubchannel(path) is not null)
            iommu = Path.GetFullPath(Path.Combine(path, "..", "..", MountedIommu));
        var target = new VfioTarget(path, iommu, names.Uuid);
        return new RealTarget(target, OwnId(target), null);
    }

    /// <summary>A subchannel of this host: its cdev where there is one and an iommufd, else its group.</summary>
    private static VfioTarget HostTarget(HostDevice host, HostRoots roots, string? iommu, string name)
    {
        HostMdev mdev = host.Mdev
            ?? throw CommandException.Hinting($"subchannel {host.Id} is not passed through; do that first: ", $"ccwfs attach {name}");
        if (mdev.CdevPath(roots) is { } cdev && File.Exists(cdev) && File.Exists(iommu ?? VfioTarget.DefaultIommu))
            return new VfioTarget(cdev, iommu);
        return mdev.GroupPath(roots) is { } group
            ? new VfioTarget(group, iommu, mdev.Uuid)
            : throw new CommandException($"the mediated device {mdev.Uuid} of subchannel {host.Id} has neither a device file nor a group; load vfio: modprobe vfio vfio_iommu_type1");
    }

    /// <summary>The subchannel of MOUNTPOINT/C.S.NNNN/device; null for any other path.</summary>
    private static SubchannelId? MountedSubchannel(string path) =>
        Path.GetFileName(path) == MountedDevice && SubchannelId.TryParse(Path.GetFileName(Path.GetDirectoryName(path)), out SubchannelId id) ? id
            : null;

    /// <summary>
    /// The real subchannel's id: the directory in sysfs above the mediated device (/sys/devices/css0/0.0.0313/UUID/vfio-dev/vfio0). Null where
    /// nothing says it.
    /// </summary>
    private static SubchannelId? OwnId(VfioTarget target)
    {
        if (MountedSubchannel(target.Path) is { } mounted)
            return mounted;
        string link = target.Uuid is { } uuid ? $"/sys/bus/mdev/devices/{uuid}" : $"/sys/class/vfio-dev/{Path.GetFileName(target.Path)}";
        if (FileSystems.ReadLink(link, out string leads) < 0)
            return null;
        foreach (string part in leads.Split('/').Reverse())
        {
            if (SubchannelId.TryParse(part, out SubchannelId id))
                return id;
        }
        return null;
    }

    /// <summary>
    /// Opens files with the rights of the user who asked (null: ours); everything else is the kernel's own. A file is looked at by its name first: to
    /// open a terminal or a device of another kind could wait, or do something.
    /// </summary>
    private sealed class CallerCalls(CallerIdentity? caller, ulong? own) : ISystemCalls
    {
        private readonly LinuxCalls _calls = LinuxCalls.Instance;

        /// <summary>What was opened, by its path.</summary>
        internal Dictionary<string, FileIdentity> Opened { get; } = [];

        public int Open(string path, out FileDescriptor opened)
        {
            (int result, FileDescriptor named) = As(() => (Name(path, out FileDescriptor name), name));
            using (named)
            {
                opened = new FileDescriptor(-1);
                if (caller is not null && result == -(int)Errno.ELOOP)
                    throw new CommandException($"{path}: {HostImageFiles.LinkOfProcess}");
                if (result < 0)
                    return result;
                OwnMounts.RefuseOwn(named, path, own);
                OwnMounts.RefuseProc(named, path);
                result = named.Status(out FileStatus status);
                if (result < 0)
                    return result;
                if (RealDeviceKind.Wrong(named, status) is { } wrong)
                    throw new CommandException($"{path}: {wrong}");
                FileIdentity identity = FileIdentity.Of(status);
                CallerImageFiles.RefuseUnseen(caller, path, identity, write: true);
                (result, opened) = As(() => (FileDescriptor.Reopen(named, OpenOptions.ReadWrite, out FileDescriptor file), file));
                Opened[path] = identity;
                return result;
            }
        }

        private int Name(string path, out FileDescriptor named) =>
            caller is null ? FileDescriptor.Open(path, OpenOptions.PathOnly, 0, out named)
                : FileDescriptor.OpenPlain(path, OpenOptions.PathOnly, out named);

        private T As<T>(Func<T> action) => caller is null ? action() : caller.Run(action);

        public int Control(FileDescriptor file, uint command, ulong number) => _calls.Control(file, command, number);

        public int Control(FileDescriptor file, uint command, Span<byte> structure) => _calls.Control(file, command, structure);

        public int ReadAt(FileDescriptor file, long offset, Span<byte> buffer) => _calls.ReadAt(file, offset, buffer);

        public int WriteAt(FileDescriptor file, long offset, ReadOnlySpan<byte> data) => _calls.WriteAt(file, offset, data);

        public int EventFd(out FileDescriptor created) => _calls.EventFd(out created);

        public int Read(FileDescriptor file, Span<byte> buffer) => _calls.Read(file, buffer);

        public int Signal(FileDescriptor file) => _calls.Signal(file);

        public int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds) =>
            _calls.Poll(files, ready, timeoutMilliseconds);
    }
}
