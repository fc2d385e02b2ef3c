using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// An interruption of a private run; null when it was ended by a reset. <paramref name="unfetched"/>: with the final one of a program that came to a CCW which was not prefetched, its address. May be called under the device's gate: it must not wait or call back.
/// </summary>
public delegate void PrivateInterrupt(Irb? irb, bool final, uint? unfetched);

/// <summary>
/// One subchannel as the kernel's vfio-ccw driver shows it: four regions, three interrupts, a state machine over any
/// <see cref="ISubchannel"/>. Thread-safe: one gate serializes region accesses, the translator and the events of the backend; signals are raised and
/// <see cref="GoOn"/> runs without it. Nothing that may wait for a client's memory is done under the gate: it is left for that, in the state
/// <see cref="DeviceState.Processing"/>, which keeps others from the program. Results are byte counts or negative errnos.
/// </summary>
public sealed partial class VfioCcwDevice : ISubchannelEvents, IPinOwner, IDisposable
{
    /// <summary>Channel reports that wait for a reader (arbitrary; the first after some were lost says so).</summary>
    public const int CrwLimit = 64;

    /// <summary>Errnos that a write may hand back from a client's own ret_code (FUSE carries -1..-511).</summary>
    private const int LargestErrno = 511;

    private readonly Lock _gate = new();
    private readonly ISubchannel _subchannel;
    private readonly ILogger _logger;
    private StartedProgram _started = new(); // replaced when a translation is given up
    private StartedProgram? _translating;    // the one that translates without the gate
    private int _givenUp;                // translations that were, and are still under way
    private int _resets;                 // that wait, without the gate, for the program to end
    private readonly byte[] _io = new byte[RegionLayout.IoSize];
    private readonly byte[] _cmd = new byte[RegionLayout.CmdSize];
    private readonly IrbQueue _irbs = new();
    private readonly Queue<Crw> _crws = new();
    private readonly AddressSpace _space;
    private AddressSpace _runSpace;      // the space of the program in the translator
    private PrivateInterrupt? _privateRun; // takes the interrupts of a private run; null: they go to the region
    private volatile DeviceState _state = DeviceState.Idle; // changed under _gate
    private uint _interruptionParameter; // of the last accepted start, as STORE SUBCHANNEL shows it
    private byte _lpm;
    private byte _lostPaths;             // taken out of _lpm by condition code 3, until the path reports again
    private bool _warnedPrefetch;
    private bool _crwLost;               // reports were lost since the last one queued
    private readonly LogLimit _interruptLines, _reportLines, _failureLines, _programLines;
    private ISubchannelWork? _rest;      // of a function that was taken, and nobody has gone on with it yet; set under _gate, taken without

    /// <summary>
    /// A device over <paramref name="subchannel"/>, which it owns, for programs in <paramref name="space"/>. <paramref name="css"/>: the channel subsystem that
    /// clients find it in; null: the subchannel's own. <paramref name="time"/>: what limits the log's lines; null: the system's.
    /// </summary>
    public VfioCcwDevice(ISubchannel subchannel, AddressSpace space, ILogger logger, byte? css = null, TimeProvider? time = null)
    {
        (_subchannel, _space, _runSpace, _logger) = (subchannel, space, space, logger);
        LogLimit Limit(string what) => new(time ?? TimeProvider.System, count => DeviceLog.LeftOut(logger, Id, count, what));
        _interruptLines = Limit("interrupts that were dropped");
        (_reportLines, _failureLines) = (Limit("channel reports that were lost"), Limit("programs that failed"));
        _programLines = Limit("programs that could not be translated or prefetched");
        Id = HostId with { CssId = css ?? HostId.CssId };
        Device = HostDevice with { CssId = css ?? HostDevice.CssId };
        _subchannel.Connect(this);
        _space.Map.AddOwner(this);
        IoInterrupt.HasMore = () => _irbs.HeadSignalled && _irbs.HasMore;
        IoInterrupt.Taken = OnIoInterruptTaken;
    }

    /// <summary>Bus id, in the channel subsystem that clients find it in; the backend's own is <see cref="HostId"/>.</summary>
    public SubchannelId Id { get; }

    /// <summary>The device's bus id, in the channel subsystem that clients find it in.</summary>
    public DeviceId Device { get; }

    /// <summary>The subchannel's bus id where it comes from.</summary>
    public SubchannelId HostId => _subchannel.Identity.Id;

    /// <summary>The device's bus id where it comes from.</summary>
    public DeviceId HostDevice => _subchannel.Identity.Device;

    /// <summary>Clients find it in another channel subsystem than it is in.</summary>
    public bool MapsCss => Id != HostId || Device != HostDevice;

    /// <summary>Clients' memory must have an address in this process: see <see cref="IMemoryBound.NeedsAddresses"/>.</summary>
    public bool NeedsAddresses => _subchannel.Memory is { NeedsAddresses: true };

    /// <summary>What runs the programs: the uppermost layer, or the backend.</summary>
    public ISubchannel Subchannel => _subchannel;

    /// <summary>Signals when an IRB becomes visible (VFIO_CCW_IO_IRQ_INDEX).</summary>
    public InterruptLine IoInterrupt { get; } = new();

    /// <summary>Signals when a channel report waits (VFIO_CCW_CRW_IRQ_INDEX).</summary>
    public InterruptLine CrwInterrupt { get; } = new();

    /// <summary>Signals when the device should be given back (VFIO_CCW_REQ_IRQ_INDEX).</summary>
    public InterruptLine RequestInterrupt { get; } = new();

    /// <summary>The state now.</summary>
    public DeviceState State => _state;

    /// <summary>
    /// Reads a region; a range that is not wholly inside is EINVAL. While a client has the device this takes nothing: the IRB and the reports stay for it.
    /// </summary>
    public int ReadRegion(RegionIndex region, int position, Span<byte> destination) =>
        Read(region, position, destination, default, mayTake: false);

    /// <summary>
    /// Writes a region: any write inside io or cmd is a request; EBUSY while a client has the device. What it begins waits for <see cref="GoOn"/>, which the
    /// caller calls after it has answered its own caller, where <see cref="HasWork"/> says so.
    /// </summary>
    public int WriteRegion(RegionIndex region, int position, ReadOnlySpan<byte> source) =>
        Write(null, region, position, source, default, mayWait: true);

    /// <summary>A function was begun that nobody has gone on with.</summary>
    public bool HasWork => Volatile.Read(ref _rest) is not null;

    /// <summary>Goes on with what was begun, unless somebody has done so since; see <see cref="ISubchannelWork.GoOn"/>.</summary>
    public void GoOn(WorkThread thread)
    {
        if (HasWork)
            Interlocked.Exchange(ref _rest, null)?.GoOn(thread);
    }

    /// <summary>
    /// VFIO_DEVICE_RESET: ends the program without an interrupt; regions, reports and counts survive. It is a system reset for the device (reserve and
    /// path groups end) unless <paramref name="system"/> is off. EINVAL when the device is gone.
    /// </summary>
    public Errno Reset(bool system = true)
    {
        lock (_gate)
        {
            if (_state == DeviceState.NotOperational)
                return Errno.EINVAL;
            if (ResetProgram(system))
                return 0;
        }
        Unplug(); // the subchannel has gone, and nobody has said so
        return Errno.EINVAL;
    }

    /// <summary>
    /// Runs a program in an address space of its own. Interrupts go to <paramref name="interrupted"/> and never to the region. EBUSY while another program
    /// runs or a client has the device. The caller calls <see cref="GoOn"/> on success.
    /// </summary>
    public Errno RunPrivate(AddressSpace space, in Orb orb, PrivateInterrupt interrupted) => RunPrivate(space, orb, interrupted, out _);

    /// <summary>As the other; <paramref name="fault"/>: where and why the program could not be translated, where that is the reason.</summary>
    public Errno RunPrivate(AddressSpace space, in Orb orb, PrivateInterrupt interrupted, out TranslationFault? fault)
    {
        fault = null;
        lock (_gate)
        {
            if (_client is not null && _state != DeviceState.NotOperational)
                return Errno.EBUSY;
            Errno refusal = DeviceTransitions.Refusal(DeviceTransitions.Action(_state, DeviceEvent.IoRequest));
            if (refusal != 0)
                return refusal;
            EnterSpace(space);
            _privateRun = interrupted;
            Errno outcome = StartProgram(orb, space.Map.Snapshot());
            if (outcome == 0)
                return 0;
            fault = outcome is Errno.EINVAL or Errno.EPERM or Errno.EFAULT ? _started.Fault : null;
            _privateRun = null;
            EnterSpace(_space);
            return outcome;
        }
    }

    /// <summary>
    /// The device is taken away. The request interrupt signals; programs end without status, schib reads ENODEV, requests EIO; waiting
    /// readers of the interrupts end. Idempotent.
    /// </summary>
    public void Unplug()
    {
        lock (_gate)
        {
            if (_state == DeviceState.NotOperational)
                return;
            CancelTranslation();
            _state = DeviceState.NotOperational;
            _subchannel.Unplug();
            EndProgram(byReset: true);
        }
        Raise(DeviceInterrupt.Request);
        CloseLines();
        DeviceLog.Unplugged(_logger, Id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unplug();
        _space.Map.RemoveOwner(this);
        _removal?.Dispose();
        _spacing?.Dispose();
        foreach (LogLimit lines in (LogLimit[])[_interruptLines, _reportLines, _failureLines, _programLines])
            lines.Dispose();
        _subchannel.Dispose();
    }

    /// <inheritdoc/>
    public void Unmapped(IovaMap map, ulong iova, ulong length)
    {
        lock (_gate)
        {
            if (_runSpace.Map != map)
                return;
            if (_translating is not null)
                CancelTranslation();
            else if (_started.Current.IsIovaPinned(iova, length))
                ResetProgram(system: false);
            if (_runSpace.Map == map)
                _subchannel.Memory?.Unmapped(iova, length);
        }
    }

    private int Read(RegionIndex region, int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake)
    {
        if (position < 0 || position + (long)destination.Length > RegionLayout.Size(region))
            return -(int)Errno.EINVAL;
        bool signalIo = false, signalCrw = false;
        int result;
        lock (_gate)
        {
            mayTake |= _client is null;
            result = region switch
            {
                RegionIndex.Io => ReadIo(position, destination, order, mayTake, out signalIo),
                RegionIndex.Cmd => Copy(_cmd, position, destination, order),
                RegionIndex.Schib => ReadSchib(position, destination, order),
                RegionIndex.Crw => ReadCrw(position, destination, order, mayTake, out signalCrw),
                _ => -(int)Errno.EINVAL,
            };
        }
        if (signalIo)
            Raise(DeviceInterrupt.Io);
        if (signalCrw)
            Raise(DeviceInterrupt.Crw);
        return result;
    }

    private int Write(
        IDeviceClient? client, RegionIndex region, int position, ReadOnlySpan<byte> source, ReadOnlySpan<byte> order, bool mayWait)
    {
        if (region is not (RegionIndex.Io or RegionIndex.Cmd)
            || position < 0 || position + (long)source.Length > RegionLayout.Size(region))
            return -(int)Errno.EINVAL;
        bool signalIo = false;
        int result;
        lock (_gate)
        {
            if (_client != client)
                return -(int)(client is null ? Errno.EBUSY : Errno.EINVAL);
            if (_state == DeviceState.Processing)
                return -(int)Errno.EAGAIN;
            Mapping[] mappings = _runSpace.Map.Snapshot();
            if (!mayWait && region == RegionIndex.Io && IovaMap.MayWait(mappings))
                return MustWait;
            byte[] bytes = region == RegionIndex.Io ? _io : _cmd;
            for (int i = 0; i < source.Length; i++)
                bytes[Permute(order, position + i)] = source[i];
            result = region == RegionIndex.Io
                ? IoRequest(source.Length, mappings, out signalIo)
                : AsyncRequest(source.Length);
        }
        if (signalIo)
            Raise(DeviceInterrupt.Io);
        return result;
    }

    private static int Copy(ReadOnlySpan<byte> region, int position, Span<byte> destination, ReadOnlySpan<byte> order)
    {
        if (order.IsEmpty)
            region.Slice(position, destination.Length).CopyTo(destination);
        for (int i = 0; i < destination.Length && !order.IsEmpty; i++)
            destination[i] = region[Permute(order, position + i)];
        return destination.Length;
    }

    private int ReadIo(int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake, out bool signal)
    {
        Copy(_io, position, destination, order);
        const int LastIrbByte = RegionLayout.IoRetCodeOffset - 1;
        bool tookIrb = mayTake && position <= LastIrbByte && position + destination.Length > LastIrbByte;
        signal = tookIrb && _irbs.HeadUnread && TakeHead();
        return destination.Length;
    }

    private int ReadSchib(int position, Span<byte> destination, ReadOnlySpan<byte> order)
    {
        Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
        if (_state == DeviceState.NotOperational || !_subchannel.Store(out Schib schib))
            return -(int)Errno.ENODEV;
        uint cpa = _state == DeviceState.Pending ? _started.Current.ToGuest(new HostAddress(schib.Scsw.CcwAddress)).Value : 0;
        schib = new Schib(
            schib.Pmcw with { InterruptionParameter = _interruptionParameter }, schib.Scsw with { CcwAddress = cpa });
        schib.Write(bytes);
        return Copy(bytes, position, destination, order);
    }

    private int ReadCrw(int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake, out bool signal)
    {
        Span<byte> bytes = stackalloc byte[RegionLayout.CrwSize];
        bytes.Clear();
        if (mayTake && _crws.TryDequeue(out Crw crw))
            crw.Write(bytes);
        signal = mayTake && _crws.Count > 0;
        return Copy(bytes, position, destination, order);
    }
}
