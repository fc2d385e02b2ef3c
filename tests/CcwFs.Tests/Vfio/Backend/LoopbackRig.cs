using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio.Backend;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>
/// A subchannel of the backend over another machine's device: what a ccwfs over a ccwfs is. Leaves with the device, as the mount does.
/// </summary>
internal sealed class LoopbackRig : IDisposable
{
    private readonly LoopbackKernel _kernel;
    private readonly Machine _lower;
    private readonly Signals _signals;

    public LoopbackRig(Machine lower, IovaMap map, bool layered = false)
    {
        _lower = lower;
        _kernel = new LoopbackKernel(lower.Device);
        var subchannel = new VfioSubchannel(
            VfioDevice.Open(_kernel, new VfioTarget(LoopbackKernel.Device, LoopbackKernel.Iommu)), new VfioOptions(default, default),
                NullLogger.Instance);
        Device = new VfioCcwDevice(Machine.Over(subchannel, layered), new AddressSpace(map), NullLogger.Instance);
        Device.Leaving += _ => Device.Unplug();
        _signals = new Signals(Device);
    }

    public VfioCcwDevice Device { get; }

    /// <summary>A write, and then all that follows from it.</summary>
    public int Write(RegionIndex region, int position, ReadOnlySpan<byte> bytes)
    {
        int result = Device.WriteRegion(region, position, bytes);
        if (result >= 0)
        {
            Device.GoOn(WorkThread.Caller);
            Assert.True(SpinWait.SpinUntil(HasSettled, Machine.Patience), "the program does not end");
        }
        Settle();
        return result;
    }

    public void Settle() => _kernel.Settle();

    public ulong Await(InterruptLine line) => _signals.Await(line);

    public void Dispose()
    {
        Device.Dispose();
        _signals.Dispose();
        _kernel.Dispose();
    }

    private bool HasSettled()
    {
        bool suspended = _lower.Emulated.Store(out Schib schib) && (schib.Scsw.Activity & ActivityControl.Suspended) != 0;
        return Device.State != DeviceState.Pending || suspended || _lower.Subchannel.IsMasked;
    }
}
