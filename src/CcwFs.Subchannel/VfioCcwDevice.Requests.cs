using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <content>What writes of io and cmd ask for: start, resume, halt, clear; and how a program ends. Under the gate, which some of it leaves and takes again.</content>
public sealed partial class VfioCcwDevice
{
    /// <summary>Translations that may be given up and still under way (arbitrary: each holds a thread of its client); then starts are refused, EBUSY.</summary>
    private const int MaxGivenUp = 8;

    private int IoRequest(int count, Mapping[] mappings, out bool signal)
    {
        signal = false;
        var scsw = Scsw.Read(_io.AsSpan(RegionLayout.ScswOffset));
        Span<byte> retCode = _io.AsSpan(RegionLayout.IoRetCodeOffset);
        Errno outcome;
        switch (DeviceTransitions.Action(_state, DeviceEvent.IoRequest))
        {
            case DeviceAction.Start when scsw.Function == FunctionControl.None:
                // No function is no request: the caller's own ret_code is the answer, where a write can carry it.
                int own = MemoryMarshal.Read<int>(retCode);
                return own is < 0 and >= -LargestErrno ? own : count;
            case DeviceAction.Start when (scsw.Function & FunctionControl.Start) == 0:
                outcome = Errno.EOPNOTSUPP; // HALT and CLEAR have a region of their own
                break;
            case DeviceAction.Start:
                outcome = StartProgram(Orb.Read(_io), mappings);
                signal = outcome == 0 && Begun();
                break;
            case DeviceAction.ResumeOrBusy when IsResume(scsw) && _privateRun is null:
                outcome = Outcome(_subchannel.Resume()); // EBUSY unless suspended
                break;
            case DeviceAction refused:
                outcome = DeviceTransitions.Refusal(refused);
                break;
        }
        MemoryMarshal.Write(retCode, -(int)outcome);
        return outcome == 0 ? count : -(int)outcome;
    }

    private static bool IsResume(Scsw scsw) =>
        (scsw.Activity & (ActivityControl.ResumePending | ActivityControl.Suspended)) == (ActivityControl.ResumePending | ActivityControl.Suspended);

    /// <summary>Translates and starts; on any errno nothing was executed and the device is idle again, or what ended the request has made of it.</summary>
    private Errno StartProgram(in Orb orb, Mapping[] mappings)
    {
        if (orb.TransportMode)
            return Errno.EOPNOTSUPP;
        _state = DeviceState.Processing;
        Errno outcome;
        if (!IovaMap.MayWait(mappings))
            outcome = Translate(_started, orb, mappings, _runSpace);
        else if (!TranslateWaiting(orb, mappings, out outcome))
            return outcome;
        try
        {
            outcome = outcome == 0 ? StartTranslated(orb) : outcome;
        }
        catch (Exception failure) // a device that stayed in Processing would be busy for ever
        {
            Failed(failure);
            outcome = Errno.EIO;
        }
        _state = outcome == 0 ? DeviceState.Pending : DeviceState.Idle;
        if (outcome != 0)
            _started.Free();
        return outcome;
    }

    /// <summary>Translates without the gate. False: somebody has ended the request meanwhile, and the device may be doing something else.</summary>
    private bool TranslateWaiting(in Orb orb, Mapping[] mappings, out Errno outcome)
    {
        if (_givenUp >= MaxGivenUp)
        {
            (_state, outcome) = (DeviceState.Idle, Errno.EBUSY);
            return false;
        }
        StartedProgram started = _translating = _started;
        AddressSpace space = _runSpace;
        _gate.Exit();
        outcome = Translate(started, orb, mappings, space);
        _gate.Enter();
        if (_translating != started)
        {
            _givenUp--;
            outcome = _state == DeviceState.NotOperational ? Errno.EIO : Errno.EBUSY;
            return false;
        }
        _translating = null;
        return true;
    }

    /// <summary>Whoever is translating will find that its request has ended; what it translates stays with it.</summary>
    private void CancelTranslation()
    {
        if (_translating is null)
            return;
        (_translating, _started) = (null, new StartedProgram());
        _givenUp++;
        _state = DeviceState.Idle;
    }

    /// <summary>Does not throw.</summary>
    private Errno Translate(StartedProgram started, in Orb orb, Mapping[] mappings, AddressSpace space)
    {
        try
        {
            ProgramFault fault = TranslateProgram(started, orb, mappings, space);
            if (fault != ProgramFault.None && started.Fault is { } why && _programLines.May())
                DeviceLog.NotTranslated(_logger, Id, why.CcwAddress.Value, why.Reason);
            return DeviceErrors.FromFault(fault, space.Unmapped);
        }
        catch (Exception failure)
        {
            Failed(failure);
            return Errno.EIO;
        }
    }

    private ProgramFault TranslateProgram(StartedProgram started, in Orb orb, Mapping[] mappings, AddressSpace space)
    {
        bool live = !orb.Prefetch && _subchannel.Identity.FetchesByItself;
        if (!orb.Prefetch && !live && !_warnedPrefetch)
        {
            _warnedPrefetch = true;
            DeviceLog.PrefetchNotAllowed(_logger, Id);
        }
        ProgramFault fault = live ? started.BeginLive(orb, space.Map, mappings) : started.Translate(orb, mappings);
        return fault == ProgramFault.None ? _subchannel.Prepare(started.Current) : fault;
    }

    private Errno StartTranslated(in Orb orb)
    {
        const uint Reserved = OrbControl.ModifiedIndirectData | 0x3E; // an operand exception of START SUBCHANNEL
        if ((orb.Control & Reserved) != 0)
            return Errno.EIO;
        if (orb.LogicalPathMask == 0)
            UpdatePaths();
        BackendProgram program = _started.Current;
        program.TryGetOrb(orb.InterruptionParameter, _lpm, out Orb host);
        FunctionResult result = _subchannel.Start(host, program);
        if (result.Refusal != 0)
            return result.Refusal;
        switch (result.Condition)
        {
            case ConditionCode.Initiated:
                _interruptionParameter = orb.InterruptionParameter;
                return Outcome(result);
            case ConditionCode.StatusPending or ConditionCode.Busy:
                return Errno.EBUSY;
            case ConditionCode.NotOperational:
                byte tried = orb.LogicalPathMask != 0 ? orb.LogicalPathMask : _lpm;
                _lostPaths |= tried;
                UpdatePaths();
                return _lpm != 0 ? Errno.EACCES : Errno.ENODEV;
            case ConditionCode unknown:
                throw new InvalidOperationException($"condition code {unknown}");
        }
    }

    private void UpdatePaths() =>
        _lpm = _subchannel.Store(out Schib schib) ? (byte)(schib.Pmcw.Pam & ~_lostPaths) : (byte)0;

    /// <summary>A function's outcome as an errno; what it leaves to be done waits for <see cref="GoOn"/>.</summary>
    private Errno Outcome(FunctionResult result)
    {
        if (result.IsInitiated)
            Volatile.Write(ref _rest, result.Rest);
        return DeviceErrors.FromFunction(result);
    }

    private int AsyncRequest(int count)
    {
        Errno outcome = DeviceTransitions.Refusal(DeviceTransitions.Action(_state, DeviceEvent.AsyncRequest));
        if (outcome == 0)
        {
            outcome = MemoryMarshal.Read<uint>(_cmd) switch
            {
                RegionLayout.CommandHalt => Outcome(_subchannel.Halt()),
                RegionLayout.CommandClear => Outcome(_subchannel.Clear()),
                _ => Errno.EINVAL,
            };
            if (outcome == 0)
                _unseen = false;
            if (outcome == 0 && _client is not null && MemoryMarshal.Read<uint>(_cmd) == RegionLayout.CommandClear)
                _irbs.Clear(); // as the status they were; a client that does not read them waits for the next signal
        }
        MemoryMarshal.Write(_cmd.AsSpan(RegionLayout.CmdRetCodeOffset), -(int)outcome);
        return outcome == 0 ? count : -(int)outcome;
    }

    /// <summary>Ends what runs. Leaves the gate for a program that its client's memory may hold up; no other begins until it is back.</summary>
    private bool ResetProgram(bool system)
    {
        CancelTranslation();
        bool operational;
        if (_resets == 0 && !_started.Current.MayWait)
        {
            operational = _subchannel.Reset(system);
        }
        else
        {
            _resets++;
            _state = DeviceState.Processing;
            _gate.Exit();
            try
            {
                operational = _subchannel.Reset(system);
            }
            finally
            {
                _gate.Enter();
                _resets--;
            }
            if (_state == DeviceState.NotOperational)
                return false;
        }
        if (_resets == 0)
            EndProgram(byReset: true);
        return operational;
    }

    private void EndProgram(bool byReset = false)
    {
        PrivateInterrupt? privateRun = _privateRun;
        _started.Free();
        _privateRun = null;
        EnterSpace(_clientSpace ?? _space);
        if (_state != DeviceState.NotOperational)
            _state = _resets > 0 ? DeviceState.Processing : DeviceState.Idle;
        if (byReset && _client is not null)
            _irbs.DropAnswers(); // kept back for it, and of before the reset
        if (byReset)
            privateRun?.Invoke(null, final: true, null);
    }

    /// <summary>The address space of the next program; what a backend still reaches of another one ends before that one's owner gets it back.</summary>
    private void EnterSpace(AddressSpace space)
    {
        if (_runSpace.Map != space.Map)
            _subchannel.Memory?.LeaveSpace();
        _runSpace = space;
    }
}
