using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Channel;

/// <content>Halt, clear, reset, and paths that come and go: how programs are ended from outside.</content>
public sealed partial class EmulatedSubchannel
{
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
        _run = new ProgramRun(_device, _gate);
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
            if (!_plugged || !_paths.Set(index, available))
                return _plugged;
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
