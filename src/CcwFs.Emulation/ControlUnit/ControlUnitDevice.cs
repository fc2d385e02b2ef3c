using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>How far the last command of a device has come.</summary>
internal enum CommandEnd
{
    /// <summary>It has ended.</summary>
    Whole,

    /// <summary>It waits: the channel gives it again.</summary>
    None,

    /// <summary>It has ended but for device end.</summary>
    ChannelEnd,

    /// <summary>And its program has ended with it; the program's allegiance lasts until device end.</summary>
    ProgramChannelEnd,
}

/// <summary>
/// What every device behind a control unit has: pending sense, path groups, its part in the reserve of what it shares with other devices, and the
/// gate that a command passes before it is executed. A family derives from it and adds its commands, their rules and its sense.
/// </summary>
/// <remarks>
/// The gate, in this order: what the command does to pending sense; the reserve; is it known; is there anything to work on; may it stand here (the
/// base's rules, then the family's, <see cref="Judge"/>); <see cref="Perform"/>. Each stage gives the ending status or lets the command go on.
/// Members that a family overrides are called under the unit's gate unless they say otherwise.
/// </remarks>
public abstract class ControlUnitDevice : IChannelDevice
{
    private static readonly TimeSpan s_lookPatience = TimeSpan.FromMilliseconds(1); // arbitrary: longer than most commands take

    private bool _disposed;
    private StrongBox<VolumeFigures>? _figures; // at the last look, if anybody has looked; guarded by the unit's gate when it changes
    private bool _started; // some command of this program has passed the gate
    private CommandEnd _last;

    /// <summary>A device on a unit. Throws when that is gone.</summary>
    private protected ControlUnitDevice(SharedUnit unit, DeviceId device, int senseSize)
    {
        (Unit, Sharer, Sense) = (unit, new Sharer(device), new PendingSense(senseSize));
        unit.Attach(Sharer);
    }

    /// <inheritdoc/>
    public abstract DeviceIdentity Identity { get; }

    /// <inheritdoc/>
    public Action<DeviceStatus>? Unsolicited
    {
        get => Sharer.Unsolicited;
        set => Sharer.Unsolicited = value;
    }

    /// <inheritdoc/>
    public Action? NoLongerBusy
    {
        get => Sharer.NoLongerBusy;
        set => Sharer.NoLongerBusy = value;
    }

    /// <inheritdoc/>
    public virtual CommandPlace Place => default;

    /// <inheritdoc/>
    /// <remarks>A volume whose file does not answer keeps nobody waiting who only looks: it has the numbers of the last look then.</remarks>
    public VolumeFigures? Figures
    {
        get
        {
            if (!Unit.Gate.TryEnter(s_lookPatience))
                return _figures?.Value;
            try
            {
                VolumeFigures? now = Unit.IsGone ? null : LookAtVolume();
                _figures = now is { } seen ? new StrongBox<VolumeFigures>(seen) : null;
                return now;
            }
            finally
            {
                Unit.Gate.Exit();
            }
        }
    }

    /// <summary>What it shares with other devices.</summary>
    internal SharedUnit Unit { get; }

    /// <summary>Its part in that.</summary>
    internal Sharer Sharer { get; }

    /// <summary>The sense of the last unit check.</summary>
    internal PendingSense Sense { get; }

    /// <summary>What its volume has now; null: it has none.</summary>
    private protected virtual VolumeFigures? LookAtVolume() => null;

    /// <summary>The command-information words of SENSE ID; none: it gives the short form.</summary>
    internal virtual ReadOnlySpan<uint> CommandInformation => [];

    /// <inheritdoc/>
    public void BeginProgram(int path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(path);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(path, PathGroups.Paths);
        lock (Unit.Gate)
        {
            (Sharer.Path, Sharer.State) = (path, Sharer.State.Begin());
            ForgetChain();
            BeginChain();
        }
    }

    /// <inheritdoc/>
    public DeviceStatus Execute(byte command, IDataTransfer data)
    {
        ArgumentNullException.ThrowIfNull(data);
        UnitCommand? known = Find(command);
        DeviceStatus status;
        bool freed;
        lock (Unit.Gate)
        {
            bool held = Unit.ReservedBy is not null;
            status = Pass(known, data);
            if (status != DeviceStatus.Busy)
                Sharer.State = Sharer.State.Enter();
            _last = status == DeviceStatus.None ? CommandEnd.None
                : (status & UnitStatus.Ended) == DeviceStatus.ChannelEnd ? CommandEnd.ChannelEnd : CommandEnd.Whole;
            freed = held && Unit.ReservedBy is null;
        }
        if (freed)
            Unit.AnnounceFree();
        if ((status & DeviceStatus.UnitCheck) != 0)
            OnUnitCheck(command);
        return status;
    }

    /// <inheritdoc/>
    public DeviceStatus EndProgram(DeviceStatus status)
    {
        bool awaited;
        lock (Unit.Gate)
        {
            status = Conclude(status);
            bool isOwed = _last == CommandEnd.ChannelEnd;
            _last = isOwed ? CommandEnd.ProgramChannelEnd : CommandEnd.Whole;
            awaited = !isOwed && Unit.LeaveProgram(Sharer);
        }
        if (awaited)
            Unit.AnnounceFree();
        return status;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A reset forgets the path groups of all paths, not only of the one last used: the next system would otherwise find paths grouped
    /// with an id that is not theirs and stay offline.
    /// </remarks>
    public void AbandonProgram(bool reset)
    {
        bool freed;
        lock (Unit.Gate)
        {
            AbandonChain();
            ForgetChain();
            freed = reset ? ResetUnderGate() : Unit.AbandonProgram(Sharer);
        }
        if (freed)
            Unit.AnnounceFree();
    }

    /// <inheritdoc/>
    public void LosePath(int path)
    {
        bool freed;
        lock (Unit.Gate)
            freed = Unit.LosePath(Sharer, path);
        if (freed)
            Unit.AnnounceFree();
    }

    /// <inheritdoc/>
    /// <remarks>A shorter destination gets the first bytes.</remarks>
    public int TakeSense(Span<byte> destination) => Sense.Take(destination);

    /// <summary>Attention: the device has something to say. Presented once.</summary>
    public void RaiseAttention() => Unsolicited?.Invoke(DeviceStatus.Attention);

    /// <inheritdoc/>
    public abstract IEnumerable<KeyValuePair<string, string>> Describe();

    /// <summary>Ends what runs, gives up the reserve and leaves the unit; the last device disposes it.</summary>
    public void Dispose()
    {
        bool freed;
        lock (Unit.Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            AbandonChain();
            freed = ResetUnderGate();
        }
        GC.SuppressFinalize(this);
        if (freed)
            Unit.AnnounceFree();
        Close(isLast: Unit.Detach(Sharer));
    }

    /// <inheritdoc/>
    public Action<DeviceStatus>? DeviceEnd { get; set; }

    /// <summary>Makes the family's sense; gives unit check.</summary>
    internal abstract DeviceStatus Check(UnitFault fault);

    /// <summary>What SENSE gives when nothing is wrong: as many bytes as pending sense has.</summary>
    internal abstract void WriteNoSense(Span<byte> destination);

    /// <summary>An unconditional reserve has taken the unit from the device with this bus id.</summary>
    internal virtual void OnReserveTaken(DeviceId former)
    {
    }

    /// <summary>
    /// Device end of a command that ended with channel end alone, with what else there is. Nothing happens where the program was given up. Called
    /// without the gate, from any thread, and not from inside the command.
    /// </summary>
    private protected void PresentDeviceEnd(DeviceStatus status)
    {
        bool awaited;
        lock (Unit.Gate)
        {
            if (_last is not (CommandEnd.ChannelEnd or CommandEnd.ProgramChannelEnd))
                return;
            awaited = _last == CommandEnd.ProgramChannelEnd && Unit.LeaveProgram(Sharer);
            _last = CommandEnd.Whole;
            DeviceEnd?.Invoke(status | DeviceStatus.DeviceEnd); // under the gate, so that it comes before the program is given up or not at all
        }
        if (awaited)
            Unit.AnnounceFree();
    }

    /// <summary>The command of a code; null: the device has none. Called without the gate.</summary>
    private protected abstract UnitCommand? Find(byte command);

    /// <summary>The family's rules for a command; null: it may stand here. Nothing is changed but that sense is made.</summary>
    private protected virtual DeviceStatus? Judge(UnitCommand command) => null;

    /// <summary>Executes a command that has passed the gate.</summary>
    private protected abstract DeviceStatus Perform(UnitCommand command, IDataTransfer data);

    /// <summary>A program begins: what one program sets up in the device is void.</summary>
    private protected virtual void BeginChain()
    {
    }

    /// <summary>A program was ended from outside, or the device goes: what it has changed stays changed.</summary>
    private protected virtual void AbandonChain()
    {
    }

    /// <summary>A program ends with this status: gives the one to report in its place.</summary>
    private protected virtual DeviceStatus Conclude(DeviceStatus status) => status;

    /// <summary>A system reset: what the family keeps beyond programs is forgotten.</summary>
    private protected virtual void ForgetAll()
    {
    }

    /// <summary>A command ended with unit check. Called without the gate.</summary>
    private protected virtual void OnUnitCheck(byte command)
    {
    }

    /// <summary>The device has left its unit, the last of all where <paramref name="isLast"/>. Called once, without the gate.</summary>
    private protected virtual void Close(bool isLast)
    {
    }

    /// <summary>Who has the reserve, for a person.</summary>
    private protected string DescribeReserve() => Unit.ReservedBy is not { } holder ? "no"
        : holder == Sharer ? "by this device"
        : $"by {holder.Device}{(Sharer.State.OwesDeviceEnd ? ", this device was answered busy and waits" : "")}";

    private DeviceStatus Pass(UnitCommand? command, IDataTransfer data)
    {
        bool hasPassed = _last == CommandEnd.None && !Sharer.State.MustTellLoss; // it waited, and the channel gives it again
        if (!hasPassed && Refuse(command) is { } refused)
            return refused;
        _started = true;
        return Perform(command!, data);
    }

    /// <summary>The stages before a command is executed: the status that it ends with; null: it may be.</summary>
    private DeviceStatus? Refuse(UnitCommand? command)
    {
        if (command is null || !command.Has(UnitRules.KeepsSense))
            Sense.Forget();
        if ((command is null || !command.Has(UnitRules.DespiteReserve)) && RefuseAsReserved() is { } reserved)
            return reserved;
        if (command is null)
            return Check(UnitFault.InvalidCommand);
        if (_disposed || Unit.IsGone)
            return Check(UnitFault.Gone);
        if (command.Has(UnitRules.First) && _started)
            return Check(UnitFault.InvalidSequence);
        return Judge(command);
    }

    private void ForgetChain() => (_started, _last) = (false, CommandEnd.Whole);

    /// <summary>
    /// What a command gets that may not pass the reserve: a check once when ours was taken away, busy at the start of a program; null: it may run.
    /// </summary>
    private DeviceStatus? RefuseAsReserved()
    {
        if (Sharer.State.MustTellLoss)
        {
            Sharer.State = Sharer.State.TellLoss();
            return Check(UnitFault.AllegianceTerminated);
        }
        if (_started || !Unit.IsReservedElsewhere(Sharer))
            return null;
        Sharer.State = Sharer.State.AnswerBusy();
        return DeviceStatus.Busy;
    }

    private bool ResetUnderGate()
    {
        Sense.Forget();
        ForgetAll();
        return Unit.Reset(Sharer);
    }
}
