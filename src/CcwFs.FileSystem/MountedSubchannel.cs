using CcwFs.ChannelIo;
using CcwFs.FileSystem.Files;
using CcwFs.Fuse;
using CcwFs.Metrics;
using CcwFs.Subchannel;
using CcwFs.Trace;

namespace CcwFs.FileSystem;

/// <summary>What is known of a device before it is made; of one that is of the same SPEC and was made.</summary>
/// <param name="Identity">What it is, ids apart.</param>
/// <param name="Schib">What STORE SUBCHANNEL gives, the device number apart.</param>
/// <param name="Volume">Its volume; null: it has none.</param>
public sealed record RestingDevice(SubchannelIdentity Identity, Schib Schib, VolumeFigures? Volume);

/// <summary>
/// One subchannel of the tree. Its device may be made when somebody uses it for the first time: of thousands, most are only listed. Thread-safe.
/// </summary>
public abstract class MountedSubchannel : IAfterReply
{
    private const int Interrupts = (int)DeviceInterrupt.Request + 1;

    private static readonly Lock s_making = new(); // one for all: of their own, they would take more than the rest of an idle subchannel

    private volatile VfioCcwDevice? _device;
    private InterruptFile?[]? _interrupts;

    /// <summary>A subchannel whose device is there.</summary>
    protected MountedSubchannel(VfioCcwDevice device)
        : this(device.Id, device.HostId, device.Device, device.HostDevice) => _device = device;

    /// <summary>A subchannel whose device is made by <see cref="Make"/>, with the same ids.</summary>
    protected MountedSubchannel(SubchannelId id, SubchannelId hostId, DeviceId number, DeviceId hostNumber) =>
        (Id, HostId, Number, HostNumber) = (id, hostId, number, hostNumber);

    /// <summary>Bus id, in the channel subsystem that clients find it in.</summary>
    public SubchannelId Id { get; }

    /// <summary>The bus id where it comes from.</summary>
    public SubchannelId HostId { get; }

    /// <summary>The device's bus id, in the channel subsystem that clients find it in.</summary>
    public DeviceId Number { get; }

    /// <summary>The device's bus id where it comes from.</summary>
    public DeviceId HostNumber { get; }

    /// <summary>Clients find it in another channel subsystem than it is in.</summary>
    public bool MapsCss => Id != HostId || Number != HostNumber;

    /// <summary>The device, which is made when it is not there yet.</summary>
    public VfioCcwDevice Device => _device ?? Use();

    /// <summary>The device; null: nobody has used it so far.</summary>
    public VfioCcwDevice? Made => _device;

    /// <summary>What it is.</summary>
    public SubchannelIdentity Identity => _device is { } device ? device.Subchannel.Identity
        : AtRest.Identity with { Id = HostId, Device = HostNumber };

    /// <summary>A VFIO client has it, or a program runs: who else wants it waits.</summary>
    public bool IsBusy => _device is { } device && (device.IsTaken || device.State == DeviceState.Pending);

    /// <summary>The state now, <see cref="DeviceState.NotOperational"/> too where the subchannel is gone.</summary>
    public DeviceState State => !Store(out _) ? DeviceState.NotOperational : _device?.State ?? DeviceState.Idle;

    /// <summary>What is counted of it.</summary>
    public MetricDevice Metrics => _device is { } device ? MetricDevice.Of(device)
        : new MetricDevice(Id, Number, Identity, IsTaken: false, Layer: null, AtRest.Volume);

    /// <summary>Its number in the tree: none has it before or after it.</summary>
    internal ulong Slot { get; set; }

    /// <summary>Sees all that passes; null: the device has no such layer.</summary>
    internal TraceLayer? Trace => SubchannelLayer.Find<TraceLayer>(Device.Subchannel);

    /// <summary>The uuid of its mediated device.</summary>
    internal string Uuid => field ??= SubchannelUuid.Of(Id);

    /// <summary>What is known of a device before it is made.</summary>
    protected abstract RestingDevice AtRest { get; }

    /// <summary>It has ended before it was made.</summary>
    protected virtual bool IsGone => false;

    /// <summary>STORE SUBCHANNEL; false: it is not operational.</summary>
    public bool Store(out Schib schib)
    {
        if (_device is { } device)
            return device.Subchannel.Store(out schib);
        Schib resting = AtRest.Schib;
        schib = resting with { Pmcw = resting.Pmcw with { DeviceNumber = HostNumber.Number } };
        return !IsGone;
    }

    /// <summary>What a write has begun, if it has begun anything, goes on when the write has been answered. Gives the write's result.</summary>
    internal int GoOnAfter(in FuseRequest write, int result)
    {
        if (result >= 0 && Device.HasWork)
            write.AfterReply(this);
        return result;
    }

    /// <summary>
    /// A short program runs on the worker that has just answered the write: a hand-over to another thread costs more than all the rest. Only while
    /// another worker is waiting for requests.
    /// </summary>
    void IAfterReply.Run(bool mayStay) => Device.GoOn(mayStay ? WorkThread.Caller : WorkThread.Own);

    /// <summary>The file of an interrupt, made at its first use: thousands of idle subchannels cost nothing.</summary>
    internal InterruptFile Interrupt(DeviceInterrupt interrupt, Action<ulong> notifyPoll)
    {
        int index = (int)interrupt;
        InterruptFile?[] files = _interrupts ?? Interlocked.CompareExchange(ref _interrupts, new InterruptFile?[Interrupts], null)
            ?? _interrupts;
        if (files[index] is { } file)
            return file;
        lock (files)
            return files[index] ??= new InterruptFile(Device.Line(interrupt), notifyPoll);
    }

    /// <summary>Makes the device; under a lock that the makers of all devices share, so that it must be quick.</summary>
    protected abstract VfioCcwDevice Make();

    /// <summary>Does what must not come between somebody and the making of the device. False, and nothing is done: it is made.</summary>
    protected bool WhileNotMade(Action action)
    {
        if (_device is not null)
            return false;
        lock (s_making)
        {
            if (_device is not null)
                return false;
            action();
            return true;
        }
    }

    private VfioCcwDevice Use()
    {
        lock (s_making)
            return _device ??= Make();
    }
}
