using System.Diagnostics;
using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <content>A slice: some CCWs of the program on one thread, and what its end means for the subchannel.</content>
public sealed partial class EmulatedSubchannel
{
    /// <summary>
    /// Runs up to so many CCWs, to a deadline. True: nothing is left to do (or another thread does it); false: queue up again.
    /// </summary>
    internal bool RunSlice(int ccws, long deadline, SliceThread thread)
    {
        while (true)
        {
            if (Interlocked.Exchange(ref _announce, 0) != 0)
                _events.Interrupt();
            bool execute, put;
            ProgramRun run;
            lock (_gate)
            {
                BeginAgain();
                if (IsDone())
                    return true;
                run = _run;
                execute = _function == FunctionControl.None && !_pathLost;
                put = MustPut(run);
                if (execute && run.MayWait && thread == SliceThread.Other)
                    return false;
                if ((put || (execute && run.IsHandedOver)) && thread != SliceThread.Executor)
                    return false;
                _executing = execute || put;
            }
            StepResult result = !execute && !put ? StepResult.Continue
                : put || ((run.MayWait || run.IsHandedOver) && thread == SliceThread.Executor) ? GoOnWaiting(run, put, ref ccws, deadline)
                : Execute(run, ref ccws, deadline, mayBeHeldUp: false);
            if (result == StepResult.Abandoned)
            {
                lock (_gate)
                    _givenUp--;
                return true;
            }
            bool present;
            lock (_gate)
            {
                if (execute || put)
                {
                    _executing = false;
                    Monitor.PulseAll(_gate);
                }
                bool isLeft = !put && MustPut(run); // in the next round
                present = !isLeft && Settle(result);
            }
            if (present)
                _events.Interrupt();
            if (ccws <= 0 || Stopwatch.GetTimestamp() >= deadline)
            {
                lock (_gate)
                    return IsDone() && Volatile.Read(ref _announce) == 0 && Volatile.Read(ref _freed) == 0;
            }
        }
    }

    /// <summary>Nothing for a new slice: another thread is in one, a reset waits, or there is neither a running program nor a function. Under the gate.</summary>
    private bool IsDone() =>
        _executing || (_function == FunctionControl.None && !_pathLost && (_stop || !_active || _suspended || _waiting));

    /// <summary>On a thread that may be held up: executes, or puts into place what was read before the program ends.</summary>
    private StepResult GoOnWaiting(ProgramRun run, bool put, ref int ccws, long deadline)
    {
        _executor.BeginWait();
        try
        {
            return !put ? Execute(run, ref ccws, deadline, mayBeHeldUp: true) : run.EndOutside() ? StepResult.Continue : StepResult.Abandoned;
        }
        finally
        {
            _executor.EndWait();
        }
    }

    /// <summary>HALT, or a path that is lost, ends the program, and data of commands that have ended is not in its place. Under the gate.</summary>
    private bool MustPut(ProgramRun run) => run.IsOwed && _active && (_function == FunctionControl.Halt || (_function == FunctionControl.None && _pathLost));

    private StepResult Execute(ProgramRun run, ref int ccws, long deadline, bool mayBeHeldUp)
    {
        StepResult result = StepResult.Continue;
        while (result == StepResult.Continue && !_stop && ccws > 0)
        {
            try
            {
                result = run.Step(mayBeHeldUp);
            }
            catch (Exception failure) // one guest's program, and not all guests', ends by a defect
            {
                _events.Failed(failure);
                result = run.Break();
            }
            ccws--;
            if (deadline != long.MaxValue && Stopwatch.GetTimestamp() >= deadline)
                ccws = 0;
        }
        return result == StepResult.Continue && !_stop ? run.EndSlice(mayBeHeldUp) : result;
    }

    /// <summary>What the slice's end means for the subchannel. True: status is pending, to be announced. Under the gate.</summary>
    private bool Settle(StepResult result)
    {
        Irb irb = default;
        if (_stop && _function == FunctionControl.None && !_pathLost)
            return false; // a reset waits for us
        switch (_function)
        {
            case FunctionControl.Clear:
                if (_active)
                    _device.AbandonProgram(reset: false);
                irb.Scsw = Scsw.Build(0, FunctionControl.Clear, ActivityControl.None, StatusControl.Pending, 0, 0, 0, 0);
                EndProgram();
                break;
            case FunctionControl.Halt when !_active:
                irb.Scsw = Scsw.Build(0, FunctionControl.Halt, ActivityControl.None, StatusControl.Pending, 0, 0, 0, 0);
                Esw.Write(irb[Irb.EswOffset..], _lastPath, 0);
                EndProgram();
                break;
            case FunctionControl.Halt when _waiting || _suspended:
                irb = _run.HaltedIdleIrb();
                EndProgram();
                break;
            case FunctionControl.Halt:
                irb = result == StepResult.Ended ? _run.FinalIrb(FunctionControl.Start | FunctionControl.Halt) : _run.HaltedIrb();
                EndProgram();
                break;
            case FunctionControl.None when _pathLost && result != StepResult.Ended:
                irb = _run.PathLostIrb(began: !_waiting);
                EndProgram();
                break;
            default:
                if (!IsReportable(result, ref irb))
                    return false;
                break;
        }
        MakePending(irb);
        return true;
    }

    private bool IsReportable(StepResult result, ref Irb irb)
    {
        switch (result)
        {
            case StepResult.Continue or StepResult.HandOver:
                return false;
            case StepResult.Busy:
                _waiting = true;
                return false;
            case StepResult.Interrupt:
                irb = _run.IntermediateIrb();
                return true;
            case StepResult.Suspended:
                _suspended = true;
                irb = _run.SuspendedIrb();
                return !_run.Orb.SuppressSuspended;
            case StepResult.Ended:
                irb = _run.FinalIrb(FunctionControl.Start);
                EndProgram();
                return true;
            case StepResult.Abandoned: // ends its slice without this
            default:
                throw new InvalidOperationException($"step result {result}");
        }
    }

    /// <summary>
    /// Makes status pending. Only an intermediate status can still be there (halt and clear see to it): its PCI bit goes over to the new one.
    /// </summary>
    private void MakePending(in Irb irb)
    {
        uint interruption = _isPending ? _pending.Scsw.Status & ((uint)SubchannelStatus.ProgramControlledInterruption << 16) : 0;
        (_pending, _isPending) = (irb, true);
        Scsw scsw = irb.Scsw;
        if (interruption != 0)
            _pending.Scsw = scsw with { Control = scsw.Control | (uint)StatusControl.Intermediate, Status = scsw.Status | interruption };
    }

    private void EndProgram()
    {
        (_active, _suspended, _waiting, _pathLost, _function, _stop) = (false, false, false, false, FunctionControl.None, false);
        _run.Forget();
    }
}
