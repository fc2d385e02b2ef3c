using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// One subchannel as the kernel's vfio-ccw driver shows it: four regions, three interrupts, a state machine over any
/// <see cref="ISubchannel"/>. Thread-safe: one gate serializes region accesses, the translator and the events of the backend; signals are raised and
/// <see cref="GoOn"/> runs without it. Nothing that may wait for a client's memory is done under the gate: it is left for that, in the state
/// <see cref="DeviceState.Processing"/>, which keeps others from the program. Results are byte counts or negative errnos. A client that takes the
/// device has it alone: its programs run in its own address space, its signals go to it, and the region files of others neither start anything nor
/// take what is its.
/// </summary>
public sealed class VfioCcwDevice : ISubchannelEvents, IPinOwner, IDisposable
{
    /// <summary>Channel reports that wait for a reader (arbitrary; the first after some were lost says so).</summary>
    public const int CrwLimit = 64;

    /// <summary>
    /// Milliseconds between two IRBs that a VFIO client reads, where one is the device's own and no start lies between. A client keeps one IRB per
    /// subchannel (QEMU's io notifier): a second one that comes before its guest has taken the first replaces it, and a program's end is lost.
    /// Arbitrary: longer than a guest on a busy machine takes for its interrupt, shorter than a person notices.
    /// </summary>
    public const int InterruptSpacing = 100;

    /// <summary>
    /// A write's result when it may have to wait for the client's memory: nothing was done, it is to be made again by a thread of the client's own.
    /// </summary>
    public const int MustWait = int.MinValue;

    /// <summary>How often a client is asked to give a removed device back (the kernel's vfio_unregister_group_dev: HZ * 10).</summary>
    public static readonly TimeSpan RequestInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly ISubchannel _subchannel;
    private readonly AddressSpace _space; // of programs of the region files
    private readonly ILogger _logger;
    private readonly ProgramLog _programLog;
    private readonly DeviceRegions _regions;
    private readonly ProgramSlot _slot;
    private readonly StatusPresenter _status;
    private readonly ClientLease _lease;

    /// <summary>
    /// A device over <paramref name="subchannel"/>, which it owns, for programs in <paramref name="space"/>. <paramref name="css"/>: the channel
    /// subsystem that clients find it in; null: the subchannel's own. <paramref name="time"/>: what limits the log's lines; null: the system's.
    /// </summary>
    public VfioCcwDevice(ISubchannel subchannel, AddressSpace space, ILogger logger, byte? css = null, TimeProvider? time = null)
    {
        (_subchannel, _space, _logger, _lease) = (subchannel, space, logger, new ClientLease(subchannel as IDeviceWatch));
        Id = HostId with { CssId = css ?? HostId.CssId };
        Device = HostDevice with { CssId = css ?? HostDevice.CssId };
        _programLog = new ProgramLog(logger, Id, time ?? TimeProvider.System);
        _slot = new ProgramSlot(_gate, subchannel, _programLog, space);
        byte[] io = new byte[RegionLayout.IoSize];
        _status = new StatusPresenter(io.AsMemory(RegionLayout.IrbOffset, Irb.Size), ShowLater, logger, Id, time ?? TimeProvider.System);
        _regions = new DeviceRegions(io, subchannel, _slot, _status);
        _subchannel.Connect(this);
        _space.Map.AddOwner(this);
        IoInterrupt.HasMore = () => _status.MoreIsSignalled;
        IoInterrupt.Taken = OnIoInterruptTaken;
    }

    /// <summary>
    /// The backend asks the device back (false, possibly again and again), or has lost it (true), which is unplugged then. On any thread, without
    /// locks.
    /// </summary>
    public event Action<bool>? Leaving;

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
    public DeviceState State => _slot.State;

    /// <summary>A function was begun and not gone on with.</summary>
    public bool HasWork => _slot.HasWork;

    /// <summary>Who runs the code of the client's guest (<see cref="IDeviceClient.GuestCode"/>); null: no client has the device.</summary>
    public string? GuestCode => _lease.Client?.GuestCode;

    /// <summary>A VFIO client has the device.</summary>
    public bool IsTaken => _lease.Client is not null;

    /// <summary>Where an interrupt signals while no client has the device.</summary>
    public InterruptLine Line(DeviceInterrupt interrupt) => InterruptLine.Of(interrupt, IoInterrupt, CrwInterrupt, RequestInterrupt);

    /// <summary>
    /// Reads a region; a range that is not wholly inside is EINVAL. While a client has the device this takes nothing: the IRB and the reports stay
    /// for it.
    /// </summary>
    public int ReadRegion(RegionIndex region, int position, Span<byte> destination) =>
        Read(region, position, destination, default, mayTake: false);

    /// <summary>
    /// The same for the client. <paramref name="order"/>: where each byte of the region is in its byte order, a permutation that is its own inverse;
    /// empty: where it is. EINVAL for anybody else.
    /// </summary>
    public int ReadRegion(IDeviceClient client, RegionIndex region, int position, Span<byte> destination, ReadOnlySpan<byte> order) =>
        _lease.Client == client ? Read(region, position, destination, order, mayTake: true) : -(int)Errno.EINVAL;

    /// <summary>
    /// Writes a region: any write inside io or cmd is a request; EBUSY while a client has the device. What it begins waits for <see cref="GoOn"/>,
    /// which the caller calls after it has answered its own caller, where <see cref="HasWork"/> says so.
    /// </summary>
    public int WriteRegion(RegionIndex region, int position, ReadOnlySpan<byte> source) =>
        Write(null, region, position, source, default, mayWait: true);

    /// <summary>
    /// The same for the client; <paramref name="order"/> as for reads. Only with <paramref name="mayWait"/> it waits for the client's memory; else it
    /// is <see cref="MustWait"/> where it would.
    /// </summary>
    public int WriteRegion(IDeviceClient client, RegionIndex region, int position, ReadOnlySpan<byte> source, ReadOnlySpan<byte> order,
        bool mayWait) =>
        Write(client, region, position, source, order, mayWait);

    /// <summary>Goes on with what was begun, unless that was done since; see <see cref="ISubchannelWork.GoOn"/>.</summary>
    public void GoOn(WorkThread thread) => _slot.GoOn(thread);

    /// <summary>
    /// VFIO_DEVICE_RESET: ends the program without an interrupt; regions, reports and counts survive. It is a system reset for the device (reserve
    /// and path groups end) unless <paramref name="system"/> is off. EINVAL when the device is gone.
    /// </summary>
    public Errno Reset(bool system = true)
    {
        lock (_gate)
        {
            if (State == DeviceState.NotOperational)
                return Errno.EINVAL;
            if (ResetProgram(system))
                return 0;
        }
        Unplug(); // the subchannel has gone without a word
        return Errno.EINVAL;
    }

    /// <summary>VFIO_DEVICE_RESET by the client; EINVAL for anybody else.</summary>
    public Errno Reset(IDeviceClient client) => _lease.Client == client ? Reset() : Errno.EINVAL;

    /// <summary>
    /// Runs a program in an address space of its own. Interrupts go to <paramref name="interrupted"/> and never to the region. EBUSY while another
    /// program runs or a client has the device. The caller calls <see cref="GoOn"/> on success. <paramref name="fault"/>: where and why the program
    /// could not be translated, where that is the reason.
    /// </summary>
    public Errno RunPrivate(AddressSpace space, in Orb orb, PrivateInterrupt interrupted, out TranslationFault? fault)
    {
        fault = null;
        lock (_gate)
        {
            if (IsTaken && State != DeviceState.NotOperational)
                return Errno.EBUSY;
            Errno refusal = DeviceTransitions.Refusal(DeviceTransitions.Action(State, DeviceEvent.IoRequest));
            if (refusal != 0)
                return refusal;
            _slot.Enter(space);
            _slot.PrivateRun = interrupted;
            Errno outcome = _slot.Start(orb, space.Map.Snapshot());
            if (outcome == 0)
                return 0;
            fault = outcome is Errno.EINVAL or Errno.EPERM or Errno.EFAULT ? _slot.Fault : null;
            _slot.PrivateRun = null;
            _slot.Enter(_space);
            return outcome;
        }
    }

    /// <summary>
    /// Gives the device to <paramref name="client"/>: EINVAL when another one has it (the kernel's vfio_df_open), EBUSY while a program of a file
    /// user or of a private run is pending, ENODEV when it is gone or leaves.
    /// </summary>
    public Errno Take(IDeviceClient client)
    {
        lock (_gate)
        {
            Errno refusal = DeviceTransitions.Refusal(DeviceTransitions.Action(State, DeviceEvent.Open));
            if (refusal == Errno.ENODEV || _lease.IsEnding)
                return Errno.ENODEV;
            if (IsTaken)
                return Errno.EINVAL;
            if (refusal != 0)
                return refusal;
            _status.Clear(); // interrupts of earlier users are none of the client's
            _lease.Begin(client);
            _status.HasClient = true;
            _slot.Enter(ClientLease.Nothing);
            return 0;
        }
    }

    /// <summary>
    /// The client lets go, or is dead: as a system reset its program ends, and what the device kept for it; on return none of its memory is touched
    /// any more, and the device is idle and free. Without effect for any other client. Waits for a data transfer under way: on a thread that may wait
    /// for that client's memory.
    /// </summary>
    public void GiveBack(IDeviceClient client)
    {
        Action? returned;
        lock (_gate)
        {
            if (_lease.Client != client)
                return;
            if (DeviceTransitions.Action(State, DeviceEvent.Close) == DeviceAction.EndProgram)
                ResetProgram(system: true);
            _lease.Space!.Map.RemoveOwner(this);
            returned = _lease.End();
            _status.HasClient = false;
            _slot.Enter(_space);
            _status.Clear();
        }
        returned?.Invoke();
    }

    /// <summary>
    /// The address space of the client's programs from now on; null: none. A program that runs in the old one is ended, as the kernel does with
    /// pinned pages. False: the client does not have the device.
    /// </summary>
    public bool Attach(IDeviceClient client, AddressSpace? space)
    {
        lock (_gate)
        {
            if (_lease.Client != client)
                return false;
            space ??= ClientLease.Nothing;
            if (space == _lease.Space)
                return true;
            if (State is DeviceState.Pending or DeviceState.Processing)
                ResetProgram(system: false);
            if (_lease.Client != client)
                return false; // it was given back while the gate was left
            _lease.Space!.Map.RemoveOwner(this);
            _lease.Attach(space);
            _slot.Enter(space);
            if (space != ClientLease.Nothing)
                space.Map.AddOwner(this);
            return true;
        }
    }

    /// <summary>
    /// Asks the client to give the device back, at once and every <see cref="RequestInterval"/>; it works until then. <paramref name="returned"/> is
    /// called once when it was given back, never from inside this call. False: no client has it, nothing is done.
    /// </summary>
    public bool RequestReturn(Action returned)
    {
        lock (_gate)
        {
            if (!IsTaken || _lease.IsEnding)
                return false;
            _lease.AskBack(_ => Raise(DeviceInterrupt.Request), RequestInterval, returned);
        }
        InterruptLine.Close(IoInterrupt, CrwInterrupt, RequestInterrupt);
        return true;
    }

    /// <summary>
    /// The device is taken away. The request interrupt signals; programs end without status, schib reads ENODEV, requests EIO; waiting
    /// readers of the interrupts end. Idempotent.
    /// </summary>
    public void Unplug()
    {
        lock (_gate)
        {
            if (DeviceTransitions.Action(State, DeviceEvent.Gone) != DeviceAction.EndProgram)
                return;
            _slot.Leave();
            EndByReset();
        }
        Raise(DeviceInterrupt.Request);
        InterruptLine.Close(IoInterrupt, CrwInterrupt, RequestInterrupt);
        DeviceLog.Unplugged(_logger, Id);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unplug();
        _space.Map.RemoveOwner(this);
        lock (_gate)
        {
            _lease.Dispose();
            _status.Dispose();
        }
        _programLog.Dispose();
        _subchannel.Dispose();
    }

    /// <inheritdoc/>
    public void Mapped(IovaMap map, ulong iova, ulong length)
    {
        if (_slot.Space.Map == map)
            _lease.Watch?.Mapped(iova, length);
    }

    /// <inheritdoc/>
    public void Unmapped(IovaMap map, ulong iova, ulong length)
    {
        lock (_gate)
        {
            if (_slot.Space.Map != map)
                return;
            if (_slot.IsTranslating)
                _slot.Cancel();
            else if (_slot.IsPinned(iova, length))
                ResetProgram(system: false);
            if (_slot.Space.Map == map)
                _subchannel.Memory?.Unmapped(iova, length);
            _lease.Watch?.Unmapped(iova, length);
        }
    }

    /// <inheritdoc/>
    public void Interrupt()
    {
        while (TakeStatus())
        {
        }
    }

    /// <inheritdoc/>
    public void Report(Crw crw)
    {
        lock (_gate)
        {
            _status.Report(crw);
            if (crw.Source == Crw.ChannelPathSource)
                _slot.ForgetLostPaths();
        }
        Raise(DeviceInterrupt.Crw);
    }

    /// <inheritdoc/>
    public void ReturnRequested() => Leaving?.Invoke(false);

    /// <inheritdoc/>
    public void Vanished()
    {
        Unplug();
        Leaving?.Invoke(true);
    }

    /// <inheritdoc/>
    public void Failed(Exception failure) => _programLog.Failed(failure);

    private int Read(RegionIndex region, int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake)
    {
        if (position < 0 || position + (long)destination.Length > RegionLayout.Size(region))
            return -(int)Errno.EINVAL;
        bool signal;
        int result;
        lock (_gate)
        {
            mayTake |= !IsTaken;
            result = _regions.Read(region, position, destination, order, mayTake, out signal);
        }
        if (signal)
            Raise(region == RegionIndex.Io ? DeviceInterrupt.Io : DeviceInterrupt.Crw);
        return result;
    }

    private int Write(IDeviceClient? client, RegionIndex region, int position, ReadOnlySpan<byte> source, ReadOnlySpan<byte> order, bool mayWait)
    {
        if (region is not (RegionIndex.Io or RegionIndex.Cmd)
            || position < 0 || position + (long)source.Length > RegionLayout.Size(region))
            return -(int)Errno.EINVAL;
        bool signal = false;
        int result;
        lock (_gate)
        {
            if (_lease.Client != client)
                return -(int)(client is null ? Errno.EBUSY : Errno.EINVAL);
            if (State == DeviceState.Processing)
                return -(int)Errno.EAGAIN;
            Mapping[] mappings = _slot.Space.Map.Snapshot();
            if (!mayWait && region == RegionIndex.Io && IovaMap.MayWait(mappings))
                return MustWait;
            _regions.Merge(region, position, source, order);
            result = region == RegionIndex.Io ? _regions.RequestIo(source.Length, mappings, out signal) : _regions.RequestAsync(source.Length);
        }
        if (signal)
            Raise(DeviceInterrupt.Io);
        return result;
    }

    /// <summary>Ends what runs, as <see cref="ProgramSlot.Reset"/>. False: not operational.</summary>
    private bool ResetProgram(bool system)
    {
        bool operational = _slot.Reset(system, out bool ended);
        if (ended)
            EndByReset();
        return operational;
    }

    private void EndByReset()
    {
        PrivateInterrupt? privateRun = _slot.End(_lease.Space ?? _space);
        _status.DropAnswers();
        privateRun?.Invoke(null, final: true, null);
    }

    /// <summary>Takes one status of the subchannel, if it has any.</summary>
    private bool TakeStatus()
    {
        bool signal = false, more = false, final = false;
        PrivateInterrupt? privateRun = null;
        uint? unfetched = null;
        IDeviceClient? client;
        Irb irb;
        lock (_gate)
        {
            client = _lease.Client;
            if (DeviceTransitions.Action(State, DeviceEvent.Interrupt) == DeviceAction.Ignore || !_subchannel.Test(out irb))
                return false;
            Scsw scsw = irb.Scsw;
            if (!_slot.IsTranslating && StatusPresenter.IsSolicited(scsw)) // else it answers an earlier function: the program has not begun
            {
                irb.Scsw = _slot.ToGuest(scsw, out unfetched);
                privateRun = _slot.PrivateRun;
                final = (scsw.Activity & (ActivityControl.DeviceActive | ActivityControl.SubchannelActive | ActivityControl.Suspended)) == 0;
                if (final)
                    _slot.End(_lease.Space ?? _space);
            }
            if (privateRun is null && !_slot.IsOfPrivateRun(irb.Scsw))
                signal = _status.Present(irb);
            more = !signal && client is null && _status.MoreIsSignalled;
        }
        if (signal)
            Raise(DeviceInterrupt.Io, client);
        if (more)
            IoInterrupt.Poke();
        privateRun?.Invoke(irb, final, unfetched);
        return true;
    }

    private void ShowLater()
    {
        IDeviceClient? client;
        bool signal;
        lock (_gate)
            (client, signal) = (_lease.Client, _status.ShowNext());
        if (signal)
            Raise(DeviceInterrupt.Io, client);
    }

    private void OnIoInterruptTaken(bool counted)
    {
        bool signal;
        lock (_gate)
            signal = _status.SignalTaken(counted);
        if (signal)
            Raise(DeviceInterrupt.Io);
    }

    private void Raise(DeviceInterrupt interrupt) => Raise(interrupt, _lease.Client);

    /// <summary>
    /// Without the gate; <paramref name="client"/>: who had the device when there was something to signal, for the next one is not to hear of it.
    /// </summary>
    private void Raise(DeviceInterrupt interrupt, IDeviceClient? client)
    {
        _lease.Watch?.InterruptGiven(interrupt);
        client?.Signal(interrupt);
        if (client is null || interrupt == DeviceInterrupt.Request)
            Line(interrupt).Signal();
    }
}
