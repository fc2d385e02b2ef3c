using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio.Backend;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>A subchannel of the backend over another machine's device: what a ccwfs over a ccwfs is. Leaves with the device, as the mount does.</summary>
internal sealed class LoopbackRig : IDisposable
{
    private readonly LoopbackKernel _kernel;
    private readonly Machine _lower;
    private readonly ManualResetEventSlim _changed = new();

    public LoopbackRig(Machine lower, IovaMap map)
    {
        _lower = lower;
        _kernel = new LoopbackKernel(lower.Device);
        var subchannel = new VfioSubchannel(
            VfioDevice.Open(_kernel, new VfioTarget(LoopbackKernel.Device, LoopbackKernel.Iommu)), new VfioOptions(default, default), NullLogger.Instance);
        Device = new VfioCcwDevice(subchannel, new AddressSpace(map), NullLogger.Instance);
        Device.Leaving += _ => Device.Unplug();
        Device.IoInterrupt.Changed += _changed.Set;
        Device.CrwInterrupt.Changed += _changed.Set;
        Device.RequestInterrupt.Changed += _changed.Set;
    }

    public VfioCcwDevice Device { get; }

    /// <summary>A write, and then all that follows from it.</summary>
    public int Write(RegionIndex region, int position, ReadOnlySpan<byte> bytes)
    {
        int result = Device.WriteRegion(region, position, bytes, out bool proceed);
        if (proceed)
        {
            Device.Proceed(here: true);
            Assert.True(SpinWait.SpinUntil(HasSettled, Machine.Patience), "the program does not end");
        }
        Settle();
        return result;
    }

    public void Settle() => _kernel.Settle();

    public ulong Await(InterruptLine line)
    {
        long deadline = Environment.TickCount64 + (long)Machine.Patience.TotalMilliseconds;
        while (true)
        {
            _changed.Reset();
            if (line.TryTake(out ulong count))
                return count;
            Assert.True(_changed.Wait((int)Math.Max(0, deadline - Environment.TickCount64)), "no signal");
        }
    }

    public void Dispose()
    {
        Device.Dispose();
        _kernel.Dispose();
    }

    private bool HasSettled()
    {
        bool suspended = _lower.Emulated.Store(out Schib schib) && (schib.Scsw.Activity & ActivityControl.Suspended) != 0;
        return Device.State != DeviceState.Pending || suspended || _lower.Subchannel.IsMasked;
    }
}
