using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Channel;

/// <content>
/// A slice: some CCWs of the program on one thread, and what its end means for the subchannel; what the device has said, and programs and starts that
/// wait for it.
/// </content>
public sealed partial class EmulatedSubchannel
{
    /// <summary>
    /// Runs up to so many CCWs, to a deadline, on a thread that is its caller's, the owner's of the program's memory, or the executor's (<see
    /// cref="WorkThread.Own"/>). True: nothing is left to do (or another thread does it); false: queue up again.
    /// </summary>
    internal bool RunSlice(int ccws, long deadline, WorkThread thread)
    {
        while (true)
        {
            if (_news.TakeAnnouncement())
                _events.Interrupt();
            if (_news.IsThere && TakeNews())
                _events.Interrupt();
            bool execute, put;
            ProgramRun run;
            lock (_gate)
            {
                if (IsDone())
                    return true;
                run = Run;
                execute = _end == RequestedEnd.None;
                put = MustPut(run);
                if (execute && run.MayWait && thread == WorkThread.Caller)
                    return false;
                if ((put || (execute && run.IsHandedOver)) && thread != WorkThread.Own)
                    return false;
                _executing = execute || put;
            }
            StepResult result = !execute && !put ? StepResult.Continue
                : put || ((run.MayWait || run.IsHandedOver) && thread == WorkThread.Own) ? GoOnWaiting(run, put, ref ccws, deadline)
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
                    return IsDone() && !_news.IsToAnnounce && !HasNews;
            }
        }
    }

    /// <summary>Nothing for a new slice: another thread is in one, or there is no work. Under the gate.</summary>
    private bool IsDone() => _executing || !SubchannelTransitions.HasWork(_activity, _end);

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
    private bool MustPut(ProgramRun run) =>
        run.IsOwed && _activity != Activity.Idle && (_end is RequestedEnd.Halt or RequestedEnd.PathLost);

    private StepResult Execute(ProgramRun run, ref int ccws, long deadline, bool mayBeHeldUp)
    {
        StepResult result = StepResult.Continue;
        while (result == StepResult.Continue && _end == RequestedEnd.None && ccws > 0)
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
        return result == StepResult.Continue && _end == RequestedEnd.None ? run.EndSlice(mayBeHeldUp) : result;
    }

    /// <summary>Carries out what the slice's end means for the subchannel. True: status is pending, to be announced. Under the gate.</summary>
    private bool Settle(StepResult result)
    {
        Irb irb;
        SliceEnd end = SubchannelTransitions.Settle(_activity, _end, result);
        switch (end)
        {
            case SliceEnd.Nothing:
                return false;
            case SliceEnd.StartPending:
                _activity = Activity.StartPending;
                return false;
            case SliceEnd.AwaitDevice:
                _activity = Activity.AwaitingDevice;
                if (!Run.Status.HasIntermediate)
                    return false;
                irb = Run.Status.IntermediateIrb();
                break;
            case SliceEnd.Intermediate:
                irb = Run.Status.IntermediateIrb();
                break;
            case SliceEnd.Suspended:
                _activity = Activity.Suspended;
                irb = Run.Status.SuspendedIrb();
                if (Run.Orb.SuppressSuspended)
                    return false;
                break;
            default:
                irb = FinalIrb(end);
                bool owed = end == SliceEnd.Final && Run.Status.OwesDeviceEnd;
                EndProgram(owed ? Activity.DeviceEndPending : Activity.Idle);
                break;
        }
        _pending.Add(irb);
        return true;
    }

    /// <summary>The status of an end after which nothing of the program runs. Under the gate.</summary>
    private Irb FinalIrb(SliceEnd end)
    {
        switch (end)
        {
            case SliceEnd.Final:
                return Run.Status.FinalIrb(FunctionControl.Start);
            case SliceEnd.Cleared:
                if (_activity != Activity.Idle)
                    _device.AbandonProgram(reset: false);
                return PendingStatus.ClearedIrb();
            case SliceEnd.HaltedNothing:
                return PendingStatus.HaltedIrb(_paths.Last);
            case SliceEnd.HaltedIdle:
                return Run.Status.HaltedIdleIrb();
            case SliceEnd.Halted:
                return Run.HaltedIrb();
            case SliceEnd.HaltedFinal:
                Run.Status.HaltDevice();
                return Run.Status.FinalIrb(FunctionControl.Start | FunctionControl.Halt);
            case SliceEnd.HaltedDevice:
                Run.Status.HaltDevice();
                return Run.Status.DeviceEndIrb(FunctionControl.Halt, DeviceStatus.DeviceEnd, primary: null);
            case SliceEnd.PathLost or SliceEnd.PathLostPending:
                return Run.Status.PathLostIrb(began: end == SliceEnd.PathLost);
            default:
                throw new InvalidOperationException($"slice end {end}");
        }
    }

    private void EndProgram(Activity then = Activity.Idle)
    {
        (_activity, _end) = (then, RequestedEnd.None);
        if (then == Activity.Idle)
            _news.ForgetDeviceEnd();
        _run?.Forget();
    }

    /// <summary>
    /// Something that somebody waits for. What comes after this look is found by the slice that it was scheduled with. Under the gate.
    /// </summary>
    private bool HasNews => _news.IsFreed || (_news.HasDeviceEnd && _activity is Activity.AwaitingDevice or Activity.DeviceEndPending);

    /// <summary>The device has status of its own.</summary>
    private void PresentUnsolicited(DeviceStatus status)
    {
        _news.AddUnsolicited(status);
        _executor.Schedule(this);
    }

    /// <summary>The device is free, or can go on with the command that it waits with. News that comes too late costs one try.</summary>
    private void TryAgain()
    {
        _news.Free();
        _executor.Schedule(this);
    }

    /// <summary>Device end, with what came with it.</summary>
    private void TakeDeviceEnd(DeviceStatus status)
    {
        _news.AddDeviceEnd(status);
        _executor.Schedule(this);
    }

    /// <summary>What was waited for has come: the program goes on. True: it had ended, and secondary status is pending, to be announced.</summary>
    private bool TakeNews()
    {
        lock (_gate)
        {
            if (_executing)
                return false;
            bool freed = _news.TakeFreed();
            if (_end != RequestedEnd.None)
                return false; // that ends what waits
            ProgramWait wait = _activity == Activity.AwaitingDevice ? Run.Wait : ProgramWait.None;
            if (freed && (_activity == Activity.StartPending || wait == ProgramWait.Command))
                _activity = Activity.Active;
            if (wait != ProgramWait.DeviceEnd && _activity != Activity.DeviceEndPending)
                return false;
            DeviceStatus status = _news.TakeDeviceEnd();
            return status != DeviceStatus.None && GiveDeviceEnd(status);
        }
    }

    /// <summary>To the program that waits for it, or to whoever has started one that has ended. Under the gate.</summary>
    private bool GiveDeviceEnd(DeviceStatus status)
    {
        if (_activity == Activity.AwaitingDevice)
        {
            Run.TakeDeviceEnd(status);
            _activity = Activity.Active;
            return false;
        }
        Irb irb = Run.Status.DeviceEndIrb(FunctionControl.None, status, _pending.Peek);
        EndProgram();
        _pending.Add(irb);
        return true;
    }
}
