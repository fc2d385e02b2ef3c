using System.Text;
using CcwFs.ChannelIo;

namespace CcwFs.CommandSets.Decode;

/// <summary>An IRB in one paragraph.</summary>
public static class IrbSummary
{
    /// <summary>
    /// What happened: "ended well: channel end, device end; residual 0", "unit check: command reject (…)", "program check …", "nothing
    /// happened yet …". <paramref name="irb"/> holds <see cref="Irb.Size"/> bytes; its sense is of the device's <paramref name="format"/>.
    /// </summary>
    public static string Describe(ReadOnlySpan<byte> irb, SenseFormat format)
    {
        Scsw scsw = Scsw.Read(irb);
        if (irb[..Irb.Size].IndexOfAnyExcept((byte)0) < 0)
            return "no interruption yet: the IRB is all zeros.";

        var text = new StringBuilder(DescribeStatus(scsw)).Append('.');
        if (ConcurrentSense(irb) is { Length: > 0 } sense)
            text.Append(" Sense: ").Append(format.Explain(sense));
        else if ((scsw.Device & DeviceStatus.UnitCheck) != 0)
            text.Append(" No concurrent sense: a SENSE command would fetch it.");
        return text.ToString();
    }

    /// <summary>The same for an SCSW alone, without a full stop and without sense.</summary>
    public static string DescribeStatus(Scsw scsw)
    {
        var text = new StringBuilder(Headline(scsw));
        if (scsw.Device != 0 && IsWell(scsw))
            text.Append($": {BitNames.Join((byte)scsw.Device, StatusTables.DeviceStatusNames)}");
        else if (scsw.Device != 0)
            text.Append($"; device status {BitNames.Join((byte)scsw.Device, StatusTables.DeviceStatusNames)}");
        if (scsw.Subchannel != 0)
            text.Append($"; subchannel status {BitNames.Join((byte)scsw.Subchannel, StatusTables.SubchannelStatusNames)}");
        if ((scsw.StatusControl & StatusControl.Primary) != 0 && (scsw.Function & FunctionControl.Start) != 0)
            text.Append($"; residual {scsw.Residual}");
        return text.ToString();
    }

    /// <summary>The bits of a device status in words.</summary>
    public static string Words(DeviceStatus status) => BitNames.Join((byte)status, StatusTables.DeviceStatusNames);

    /// <summary>The bits of a subchannel status in words.</summary>
    public static string Words(SubchannelStatus status) => BitNames.Join((byte)status, StatusTables.SubchannelStatusNames);

    /// <summary>
    /// The program, or a HALT or CLEAR, ended without any error: no check and no unit check or exception, condition code 0.
    /// </summary>
    public static bool IsWell(Scsw scsw) =>
        scsw.DeferredConditionCode == 0
        && (scsw.Subchannel & ~SubchannelStatus.ProgramControlledInterruption) == 0
        && (scsw.Device & (DeviceStatus.UnitCheck | DeviceStatus.UnitException | DeviceStatus.Busy | DeviceStatus.Attention)) == 0
        && (scsw.StatusControl & StatusControl.Pending) != 0;

    /// <summary>The concurrent sense in the ECW: as many bytes as the ESW's report word says, at most 32; empty when there is none.</summary>
    public static ReadOnlySpan<byte> ConcurrentSense(ReadOnlySpan<byte> irb)
    {
        uint report = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(irb[(Irb.EswOffset + 4)..]);
        if ((report & Irb.ErwConcurrentSense) == 0)
            return [];
        int count = (int)(report >> 16) & 0x3F;
        return irb.Slice(Irb.EcwOffset, Math.Min(count, Irb.EcwSize));
    }

    private static string Headline(Scsw scsw)
    {
        if (scsw.DeferredConditionCode == 3)
            return "not started: no path to the device is operational (condition code 3)";
        if (scsw.DeferredConditionCode == 1)
            return "not started: the device presented status instead (condition code 1)";
        if (ChannelCheck(scsw.Subchannel) is { } check)
            return check;
        if ((scsw.Device & DeviceStatus.UnitCheck) != 0)
            return "unit check: the device refused or failed";
        if ((scsw.Device & DeviceStatus.UnitException) != 0)
            return "unit exception: the device met a condition out of the ordinary (end of file)";
        if ((scsw.Subchannel & SubchannelStatus.IncorrectLength) != 0)
            return "incorrect length: the device had more or less data than the CCW's count, and SLI was off";
        if (scsw.StatusControl == StatusControl.None)
        {
            return scsw.Activity != 0 ? "still running, no status yet"
                : scsw.Function != 0 ? $"no status; function {BitNames.Join((byte)scsw.Function, StatusTables.FunctionNames)}" : "no status";
        }

        if ((scsw.Activity & ActivityControl.Suspended) != 0)
            return "suspended: RESUME, HALT or CLEAR go on from here";
        if ((scsw.Function & FunctionControl.Clear) != 0)
            return "cleared";
        if ((scsw.Function & FunctionControl.Halt) != 0)
            return "halted";
        if ((scsw.StatusControl & StatusControl.Intermediate) != 0 && (scsw.StatusControl & StatusControl.Primary) == 0)
            return "intermediate: the program is running and asked for an interruption";
        if (scsw.Function == FunctionControl.None && (scsw.StatusControl & StatusControl.Secondary) != 0)
            return "device end, after channel end";
        if (scsw.Function == FunctionControl.None)
            return "unsolicited: the device spoke up by itself";
        if ((scsw.StatusControl & (StatusControl.Primary | StatusControl.Secondary)) == StatusControl.Primary)
            return "transfer ended, device end is still to come";
        return IsWell(scsw) ? "ended well" : "ended";
    }

    private static string? ChannelCheck(SubchannelStatus status)
    {
        if ((status & SubchannelStatus.ProgramCheck) != 0)
            return "program check: a CCW, IDAW or the ORB is wrong (bad address, reserved bit, count 0, invalid command, TIC rule)";
        if ((status & SubchannelStatus.ProtectionCheck) != 0)
            return "protection check: the program may not use that storage";
        if ((status & SubchannelStatus.ChannelDataCheck) != 0)
            return "channel-data check: data in storage or on the way is damaged";
        if ((status & SubchannelStatus.ChannelControlCheck) != 0)
            return "channel-control check: the channel subsystem failed";
        if ((status & SubchannelStatus.InterfaceControlCheck) != 0)
            return "interface-control check: something is wrong between channel and control unit";
        return (status & SubchannelStatus.ChainingCheck) != 0 ? "chaining check: data came faster than the chain" : null;
    }
}
