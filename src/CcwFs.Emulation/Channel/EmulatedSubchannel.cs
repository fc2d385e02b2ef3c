using System.Diagnostics;
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
public sealed partial class EmulatedSubchannel : ISubchannel, ISubchannelWork, IChannelPaths, IExecutorWork
{
    private readonly object _gate = new(); // a monitor: pulsed when a slice has ended
    private readonly IChannelDevice _device;
    private readonly ChannelExecutor _executor;
    private readonly SubchannelPaths _paths;
    private readonly PendingStatus _pending = new();
    private readonly DeviceNews _news = new();
    private ProgramRun? _run;          // made for the first program: most devices of a large mount have none; replaced when one is abandoned
    private ISubchannelEvents _events = null!;
    private Activity _activity;
    private volatile RequestedEnd _end; // read without the gate: the slice ends at the next CCW
    private bool _executing;           // a thread is in a slice
    private int _givenUp;              // threads that were left to programs whose memory does not answer
    private bool _plugged = true;
    private uint _interruptionParameter;

    /// <summary>A subchannel with 1 to 8 channel paths.</summary>
    public EmulatedSubchannel(SubchannelId id, DeviceId device, ReadOnlySpan<byte> chpids, IChannelDevice behind, ChannelExecutor executor)
    {
        _paths = new SubchannelPaths(chpids);
        (_device, _executor) = (behind, executor);
        (string deviceType, string controlUnitType) = behind.Identity.Names;
        Identity = new SubchannelIdentity(
            id, device, Backend: "emulated", FetchesByItself: true, deviceType, controlUnitType,
            Families.Of(behind.Identity.ControlUnitType, behind.Identity.DeviceType));
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

    /// <inheritdoc/>
    public VolumeFigures? Volume => _device.Figures;

    private bool IsUnsolicitedPending => !SubchannelTransitions.KeepsUnsolicited(_activity) && _news.HasUnsolicited;

    /// <summary>Under the gate.</summary>
    private ProgramRun Run => _run ??= new ProgramRun(_device, _gate, _events);

    /// <inheritdoc/>
    public void Connect(ISubchannelEvents events) => _events = events;

    /// <inheritdoc/>
    public bool Store(out Schib schib)
    {
        lock (_gate)
        {
            Pmcw pmcw = _paths.Pmcw(_interruptionParameter, Identity.Device.Number);
            Scsw scsw = _activity == Activity.Idle ? default : Scsw.Build(
                Run.Orb.Control, _activity == Activity.DeviceEndPending ? FunctionControl.None : FunctionControl.Start,
                SubchannelTransitions.Bits(_activity), StatusControl.None, Run.CcwAddress, 0, 0, 0);
            schib = new Schib(pmcw, scsw);
            return _plugged;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Busy also while only device end is to come: a real subchannel would keep the start pending, for the device is busy until then.
    /// </remarks>
    public FunctionResult Start(in Orb orb, BackendProgram program)
    {
        if (!ProgramRun.Runs(program))
            return FunctionResult.Refused(Errno.EOPNOTSUPP);
        lock (_gate)
        {
            byte paths = (byte)(orb.LogicalPathMask & _paths.Available);
            if (!_plugged || paths == 0)
                return ConditionCode.NotOperational;
            if (_pending.IsThere || IsUnsolicitedPending)
                return ConditionCode.StatusPending;
            if (_activity != Activity.Idle || _end != RequestedEnd.None || (program.MayWait && _givenUp >= ChannelLimits.MaxGivenUp))
                return ConditionCode.Busy;
            _activity = Activity.Active;
            _news.ForgetDeviceEnd();
            (_paths.Last, _interruptionParameter) = (Pmcw.FirstPath(paths), orb.InterruptionParameter);
            Run.Begin(orb, program, _paths.Last);
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
            if (_pending.IsThere)
                return ConditionCode.StatusPending;
            if (_activity != Activity.Suspended || _end != RequestedEnd.None)
                return ConditionCode.Busy;
            _activity = Activity.Active;
            Run.Resume();
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
            if (_pending.Take(out irb))
                return true;
            if (!_news.HasUnsolicited)
                return false;
            if (SubchannelTransitions.KeepsUnsolicited(_activity))
            {
                _news.AnnounceLater();
                return false;
            }
            status = _news.TakeUnsolicited();
        }
        if (status == DeviceStatus.None)
            return false;
        irb = PendingStatus.UnsolicitedIrb(status, Pmcw.FirstPath(_paths.Available));
        return true;
    }

    /// <inheritdoc/>
    public bool Reset(bool system)
    {
        lock (_gate)
        {
            EndNow(system, ChannelLimits.ResetPatience);
            return _plugged;
        }
    }

    /// <inheritdoc/>
    public void GoOn(WorkThread thread)
    {
        if (thread == WorkThread.Own || !RunSlice(ChannelLimits.ShortSlice, Stopwatch.GetTimestamp() + ChannelLimits.ShortTicks, thread))
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
                EndNow(system: true, ChannelLimits.UnplugPatience);
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

    /// <inheritdoc/>
    bool IExecutorWork.RunSlice() => RunSlice(ChannelLimits.LongSlice, long.MaxValue, WorkThread.Own);

    private FunctionResult RequestEnd(RequestedEnd function)
    {
        lock (_gate)
        {
            if (!_plugged)
                return ConditionCode.NotOperational;
            if (SubchannelTransitions.Request(_end, function) is not { } end)
                return ConditionCode.Busy;
            bool pending = _pending.IsFinal || IsUnsolicitedPending;
            if (function == RequestedEnd.Halt && pending)
                return ConditionCode.StatusPending;
            if (function == RequestedEnd.Clear)
            {
                _pending.Clear();
                _news.TakeUnsolicited(); // the clear signal resets the device's status too
                _run?.Memory.HurryUp();
            }
            _end = end;
            return FunctionResult.Begun(this);
        }
    }

    /// <summary>
    /// Ends the program without status: waits for the slice to reach its next CCW, which a command of bounded length precedes, and for memory only so
    /// long. Under the gate. With a system reset, and when it is unplugged, the device also forgets what its paths hold (path groups, reserve).
    /// </summary>
    private void EndNow(bool system, TimeSpan patience)
    {
        _end = RequestedEnd.Reset;
        _pending.Clear();
        _run?.Memory.HurryUp();
        long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (_executing)
        {
            if (Run.Memory.IsCopying && Environment.TickCount64 >= until)
                GiveUp();
            else
                Monitor.Wait(_gate, ChannelLimits.Look); // it may begin to copy meanwhile
        }
        if (_activity != Activity.Idle || system)
            _device.AbandonProgram(reset: system);
        EndProgram();
        if (system)
            _news.TakeUnsolicited();
        else if (_news.HasUnsolicited)
            _executor.Schedule(this);
    }

    /// <summary>The thread in the slice is left to itself. Under the gate.</summary>
    private void GiveUp()
    {
        Run.Memory.Abandon();
        _givenUp++;
        _run = new ProgramRun(_device, _gate, _events);
        _executing = false;
        Monitor.PulseAll(_gate);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A program that runs on a path which goes away ends with interface-control check at its next CCW; a suspended one stays. A start that is
    /// pending goes over another path of its mask, or ends as not operational (deferred condition code 3).
    /// </remarks>
    public bool SetPath(byte chpid, bool available)
    {
        int index = _paths.IndexOf(chpid);
        if (index < 0)
            return false;
        bool ended = false;
        lock (_gate)
        {
            if (!_plugged || (!_paths.Set(index, available) && !available))
                return _plugged; // one that is there reports all the same: who has given it up takes it again
            if (!available)
            {
                ended = SubchannelTransitions.NeedsPath(_activity) && _paths.Last == SubchannelPaths.Mask(index) && !MoveStart();
                if (ended)
                    _end = SubchannelTransitions.LosePath(_end);
                _device.LosePath(index);
            }
        }
        _events.Report(Crw.ChannelPath(chpid, available ? Crw.Initialized : Crw.PermanentError));
        if (ended)
            _executor.Schedule(this);
        return true;
    }

    /// <summary>
    /// A start that is pending goes over the first path left of its mask. False: it is not pending, or none is left. Under the gate.
    /// </summary>
    private bool MoveStart()
    {
        byte paths = (byte)(Run.Orb.LogicalPathMask & _paths.Available);
        if (_activity != Activity.StartPending || paths == 0)
            return false;
        _paths.Last = Pmcw.FirstPath(paths);
        Run.UsePath(_paths.Last);
        TryAgain();
        return true;
    }
}
