using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using CcwFs.Subchannel;

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

    /// <summary>The command has been executed; its data is to be put into place by a thread that no request waits for.</summary>
    HandOver,

    /// <summary>The program was given up while its memory was waited for: nothing of it counts any more.</summary>
    Abandoned,
}

/// <summary>What a program waits for in the device.</summary>
internal enum ProgramWait
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The device waits with the command, which is executed again then; it is not fetched a second time.</summary>
    Command,

    /// <summary>Device end of a command that ended with channel end and has another one chained to it.</summary>
    DeviceEnd,
}

/// <summary>
/// Runs one channel program, CCW by CCW, as the channel subsystem does (SA22-7832, chapter 15 "Execution of I/O Operations", chapter 16 for the
/// status): which command comes next, what the device answers, what is waited for. One object per subchannel, reused; one thread at a time. It
/// allocates nothing. A program is given up while its memory is waited for by <see cref="MemoryWait.Abandon"/>.
/// </summary>
/// <remarks>
/// Commands that do not end at once (SA22-7832, chapter 16): while command chaining is indicated, channel end alone makes no
/// interruption and the next CCW waits for device end; without chaining it is primary status, and device end is secondary status later.
/// </remarks>
internal sealed class ProgramRun
{
    private readonly IChannelDevice _device;
    private readonly ISubchannelEvents _events;
    private readonly ProgramMemory _memory;
    private readonly ProgramFetch _fetch;
    private readonly DataPhase _data;
    private HostAddress _next;       // address of the next CCW
    private HostAddress _command;    // address of the current command's first CCW
    private bool _first;             // no command was accepted yet
    private bool _begins;            // the command is the program's first
    private bool _resumed;           // the suspend flag of the next CCW has had its effect
    private ProgramWait _wait;
    private DeviceStatus _arrived;   // of the command whose device end is waited for: channel end, then what came
    private bool _isTold;            // somebody wants to be told of the command
    private bool _isHandedOver;      // data is to be put into place by another thread
    private DeviceStatus? _shown;    // then: the status of the command, which ends with it; null: the next command is fetched

    /// <summary>
    /// Runs programs against a device; <paramref name="gate"/> is the subchannel's, <paramref name="events"/> are told of each command.
    /// </summary>
    internal ProgramRun(IChannelDevice device, object gate, ISubchannelEvents events)
    {
        (_device, _events) = (device, events);
        _memory = new ProgramMemory(gate);
        _fetch = new ProgramFetch(_memory);
        _data = new DataPhase(_fetch, _memory);
        Status = new ProgramStatus(_fetch, device);
    }

    /// <summary>Its IRBs.</summary>
    internal ProgramStatus Status { get; }

    /// <summary>Whoever copies for it, and those who end it.</summary>
    internal MemoryWait Memory => _memory.Wait;

    /// <summary>The program's memory may wait for its owner.</summary>
    internal bool MayWait { get; private set; }

    /// <summary>Data that was read is not in its place.</summary>
    internal bool IsOwed => _memory.IsOwed;

    /// <summary>Data is to be put into place; an emulator may be waited for (<see cref="IGuestCode"/>).</summary>
    internal bool IsHandedOver => _isHandedOver;

    /// <summary>What is waited for in the device.</summary>
    internal ProgramWait Wait => _wait;

    /// <summary>Address of the CCW after the last one used, in the backend's terms.</summary>
    internal uint CcwAddress => _fetch.CcwAddress;

    /// <summary>The host ORB.</summary>
    internal ref readonly Orb Orb => ref _fetch.Orb;

    /// <summary>This channel runs programs of this kind.</summary>
    internal static bool Runs(BackendProgram program) => ProgramFetch.Fetches(program);

    /// <summary>Begins a program on a path.</summary>
    internal void Begin(in Orb orb, BackendProgram program, byte path)
    {
        _fetch.Begin(orb, program);
        Status.Begin(path);
        MayWait = program.MayWait;
        _next = new HostAddress(orb.ProgramAddress);
        (_first, _resumed, _isHandedOver, _wait) = (true, false, false, ProgramWait.None);
        _memory.Forget();
        _memory.Wait.BeginProgram();
    }

    /// <summary>The suspended program goes on with the CCW that suspended it.</summary>
    internal void Resume() => _resumed = true;

    /// <summary>A start that is pending goes over another path.</summary>
    internal void UsePath(byte path) => Status.UsePath(path);

    /// <summary>Device end of the command that is waited for.</summary>
    internal void TakeDeviceEnd(DeviceStatus status) => _arrived |= status;

    /// <summary>Forgets the program.</summary>
    internal void Forget()
    {
        _fetch.Forget();
        _memory.Forget();
    }

    /// <summary>
    /// Fetches and executes one command, with all its data-chained CCWs. <paramref name="mayBeHeldUp"/>: nobody waits for this thread, not even who
    /// is waited for.
    /// </summary>
    internal StepResult Step(bool mayBeHeldUp)
    {
        if (_isHandedOver && Resettle() is { } settled)
            return settled;
        if (_wait != ProgramWait.None)
            return GoOnAfterWait(mayBeHeldUp);
        var before = (_fetch.At.Current, _fetch.At.Ccw, _fetch.IsInterruptPending);
        _data.BeginCommand();
        _fetch.BeginCommand();
        if (!_fetch.FetchCommand(_next, mayTransfer: !_first))
            return Memory.IsAbandoned ? StepResult.Abandoned : Show(DeviceStatus.None, mayBeHeldUp);
        bool suspends = _fetch.Ccw.Has(CcwFlags.Suspend) && !_resumed;
        if (IsOwed && (suspends || !CommandCode.MovesToStorage(_fetch.Ccw.Command)))
        {
            if (!mayBeHeldUp)
            {
                (_fetch.At.Current, _fetch.At.Ccw, _fetch.IsInterruptPending) = before; // it is fetched again
                return HandOver(null);
            }
            if (Resettle() is { } ended)
                return ended;
        }
        if (suspends)
        {
            _next = _fetch.At.Current;
            return StepResult.Suspended;
        }
        return ExecuteCommand(mayBeHeldUp);
    }

    /// <summary>A slice ends between two commands: other processors see what was read so far, as of a program that loops.</summary>
    internal StepResult EndSlice(bool mayBeHeldUp) =>
        !IsOwed ? StepResult.Continue : mayBeHeldUp ? Resettle() ?? StepResult.Continue : HandOver(null);

    /// <summary>
    /// The program is ended from outside, between two commands: the data of those that have been executed comes into place. False: abandoned.
    /// </summary>
    internal bool EndOutside()
    {
        _isHandedOver = false;
        return PutOwed();
    }

    /// <summary>A command has failed in a way that it should not: channel-control check.</summary>
    internal StepResult Break()
    {
        if (!Memory.End())
            return StepResult.Abandoned;
        Status.Break();
        return StepResult.Ended;
    }

    /// <summary>HALT ended the program between two commands, or with one that the device had not ended.</summary>
    internal Irb HaltedIrb() => Status.HaltedIrb(_wait == ProgramWait.Command ? _fetch.At.Remaining : 0);

    private StepResult ExecuteCommand(bool mayBeHeldUp)
    {
        _resumed = false;
        _begins = _first;
        if (_begins)
            _device.BeginProgram(System.Numerics.BitOperations.LeadingZeroCount((uint)Status.PathMask << 24));
        _first = false;
        _command = _fetch.At.Current;
        _fetch.BeginData();
        int wanted = _events.DataWanted;
        _isTold = wanted != ISubchannelEvents.NoCommands;
        _data.Watch(Math.Max(0, wanted));
        _fetch.Gate?.Count(_fetch.At.Current.Value, _fetch.Ccw, _fetch.Command, continues: false);
        _memory.BeginCommand(staged: MayWait || (_fetch.Gate?.MustKnowAll(_fetch.Command) ?? false));
        if (_memory.IsStaged && !_data.FetchAhead())
            return StepResult.Abandoned;
        if (!IsAdmitted())
            return Show(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck, mayBeHeldUp);
        return Perform(mayBeHeldUp);
    }

    /// <summary>What stands before the commands lets the current one, the whole of which is known as far as it matters, run.</summary>
    private bool IsAdmitted() => _fetch.Gate is not { } gate || gate.Admits(_fetch.At.Current.Value, _fetch.Ccw, _memory.Fetched);

    /// <summary>The device executes the command, perhaps not for the first time.</summary>
    private StepResult Perform(bool mayBeHeldUp)
    {
        DeviceStatus status = _device.Execute(_fetch.Command, _data);
        if (status == DeviceStatus.None)
            return AwaitCommand(mayBeHeldUp);
        if (_memory.IsStaged && !_data.PutBehind())
            return StepResult.Abandoned;
        if (_begins && status == DeviceStatus.Busy)
        {
            (_first, _next, _resumed, _fetch.IsInterruptPending) = (true, _fetch.At.Current, _fetch.Ccw.Has(CcwFlags.Suspend), false);
            _fetch.Gate?.Restart();
            return StepResult.Busy;
        }
        _data.CheckLength(status);
        if (_isTold)
            Tell(status);
        // Initial status was zero: the operation is not immediate.
        Status.IsZeroCondition |= _begins && _data.HasBegun && Orb.InitialStatusInterruption;
        bool isSeen = !_fetch.IsGood || !IsChained(status) || Status.HasIntermediate || _fetch.IsLive;
        return isSeen || _memory.OwesMuch ? Show(status, mayBeHeldUp) : GoOn(status);
    }

    private void Tell(DeviceStatus status) => _events.Executed(new ExecutedCommand
    {
        CcwAddress = _command,
        Command = _fetch.Command,
        Status = status,
        Check = _fetch.Fault,
        Residual = (ushort)_fetch.At.Remaining,
        Moved = _data.Moved,
        Place = _device.Place,
        Data = _data.Watched,
    });

    /// <summary>The command's data is in place for who is told of its status.</summary>
    private StepResult Show(DeviceStatus status, bool mayBeHeldUp) =>
        IsOwed && !mayBeHeldUp ? HandOver(status) : PutOwed() ? GoOn(status) : StepResult.Abandoned;

    /// <summary>To the next command, or to the end.</summary>
    private StepResult GoOn(DeviceStatus status)
    {
        if (_fetch.IsGood && MustAwaitDeviceEnd(status))
            return StepResult.Waiting;
        if (!_fetch.IsGood || !IsChained(status))
            return End(status);
        bool skipOne = (status & DeviceStatus.StatusModifier) != 0;
        _next = _fetch.At.Current.Plus((skipOne ? 2 : 1) * Ccw.Size);
        return Status.HasIntermediate ? StepResult.Interrupt : StepResult.Continue;
    }

    /// <summary>Chain data comes before chain command, also where it had nothing to do.</summary>
    private bool IsChained(DeviceStatus status) =>
        _fetch.Ccw.Has(CcwFlags.ChainCommand) && !_fetch.Ccw.Has(CcwFlags.ChainData)
        && (status & ~DeviceStatus.StatusModifier) == (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd);

    private StepResult End(DeviceStatus status)
    {
        Status.End(_first ? status : _device.EndProgram(status));
        return StepResult.Ended;
    }

    /// <summary>He waits for the thread that took the start, and would have to answer it: another thread goes on.</summary>
    private StepResult HandOver(DeviceStatus? shown)
    {
        (_isHandedOver, _shown) = (true, shown);
        return StepResult.HandOver;
    }

    /// <summary>Puts what is owed into place and goes on where it was handed over, if it was; null: with the next command.</summary>
    private StepResult? Resettle()
    {
        DeviceStatus? shown = _isHandedOver ? _shown : null;
        _isHandedOver = false;
        if (!PutOwed())
            return StepResult.Abandoned;
        if (shown is { } status)
            return GoOn(status);
        return _fetch.IsGood ? null : End(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd);
    }

    /// <summary>False: abandoned.</summary>
    private bool PutOwed() => _memory.PutOwed(ref _fetch.Fault);

    /// <summary>No status came: the device waits with the command. Who sees the program stand still finds in place what it has read so far.</summary>
    private StepResult AwaitCommand(bool mayBeHeldUp)
    {
        if (_data.HasBegun)
            throw new InvalidOperationException($"the device waits with command {_fetch.Command:X2} of which it has moved data");
        _wait = ProgramWait.Command;
        if (IsOwed && !mayBeHeldUp)
            return HandOver(null); // it is executed again then
        return IsOwed && Resettle() is { } ended ? ended : StepResult.Waiting;
    }

    /// <summary>Channel end came alone, and the next CCW waits for device end.</summary>
    private bool MustAwaitDeviceEnd(DeviceStatus status)
    {
        if (!ProgramStatus.LacksDeviceEnd(status) || !IsChained(status | DeviceStatus.DeviceEnd))
            return false;
        (_wait, _arrived) = (ProgramWait.DeviceEnd, status);
        return true;
    }

    private StepResult GoOnAfterWait(bool mayBeHeldUp)
    {
        ProgramWait wait = _wait;
        _wait = ProgramWait.None;
        return wait == ProgramWait.Command ? Perform(mayBeHeldUp) : GoOn(_arrived);
    }
}
