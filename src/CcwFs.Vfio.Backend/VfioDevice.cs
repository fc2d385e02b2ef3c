using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// A vfio-ccw device of the kernel, opened, with an address space of its own. Owns its descriptors; closing ends the kernel's maps and what runs.
/// Thread-safe, for the kernel is. Region bytes are big-endian here, as everywhere; the kernel has them in the order of
/// <see cref="RegionByteOrder"/>.
/// </summary>
public sealed class VfioDevice : IDisposable
{
    private readonly ISystemCalls _system;
    private readonly FileDescriptor _device;
    private readonly string _name;
    private readonly uint _interrupts;
    private readonly long?[] _regions;

    private VfioDevice(ISystemCalls system, VfioTarget target, FileDescriptor device, IDmaSpace space)
    {
        (_system, _device, Space, Target, _name) = (system, device, space, target, target.Uuid ?? target.Path);
        VfioDeviceInfo info = new() { ArgSz = (uint)Unsafe.SizeOf<VfioDeviceInfo>() };
        VfioException.Check(Control(VfioIoctl.GetInfo, ref info), $"{_name}: VFIO_DEVICE_GET_INFO");
        if ((info.Flags & VfioDeviceInfo.FlagCcw) == 0)
            throw new VfioException($"{_name} is no vfio-ccw device; give one of a subchannel");
        _interrupts = info.NumIrqs;
        _regions = new RegionDiscovery(system, device, _name).Find(info.NumRegions);
        if (!HasInterrupt(DeviceInterrupt.Io))
            throw new VfioException($"{_name} has no interrupt for I/O; that kernel cannot be used");
    }

    /// <summary>What was opened.</summary>
    public VfioTarget Target { get; }

    /// <summary>Where the device finds memory.</summary>
    internal IDmaSpace Space { get; }

    /// <summary>The system calls.</summary>
    internal ISystemCalls System => _system;

    /// <summary>Opens a device and asks what it has.</summary>
    /// <exception cref="VfioException">It cannot be had; nothing is left open.</exception>
    public static VfioDevice Open(ISystemCalls system, VfioTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        FileDescriptor? device = null;
        IDmaSpace? space = null;
        try
        {
            if (target.Uuid is null)
                OpenCdev(system, target, out device, out space);
            else
                OpenGroup(system, target, target.Uuid, out device, out space);
            return new VfioDevice(system, target, device!, space!);
        }
        catch
        {
            device?.Dispose();
            space?.Dispose();
            throw;
        }
    }

    /// <summary>The kernel has the region.</summary>
    public bool Has(RegionIndex region) => _regions[(int)region] is not null;

    /// <summary>What the kernel does not have for it, in words.</summary>
    internal string Lacks
    {
        get
        {
            (RegionIndex Region, string Words)[] optional =
            [
                (RegionIndex.Cmd, "cmd (halt and clear are not supported)"), (RegionIndex.Schib, "schib (paths and activity are not known)"),
                (RegionIndex.Crw, "crw (channel reports do not come)"),
            ];
            string missing = string.Join(", ", optional.Where(row => !Has(row.Region)).Select(row => row.Words));
            return missing.Length == 0 ? "nothing" : missing;
        }
    }

    /// <summary>The device number that the subchannel has on its machine; null where the kernel does not say it.</summary>
    public ushort? DeviceNumber
    {
        get
        {
            Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
            return Has(RegionIndex.Schib) && Read(RegionIndex.Schib, bytes) >= 0 && Pmcw.Read(bytes) is var pmcw
                && (pmcw.Flags & Pmcw.DeviceNumberValid) != 0
                ? pmcw.DeviceNumber : null;
        }
    }

    /// <summary>Reads a whole region: its size, a negative errno, or -EIO when the kernel gave less.</summary>
    internal int Read(RegionIndex region, Span<byte> bytes)
    {
        Span<byte> own = stackalloc byte[RegionLayout.IoSize];
        own = own[..RegionLayout.Size(region)];
        if (_regions[(int)region] is not { } offset)
            return -(int)Errno.EOPNOTSUPP;
        int result = _system.ReadAt(_device, offset, own);
        if (result != own.Length)
            return result < 0 ? result : -(int)Errno.EIO;
        ReadOnlySpan<byte> order = RegionByteOrder.Of(region, BitConverter.IsLittleEndian);
        for (int i = 0; i < own.Length; i++)
            bytes[order.IsEmpty ? i : order[i]] = own[i];
        return result;
    }

    /// <summary>Reads the IRB of the io region, which is the same in any order; the result as for <see cref="Read"/>.</summary>
    internal int ReadIrb(Span<byte> irb)
    {
        int result = _system.ReadAt(_device, _regions[(int)RegionIndex.Io]!.Value + RegionLayout.IrbOffset, irb);
        return result < 0 || result == irb.Length ? result : -(int)Errno.EIO;
    }

    /// <summary>Writes the first bytes of a region, whole fields of it: their number, or a negative errno.</summary>
    internal int Write(RegionIndex region, ReadOnlySpan<byte> bytes)
    {
        Span<byte> own = stackalloc byte[RegionLayout.IoSize];
        own = own[..bytes.Length];
        if (_regions[(int)region] is not { } offset)
            return -(int)Errno.EOPNOTSUPP;
        ReadOnlySpan<byte> order = RegionByteOrder.Of(region, BitConverter.IsLittleEndian);
        for (int i = 0; i < own.Length; i++)
            own[i] = bytes[order.IsEmpty ? i : order[i]];
        int result = _system.WriteAt(_device, offset, own);
        return result < 0 || result == own.Length ? result : -(int)Errno.EIO;
    }

    /// <summary>VFIO_DEVICE_RESET.</summary>
    internal int Reset() => _system.Control(_device, (uint)VfioIoctl.Reset, 0);

    /// <summary>The kernel can signal this interrupt to an eventfd.</summary>
    internal bool HasInterrupt(DeviceInterrupt interrupt)
    {
        if ((uint)interrupt >= _interrupts)
            return false;
        VfioIrqInfo info = new() { ArgSz = (uint)Unsafe.SizeOf<VfioIrqInfo>(), Index = (uint)interrupt };
        return Control(VfioIoctl.GetIrqInfo, ref info) >= 0 && (info.Flags & VfioIrqInfo.FlagEventFd) != 0 && info.Count > 0;
    }

    /// <summary>Has an interrupt signalled to an eventfd, which stays the caller's.</summary>
    internal int SetEvent(DeviceInterrupt interrupt, FileDescriptor eventFd)
    {
        int head = Unsafe.SizeOf<VfioIrqSet>();
        Span<byte> structure = stackalloc byte[head + sizeof(int)];
        VfioIrqSet set = new()
        {
            ArgSz = (uint)structure.Length, Flags = VfioIrqSetFlags.DataEventFd | VfioIrqSetFlags.ActionTrigger, Index = (uint)interrupt, Count = 1,
        };
        MemoryMarshal.Write(structure, set);
        MemoryMarshal.Write(structure[head..], eventFd.Number);
        return _system.Control(_device, (uint)VfioIoctl.SetIrqs, structure);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _device.Dispose();
        Space.Dispose();
    }

    private static FileDescriptor OpenFile(ISystemCalls system, string path, string advice) =>
        system.Open(path, out FileDescriptor opened) is var result && result >= 0 ? opened : throw Refused(opened, path, result, advice);

    private static VfioException Refused(FileDescriptor opened, string path, int result, string advice)
    {
        opened.Dispose();
        return new VfioException($"{path}: {Problem.Of(result)}; {advice}");
    }

    /// <summary>By cdev and iommufd (Linux 6.6 on). The device is bound first: before that it answers nothing.</summary>
    private static void OpenCdev(ISystemCalls system, VfioTarget target, out FileDescriptor? device, out IDmaSpace? space)
    {
        (device, space) = (null, null);
        device = OpenFile(system, target.Path, "give the device file of a subchannel that is bound to vfio_ccw");
        var iommufd =
            new IommufdSpace(system,
            OpenFile(system, target.IommuPath, "it comes with the kernel's iommufd; without it give the group: device=/dev/vfio/N,uuid=…"),
            target.IommuPath);
        space = iommufd;
        VfioDeviceBindIommufd bind = new() { ArgSz = (uint)Unsafe.SizeOf<VfioDeviceBindIommufd>(), Iommufd = iommufd.Number };
        VfioException.Check(
            system.Control(device, (uint)VfioIoctl.BindIommufd, IommufdSpace.Bytes(ref bind)),
                $"{target.Path} could not be bound to {target.IommuPath}", "another program may have it: end that first");
        VfioException.Check(iommufd.Allocate(), $"{target.IommuPath}: no address space");
        VfioDeviceAttachIommufdPt attach = new() { ArgSz = (uint)Unsafe.SizeOf<VfioDeviceAttachIommufdPt>(), PtId = iommufd.Id };
        VfioException.Check(
            system.Control(device, (uint)VfioIoctl.AttachIommufdPt, IommufdSpace.Bytes(ref attach)),
                $"{target.Path} could not be attached to an address space of {target.IommuPath}");
    }

    /// <summary>By group and container: the container has an IOMMU once it has a group.</summary>
    private static void OpenGroup(ISystemCalls system, VfioTarget target, string uuid, out FileDescriptor? device, out IDmaSpace? space)
    {
        (device, space) = (null, null);
        FileDescriptor container = OpenFile(system, target.IommuPath, "load the kernel's vfio: modprobe vfio vfio_iommu_type1");
        FileDescriptor group;
        try
        {
            if (system.Control(container, (uint)VfioContainerIoctl.GetApiVersion, 0) != VfioContainer.ApiVersion)
                throw new VfioException($"{target.IommuPath} is no container of VFIO, or of an unknown version");
            if (system.Control(container, (uint)VfioContainerIoctl.CheckExtension, VfioContainer.Type1v2) <= 0)
                throw new VfioException($"{target.IommuPath}: the kernel has no type-1 IOMMU; load it: modprobe vfio_iommu_type1");
            group = OpenFile(system, target.Path, "give the group of a subchannel that is bound to vfio_ccw; no other program may have it");
        }
        catch
        {
            container.Dispose();
            throw;
        }
        space = new ContainerSpace(system, container, group, target.IommuPath);
        VfioGroupStatus status = new() { ArgSz = (uint)Unsafe.SizeOf<VfioGroupStatus>() };
        VfioException.Check(system.Control(group, (uint)VfioContainerIoctl.GroupGetStatus, IommufdSpace.Bytes(ref status)),
            $"{target.Path}: its status");
        if ((status.Flags & VfioGroupStatus.FlagViable) == 0)
            throw new VfioException($"{target.Path} is not viable: bind every device of the group to a driver of VFIO");
        int number = container.Number;
        VfioException.Check(
            system.Control(group, (uint)VfioContainerIoctl.GroupSetContainer, IommufdSpace.Bytes(ref number)),
                $"{target.Path} could not be put into {target.IommuPath}", "another program may have it: end that first");
        VfioException.Check(system.Control(container, (uint)VfioContainerIoctl.SetIommu, VfioContainer.Type1v2),
            $"{target.IommuPath}: no type-1 IOMMU");
        int opened = VfioException.Check(
            system.Control(group, (uint)VfioContainerIoctl.GroupGetDeviceFd, Encoding.UTF8.GetBytes(uuid + "\0").AsSpan()),
                $"{target.Path} has no device {uuid} to give");
        device = new FileDescriptor(opened);
    }

    private int Control<T>(VfioIoctl command, ref T structure)
        where T : struct => _system.Control(_device, (uint)command, IommufdSpace.Bytes(ref structure));
}
