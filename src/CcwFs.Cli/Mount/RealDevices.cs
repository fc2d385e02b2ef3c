using CcwFs.ChannelIo;
using CcwFs.Cli.Host;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using CcwFs.Vfio.Backend;
using Mono.Unix.Native;

namespace CcwFs.Cli.Mount;

/// <summary>What device= of a SPEC names.</summary>
/// <param name="Target">What to open.</param>
/// <param name="Id">Its subchannel, where it is known.</param>
/// <param name="Device">Its device number, where it is known before the device is open.</param>
internal sealed record RealTarget(VfioTarget Target, SubchannelId? Id, DeviceId? Device);

/// <summary>Finds and opens the real subchannels that SPECs name.</summary>
internal static class RealDevices
{
    private const string MountedDevice = "device", MountedIommu = "iommu";

    /// <summary>
    /// Finds one, and opens nothing. <paramref name="directory"/>: what a relative path starts from. Throws for one inside our own mount, which has the device
    /// number <paramref name="own"/>; null: there is none yet.
    /// </summary>
    internal static RealTarget Find(DeviceSpec spec, string directory, ulong? own)
    {
        RealTarget found = Find(spec, directory);
        OwnMounts.RefuseOwn(found.Target.Path, own);
        OwnMounts.RefuseOwn(found.Target.IommuPath, own);
        return found;
    }

    /// <summary>Opens one with the rights of <paramref name="caller"/> (null: ours); throws for one inside our own mount <paramref name="own"/>.</summary>
    internal static VfioDevice Open(RealTarget found, CallerIdentity? caller, ulong? own) => VfioDevice.Open(new CallerCalls(caller, own), found.Target);

    /// <summary>Which file a SPEC's device is; throws where there is none, and for one inside our own mount.</summary>
    internal static FileIdentity FileOf(DeviceSpec spec, string directory, ulong? own)
    {
        string path = Find(spec, directory, own).Target.Path;
        int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
        return result < 0 ? throw new CommandException($"{path}: {Problem.Of(result)}; see: ccwfs list --all") : new FileIdentity(status.Device, status.Inode);
    }

    private static RealTarget Find(DeviceSpec spec, string directory)
    {
        string device = spec.Real ?? throw new CommandException(spec.Conflict!, CommandException.WrongUsage);
        string path = Path.GetFullPath(device, directory);
        string? iommu = spec.Iommu is { } given ? Path.GetFullPath(given, directory) : null;
        if (!device.Contains('/') && HostResolver.IsName(device))
        {
            var roots = new HostRoots();
            HostDevice found = new HostResolver(roots).Resolve(device);
            return new RealTarget(HostTarget(found, roots, iommu, device), found.Id, found.Device);
        }
        if (iommu is null && spec.Uuid is null && MountedSubchannel(path) is not null)
            iommu = Path.GetFullPath(Path.Combine(path, "..", "..", MountedIommu));
        var target = new VfioTarget(path, iommu, spec.Uuid);
        return new RealTarget(target, OwnId(target), null);
    }

    /// <summary>A subchannel of this host: its cdev where there is one and an iommufd, else its group.</summary>
    private static VfioTarget HostTarget(HostDevice host, HostRoots roots, string? iommu, string name)
    {
        HostMdev mdev = host.Mdev ?? throw CommandException.Hinting($"subchannel {host.Id} is not passed through; do that first: ", $"ccwfs attach {name}");
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
    private sealed class CallerCalls(CallerIdentity? caller, ulong? own) : ISystemCalls
    {
        private readonly LinuxCalls _calls = LinuxCalls.Instance;

        public int Open(string path, out FileDescriptor opened)
        {
            (int Result, FileDescriptor File) Call() => (FileDescriptor.OpenPlain(path, OpenOptions.ReadWrite, out FileDescriptor file), file);
            (int result, opened) = caller is null ? (_calls.Open(path, out FileDescriptor ours), ours) : caller.Run(Call);
            if (caller is not null && result == -(int)Errno.ELOOP)
                throw new CommandException($"{path}: {HostImageFiles.LinkOfProcess}");
            try
            {
                if (result >= 0)
                {
                    OwnMounts.RefuseOwn(opened, path, own);
                    OwnMounts.RefuseProc(opened, path);
                    result = Math.Min(result, opened.Status(out FileStatus status));
                    CallerImageFiles.RefuseUnseen(caller, path, status, write: true);
                }
            }
            catch
            {
                opened.Dispose();
                throw;
            }
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
