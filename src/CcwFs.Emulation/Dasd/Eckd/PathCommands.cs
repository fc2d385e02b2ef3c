using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Path groups and reserve.</summary>
internal static class PathCommands
{
    private const byte MultipathFunction = 0x80;
    private const byte FunctionMask = 0x60;
    private const byte FunctionReserved = 0x1F;

    /// <summary>12 bytes: state of this path and its group's id.</summary>
    public static DeviceStatus SensePathGroupId(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> record = stackalloc byte[PathGroups.RecordSize];
        device.PathGroups.Sense(device.Path, record);
        if (device.Volume.ReservedBy is not null)
            record[0] |= device.IsReservedElsewhere ? PathGroups.ReservedElsewhere : PathGroups.ReservedHere;
        data.Send(record);
        return EckdDevice.Ended;
    }

    /// <summary>12 bytes: function (bit 0 multipath mode; bits 1-2 establish, disband 01, resign 10) and group id.</summary>
    public static DeviceStatus SetPathGroupId(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> record = stackalloc byte[PathGroups.RecordSize];
        if (!device.ReceiveAll(data, record))
            return EckdDevice.Failed;
        byte function = record[0];
        ReadOnlySpan<byte> id = record[1..];
        bool accepted = (function & FunctionReserved) == 0 && id.IndexOfAnyExcept((byte)0) >= 0 && (function & FunctionMask) switch
        {
            0x00 => device.PathGroups.Establish(device.Path, id, (function & MultipathFunction) != 0),
            0x20 => device.LeaveGroup(id, all: true),
            0x40 => device.LeaveGroup(id, all: false),
            _ => false,
        };
        return accepted ? EckdDevice.Ended : device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
    }

    /// <summary>Reserves the volume for this path and its group; 32 sense bytes. Busy while another device's program runs.</summary>
    public static DeviceStatus Reserve(EckdDevice device, CommandRow row, IDataTransfer data) =>
        device.TryReserve() ? IdentityCommands.SendSense(device, data) : DeviceStatus.Busy;

    /// <summary>Gives up this device's reserve; 32 sense bytes. Devices that were busy try again once the command is over.</summary>
    public static DeviceStatus Release(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        device.GiveUpReserve();
        return IdentityCommands.SendSense(device, data);
    }

    /// <summary>Reserves the volume, also from another device that holds it, whose programs end; 32 sense bytes.</summary>
    public static DeviceStatus UnconditionalReserve(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        device.Steal();
        return IdentityCommands.SendSense(device, data);
    }
}
