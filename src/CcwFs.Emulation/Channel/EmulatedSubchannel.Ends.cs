using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Channel;

/// <content>Halt, clear and reset: how programs are ended from outside.</content>
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
            bool pending = (_pending is { } irb && !IsIntermediate(irb.Scsw)) || IsUnsolicitedPending;
            if (function == RequestedEnd.Halt && pending)
                return ConditionCode.StatusPending;
            if (function == RequestedEnd.Clear)
            {
                _pending = null;
                Interlocked.Exchange(ref _unsolicited, 0); // the clear signal resets the device's status too
                _run.Memory.HurryUp();
            }
            _end = end;
            return FunctionResult.Begun(this);
        }
    }

    /// <summary>
    /// Ends the program without status: waits for the slice to reach its next CCW, which a command of bounded length precedes, and for memory only so long. Under
    /// the gate. With a system reset, and when it is unplugged, the device also forgets what its paths hold (path groups, reserve).
    /// </summary>
    private void EndNow(bool system, TimeSpan patience)
    {
        (_end, _pending) = (RequestedEnd.Reset, null);
        _run.Memory.HurryUp();
        long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (_executing)
        {
            if (_run.Memory.IsCopying && Environment.TickCount64 >= until)
                GiveUp();
            else
                Monitor.Wait(_gate, Look); // it may begin to copy meanwhile
        }
        if (_activity != Activity.Idle || system)
            _device.AbandonProgram(reset: system);
        EndProgram();
        if (system)
            Interlocked.Exchange(ref _unsolicited, 0);
        else if (Volatile.Read(ref _unsolicited) != 0)
            _executor.Schedule(this);
    }

    /// <summary>The thread in the slice is left to itself. Under the gate.</summary>
    private void GiveUp()
    {
        _run.Memory.Abandon();
        _givenUp++;
        _run = new ProgramRun(_device, _gate);
        _executing = false;
        Monitor.PulseAll(_gate);
    }

    private static bool IsIntermediate(in Scsw scsw) => (scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;
}
