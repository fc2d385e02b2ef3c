using CcwFs.ChannelIo;
using CcwFs.Cli.Host;
using CcwFs.Linux;
using CcwFs.Vfio.Backend;
using Microsoft.Extensions.Logging;

namespace CcwFs.Cli.Mount;

/// <summary>Opens the real subchannels that SPECs name.</summary>
internal static class RealDevices
{
    private const string MountedDevice = "device", MountedIommu = "iommu";

    /// <summary>
    /// Opens one. <paramref name="directory"/>: what a relative path starts from; <paramref name="caller"/>: whose rights open it (null: ours);
    /// <paramref name="choose"/>: the subchannel id for a device whose own is this, where it is known.
    /// </summary>
    internal static VfioSubchannel Open(
        DeviceSpec spec, string directory, CallerIdentity? caller, string? ownMountPoint, Func<SubchannelId?, SubchannelId> choose, ILogger log)
    {
        (VfioTarget target, SubchannelId? own, DeviceId? known) = Find(spec, directory);
        OwnMounts.RefuseOwn(target.Path, ownMountPoint);
        OwnMounts.RefuseOwn(target.IommuPath, ownMountPoint);
        SubchannelId id = choose(own); // before anything is opened
        VfioDevice device = VfioDevice.Open(new CallerCalls(caller), target);
        DeviceId number = spec.Device ?? known
            ?? new DeviceId(id.CssId, id.SetId, device.DeviceNumber ?? (ushort)Math.Min(DeviceFactory.FirstDeviceNumber + id.Number, ushort.MaxValue));
        var subchannel = new VfioSubchannel(device, new VfioOptions(id, number, spec.Timeout), log);
        subchannel.Identify();
        return subchannel;
    }

    /// <summary>What device= names, and the bus ids that go with it where they are known.</summary>
    private static (VfioTarget Target, SubchannelId? Id, DeviceId? Device) Find(DeviceSpec spec, string directory)
    {
        string device = spec.Real ?? throw new CommandException(spec.Conflict!, CommandException.WrongUsage);
        string path = Path.GetFullPath(device, directory);
        string? iommu = spec.Iommu is { } given ? Path.GetFullPath(given, directory) : null;
        if (!device.Contains('/') && HostResolver.IsName(device))
        {
            var roots = new HostRoots();
            HostDevice found = new HostResolver(roots).Resolve(device);
            return (HostTarget(found, roots, iommu, device), found.Id, found.Device);
        }
        if (iommu is null && spec.Uuid is null && MountedSubchannel(path) is not null)
            iommu = Path.GetFullPath(Path.Combine(path, "..", "..", MountedIommu));
        var target = new VfioTarget(path, iommu, spec.Uuid);
        return (target, OwnId(target), null);
    }

    /// <summary>A subchannel of this host: its cdev where there is one and an iommufd, else its group.</summary>
    private static VfioTarget HostTarget(HostDevice host, HostRoots roots, string? iommu, string name)
    {
        HostMdev mdev = host.Mdev ?? throw new CommandException($"subchannel {host.Id} is not passed through; do that first: ccwfs attach {name}");
        if (mdev.CdevPath(roots) is { } cdev && File.Exists(cdev) && File.Exists(iommu ?? VfioTarget.DefaultIommu))
            return new VfioTarget(cdev, iommu);
        return mdev.GroupPath(roots) is { } group
            ? new VfioTarget(group, iommu, mdev.Uuid)
            : throw new CommandException($"the mediated device {mdev.Uuid} of subchannel {host.Id} has neither a device file nor a group; load vfio: modprobe vfio vfio_iommu_type1");
    }

    /// <summary>The subchannel of MOUNTPOINT/C.S.NNNN/device; null for any other path.</summary>
    private static SubchannelId? MountedSubchannel(string path) =>
        Path.GetFileName(path) == MountedDevice && SubchannelId.TryParse(Path.GetFileName(Path.GetDirectoryName(path)), out SubchannelId id) ? id : null;

    /// <summary>
    /// The real subchannel's id: the directory in sysfs above the mediated device (/sys/devices/css0/0.0.0313/UUID/vfio-dev/vfio0). Null where nothing says it.
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

    /// <summary>Opens files with the rights of the user who asked (null: ours); everything else is the kernel's own.</summary>
    private sealed class CallerCalls(CallerIdentity? caller) : ISystemCalls
    {
        private readonly LinuxCalls _calls = LinuxCalls.Instance;

        public int Open(string path, out FileDescriptor opened)
        {
            if (caller is null)
                return _calls.Open(path, out opened);
            (int result, opened) = caller.Run(() => (_calls.Open(path, out FileDescriptor file), file));
            return result;
        }

        public int Control(FileDescriptor file, uint command, ulong number) => _calls.Control(file, command, number);

        public int Control(FileDescriptor file, uint command, Span<byte> structure) => _calls.Control(file, command, structure);

        public int ReadAt(FileDescriptor file, long offset, Span<byte> buffer) => _calls.ReadAt(file, offset, buffer);

        public int WriteAt(FileDescriptor file, long offset, ReadOnlySpan<byte> data) => _calls.WriteAt(file, offset, data);

        public int EventFd(out FileDescriptor created) => _calls.EventFd(out created);

        public int Read(FileDescriptor file, Span<byte> buffer) => _calls.Read(file, buffer);

        public int Signal(FileDescriptor file) => _calls.Signal(file);

        public int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds) => _calls.Poll(files, ready, timeoutMilliseconds);
    }
}
