using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// The one program that a device may have: from its translation over its start to its end, and in which state that puts the device. All members under
/// the device's gate, but <see cref="State"/>, <see cref="HasWork"/> and <see cref="GoOn"/>. What may wait for a client's memory leaves the gate, in
/// the state <see cref="DeviceState.Processing"/>, and takes it again.
/// </summary>
internal sealed class ProgramSlot(Lock gate, ISubchannel subchannel, ProgramLog log, AddressSpace space)
{
    /// <summary>
    /// Translations that may be given up and still under way (arbitrary: each holds a thread of its client); then starts are refused, EBUSY.
    /// </summary>
    private const int MaxGivenUp = 8;

    private StartedProgram _started = new(); // replaced when a translation is given up
    private StartedProgram? _translating;    // the one that translates without the gate
    private int _givenUp;                    // translations that were, and are still under way
    private int _resets;                     // that wait, without the gate, for the program to end
    private volatile DeviceState _state = DeviceState.Idle;
    private byte _lpm;
    private byte _lostPaths;                 // taken out of _lpm by condition code 3, until the path reports again
    private bool _wasPrivate;                // the program that ended last
    private ISubchannelWork? _rest;          // of a function that was accepted and not gone on with yet; taken without the gate

    /// <summary>The device's state.</summary>
    internal DeviceState State => _state;

    /// <summary>Of the last accepted start, as STORE SUBCHANNEL shows it.</summary>
    internal uint InterruptionParameter { get; private set; }

    /// <summary>The space of the program, or of the next one.</summary>
    internal AddressSpace Space { get; private set; } = space;

    /// <summary>Takes the interrupts of a private run; null: they go to the region.</summary>
    internal PrivateInterrupt? PrivateRun { get; set; }

    /// <summary>Status of a program that has ended, and was a private run: it is nobody else's.</summary>
    internal bool IsOfPrivateRun(in Scsw scsw) =>
        _wasPrivate && _state == DeviceState.Idle && (scsw.Function & FunctionControl.Start) != 0;

    /// <summary>Where and why the last program could not be translated; null when it could.</summary>
    internal TranslationFault? Fault => _started.Fault;

    /// <summary>The program that was translated has not begun: what answers a function answers an earlier one.</summary>
    internal bool IsTranslating => _translating is not null;

    /// <summary>A function was begun that nobody has gone on with.</summary>
    internal bool HasWork => Volatile.Read(ref _rest) is not null;

    /// <summary>Goes on with what was begun, unless that was done since.</summary>
    internal void GoOn(WorkThread thread)
    {
        if (HasWork)
            Interlocked.Exchange(ref _rest, null)?.GoOn(thread);
    }

    /// <summary>
    /// Translates and starts; on any errno nothing was executed and the device is idle again, or what ended the request has made of it.
    /// </summary>
    internal Errno Start(in Orb orb, Mapping[] mappings)
    {
        if (orb.TransportMode)
            return Errno.EOPNOTSUPP;
        _state = DeviceState.Processing;
        Errno outcome;
        if (!IovaMap.MayWait(mappings))
            outcome = Translate(_started, orb, mappings, Space);
        else if (!TranslateWaiting(orb, mappings, out outcome))
            return outcome;
        if (outcome != 0)
            (subchannel as IDeviceWatch)?.NotTranslated(orb, outcome, Fault?.Reason ?? "its memory is not there, or may not be used");
        try
        {
            outcome = outcome == 0 ? StartTranslated(orb) : outcome;
        }
        catch (Exception failure) // a device that stayed in Processing would be busy for ever
        {
            log.Failed(failure);
            outcome = Errno.EIO;
        }
        _state = outcome == 0 ? DeviceState.Pending : DeviceState.Idle;
        if (outcome != 0)
            _started.Free();
        return outcome;
    }

    /// <summary>
    /// A function's outcome as an errno; what it leaves to be done waits for <see cref="GoOn"/>, after what an earlier one has left: a start that a
    /// layer answers by itself may come before the backend has gone on with a CLEAR.
    /// </summary>
    internal Errno Take(FunctionResult result)
    {
        if (result is { IsInitiated: true, Rest: { } rest })
        {
            ISubchannelWork? before = Interlocked.Exchange(ref _rest, null);
            Volatile.Write(ref _rest, before is null || before == rest ? rest : new WorkInTurn(before, rest));
        }
        return DeviceErrors.FromFunction(result);
    }

    /// <summary>
    /// Ends what runs. Leaves the gate for a program that its client's memory may hold up; no other begins until it is back.
    /// <paramref name="ended"/>: the caller calls <see cref="End"/>. False: not operational.
    /// </summary>
    internal bool Reset(bool system, out bool ended)
    {
        ended = false;
        Cancel();
        bool operational;
        if (_resets == 0 && !_started.Current.MayWait)
        {
            operational = subchannel.Reset(system);
        }
        else
        {
            _resets++;
            _state = DeviceState.Processing;
            gate.Exit();
            try
            {
                operational = subchannel.Reset(system);
            }
            finally
            {
                gate.Enter();
                _resets--;
            }
            if (_state == DeviceState.NotOperational)
                return false;
        }
        ended = _resets == 0;
        return operational;
    }

    /// <summary>The device is gone, and its program with it: the caller calls <see cref="End"/>.</summary>
    internal void Leave()
    {
        Cancel();
        _state = DeviceState.NotOperational;
        subchannel.Unplug();
    }

    /// <summary>The program has ended; the next one runs in <paramref name="next"/>. Gives who took its interrupts.</summary>
    internal PrivateInterrupt? End(AddressSpace next)
    {
        PrivateInterrupt? privateRun = PrivateRun;
        if (_state == DeviceState.Pending)
            _wasPrivate = privateRun is not null;
        _started.Free();
        PrivateRun = null;
        Enter(next);
        if (_state != DeviceState.NotOperational)
            _state = _resets > 0 ? DeviceState.Processing : DeviceState.Idle;
        return privateRun;
    }

    /// <summary>
    /// The address space of the next program; what a backend still reaches of another one ends before that one's owner gets it back.
    /// </summary>
    internal void Enter(AddressSpace next)
    {
        if (Space.Map != next.Map)
            subchannel.Memory?.LeaveSpace();
        Space = next;
    }

    /// <summary>The request that is being translated ends: its thread will find that, and keeps what it translates.</summary>
    internal void Cancel()
    {
        if (_translating is null)
            return;
        (_translating, _started) = (null, new StartedProgram());
        _givenUp++;
        _state = DeviceState.Idle;
    }

    /// <summary>The program uses a page of [iova, iova + length).</summary>
    internal bool IsPinned(ulong iova, ulong length) => _started.Current.IsIovaPinned(iova, length);

    /// <summary>A channel path has reported: those that were lost may be there again.</summary>
    internal void ForgetLostPaths() => _lostPaths = 0;

    /// <summary>A CCW address of the backend in guest terms; 0 while no program runs.</summary>
    internal uint ToGuest(uint ccwAddress) => _state == DeviceState.Pending ? _started.Current.ToGuest(new HostAddress(ccwAddress)).Value : 0;

    /// <summary>
    /// Status of the program in guest terms. <paramref name="unfetched"/>: the CCW that it came to and that was not prefetched, which has ended it.
    /// </summary>
    internal Scsw ToGuest(in Scsw scsw, out uint? unfetched)
    {
        unfetched = null;
        if ((scsw.Subchannel & SubchannelStatus.ProgramCheck) == 0
            || !_started.Current.TryUnfetched(new HostAddress(scsw.CcwAddress), out GuestCcwAddress address))
            return _started.Current.UpdateScsw(scsw);
        log.Unfetched(address.Value);
        unfetched = address.Value;
        return scsw with { CcwAddress = address.Plus(Ccw.Size).Value };
    }

    /// <summary>Translates without the gate. False: the request was ended meanwhile, and the device may be doing something else.</summary>
    private bool TranslateWaiting(in Orb orb, Mapping[] mappings, out Errno outcome)
    {
        if (_givenUp >= MaxGivenUp)
        {
            (_state, outcome) = (DeviceState.Idle, Errno.EBUSY);
            return false;
        }
        StartedProgram started = _translating = _started;
        AddressSpace within = Space;
        gate.Exit();
        outcome = Translate(started, orb, mappings, within);
        gate.Enter();
        if (_translating != started)
        {
            _givenUp--;
            outcome = _state == DeviceState.NotOperational ? Errno.EIO : Errno.EBUSY;
            return false;
        }
        _translating = null;
        return true;
    }

    /// <summary>Does not throw.</summary>
    private Errno Translate(StartedProgram started, in Orb orb, Mapping[] mappings, AddressSpace within)
    {
        try
        {
            bool live = !orb.Prefetch && subchannel.Identity.FetchesByItself;
            if (!orb.Prefetch && !live)
                log.PrefetchNotAllowed();
            ProgramFault fault = live ? started.BeginLive(orb, within.Map, mappings) : started.Translate(orb, mappings);
            if (fault == ProgramFault.None)
                fault = subchannel.Prepare(started.Current);
            if (fault != ProgramFault.None && started.Fault is { } why)
                log.NotTranslated(why);
            return DeviceErrors.FromFault(fault, within.Unmapped);
        }
        catch (Exception failure)
        {
            log.Failed(failure);
            return Errno.EIO;
        }
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
        FunctionResult result = subchannel.Start(host, program);
        if (result is { Refusal: 0, Condition: ConditionCode.NotOperational })
        {
            _lostPaths |= orb.LogicalPathMask != 0 ? orb.LogicalPathMask : _lpm;
            UpdatePaths();
            return _lpm != 0 ? Errno.EACCES : Errno.ENODEV;
        }
        if (result.IsInitiated)
            InterruptionParameter = orb.InterruptionParameter;
        return Take(result);
    }

    private void UpdatePaths() =>
        _lpm = subchannel.Store(out Schib schib) ? (byte)(schib.Pmcw.Pam & ~_lostPaths) : (byte)0;

    /// <summary>What two functions have left, of which nobody has gone on with the first.</summary>
    private sealed class WorkInTurn(ISubchannelWork first, ISubchannelWork second) : ISubchannelWork
    {
        public void GoOn(WorkThread thread)
        {
            first.GoOn(thread);
            second.GoOn(thread);
        }
    }
}
