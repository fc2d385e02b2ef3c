using CcwFs.ChannelIo;
using CcwFs.Faults.Rules;

namespace CcwFs.Faults;

/// <summary>Status as IRBs, made of the one that the device gave (SA22-7832, chapter 16).</summary>
internal static class InjectedStatus
{
    private const DeviceStatus Ending = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;
    private const StatusControl Final = StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending;

    /// <summary>The program has ended with channel end and device end, and there is nothing else.</summary>
    internal static bool IsWell(in Scsw scsw) =>
        scsw.Device == Ending && (scsw.Subchannel & ~SubchannelStatus.ProgramControlledInterruption) == 0 && scsw.DeferredConditionCode == 0;

    /// <summary>Puts a check, channel status, device status or a deferred condition code in the place of <paramref name="irb"/>.</summary>
    internal static void Replace(ref Irb irb, FaultRun run)
    {
        FaultAction action = run.Action;
        ushort residual = action.Residual ?? run.Count;
        uint address = run.Behind != 0 ? run.Behind : irb.Scsw.CcwAddress;
        (DeviceStatus device, SubchannelStatus channel, StatusControl status, byte code) = action.Kind switch
        {
            FaultKind.Check => (Ending | DeviceStatus.UnitCheck, SubchannelStatus.None, Final | StatusControl.Alert, (byte)0),
            FaultKind.Channel => OfChannel((SubchannelStatus)action.Bits),
            FaultKind.Deferred when action.Bits == 1 => (DeviceStatus.Attention, SubchannelStatus.None, Final | StatusControl.Alert, (byte)1),
            FaultKind.Deferred => (DeviceStatus.None, SubchannelStatus.None, Final | StatusControl.Alert, (byte)3),
            _ => OfDevice((DeviceStatus)action.Bits),
        };
        Scsw before = irb.Scsw;
        byte path = irb[Irb.EswOffset + 1];
        irb[Irb.EswOffset..].Clear();
        Esw.Write(irb[Irb.EswOffset..], path, action.Sense.Length);
        action.Sense.CopyTo(irb[Irb.EcwOffset..]);
        Scsw scsw = Scsw.Build(before.Control, FunctionControl.Start, ActivityControl.None, status, address, device, channel, residual, code);
        uint more = (action.Sense.Length > 0 ? Scsw.ExtendedControl : 0) | (code == 3 ? Scsw.PathNotOperational : 0);
        irb.Scsw = scsw with { Control = scsw.Control | more };
    }

    /// <summary>A program that was not executed has ended as if it had been.</summary>
    internal static void Pretend(ref Irb irb, uint end)
    {
        Scsw scsw = irb.Scsw;
        irb.Scsw = scsw with { CcwAddress = end, Status = scsw.Status & 0xFFFF_0000 };
    }

    /// <summary>Takes device end out of <paramref name="irb"/>; gives the secondary status with it.</summary>
    internal static Irb Split(ref Irb irb)
    {
        Scsw whole = irb.Scsw;
        Irb late = default;
        late.Scsw = Scsw.Build(
            whole.Control, FunctionControl.None, ActivityControl.None, StatusControl.Secondary | StatusControl.Pending, whole.CcwAddress,
            DeviceStatus.DeviceEnd, SubchannelStatus.None, 0);
        irb[Irb.EswOffset..Irb.EcwOffset].CopyTo(late[Irb.EswOffset..]);
        irb.Scsw = Scsw.Build(
            whole.Control, FunctionControl.Start, ActivityControl.DeviceActive, StatusControl.Primary | StatusControl.Pending, whole.CcwAddress,
            whole.Device & ~DeviceStatus.DeviceEnd, whole.Subchannel, whole.Residual);
        return late;
    }

    /// <summary>What a program-controlled interruption of the same program would have shown: it goes on.</summary>
    internal static Irb Intermediate(in Irb final)
    {
        Scsw last = final.Scsw;
        Irb irb = default;
        final[Irb.EswOffset..Irb.EcwOffset].CopyTo(irb[Irb.EswOffset..]);
        irb.Scsw = Scsw.Build(
            last.Control, FunctionControl.Start, ActivityControl.SubchannelActive | ActivityControl.DeviceActive,
            StatusControl.Intermediate | StatusControl.Pending, last.CcwAddress, DeviceStatus.None,
            SubchannelStatus.ProgramControlledInterruption, 0);
        return irb;
    }

    /// <summary>Status of the device's own, over a path of this mask.</summary>
    internal static Irb Unsolicited(FaultAction action, byte path)
    {
        Irb irb = default;
        Scsw scsw = Scsw.Build(
            0, FunctionControl.None, ActivityControl.None, StatusControl.Alert | StatusControl.Pending, 0, (DeviceStatus)action.Bits, 0, 0);
        Esw.Write(irb[Irb.EswOffset..], path, action.Sense.Length);
        action.Sense.CopyTo(irb[Irb.EcwOffset..]);
        irb.Scsw = action.Sense.Length > 0 ? scsw with { Control = scsw.Control | Scsw.ExtendedControl } : scsw;
        return irb;
    }

    /// <summary>Program-controlled interruption and incorrect length leave the device's status; the control and interface checks end it.</summary>
    private static (DeviceStatus Device, SubchannelStatus Channel, StatusControl Status, byte Code) OfChannel(SubchannelStatus bits)
    {
        const SubchannelStatus Mild = SubchannelStatus.ProgramControlledInterruption | SubchannelStatus.IncorrectLength,
            Broken = SubchannelStatus.ChannelControlCheck | SubchannelStatus.InterfaceControlCheck;
        StatusControl status = Final | ((bits & ~Mild) != 0 ? StatusControl.Alert : StatusControl.None)
            | ((bits & SubchannelStatus.ProgramControlledInterruption) != 0 ? StatusControl.Intermediate : StatusControl.None);
        return ((bits & Broken) != 0 ? DeviceStatus.None : Ending, bits, status, 0);
    }

    private static (DeviceStatus Device, SubchannelStatus Channel, StatusControl Status, byte Code) OfDevice(DeviceStatus bits)
    {
        const DeviceStatus Alerts = DeviceStatus.UnitCheck | DeviceStatus.Attention | DeviceStatus.Busy;
        return (bits, SubchannelStatus.None, Final | ((bits & Alerts) != 0 ? StatusControl.Alert : StatusControl.None), 0);
    }
}
