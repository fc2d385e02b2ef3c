using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>How a step of a program went.</summary>
internal enum StepResult
{
    /// <summary>There is a next CCW.</summary>
    Continue,

    /// <summary>There is a next CCW, and a program-controlled interruption to present.</summary>
    Interrupt,

    /// <summary>Suspended before the next CCW.</summary>
    Suspended,

    /// <summary>The device is busy: the start stays pending.</summary>
    Busy,

    /// <summary>The device is waited for, with a command that it has not ended.</summary>
    Waiting,

    /// <summary>The program has ended.</summary>
    Ended,

    /// <summary>The command has been executed; its data is to be put into place by a thread for which nobody waits.</summary>
    HandOver,

    /// <summary>The program was given up while its memory was waited for: nothing of it counts any more.</summary>
    Abandoned,
}

/// <summary>
/// Interprets one channel program out of a <see cref="ProgramSource"/>, CCW by CCW, as the channel subsystem does (SA22-7832, chapter 15 "Execution of I/O
/// Operations", chapter 16 for the status). One object a subchannel, reused; one thread at a time. It allocates nothing.
/// As <see cref="IDataTransfer"/> it is the data phase of the current command: counts, data chaining, SKIP and IDAWs.
/// While memory is waited for (<see cref="IsCopying"/>) it touches nothing but that memory and a buffer of its own, and may be abandoned.
/// </summary>
internal sealed partial class ProgramRun(IChannelDevice device, object gate) : IDataTransfer, ICodeUser
{
    private const uint NotOperationalCode = 3u << 24; // deferred condition code 3

    private readonly TranslatedSource _translated = new();
    private LiveSource? _live;       // made at the first program that is not prefetched
    private ProgramSource _source = null!; // one of the two, while there is a program
    private bool _mayWait;
    private Orb _orb;
    private HostAddress _next;       // address of the next CCW
    private DataCursor _at;
    private bool _first;             // no command was accepted yet
    private bool _resumed;           // the suspend flag of the next CCW has had its effect
    private bool _interruptPending;  // a PCI flag took effect and is not presented yet
    private bool _zeroCondition;     // the first command was accepted, the ORB wants to be told (I bit), and was not yet
    private byte _pathMask;

    // The data phase.
    private byte _command;
    private bool _dataPhase;         // the device asked for a transfer
    private bool _wantedMore;        // the device had, or wanted, more than the counts allow
    private SubchannelStatus _fault; // a check that the channel found

    /// <summary>The IRB's parts at the end.</summary>
    private DeviceStatus _deviceStatus;
    private SubchannelStatus _subchannelStatus;
    private int _residual;

    /// <inheritdoc/>
    public bool IsGood => _fault == SubchannelStatus.None;

    /// <summary>Address of the CCW behind the last one used, in the backend's terms.</summary>
    internal uint CcwAddress => _at.Current.Plus(Ccw.Size).Value;

    /// <summary>The host ORB.</summary>
    internal Orb Orb => _orb;

    /// <summary>Begins a program on a path.</summary>
    internal void Begin(in Orb orb, BackendProgram program, byte path)
    {
        (_orb, _source, _pathMask, _mayWait) = (orb, BeginSource(orb, program), path, program.MayWait);
        _next = new HostAddress(orb.ProgramAddress);
        _at.Current = _next.Plus(-Ccw.Size);
        (_first, _resumed, _interruptPending, _zeroCondition) = (true, false, false, false);
        (_isHandedOver, _isEnding, _wait) = (false, false, ProgramWait.None);
        _owed?.Clear();
    }

    /// <summary>This channel runs programs of this kind.</summary>
    internal static bool Runs(BackendProgram program) => program is HostProgram or LiveProgram;

    private ProgramSource BeginSource(in Orb orb, BackendProgram program)
    {
        switch (program)
        {
            case HostProgram translated:
                _translated.Begin(orb, translated);
                return _translated;
            case LiveProgram live:
                _live ??= new LiveSource(this);
                _live.Begin(orb, live);
                return _live;
            default:
                throw new ArgumentOutOfRangeException(nameof(program));
        }
    }

    /// <summary>The suspended program goes on with the CCW that suspended it.</summary>
    internal void Resume() => _resumed = true;

    /// <summary>A start that is pending goes over another path.</summary>
    internal void UsePath(byte path) => _pathMask = path;

    /// <summary>Forgets the program.</summary>
    internal void Forget()
    {
        _source?.Forget();
        _source = null!;
        _owed?.Clear();
    }

    /// <summary>
    /// Fetches and executes one command, with all its data-chained CCWs. <paramref name="mayBeHeldUp"/>: nobody waits for this thread, not even who is waited for.
    /// </summary>
    internal StepResult Step(bool mayBeHeldUp)
    {
        if (_isHandedOver && Resettle() is { } settled)
            return settled;
        if (_wait != ProgramWait.None)
            return GoOnAfterWait(mayBeHeldUp);
        var before = (_at.Current, _at.Ccw, _interruptPending);
        (_fault, _dataPhase, _wantedMore, _at.Remaining) = (SubchannelStatus.None, false, false, 0);
        _source.BeginCommand();
        if (!Fetch(_next, mayTransfer: !_first) || !IsValidCommand())
            return _abandoned ? StepResult.Abandoned : Show(DeviceStatus.None, mayBeHeldUp);
        bool suspends = _at.Ccw.Has(CcwFlags.Suspend) && !_resumed;
        if (IsOwed && (suspends || !CommandCode.MovesToStorage(_at.Ccw.Command)))
        {
            if (!mayBeHeldUp)
            {
                (_at.Current, _at.Ccw, _interruptPending) = before; // it is fetched again
                return HandOver(null);
            }
            if (Resettle() is { } ended)
                return ended;
        }
        if (suspends)
        {
            _next = _at.Current;
            return StepResult.Suspended;
        }
        return ExecuteCommand(mayBeHeldUp);
    }

    private StepResult ExecuteCommand(bool mayBeHeldUp)
    {
        _resumed = false;
        _begins = _first;
        if (_begins)
            device.BeginProgram(System.Numerics.BitOperations.LeadingZeroCount((uint)_pathMask << 24));
        _first = false;
        _command = _at.Ccw.Command;
        _at.BeginCount();
        _source.Gate?.Count(_at.Current.Value, _at.Ccw, _command, continues: false);
        ChooseStaging();
        if (_staged is not null && !FetchAhead())
            return StepResult.Abandoned;
        if (!IsAdmitted())
            return Show(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck, mayBeHeldUp);
        return Perform(mayBeHeldUp);
    }

    /// <summary>The device executes the command, perhaps not for the first time.</summary>
    private StepResult Perform(bool mayBeHeldUp)
    {
        DeviceStatus status = device.Execute(_command, this);
        if (status == DeviceStatus.None)
            return AwaitCommand(mayBeHeldUp);
        if (_staged is not null && !PutBehind())
            return StepResult.Abandoned;
        if (_begins && status == DeviceStatus.Busy)
        {
            (_first, _next, _resumed, _interruptPending) = (true, _at.Current, _at.Ccw.Has(CcwFlags.Suspend), false);
            _source.Gate?.Restart();
            return StepResult.Busy;
        }
        CheckLength(status);
        _zeroCondition |= _begins && _dataPhase && _orb.InitialStatusInterruption; // initial status was zero: the operation is not immediate
        bool isSeen = _fault != SubchannelStatus.None || !IsChained(status) || _interruptPending || _zeroCondition || _source.IsLive;
        return isSeen || OwesMuch ? Show(status, mayBeHeldUp) : GoOn(status);
    }

    /// <summary>Whoever is told of the command now finds its data in place.</summary>
    private StepResult Show(DeviceStatus status, bool mayBeHeldUp) =>
        IsOwed && !mayBeHeldUp ? HandOver(status) : PutOwed() ? GoOn(status) : StepResult.Abandoned;

    /// <summary>To the next command, or to the end.</summary>
    private StepResult GoOn(DeviceStatus status)
    {
        if (_fault == SubchannelStatus.None && MustAwaitDeviceEnd(status))
            return StepResult.Waiting;
        if (_fault != SubchannelStatus.None || !IsChained(status))
            return End(status);
        bool skipOne = (status & DeviceStatus.StatusModifier) != 0;
        _next = _at.Current.Plus((skipOne ? 2 : 1) * Ccw.Size);
        return _interruptPending || _zeroCondition ? StepResult.Interrupt : StepResult.Continue;
    }

    /// <summary>The IRB of a program-controlled or initial-status interruption; it is presented then.</summary>
    internal Irb IntermediateIrb() => Build(
        FunctionControl.Start, ActivityControl.SubchannelActive | ActivityControl.DeviceActive, StatusControl.Intermediate,
        DeviceStatus.None, SubchannelStatus.None, _at.Remaining, senseLength: 0, default);

    /// <summary>The IRB of a suspension.</summary>
    internal Irb SuspendedIrb() => Build(
        FunctionControl.Start, ActivityControl.Suspended, StatusControl.Intermediate, DeviceStatus.None, SubchannelStatus.None, 0, senseLength: 0, default);

    /// <summary>The final IRB; <paramref name="function"/> names HALT too when that ended it.</summary>
    internal Irb FinalIrb(FunctionControl function)
    {
        Span<byte> sense = stackalloc byte[Irb.EcwSize];
        int length = (_deviceStatus & DeviceStatus.UnitCheck) == 0 ? 0 : _source?.Gate?.WriteSense(sense) ?? 0;
        if (length == 0 && (_deviceStatus & DeviceStatus.UnitCheck) != 0)
            length = device.TakeSense(sense);
        const SubchannelStatus Checks = SubchannelStatus.ProgramCheck | SubchannelStatus.ProtectionCheck | SubchannelStatus.ChannelDataCheck
            | SubchannelStatus.ChannelControlCheck | SubchannelStatus.InterfaceControlCheck | SubchannelStatus.ChainingCheck;
        (StatusControl status, ActivityControl activity) = OwesDeviceEnd
            ? (StatusControl.Primary, ActivityControl.DeviceActive) : (StatusControl.Primary | StatusControl.Secondary, ActivityControl.None);
        if ((_deviceStatus & DeviceStatus.UnitCheck) != 0 || (_subchannelStatus & Checks) != 0)
            status |= StatusControl.Alert;
        return Build(function, activity, status, _deviceStatus, _subchannelStatus, _residual, length, sense);
    }

    /// <summary>HALT ended the program between two commands, or with one that the device had not ended: the device has ended, nothing is left to do.</summary>
    internal Irb HaltedIrb()
    {
        (_deviceStatus, _subchannelStatus, _residual) = (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, _fault & SubchannelStatus.ChannelControlCheck, WaitingCount);
        device.AbandonProgram(reset: false);
        return FinalIrb(FunctionControl.Start | FunctionControl.Halt);
    }

    /// <summary>
    /// HALT ended a start that was pending, or a program that was suspended: the device has no part in it, so status is pending alone (SA22-7832, chapter 16, figure
    /// "Deferred-Condition-Code Meaning for Status-Pending Subchannel"; so does Hercules' channel.c, perform_halt).
    /// </summary>
    internal Irb HaltedIdleIrb()
    {
        device.AbandonProgram(reset: false);
        return Build(
            FunctionControl.Start | FunctionControl.Halt, ActivityControl.None, StatusControl.None, DeviceStatus.None, SubchannelStatus.None, 0,
            senseLength: 0, default);
    }

    /// <summary>A command has failed in a way that it should not: channel-control check.</summary>
    internal StepResult Break()
    {
        lock (gate)
        {
            _isCopying = false;
            if (_abandoned)
                return StepResult.Abandoned;
        }
        (_deviceStatus, _subchannelStatus, _residual) = (DeviceStatus.None, SubchannelStatus.ChannelControlCheck, 0);
        device.AbandonProgram(reset: false);
        return StepResult.Ended;
    }

    /// <summary>The path went away under the program, or under a start that is pending and no other path is left (<paramref name="began"/> false).</summary>
    internal Irb PathLostIrb(bool began)
    {
        (_deviceStatus, _subchannelStatus, _residual) = (DeviceStatus.None, began ? SubchannelStatus.InterfaceControlCheck : SubchannelStatus.None, 0);
        device.AbandonProgram(reset: false);
        Irb irb = FinalIrb(FunctionControl.Start);
        if (!began)
        {
            Scsw scsw = irb.Scsw;
            irb.Scsw = scsw with { Control = scsw.Control | (uint)StatusControl.Alert | Scsw.PathNotOperational | NotOperationalCode };
        }
        return irb;
    }

    /// <summary>
    /// Fetches the CCW at an address, over one transfer in channel at most, and makes it current. False: a program check is in <see cref="_fault"/>.
    /// </summary>
    private bool Fetch(HostAddress address, bool mayTransfer, byte? continued = null)
    {
        for (int transfers = 0; ; transfers++)
        {
            _at.Current = address;
            _at.Remaining = 0;
            _fault |= _source.FetchCcw(address, continued, out _at.Ccw);
            if (!IsGood)
                return false;
            if (!_at.Ccw.IsTransferInChannel)
                break;
            // First in the program, TIC to TIC, and flags or count in a format-1 TIC are program checks.
            if (!mayTransfer || transfers > 0 || _at.Ccw.Flags != CcwFlags.None || _at.Ccw.Count != 0)
                return Check();
            address = new HostAddress(_at.Ccw.DataAddress);
        }
        _at.Remaining = _at.Ccw.Count;
        _interruptPending |= _at.Ccw.Has(CcwFlags.ProgramControlledInterruption);
        return true;
    }

    /// <summary>A program check, unless another one has been found.</summary>
    private bool Check()
    {
        _fault = _fault == SubchannelStatus.None ? SubchannelStatus.ProgramCheck : _fault;
        return false;
    }

    /// <summary>What makes a command's first CCW invalid: the code, MIDA without control, S without control, count 0 with data chaining.</summary>
    private bool IsValidCommand() =>
        !CommandCode.IsInvalid(_at.Ccw.Command)
        && !_at.Ccw.Has(CcwFlags.ModifiedIndirectData)
        && (!_at.Ccw.Has(CcwFlags.Suspend) || _orb.SuspendControl)
        && (_at.Ccw.Count != 0 || !_at.Ccw.Has(CcwFlags.ChainData))
        || Check();

    /// <summary>The current count is used up and data is chained: the next CCW goes on with the same command. False: no more storage, or a check.</summary>
    private bool ChainData()
    {
        if (!_at.Ccw.Has(CcwFlags.ChainData) || !IsGood)
            return false;
        if (!Fetch(_at.Current.Plus(Ccw.Size), mayTransfer: true, _command))
            return false;
        if (_at.Ccw.Count == 0 || _at.Ccw.Has(CcwFlags.ModifiedIndirectData | CcwFlags.Suspend))
            return Check();
        _at.BeginCount();
        return true;
    }

    /// <summary>
    /// Incorrect length (SA22-7832, chapter 16): suppressed by SLI unless data is chained; an immediate operation with a count shows it unless
    /// the ORB's L bit is on; none with unit check when nothing was transferred.
    /// </summary>
    private void CheckLength(DeviceStatus status)
    {
        bool chained = _at.Ccw.Has(CcwFlags.ChainData);
        bool incorrect = _wantedMore || _at.Remaining > 0 || chained;
        bool refused = !_dataPhase && (status & (DeviceStatus.UnitCheck | DeviceStatus.Busy)) != 0;
        bool immediate = !_dataPhase && (_orb.LengthSuppression || _at.Ccw.Count == 0 || !_orb.Format1);
        bool suppressed = _at.Ccw.Has(CcwFlags.SuppressLength) && !chained;
        if (incorrect && IsGood && !refused && !immediate && !suppressed)
            _fault |= SubchannelStatus.IncorrectLength;
    }

    /// <summary>Chain data comes before chain command, also where it had nothing to do.</summary>
    private bool IsChained(DeviceStatus status) =>
        _at.Ccw.Has(CcwFlags.ChainCommand) && !_at.Ccw.Has(CcwFlags.ChainData)
        && (status & ~DeviceStatus.StatusModifier) == (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd);

    private StepResult End(DeviceStatus status)
    {
        _deviceStatus = _first ? status : device.EndProgram(status);
        (_subchannelStatus, _residual) = (_fault, _at.Remaining);
        return StepResult.Ended;
    }

    /// <summary>An IRB; the intermediate conditions that wait go into it, whatever else it reports.</summary>
    private Irb Build(
        FunctionControl function, ActivityControl activity, StatusControl status, DeviceStatus deviceStatus,
        SubchannelStatus subchannelStatus, int residual, int senseLength, ReadOnlySpan<byte> sense)
    {
        var irb = default(Irb);
        if (_interruptPending)
            subchannelStatus |= SubchannelStatus.ProgramControlledInterruption;
        if (_interruptPending || _zeroCondition)
            status |= StatusControl.Intermediate;
        Scsw scsw = Scsw.Build(
            _orb.Control, function, activity, status | StatusControl.Pending, CcwAddress, deviceStatus, subchannelStatus, (ushort)residual);
        if (_zeroCondition)
            scsw = scsw with { Control = scsw.Control | Scsw.ZeroCondition };
        (_interruptPending, _zeroCondition) = (false, false);
        if (senseLength > 0)
        {
            scsw = scsw with { Control = scsw.Control | Scsw.ExtendedControl };
            sense[..senseLength].CopyTo(irb[Irb.EcwOffset..]);
        }
        irb.Scsw = scsw;
        Esw.Write(irb[Irb.EswOffset..], _pathMask, senseLength);
        return irb;
    }
}
