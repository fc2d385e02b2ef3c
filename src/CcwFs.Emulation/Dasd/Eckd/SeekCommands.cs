using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Seeks, sectors and the file mask.</summary>
internal static class SeekCommands
{
    /// <summary>Sectors of a track (READ DEVICE CHARACTERISTICS, byte 16).</summary>
    public const byte Sectors = 224;

    /// <summary>Sector number that means "not used".</summary>
    public const byte AnySector = 0xFF;

    public static DeviceStatus Seek(EckdDevice device, CommandRow row, IDataTransfer data) =>
        SeekTo(device, data, device.Chain.Mask.AllowsSeek, false);

    public static DeviceStatus SeekCylinder(EckdDevice device, CommandRow row, IDataTransfer data) =>
        SeekTo(device, data, device.Chain.Mask.AllowsSeekCylinder, false);

    /// <summary>Keeps the cylinder; the address's own is ignored.</summary>
    public static DeviceStatus SeekHead(EckdDevice device, CommandRow row, IDataTransfer data) =>
        SeekTo(device, data, device.Chain.Mask.AllowsHeadChange, true);

    /// <summary>Seeks to cylinder 0, head 0.</summary>
    public static DeviceStatus Recalibrate(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.Chain.Mask.AllowsSeek || !device.Chain.Contains(0))
            return device.Check(EckdSense.FileProtected);
        device.Chain.MoveTo(0);
        device.Chain.Positioned = true;
        return EckdDevice.Ended;
    }

    /// <summary>One byte; once a program and not beside DEFINE EXTENT.</summary>
    public static DeviceStatus SetFileMask(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> mask = stackalloc byte[1];
        if (!device.ReceiveAll(data, mask))
            return EckdDevice.Failed;
        var value = new FileMask(FileMaskLayout.Mask.Byte(mask));
        if (!value.IsValid)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        device.Chain.Mask = value;
        device.Chain.MaskSet = true;
        return EckdDevice.Ended;
    }

    /// <summary>One byte: 0 to 223, or FF. The emulated head is everywhere at once, so it is only checked.</summary>
    public static DeviceStatus SetSector(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> sector = stackalloc byte[1];
        if (!device.ReceiveAll(data, sector))
            return EckdDevice.Failed;
        return IsSector(SectorLayout.Sector.Byte(sector)) ? EckdDevice.Ended : device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
    }

    /// <summary>One byte: the sector where the current record begins.</summary>
    public static DeviceStatus ReadSector(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> sector = stackalloc byte[1];
        if (device.Chain.Record > 0 && device.CurrentTrack() is var track && device.Holds(track))
            sector[0] = (byte)Math.Min(Sectors - 1, TrackCapacity.CellsBehind(track, device.Chain.Record - 1) * Sectors / TrackCapacity.Cells);
        data.Send(sector);
        return EckdDevice.Ended;
    }

    internal static bool IsSector(byte sector) => sector is < Sectors or AnySector;

    private static DeviceStatus SeekTo(EckdDevice device, IDataTransfer data, bool allowed, bool keepCylinder)
    {
        if (!allowed)
            return device.Check(EckdSense.FileProtected);
        Span<byte> address = stackalloc byte[SeekLayout.Size];
        if (!device.ReceiveAll(data, address))
            return EckdDevice.Failed;
        TrackAddress to = TrackAddress.Read(SeekLayout.Address.In(address));
        CkdGeometry geometry = device.Volume.Geometry;
        if (keepCylinder)
            to = to with { Cylinder = device.Chain.Track / geometry.Heads };
        if (SeekLayout.Reserved.Half(address) != 0 || to.Cylinder >= geometry.Cylinders || to.Head >= geometry.Heads)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        int track = (to.Cylinder * geometry.Heads) + to.Head;
        if (!device.Chain.Contains(track))
            return device.Check(EckdSense.FileProtected);
        device.Chain.MoveTo(track);
        device.Chain.Positioned = true;
        return EckdDevice.Ended;
    }
}
