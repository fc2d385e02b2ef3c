using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <content>The ioctls, one method each; on the client's thread.</content>
public sealed partial class DeviceClient
{
    private const int NoEventFd = -1;
    private const string EmulatorName = "qemu-system-s39"; // as much of it as the kernel keeps

    private static readonly bool s_guestsAreTranslated = RuntimeInformation.ProcessArchitecture != Architecture.S390x; // else they may be

    private static readonly int s_irqs = Enum.GetValues<DeviceInterrupt>().Length;
    private static readonly int s_regions = Enum.GetValues<RegionIndex>().Length;

    /// <summary>BIND_IOMMUFD (vfio_df_ioctl_bind_iommufd): EINVAL when this or another open is bound, EBADF, EBADFD, EBUSY, ENODEV.</summary>
    internal int Bind(DeviceRequest request)
    {
        VfioDeviceBindIommufd bind = request.Get<VfioDeviceBindIommufd>();
        if (bind.Flags != 0 || bind.Iommufd < 0)
            return -(int)Errno.EINVAL;
        lock (_gate)
        {
            if (_binding is not null || _isBinding || _released)
                return -(int)Errno.EINVAL;
            _isBinding = true;
        }
        Binding? binding = null;
        int result;
        try
        {
            result = BindTo(request.Caller, bind.Iommufd, out binding);
        }
        finally
        {
            lock (_gate)
                (_binding, _isBinding) = (binding, false);
        }
        if (result < 0)
            return result;
        bind.OutDevId = binding!.DeviceId;
        result = request.Put(bind);
        bool released;
        lock (_gate)
            released = _released;
        if (result < 0 || released)
            Unbind();
        return result;
    }

    /// <summary>ATTACH_IOMMUFD_PT: replaces an address space that is attached; ENOENT for an id that is none.</summary>
    internal int Attach(DeviceRequest request)
    {
        VfioDeviceAttachIommufdPt attach = request.Get<VfioDeviceAttachIommufdPt>();
        Binding? binding = CurrentBinding();
        if (attach.Flags != 0 || binding is null)
            return -(int)Errno.EINVAL;
        int result = binding.Iommu.Attach(attach.PtId, out AddressSpace? space, _device.NeedsAddresses);
        if (result == -(int)Errno.EFAULT)
            Services.CallerLog.PrivateMemory(request.Caller.ThreadId);
        if (result < 0)
            return result;
        if (s_guestsAreTranslated && binding.Iommu.CodeKind == ClientCode.Unknown && IsEmulator(request.Caller.ProcessId))
            Services.CallerLog.UnknownCode(request.Caller.ThreadId);
        Change(binding, attach.PtId, space);
        result = request.Put(attach);
        if (result < 0)
            Change(binding, null, null);
        return result;
    }

    /// <summary>DETACH_IOMMUFD_PT: 0, attached or not.</summary>
    internal int Detach(DeviceRequest request)
    {
        if (request.Get<VfioDeviceDetachIommufdPt>().Flags != 0 || CurrentBinding() is not { } binding)
            return -(int)Errno.EINVAL;
        Change(binding, null, null);
        return 0;
    }

    /// <summary>GET_INFO.</summary>
    internal static int GetInfo(DeviceRequest request)
    {
        VfioDeviceInfo info = request.Get<VfioDeviceInfo>();
        info.Flags = VfioDeviceInfo.FlagReset | VfioDeviceInfo.FlagCcw;
        (info.NumRegions, info.NumIrqs) = ((uint)s_regions, (uint)s_irqs);
        return request.Put(info);
    }

    /// <summary>GET_REGION_INFO. The io region is the original one; the others are device regions, whose type stands in a capability.</summary>
    internal static int GetRegionInfo(DeviceRequest request)
    {
        VfioRegionInfo info = request.Get<VfioRegionInfo>();
        if (info.Index >= s_regions)
            return -(int)Errno.EINVAL;
        var region = (RegionIndex)info.Index;
        info.Size = (ulong)RegionLayout.Size(region);
        info.Offset = (ulong)info.Index << OffsetShift;
        info.Flags = VfioRegionInfo.FlagRead | (region is RegionIndex.Io or RegionIndex.Cmd ? VfioRegionInfo.FlagWrite : 0);
        if (region == RegionIndex.Io)
            return request.Put(info);
        info.Flags |= VfioRegionInfo.FlagCapabilities;
        uint needed = (uint)(Unsafe.SizeOf<VfioRegionInfo>() + Unsafe.SizeOf<VfioRegionInfoCapType>());
        if (info.ArgSz < needed)
        {
            (info.ArgSz, info.CapOffset) = (needed, 0);
            return request.Put(info);
        }
        info.CapOffset = (uint)Unsafe.SizeOf<VfioRegionInfo>();
        VfioRegionInfoCapType capability = new()
        {
            Id = VfioRegionInfoCapType.CapabilityId, Version = 1, Type = VfioRegionInfoCapType.TypeCcw,
            Subtype = info.Index, // VFIO_REGION_SUBTYPE_CCW_ASYNC_CMD 1, _SCHIB 2, _CRW 3
        };
        int result = request.Caller.Write(request.Behind, MemoryMarshal.AsBytes(new ReadOnlySpan<VfioRegionInfoCapType>(in capability)));
        return result < 0 ? result : request.Put(info);
    }

    /// <summary>GET_IRQ_INFO.</summary>
    internal static int GetIrqInfo(DeviceRequest request)
    {
        VfioIrqInfo info = request.Get<VfioIrqInfo>();
        if (info.Index >= s_irqs)
            return -(int)Errno.EINVAL;
        (info.Flags, info.Count) = (VfioIrqInfo.FlagEventFd, 1);
        return request.Put(info);
    }

    /// <summary>SET_IRQS (vfio_set_irqs_validate_and_prepare, vfio_ccw_mdev_set_irqs).</summary>
    internal int SetIrqs(DeviceRequest request)
    {
        VfioIrqSet set = request.Get<VfioIrqSet>();
        if (set.Index >= s_irqs || (set.Flags & ~(VfioIrqSetFlags.DataTypes | VfioIrqSetFlags.Actions)) != 0
            || set.Start >= 1 || set.Count > 1 - set.Start)
            return -(int)Errno.EINVAL;
        VfioIrqSetFlags data = set.Flags & VfioIrqSetFlags.DataTypes;
        uint size = data switch
        {
            VfioIrqSetFlags.DataNone => 0,
            VfioIrqSetFlags.DataBool => sizeof(byte),
            VfioIrqSetFlags.DataEventFd => sizeof(int),
            _ => uint.MaxValue, // none or several
        };
        if (size == uint.MaxValue || set.ArgSz - (uint)Unsafe.SizeOf<VfioIrqSet>() < set.Count * size
            || (set.Flags & VfioIrqSetFlags.ActionTrigger) == 0)
            return -(int)Errno.EINVAL;

        // The driver looks at the data whatever the count is.
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        int result = size == 0 ? 0 : request.Caller.Read(request.Behind, bytes[..(int)size]);
        if (result < 0)
            return result;
        var interrupt = (DeviceInterrupt)set.Index;
        if (data == VfioIrqSetFlags.DataEventFd)
            return SetEventFd(request.Caller, interrupt, MemoryMarshal.Read<int>(bytes));
        if (data == VfioIrqSetFlags.DataNone || bytes[0] != 0)
            _events.Signal(interrupt);
        return 0;
    }

    /// <summary>VFIO_DEVICE_FEATURE: no feature is there (vfio_ioctl_device_feature).</summary>
    internal static int Feature(DeviceRequest request) =>
        -(int)((request.Get<VfioDeviceFeature>().Flags & ~VfioDeviceFeature.KnownFlags) != 0 ? Errno.EINVAL : Errno.ENOTTY);

    /// <summary>A QEMU that translates its guest's code: on this machine it can do nothing else.</summary>
    private static bool IsEmulator(int process) => ProcessFiles.Name(process, out string name) == 0 && name == EmulatorName;

    private int SetEventFd(IoctlCaller caller, DeviceInterrupt interrupt, int number)
    {
        if (number == NoEventFd)
        {
            _events.Remove(interrupt);
            return 0;
        }
        if (number < 0)
            return -(int)Errno.EINVAL;
        int result = caller.TakeDescriptor(number, out FileDescriptor eventFd);
        return result < 0 ? result : _events.Set(interrupt, eventFd);
    }

    private Binding? CurrentBinding()
    {
        lock (_gate)
            return _binding;
    }

    /// <summary>Another address space, or none, in place of the one before.</summary>
    private void Change(Binding binding, uint? id, AddressSpace? space)
    {
        _device.Attach(this, space);
        uint? old;
        lock (_gate)
            (old, binding.AddressSpace) = (binding.AddressSpace, id);
        if (old is { } before)
            binding.Iommu.Detach(before, _device.NeedsAddresses);
    }
}
