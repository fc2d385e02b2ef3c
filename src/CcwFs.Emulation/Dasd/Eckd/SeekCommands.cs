using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Seeks, sectors and the file mask.</summary>
internal static class SeekCommands
{
    /// <summary>Sectors of a track (READ DEVICE CHARACTERISTICS, byte 16).</summary>
    public const byte Sectors = 224;

    /// <summary>Sector number that means "not used".</summary>
    public const byte AnySector = 0xFF;

    public static DeviceStatus Seek(EckdProgram program, CommandRow row, IDataTransfer data) =>
        SeekTo(program, data, program.Chain.Extent.Mask.AllowsSeek, false);

    public static DeviceStatus SeekCylinder(EckdProgram program, CommandRow row, IDataTransfer data) =>
        SeekTo(program, data, program.Chain.Extent.Mask.AllowsSeekCylinder, false);

    /// <summary>Keeps the cylinder; the address's own is ignored.</summary>
    public static DeviceStatus SeekHead(EckdProgram program, CommandRow row, IDataTransfer data) =>
        SeekTo(program, data, program.Chain.Extent.Mask.AllowsHeadChange, true);

    /// <summary>Seeks to cylinder 0, head 0.</summary>
    public static DeviceStatus Recalibrate(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.Chain.Extent.Mask.AllowsSeek || !program.Chain.Extent.Contains(0))
            return program.Check(EckdSense.FileProtected);
        program.Chain.At.MoveTo(0);
        return UnitStatus.Ended;
    }

    /// <summary>One byte; once per program, and not after DEFINE EXTENT.</summary>
    public static DeviceStatus SetFileMask(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> mask = stackalloc byte[1];
        if (!program.ReceiveAll(data, mask))
            return UnitStatus.Failed;
        var value = new FileMask(FileMaskLayout.Mask.Byte(mask));
        if (!value.IsValid)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        program.Chain.Extent.Mask = value;
        program.Chain.Extent.By = Limits.Mask;
        return UnitStatus.Ended;
    }

    /// <summary>One byte: 0 to 223, or FF. The emulated head is everywhere at once, so it is only checked.</summary>
    public static DeviceStatus SetSector(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> sector = stackalloc byte[1];
        if (!program.ReceiveAll(data, sector))
            return UnitStatus.Failed;
        return IsSector(SectorLayout.Sector.Byte(sector)) ? UnitStatus.Ended : program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
    }

    /// <summary>One byte: the sector where the current record begins.</summary>
    public static DeviceStatus ReadSector(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> sector = stackalloc byte[1];
        if (program.Chain.At.Record > 0 && program.CurrentTrack() is var track && program.Holds(track))
            sector[0] = (byte)Math.Min(Sectors - 1, TrackCapacity.CellsBehind(track, program.Chain.At.Record - 1) * Sectors / TrackCapacity.Cells);
        data.Send(sector);
        return UnitStatus.Ended;
    }

    internal static bool IsSector(byte sector) => sector is < Sectors or AnySector;

    private static DeviceStatus SeekTo(EckdProgram program, IDataTransfer data, bool allowed, bool keepCylinder)
    {
        if (!allowed)
            return program.Check(EckdSense.FileProtected);
        Span<byte> address = stackalloc byte[SeekLayout.Size];
        if (!program.ReceiveAll(data, address))
            return UnitStatus.Failed;
        TrackAddress to = TrackAddress.Read(SeekLayout.Address.In(address));
        CkdGeometry geometry = program.Volume.Geometry;
        if (keepCylinder)
            to = to with { Cylinder = program.Chain.At.Track / geometry.Heads };
        if (SeekLayout.Reserved.Half(address) != 0 || to.Cylinder >= geometry.Cylinders || to.Head >= geometry.Heads)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        int track = (to.Cylinder * geometry.Heads) + to.Head;
        if (!program.Chain.Extent.Contains(track))
            return program.Check(EckdSense.FileProtected);
        program.Chain.At.MoveTo(track);
        return UnitStatus.Ended;
    }
}
