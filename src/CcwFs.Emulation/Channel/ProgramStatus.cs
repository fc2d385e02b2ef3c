using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// How a program stands and ends, as IRBs say it (SA22-7832, chapter 16). The intermediate conditions that wait go into the next one, whatever else
/// it reports.
/// </summary>
internal sealed class ProgramStatus(ProgramFetch fetch, IChannelDevice device)
{
    private const uint NotOperationalCode = 3u << 24; // deferred condition code 3

    // At the end.
    private DeviceStatus _deviceStatus;
    private SubchannelStatus _subchannelStatus;
    private int _residual;

    /// <summary>The path that the program runs on, as a bit of a path mask.</summary>
    internal byte PathMask { get; private set; }

    /// <summary>The first command was accepted, the ORB wants to be told (I bit), and was not yet.</summary>
    internal bool IsZeroCondition { get; set; }

    /// <summary>There is an intermediate condition to present.</summary>
    internal bool HasIntermediate => fetch.IsInterruptPending || IsZeroCondition;

    /// <summary>The program has ended with channel end, and device end is to come.</summary>
    internal bool OwesDeviceEnd => LacksDeviceEnd(_deviceStatus);

    /// <summary>Channel end came alone.</summary>
    internal static bool LacksDeviceEnd(DeviceStatus status) =>
        (status & (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd)) == DeviceStatus.ChannelEnd;

    /// <summary>A program begins on a path.</summary>
    internal void Begin(byte path) => (PathMask, IsZeroCondition) = (path, false);

    /// <summary>A start that is pending goes over another path.</summary>
    internal void UsePath(byte path) => PathMask = path;

    /// <summary>The program ends with the current command, which has this status.</summary>
    internal void End(DeviceStatus status) => (_deviceStatus, _subchannelStatus, _residual) = (status, fetch.Fault, fetch.At.Remaining);

    /// <summary>A command has failed in a way that it should not: channel-control check.</summary>
    internal void Break()
    {
        (_deviceStatus, _subchannelStatus, _residual) = (DeviceStatus.None, SubchannelStatus.ChannelControlCheck, 0);
        device.AbandonProgram(reset: false);
    }

    /// <summary>HALT came after channel end: the device gives up what it does, and has ended.</summary>
    internal void HaltDevice()
    {
        if (!OwesDeviceEnd)
            return;
        device.AbandonProgram(reset: false);
        _deviceStatus |= DeviceStatus.DeviceEnd;
    }

    /// <summary>The IRB of a program-controlled or initial-status interruption; it is presented then.</summary>
    internal Irb IntermediateIrb() => Build(
        FunctionControl.Start, ActivityControl.SubchannelActive | ActivityControl.DeviceActive, StatusControl.Intermediate,
        DeviceStatus.None, SubchannelStatus.None, fetch.At.Remaining, senseLength: 0, default);

    /// <summary>The IRB of a suspension.</summary>
    internal Irb SuspendedIrb() => Build(
        FunctionControl.Start, ActivityControl.Suspended, StatusControl.Intermediate, DeviceStatus.None, SubchannelStatus.None, 0,
        senseLength: 0, default);

    /// <summary>The final IRB; <paramref name="function"/> names HALT too when that ended it.</summary>
    internal Irb FinalIrb(FunctionControl function)
    {
        Span<byte> sense = stackalloc byte[Irb.EcwSize];
        bool isCheck = (_deviceStatus & DeviceStatus.UnitCheck) != 0;
        int length = isCheck ? fetch.Gate?.WriteSense(sense) ?? 0 : 0;
        if (isCheck && length == 0)
            length = device.TakeSense(sense);
        const SubchannelStatus Checks = SubchannelStatus.ProgramCheck | SubchannelStatus.ProtectionCheck | SubchannelStatus.ChannelDataCheck
            | SubchannelStatus.ChannelControlCheck | SubchannelStatus.InterfaceControlCheck | SubchannelStatus.ChainingCheck;
        (StatusControl status, ActivityControl activity) = OwesDeviceEnd
            ? (StatusControl.Primary, ActivityControl.DeviceActive) : (StatusControl.Primary | StatusControl.Secondary, ActivityControl.None);
        if ((_deviceStatus & DeviceStatus.UnitCheck) != 0 || (_subchannelStatus & Checks) != 0)
            status |= StatusControl.Alert;
        return Build(function, activity, status, _deviceStatus, _subchannelStatus, _residual, length, sense);
    }

    /// <summary>
    /// HALT ended the program between two commands, or with one that the device had not ended, of whose count so much is left: the device has ended,
    /// nothing is left to do.
    /// </summary>
    internal Irb HaltedIrb(int residual)
    {
        (_deviceStatus, _subchannelStatus, _residual) =
            (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, fetch.Fault & SubchannelStatus.ChannelControlCheck, residual);
        device.AbandonProgram(reset: false);
        return FinalIrb(FunctionControl.Start | FunctionControl.Halt);
    }

    /// <summary>
    /// HALT ended a start that was pending, or a program that was suspended: the device has no part in it, so status is pending alone (SA22-7832,
    /// chapter 16, figure "Deferred-Condition-Code Meaning for Status-Pending Subchannel"; so does Hercules' channel.c, perform_halt).
    /// </summary>
    internal Irb HaltedIdleIrb()
    {
        device.AbandonProgram(reset: false);
        return Build(
            FunctionControl.Start | FunctionControl.Halt, ActivityControl.None, StatusControl.None, DeviceStatus.None, SubchannelStatus.None, 0,
            senseLength: 0, default);
    }

    /// <summary>
    /// The path went away under the program, or under a start that is pending and no other path is left (<paramref name="began"/> false).
    /// </summary>
    internal Irb PathLostIrb(bool began)
    {
        (_deviceStatus, _subchannelStatus, _residual) =
            (DeviceStatus.None, began ? SubchannelStatus.InterfaceControlCheck : SubchannelStatus.None, 0);
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
    /// Device end after the program's primary status: secondary status; where nobody has taken the primary one, both together. The count and the
    /// subchannel status are the primary status's.
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

    private Irb Build(
        FunctionControl function, ActivityControl activity, StatusControl status, DeviceStatus deviceStatus,
        SubchannelStatus subchannelStatus, int residual, int senseLength, ReadOnlySpan<byte> sense)
    {
        var irb = default(Irb);
        if (fetch.IsInterruptPending)
            subchannelStatus |= SubchannelStatus.ProgramControlledInterruption;
        if (HasIntermediate)
            status |= StatusControl.Intermediate;
        Scsw scsw = Scsw.Build(
            fetch.Orb.Control, function, activity, status | StatusControl.Pending, fetch.CcwAddress, deviceStatus, subchannelStatus,
            (ushort)residual);
        if (IsZeroCondition)
            scsw = scsw with { Control = scsw.Control | Scsw.ZeroCondition };
        (fetch.IsInterruptPending, IsZeroCondition) = (false, false);
        if (senseLength > 0)
        {
            scsw = scsw with { Control = scsw.Control | Scsw.ExtendedControl };
            sense[..senseLength].CopyTo(irb[Irb.EcwOffset..]);
        }
        irb.Scsw = scsw;
        Esw.Write(irb[Irb.EswOffset..], PathMask, senseLength);
        return irb;
    }
}
