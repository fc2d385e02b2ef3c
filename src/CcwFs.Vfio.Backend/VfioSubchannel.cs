using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>What a real subchannel is besides its device.</summary>
/// <param name="Id">Bus id here.</param>
/// <param name="Device">The device's bus id here.</param>
/// <param name="Timeout">How long to wait for an interrupt before the device is reset; null: for ever.</param>
public sealed record VfioOptions(SubchannelId Id, DeviceId Device, TimeSpan? Timeout = null);

/// <summary>
/// A subchannel over a vfio-ccw device of the kernel, which it owns. The translated program goes into memory that the kernel has mapped
/// (<see cref="ProgramArena"/>, <see cref="DmaMaps"/>); functions are writes of the device's io and cmd regions; what comes back is heard by an
/// <see cref="EventWatch"/> and kept in a <see cref="FunctionStatus"/>. Thread-safe. Lock order: the caller's gate, then ours, which everything here
/// is guarded by; the watch's thread takes ours alone, and events leave without it.
/// </summary>
public sealed class VfioSubchannel : ISubchannel, IMemoryBound, IEventTaker
{
    /// <summary>
    /// How often a request is made again that the kernel answers with EAGAIN: another access holds the region for a moment (arbitrary); then it is
    /// busy.
    /// </summary>
    public const int MaxTries = 16;

    /// <summary>Chains that TICs link of which the kernel's driver takes no more, from 2026 on; earlier ones have no limit.</summary>
    private const int KernelChains = 16;

    private const int MaxReports = 256; // of one signal, arbitrary: a kernel that always has another is not believed
    private const uint StartFunction = (uint)FunctionControl.Start << 12; // in the SCSW's first word
    private const uint ResumeActivity = (uint)(ActivityControl.ResumePending | ActivityControl.Suspended) << 5;

    private readonly Lock _gate = new();
    private readonly VfioDevice _device;
    private readonly VfioOptions _options;
    private readonly DeviceLoggers _log;
    private readonly DevicePresence _presence;
    private readonly EventWatch _watch;
    private readonly ProgramArena _arena = new();
    private readonly DmaMaps _maps;
    private readonly ReadData _read = new(); // guarded by _gate, but for WriteBack on the watch's thread
    private readonly FunctionStatus _status = new(); // guarded by _gate
    private ISubchannelEvents? _events; // null until Connect
    private Orb _orb;                   // guarded by _gate: of the last start
    private bool _joinsBlocks;          // guarded by _gate: the kernel takes no 2K blocks, and 4K blocks made of them
    private bool _saidSmallBlocks;      // guarded by _gate
    private bool _saidAsked;            // of the watch's thread: the kernel asks again and again

    /// <summary>Takes over <paramref name="device"/>, on failure too.</summary>
    /// <exception cref="VfioException">The kernel does not map the arena, or gives no interrupts.</exception>
    public VfioSubchannel(VfioDevice device, VfioOptions options, ILogger logger)
    {
        (_device, _options, _maps) = (device, options, new DmaMaps(device.Space));
        Identity = new SubchannelIdentity(
            options.Id, options.Device, Backend: "vfio", FetchesByItself: false, DeviceType: "", ControlUnitType: "", Families.Basic);
        _log = new DeviceLoggers(logger, options.Id);
        _presence = new DevicePresence(device, logger, options.Id);
        try
        {
            VfioException.Check(
                device.Space.Map(HostArena.Base, _arena.Address, HostArena.Window), $"{device.Space.Name} does not map memory of ccwfs",
                    "if it may lock too little memory, raise ulimit -l");
            _watch = new EventWatch(device);
        }
        catch
        {
            device.Dispose();
            _arena.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public SubchannelIdentity Identity { get; private set; }

    /// <inheritdoc/>
    public IMemoryBound? Memory => this;

    /// <inheritdoc/>
    public IChannelPaths? Paths => null;

    /// <inheritdoc/>
    public bool NeedsAddresses => true;

    private SubchannelId Id => _options.Id;

    /// <summary>An earlier function's status has not been taken: its taker is on the way. Under the gate.</summary>
    private bool HasStatus => _status.IsPending || _read.IsBusy;

    /// <summary>
    /// Asks the device for its types, and so for its commands (<see cref="Identity"/>). Before <see cref="Connect"/>: no client is there yet.
    /// Whatever goes wrong is logged, and they stay empty, and basic.
    /// </summary>
    public void Identify()
    {
        lock (_gate)
        {
            SubchannelIdentity identity = Identity;
            string? problem = new IdentityQuestion(_device, _arena, _watch).Ask(orb => RequestStart(orb, joined: false), ref identity);
            Identity = identity;
            if (problem is not null)
                BackendLog.Unidentified(_log.Device, Id, problem);
            _status.Forget();
            SkipStatus();
        }
    }

    /// <inheritdoc/>
    public void Connect(ISubchannelEvents events)
    {
        _events = events;
        _presence.Connect(events);
        _watch.Start(this, $"vfio {Id}");
    }

    /// <inheritdoc/>
    /// <remarks>The kernel's schib region; where it has none, what is known: one path, and whether a program runs.</remarks>
    public bool Store(out Schib schib)
    {
        schib = default;
        if (_presence.IsClosed)
            return false;
        if (!_device.Has(RegionIndex.Schib))
        {
            const byte OnePath = 0x80;
            var pmcw =
                new Pmcw(0, Pmcw.Enabled | Pmcw.DeviceNumberValid, _options.Device.Number, Lpm: OnePath, Pnom: 0, Lpum: 0, Pim: OnePath, Pom: 0xFF,
                Pam: OnePath, 0);
            lock (_gate)
                schib = new Schib(pmcw, _status.Expected == 0 ? default
                    : Scsw.Build(0, _status.Expected, ActivityControl.SubchannelActive, StatusControl.None, 0, 0, 0, 0));
            return true;
        }
        Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
        int result = _presence.Read(RegionIndex.Schib, bytes);
        _presence.LoseIfGone(result);
        if (result < 0)
            return false;
        schib = Schib.Read(bytes);
        return true;
    }

    /// <inheritdoc/>
    public ProgramFault Prepare(BackendProgram program) => ProgramFault.None;

    /// <inheritdoc/>
    public FunctionResult Start(in Orb orb, BackendProgram program)
    {
        if (program is not HostProgram translated)
            return FunctionResult.Refused(Errno.EOPNOTSUPP);
        lock (_gate)
        {
            if (_presence.IsClosed)
                return ConditionCode.NotOperational;
            if (HasStatus)
                return ConditionCode.StatusPending;
            int result = _maps.Follow(translated.Mappings);
            if (result < 0)
            {
                BackendLog.Refused(_log.Refusals, Id, "to map guest memory", Problem.Of(result));
                _presence.LoseIfGone(result);
                return FunctionResult.Refused(Errno.EFAULT);
            }
            if (!_arena.TryCopy(translated))
                return FunctionResult.Refused(Errno.EINVAL);
            _read.Begin(translated);
            FunctionResult outcome = StartCopied(orb, translated);
            if (outcome.Refusal == Errno.EINVAL && translated.Chains.Length > KernelChains)
                BackendLog.ManyChains(_log.Programs, Id, translated.Chains.Length, KernelChains);
            return outcome;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Through the io region, with the ORB of the start (as QEMU does); a driver that does not know it says that it is busy.</remarks>
    public FunctionResult Resume()
    {
        lock (_gate)
        {
            if (_presence.IsClosed)
                return ConditionCode.NotOperational;
            Span<byte> request = stackalloc byte[RegionLayout.IrbOffset];
            _orb.Write(request);
            new Scsw(StartFunction | ResumeActivity, 0, 0).Write(request[RegionLayout.ScswOffset..]);
            FunctionResult outcome = Request(RegionIndex.Io, request);
            if (outcome.IsInitiated)
                _status.GoOn();
            return outcome;
        }
    }

    /// <inheritdoc/>
    public FunctionResult Halt() => Command(RegionLayout.CommandHalt, FunctionControl.Halt);

    /// <inheritdoc/>
    public FunctionResult Clear() => Command(RegionLayout.CommandClear, FunctionControl.Clear);

    /// <inheritdoc/>
    public bool Test(out Irb irb)
    {
        lock (_gate)
            return _status.TryTake(out irb);
    }

    /// <inheritdoc/>
    /// <remarks>VFIO_DEVICE_RESET, always a system reset.</remarks>
    public bool Reset(bool system)
    {
        lock (_gate)
        {
            EndProgram();
            return !_presence.IsClosed && ResetDevice();
        }
    }

    /// <inheritdoc/>
    public void Unmapped(ulong iova, ulong length)
    {
        lock (_gate)
        {
            if (!_presence.IsClosed)
                _presence.LetGo(_maps.Unmapped(iova, length));
        }
    }

    /// <inheritdoc/>
    public void LeaveSpace()
    {
        lock (_gate)
        {
            if (!_presence.IsClosed)
                _presence.LetGo(_maps.Clear());
        }
    }

    /// <inheritdoc/>
    public void Unplug()
    {
        lock (_gate)
        {
            if (_presence.IsClosed)
                return;
            EndProgram();
            _device.Reset();
            _presence.LetGo(_maps.Clear());
            if (!_presence.IsClosed)
                _presence.LetGo(_maps.Unmap(HostArena.Base, HostArena.Window));
            _presence.Close();
        }
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Describe()
    {
        yield return new("kernel device", _device.Target.Uuid is { } uuid ? $"{uuid} of {_device.Target.Path}" : _device.Target.Path);
        yield return new("kernel iommu", _device.Space.Name);
        yield return new("kernel lacks", _device.Lacks);
        yield return new("timeout", _options.Timeout is { } timeout ? $"{timeout.TotalSeconds} s" : "none");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unplug();
        _watch.Dispose();
        _device.Dispose();
        _arena.Dispose();
        _log.Dispose();
    }

    /// <inheritdoc/>
    void IEventTaker.Take(DeviceInterrupt interrupt)
    {
        if (interrupt == DeviceInterrupt.Io)
            TakeStatus();
        else if (interrupt == DeviceInterrupt.Crw)
            TakeReports();
        else
            TakeRequest();
    }

    /// <inheritdoc/>
    void IEventTaker.Look()
    {
        lock (_gate)
        {
            if (_presence.IsClosed || _status.Expected == FunctionControl.None)
                return;
            if (_device.Has(RegionIndex.Schib) && _presence.IsGone(0))
            {
                _presence.Lose();
                return;
            }
            if (_options.Timeout is not { } timeout || !_status.IsLate(timeout))
                return;
            BackendLog.TimedOut(_log.Timeouts, Id, timeout.TotalSeconds);
            FunctionControl ended = _status.GiveUp();
            if (!ResetDevice())
                return;
            _status.AddLate(ended);
        }
        _events!.Interrupt();
    }

    /// <inheritdoc/>
    void IEventTaker.Fail(int error, Exception? defect)
    {
        if (defect is null)
            BackendLog.Refused(_log.Device, Id, "to wait for interrupts", Problem.Of(error));
        else
            BackendLog.Failed(_log.Device, Id, defect);
        _presence.Lose();
    }

    private void TakeStatus()
    {
        Irb irb = default;
        bool writeBack;
        lock (_gate)
        {
            if (_presence.IsClosed)
                return;
            int result = _device.ReadIrb(irb);
            if (result < 0)
            {
                BackendLog.Refused(_log.Device, Id, "to give status", Problem.Of(result));
                _presence.LoseIfGone(result);
                return;
            }
            if (!_status.IsNews(irb))
                return;
            writeBack = (irb.Scsw.Function & FunctionControl.Start) != 0 && _read.Take();
            if (!writeBack)
                _status.Add(irb, good: true); // at once: nothing that ends the program comes between
        }
        if (!writeBack || AddAfterWriteBack(irb))
            _events!.Interrupt();
    }

    /// <summary>Shows status after what was read has been written back. False: the program was ended meanwhile.</summary>
    private bool AddAfterWriteBack(in Irb irb)
    {
        bool good = _read.WriteBack();
        lock (_gate)
        {
            if (_presence.IsClosed || _read.IsOver)
                return false;
            _status.Add(irb, good);
            return true;
        }
    }

    private void TakeReports()
    {
        Span<byte> bytes = stackalloc byte[RegionLayout.CrwSize];
        for (int i = 0; i < MaxReports; i++)
        {
            int result = _presence.Read(RegionIndex.Crw, bytes);
            _presence.LoseIfGone(result);
            Crw crw = result < 0 ? default : Crw.Read(bytes);
            if (crw.Word == 0)
                return;
            _events!.Report(crw);
        }
    }

    private void TakeRequest()
    {
        if (!_saidAsked)
            BackendLog.Asked(_log.Device, Id, _device.Target.Path);
        _saidAsked = true;
        ThreadPool.UnsafeQueueUserWorkItem(static self => self._events!.ReturnRequested(), this, preferLocal: false);
    }

    /// <summary>What runs counts no more. Under the gate.</summary>
    private void EndProgram()
    {
        _status.Forget();
        _read.End();
    }

    /// <summary>VFIO_DEVICE_RESET. False: that fails, and the device is lost. Under the gate.</summary>
    private bool ResetDevice()
    {
        bool done = _device.Reset() >= 0;
        if (!done)
            _presence.Lose();
        SkipStatus();
        return done;
    }

    /// <summary>What the kernel still shows belongs to what was reset. Under the gate.</summary>
    private void SkipStatus()
    {
        Irb shown = default;
        if (_device.ReadIrb(shown) >= 0)
            _status.Skip(shown);
    }

    /// <summary>Starts what was copied into the arena, with 4K blocks in place of 2K blocks where the kernel wants that. Under the gate.</summary>
    private FunctionResult StartCopied(in Orb orb, HostProgram program)
    {
        bool small = orb.TwoKIdaws;
        bool joined = small && _joinsBlocks && _arena.TryJoinBlocks(program);
        FunctionResult outcome = RequestStart(orb, joined);
        if (small && !joined && outcome.Refusal == Errno.EOPNOTSUPP)
        {
            joined = !_joinsBlocks && _arena.TryJoinBlocks(program);
            if (joined)
                outcome = RequestStart(orb, joined);
            else if (!_saidSmallBlocks)
                BackendLog.NoSmallBlocks(_log.Programs, Id);
            _saidSmallBlocks |= !joined;
        }
        _joinsBlocks |= joined && outcome.IsInitiated;
        return outcome;
    }

    /// <summary>
    /// All of the region, as QEMU writes it: zeros in place of the last IRB, so that a late signal for that one finds nothing. Under the gate.
    /// </summary>
    private FunctionResult RequestStart(in Orb guest, bool joined)
    {
        Orb orb = joined ? guest with { Control = guest.Control & ~OrbControl.TwoKIdaws } : guest;
        Span<byte> request = stackalloc byte[RegionLayout.IoSize];
        request.Clear();
        orb.Write(request);
        new Scsw(StartFunction, 0, 0).Write(request[RegionLayout.ScswOffset..]);
        FunctionResult outcome = Request(RegionIndex.Io, request);
        if (outcome.IsInitiated)
        {
            _orb = orb;
            _status.Begin(FunctionControl.Start);
        }
        return outcome;
    }

    private FunctionResult Command(uint command, FunctionControl function)
    {
        lock (_gate)
        {
            if (_presence.IsClosed)
                return ConditionCode.NotOperational;
            if (!_device.Has(RegionIndex.Cmd))
                return FunctionResult.Refused(Errno.EOPNOTSUPP);
            if (function == FunctionControl.Halt && HasStatus)
                return ConditionCode.StatusPending;
            Span<byte> request = stackalloc byte[RegionLayout.CmdSize];
            request.Clear();
            MemoryMarshal.Write(request, command);
            FunctionResult outcome = Request(RegionIndex.Cmd, request);
            if (!outcome.IsInitiated)
                return outcome;
            if (function == FunctionControl.Clear)
                _read.End();
            _status.Begin(function);
            return outcome;
        }
    }

    /// <summary>A write of io or cmd as a function's outcome. Under the gate.</summary>
    private FunctionResult Request(RegionIndex region, ReadOnlySpan<byte> bytes)
    {
        int result = -(int)Errno.EAGAIN;
        for (int i = 0; result == -(int)Errno.EAGAIN && i < MaxTries; i++)
        {
            if (i > 0)
                Thread.Yield();
            result = _device.Write(region, bytes);
        }
        if (result >= 0)
            return ConditionCode.Initiated;
        if (KernelErrors.IsSuspicious(result) && _presence.IsGone(result))
        {
            _presence.Lose();
            return FunctionResult.Refused(Errno.EIO);
        }
        FunctionResult outcome = KernelErrors.OfWrite(result, out bool known);
        if (!known)
            BackendLog.Refused(_log.Refusals, Id, "a request", Problem.Of(result));
        return outcome;
    }
}
