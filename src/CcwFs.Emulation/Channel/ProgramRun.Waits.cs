using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

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

/// <content>
/// Commands that do not end at once (SA22-7832, chapter 16): while command chaining is indicated, channel end alone makes no
/// interruption and the next CCW waits for device end; without chaining it is primary status, and device end is secondary status later.
/// </content>
internal sealed partial class ProgramRun
{
    private ProgramWait _wait;
    private DeviceStatus _arrived; // of the command whose device end is waited for: channel end, then what came
    private bool _begins;          // the command is the program's first

    /// <summary>What is waited for.</summary>
    internal ProgramWait Wait => _wait;

    /// <summary>The program has ended with channel end, and device end is to come.</summary>
    internal bool OwesDeviceEnd => LacksDeviceEnd(_deviceStatus);

    /// <summary>There is an intermediate condition to present.</summary>
    internal bool HasIntermediate => _interruptPending || _zeroCondition;

    /// <summary>What is left of the count of a command that the device waits with.</summary>
    private int WaitingCount => _wait == ProgramWait.Command ? _at.Remaining : 0;

    /// <summary>Device end of the command that is waited for.</summary>
    internal void TakeDeviceEnd(DeviceStatus status) => _arrived |= status;

    /// <summary>HALT came after channel end: the device gives up what it does, and has ended.</summary>
    internal void HaltDevice()
    {
        if (!OwesDeviceEnd)
            return;
        device.AbandonProgram(reset: false);
        _deviceStatus |= DeviceStatus.DeviceEnd;
    }

    /// <summary>
    /// Device end after the program's primary status: secondary status; where nobody has taken the primary one, both together. The count and the subchannel status
    /// are the primary status's.
    /// </summary>
    internal Irb DeviceEndIrb(FunctionControl function, DeviceStatus status, Irb? primary)
    {
        Span<byte> sense = stackalloc byte[Irb.EcwSize];
        bool isCheck = (status & DeviceStatus.UnitCheck) != 0;
        int length = isCheck ? device.TakeSense(sense) : 0;
        StatusControl control = StatusControl.Secondary | (isCheck ? StatusControl.Alert : StatusControl.None);
        Irb irb = Build(function, ActivityControl.None, control, status, SubchannelStatus.None, 0, length, sense);
        if (primary is not { } before)
            return irb;
        const uint NoActivity = ~(0x7Fu << 5);
        Scsw first = before.Scsw, second = irb.Scsw;
        if (length == 0)
            irb = before; // with the sense of the primary status
        irb.Scsw = new Scsw((first.Control & NoActivity) | second.Control, first.CcwAddress, first.Status | second.Status);
        return irb;
    }

    /// <summary>No status came: the device waits with the command. Who sees the program stand still finds in place what it has read so far.</summary>
    private StepResult AwaitCommand(bool mayBeHeldUp)
    {
        if (_dataPhase)
            throw new InvalidOperationException($"the device waits with command {_command:X2} of which it has moved data");
        _wait = ProgramWait.Command;
        if (IsOwed && !mayBeHeldUp)
            return HandOver(null); // it is executed again then
        return IsOwed && Resettle() is { } ended ? ended : StepResult.Waiting;
    }

    /// <summary>Channel end came alone, and the next CCW waits for device end.</summary>
    private bool MustAwaitDeviceEnd(DeviceStatus status)
    {
        if (!LacksDeviceEnd(status) || !IsChained(status | DeviceStatus.DeviceEnd))
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

    private static bool LacksDeviceEnd(DeviceStatus status) => (status & (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd)) == DeviceStatus.ChannelEnd;
}
