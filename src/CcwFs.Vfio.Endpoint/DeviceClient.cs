using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One open of a <c>device</c> file: the vfio cdev of one subchannel, answer for answer as the kernel's (drivers/vfio/vfio_main.c, device_cdev.c,
/// drivers/s390/cio/vfio_ccw_ops.c). All it holds ends with its last close, whichever processes have had it. Thread-safe.
/// </summary>
public sealed partial class DeviceClient : EndpointFile, IDeviceClient
{
    /// <summary>A region's offset in the file is its index shifted by this (VFIO_CCW_OFFSET_SHIFT).</summary>
    public const int OffsetShift = 10;

    /// <summary>How long a BIND waits for the last user's close, which the kernel tells us a little after it (arbitrary).</summary>
    private static readonly TimeSpan s_closing = TimeSpan.FromMilliseconds(200);

    private readonly VfioCcwDevice _device;
    private readonly ClientEvents _events;
    private readonly bool _littleEndian = BitConverter.IsLittleEndian;
    private readonly Lock _gate = new();
    private Binding? _binding; // guarded by _gate; null: not bound
    private bool _isBinding;   // guarded by _gate: a BIND is on its way
    private bool _released;    // guarded by _gate

    internal DeviceClient(EndpointServices services, VfioCcwDevice device, ClientAccount account, bool writable)
        : base(services, $"vfio {device.Id}", account, writable) => (_device, _events) = (device, new ClientEvents(services, account));

    /// <summary>The subchannel.</summary>
    public VfioCcwDevice Device => _device;

    /// <summary>A write that may wait for the client's memory, as the program that it begins may.</summary>
    private sealed class WriteCall(DeviceClient client, long offset, ReadOnlyMemory<byte> source) : ClientCall(client.Thread)
    {
        private protected override bool HasMore => true;

        private protected override int Work() => client.Write(offset, source.Span, mayWait: true);

        private protected override void More() => client._device.GoOn(WorkThread.Client);
    }

    /// <summary>Everything that a bound device holds.</summary>
    private sealed class Binding(IommuFile file, IommuClient iommu, uint deviceId)
    {
        internal IommuFile File { get; } = file;

        internal IommuClient Iommu { get; } = iommu;

        internal uint DeviceId { get; } = deviceId;

        internal uint? AddressSpace { get; set; }
    }

    /// <summary>pread(2): a region's bytes in the client's byte order; EINVAL before BIND, for no region and for a range that leaves it.</summary>
    public int Read(long offset, Span<byte> destination)
    {
        if (!Locate(offset, out RegionIndex region, out int position))
            return -(int)Errno.EINVAL;
        _device.GoOn(WorkThread.Caller);
        return _device.ReadRegion(this, region, position, destination, RegionByteOrder.Of(region, _littleEndian));
    }

    /// <summary>
    /// pwrite(2), as <see cref="Read"/>, for a thread that others wait for. Either it is answered now with the result, and what it begins waits for
    /// <see cref="VfioCcwDevice.GoOn"/>; or the client's memory has to be waited for: then <paramref name="call"/> is to be started by the caller
    /// when it is ready for a late answer, and the client's thread runs a short program after that.
    /// </summary>
    public int Write(long offset, ReadOnlySpan<byte> source, out ClientCall? call)
    {
        int result = Write(offset, source, mayWait: false);
        call = result == VfioCcwDevice.MustWait ? new WriteCall(this, offset, source.ToArray()) : null;
        return result;
    }

    /// <inheritdoc/>
    public override void Release()
    {
        lock (_gate)
            _released = true;
        Thread.End(Unbind);
    }

    /// <inheritdoc/>
    public void Signal(DeviceInterrupt interrupt) => _events.Signal(interrupt);

    /// <inheritdoc/>
    public string GuestCode => CurrentBinding()?.Iommu.CodeKind ?? ClientCode.Unknown;

    private protected override int Judge(uint command, out bool changes)
    {
        DeviceIoctl? row = DeviceIoctl.Find(command);
        changes = row is { Changes: true };
        if (row is not { NeedsBinding: false } && CurrentBinding() is null)
            return -(int)Errno.EINVAL;
        return row is null ? -(int)Errno.ENOTTY : 0;
    }

    private protected override int Ioctl(IoctlCaller caller, uint command, ulong argument) =>
        DeviceIoctl.Find(command)!.Run(this, caller, argument);

    private protected override void Undo(uint command, int result)
    {
        if (command == (uint)VfioIoctl.BindIommufd && result >= 0)
            Unbind();
    }

    private int Write(long offset, ReadOnlySpan<byte> source, bool mayWait) => Locate(offset, out RegionIndex region, out int position)
        ? _device.WriteRegion(this, region, position, source, RegionByteOrder.Of(region, _littleEndian), mayWait)
        : -(int)Errno.EINVAL;

    private static bool Locate(long offset, out RegionIndex region, out int position)
    {
        region = (RegionIndex)Math.Min(offset >> OffsetShift, int.MaxValue);
        position = (int)(offset & ((1 << OffsetShift) - 1));
        return offset >= 0 && region <= RegionIndex.Crw;
    }

    /// <summary>Lets everything go, if anything is held. Waits for a data transfer under way.</summary>
    private void Unbind()
    {
        Binding? binding;
        lock (_gate)
            (binding, _binding) = (_binding, null);
        if (binding is null)
            return;
        _events.Clear();
        _device.GiveBack(this);
        if (binding.AddressSpace is { } space)
            binding.Iommu.Detach(space, _device.NeedsAddresses);
        binding.Iommu.RemoveDevice(binding.DeviceId);
        binding.File.Free();
    }

    /// <summary>Takes the device; a moment's patience for a user whose close is on its way.</summary>
    private Errno TakeDevice()
    {
        long until = Environment.TickCount64 + (long)s_closing.TotalMilliseconds;
        Errno outcome;
        while ((outcome = _device.Take(this)) == Errno.EINVAL && Environment.TickCount64 < until)
            System.Threading.Thread.Sleep(1);
        return outcome;
    }

    private int BindTo(IoctlCaller caller, int descriptor, out Binding? binding)
    {
        binding = null;
        int result = caller.TakeDescriptor(descriptor, out FileDescriptor taken);
        EndpointFile? recognised = null;
        using (taken)
            result = result < 0 ? result : Services.Introductions.Recognise(taken, out recognised);
        if (result == 0 && !recognised!.IsWritable)
            result = -(int)Errno.EBADF; // its numbers are among what changes
        if (result < 0 || recognised is not IommuFile file || file.Use() is not { } iommu)
            return result < 0 ? result : -(int)Errno.EBADFD;
        result = iommu.AddDevice(out uint id);
        if (result == 0)
        {
            result = -(int)TakeDevice();
            if (result < 0)
                iommu.RemoveDevice(id);
        }
        if (result < 0)
            file.Free();
        else
            binding = new Binding(file, iommu, id);
        return result;
    }
}
