using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>Commands that control units have in common; a family's table names those that it has, with the family's codes and rules.</summary>
internal static class CommonCommands
{
    private const byte MultipathFunction = 0x80;
    private const byte FunctionMask = 0x60;
    private const byte FunctionReserved = 0x1F;

    /// <summary>What the device is; a program may take less.</summary>
    public static DeviceStatus SenseId(ControlUnitDevice device, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[SenseIdData.LongestSize];
        data.Send(bytes[..SenseIdData.Write(bytes, device.Identity, device.CommandInformation)]);
        return UnitStatus.Ended;
    }

    /// <summary>Nothing.</summary>
    public static DeviceStatus NoOperation(ControlUnitDevice device, IDataTransfer data) => UnitStatus.Ended;

    /// <summary>The sense bytes, which are then forgotten.</summary>
    public static DeviceStatus Sense(ControlUnitDevice device, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[device.Sense.Size];
        if (device.Sense.Take(bytes) == 0)
            device.WriteNoSense(bytes);
        data.Send(bytes);
        return UnitStatus.Ended;
    }

    /// <summary>12 bytes: state of this path and its group's id.</summary>
    public static DeviceStatus SensePathGroupId(ControlUnitDevice device, IDataTransfer data)
    {
        Span<byte> record = stackalloc byte[PathGroups.RecordSize];
        device.Sharer.PathGroups.Sense(device.Sharer.Path, record);
        if (device.Unit.ReservedBy is not null)
            record[0] |= device.Unit.IsReservedElsewhere(device.Sharer) ? PathGroups.ReservedElsewhere : PathGroups.ReservedHere;
        data.Send(record);
        return UnitStatus.Ended;
    }

    /// <summary>12 bytes: function (bit 0 multipath mode; bits 1-2 establish, disband 01, resign 10) and group id.</summary>
    public static DeviceStatus SetPathGroupId(ControlUnitDevice device, IDataTransfer data)
    {
        Span<byte> record = stackalloc byte[PathGroups.RecordSize];
        if (data.Receive(record) < record.Length)
            return device.Check(UnitFault.CountTooSmall);
        byte function = record[0];
        ReadOnlySpan<byte> id = record[1..];
        Sharer sharer = device.Sharer;
        bool accepted = (function & FunctionReserved) == 0 && id.IndexOfAnyExcept((byte)0) >= 0 && (function & FunctionMask) switch
        {
            0x00 => sharer.PathGroups.Establish(sharer.Path, id, (function & MultipathFunction) != 0),
            0x20 => device.Unit.LeaveGroup(sharer, id, all: true),
            0x40 => device.Unit.LeaveGroup(sharer, id, all: false),
            _ => false,
        };
        return accepted ? UnitStatus.Ended : device.Check(UnitFault.InvalidParameter);
    }

    /// <summary>Reserves the unit for this path and its group; the sense bytes. Busy while another device's program runs.</summary>
    public static DeviceStatus Reserve(ControlUnitDevice device, IDataTransfer data) =>
        device.Unit.TryReserve(device.Sharer) ? Sense(device, data) : DeviceStatus.Busy;

    /// <summary>Gives up this device's reserve; the sense bytes. Devices that were busy try again once the command is over.</summary>
    public static DeviceStatus Release(ControlUnitDevice device, IDataTransfer data)
    {
        device.Unit.Release(device.Sharer);
        return Sense(device, data);
    }

    /// <summary>Reserves the unit, also from another device that holds it, whose programs end; the sense bytes.</summary>
    public static DeviceStatus UnconditionalReserve(ControlUnitDevice device, IDataTransfer data)
    {
        if (device.Unit.Steal(device.Sharer) is { } former)
            device.OnReserveTaken(former.Device);
        return Sense(device, data);
    }
}
