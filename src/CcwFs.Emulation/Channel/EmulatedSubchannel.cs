using System.Diagnostics;
using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// A subchannel of the emulated channel subsystem: it executes translated programs against an <see cref="IChannelDevice"/>, which it owns.
/// Programs run in slices: on the thread that took the start while they are short, else on the executor's threads. Thread-safe.
/// Lock order: the caller's gate, then ours; events leave without our gate, and never from a thread that is in a slice (a reset waits for the
/// slice under the caller's gate, which the event would wait for).
/// </summary>
public sealed partial class EmulatedSubchannel : ISubchannel, ISubchannelWork, IChannelPaths
{
    /// <summary>CCWs of a slice on the executor, before the others get their turn (arbitrary).</summary>
    internal const int LongSlice = 512;

    /// <summary>CCWs that may run on the thread that took the start (arbitrary: more than Linux's longest request, 190 blocks by one CCW each).</summary>
    internal const int ShortSlice = 256;

    /// <summary>
    /// How long a reset waits for memory that its owner holds back (arbitrary: longer than memory takes that was swapped out); then the transfer is given up,
    /// and harms nobody but that owner.
    /// </summary>
    internal static readonly TimeSpan ResetPatience = TimeSpan.FromSeconds(1);

    /// <summary>As <see cref="ResetPatience"/>, where others wait too (arbitrary).</summary>
    internal static readonly TimeSpan UnplugPatience = TimeSpan.FromMilliseconds(100);

    /// <summary>Transfers that may be given up and still under way (arbitrary: each holds a thread); then programs that may wait are refused as busy.</summary>
    internal const int MaxGivenUp = 8;

    private const int Look = 10; // milliseconds between two looks at a transfer that is waited for, arbitrary

    /// <summary>Longest time on that thread (arbitrary: a megabyte written; a hand-over wakes a thread on a cold processor).</summary>
    private static readonly long s_shortTicks = Stopwatch.Frequency / 500;

    private readonly object _gate = new(); // a monitor: pulsed when a slice has ended
    private readonly IChannelDevice _device;
    private readonly ChannelExecutor _executor;
    private ProgramRun _run;           // replaced when one is abandoned
    private readonly byte[] _chpids;
    private ISubchannelEvents _events = null!;
    private Activity _activity;
    private volatile RequestedEnd _end; // read without the gate: the slice ends at the next CCW
    private bool _executing;           // a thread is in a slice
    private int _givenUp;              // threads that were left to programs whose memory does not answer
    private bool _plugged = true;
    private Irb? _pending;             // status that nobody has taken yet
    private int _unsolicited;          // status of the device's own, pending; changed by interlocked operations, without the gate
    private int _announce;             // 1: _unsolicited is not announced yet, or waits for the running program's end
    private int _freed;                // 1: a device that was busy, or waited, can go on; changed by interlocked operations, without the gate
    private int _deviceEnd;            // device end that came, and what came with it; changed by interlocked operations, without the gate
    private uint _interruptionParameter;
    private byte _available;           // PAM
    private byte _lastPath;

    /// <summary>A subchannel with 1 to 8 channel paths.</summary>
    public EmulatedSubchannel(SubchannelId id, DeviceId device, ReadOnlySpan<byte> chpids, IChannelDevice behind, ChannelExecutor executor)
    {
        ArgumentOutOfRangeException.ThrowIfZero(chpids.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chpids.Length, 8);
        (_device, _executor) = (behind, executor);
        DeviceIdentity types = behind.Identity;
        Identity = new SubchannelIdentity(
            id, device, Backend: "emulated", FetchesByItself: true, Name(types.DeviceType, types.DeviceModel),
            Name(types.ControlUnitType, types.ControlUnitModel), Families.Of(types.ControlUnitType, types.DeviceType));
        _chpids = chpids.ToArray();
        _available = Installed;
        _run = new ProgramRun(behind, _gate);
        behind.Unsolicited = PresentUnsolicited;
        behind.NoLongerBusy = TryAgain;
        behind.DeviceEnd = TakeDeviceEnd;
    }

    /// <inheritdoc/>
    public SubchannelIdentity Identity { get; }

    /// <inheritdoc/>
    /// <remarks>Nothing: memory is reached through the pins of a program alone.</remarks>
    public IMemoryBound? Memory => null;

    /// <inheritdoc/>
    public IChannelPaths? Paths => this;

    private bool IsUnsolicitedPending => !SubchannelTransitions.KeepsUnsolicited(_activity) && Volatile.Read(ref _unsolicited) != 0;

    private byte Installed => (byte)(0xFF00 >> _chpids.Length);

    /// <inheritdoc/>
    public void Connect(ISubchannelEvents events) => _events = events;

    /// <inheritdoc/>
    public bool Store(out Schib schib)
    {
        lock (_gate)
        {
            ulong paths = 0;
            for (int i = 0; i < _chpids.Length; i++)
                paths |= (ulong)_chpids[i] << (56 - (8 * i));
            var pmcw = new Pmcw(
                _interruptionParameter, Pmcw.Enabled | Pmcw.DeviceNumberValid, Identity.Device.Number,
                Lpm: Installed, Pnom: 0, _lastPath, Pim: Installed, Pom: 0xFF, Pam: _available, paths);
            Scsw scsw = _activity == Activity.Idle ? default : Scsw.Build(
                _run.Orb.Control, _activity == Activity.DeviceEndPending ? FunctionControl.None : FunctionControl.Start,
                SubchannelTransitions.Bits(_activity), StatusControl.None, _run.CcwAddress, 0, 0, 0);
            schib = new Schib(pmcw, scsw);
            return _plugged;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Busy also while only device end is to come: a real subchannel would keep the start pending, for the device is busy until then.</remarks>
    public FunctionResult Start(in Orb orb, BackendProgram program)
    {
        if (!ProgramRun.Runs(program))
            return FunctionResult.Refused(Errno.EOPNOTSUPP);
        lock (_gate)
        {
            byte paths = (byte)(orb.LogicalPathMask & _available);
            if (!_plugged || paths == 0)
                return ConditionCode.NotOperational;
            if (_pending is not null || IsUnsolicitedPending)
                return ConditionCode.StatusPending;
            if (_activity != Activity.Idle || _end != RequestedEnd.None || (program.MayWait && _givenUp >= MaxGivenUp))
                return ConditionCode.Busy;
            _activity = Activity.Active;
            Volatile.Write(ref _deviceEnd, 0);
            (_lastPath, _interruptionParameter) = (Pmcw.FirstPath(paths), orb.InterruptionParameter);
            _run.Begin(orb, program, _lastPath);
            return FunctionResult.Begun(this);
        }
    }

    /// <inheritdoc/>
    public ProgramFault Prepare(BackendProgram program) => ProgramFault.None;

    /// <inheritdoc/>
    public FunctionResult Resume()
    {
        lock (_gate)
        {
            if (!_plugged)
                return ConditionCode.NotOperational;
            if (_pending is not null)
                return ConditionCode.StatusPending;
            if (_activity != Activity.Suspended || _end != RequestedEnd.None)
                return ConditionCode.Busy;
            _activity = Activity.Active;
            _run.Resume();
            return FunctionResult.Begun(this);
        }
    }

    /// <inheritdoc/>
    public FunctionResult Halt() => RequestEnd(RequestedEnd.Halt);

    /// <inheritdoc/>
    public FunctionResult Clear() => RequestEnd(RequestedEnd.Clear);

    /// <inheritdoc/>
    public bool Test(out Irb irb)
    {
        DeviceStatus status;
        lock (_gate)
        {
            irb = _pending ?? default;
            if (_pending is not null)
            {
                _pending = null;
                return true;
            }
            if (Volatile.Read(ref _unsolicited) == 0)
                return false;
            if (SubchannelTransitions.KeepsUnsolicited(_activity))
            {
                Volatile.Write(ref _announce, 1);
                return false;
            }
            status = (DeviceStatus)Interlocked.Exchange(ref _unsolicited, 0);
        }
        if (status == DeviceStatus.None)
            return false;
        irb.Scsw = Scsw.Build(0, FunctionControl.None, ActivityControl.None, StatusControl.Alert | StatusControl.Pending, 0, status, 0, 0);
        Esw.Write(irb[Irb.EswOffset..], Pmcw.FirstPath(Volatile.Read(ref _available)), senseLength: 0);
        return true;
    }

    /// <inheritdoc/>
    public bool Reset(bool system)
    {
        lock (_gate)
        {
            EndNow(system, ResetPatience);
            return _plugged;
        }
    }

    /// <inheritdoc/>
    public void GoOn(WorkThread thread)
    {
        SliceThread slice = thread == WorkThread.Client ? SliceThread.Client : SliceThread.Other;
        if (thread == WorkThread.Own || !RunSlice(ShortSlice, Stopwatch.GetTimestamp() + s_shortTicks, slice))
            _executor.Schedule(this);
    }

    /// <inheritdoc/>
    public void Unplug()
    {
        lock (_gate)
        {
            bool was = _plugged;
            _plugged = false;
            if (was)
                EndNow(system: true, UnplugPatience);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Describe() => _device.Describe();

    /// <inheritdoc/>
    public void Dispose()
    {
        Unplug();
        _device.Dispose();
    }

    private static string Name(ushort type, byte model) => string.Create(CultureInfo.InvariantCulture, $"{type:x4}/{model:x2}");

    /// <summary>
    /// The device has status of its own. It may come from inside a command of this or another subchannel, or under another's gate: nothing is
    /// locked or called here.
    /// </summary>
    private void PresentUnsolicited(DeviceStatus status)
    {
        Interlocked.Or(ref _unsolicited, (int)status);
        Volatile.Write(ref _announce, 1);
        _executor.Schedule(this);
    }
}
