using CcwFs.ChannelIo;
using CcwFs.CommandSets.Fba;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Fba;

/// <summary>Commands that say what the device is, and where a program works.</summary>
internal static class FbaCommands
{
    // DEFINE EXTENT, bits 0-1 of the mask.
    private const byte InhibitWrites = 0x40, AllowAll = 0xC0;
    private const byte Diagnose = 0x04; // allows what is not done here; CE area (08): the disk has none

    /// <summary>The characteristics; a program may take less.</summary>
    public static DeviceStatus ReadDeviceCharacteristics(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[FbaIdentity.CharacteristicsSize];
        FbaIdentity.WriteCharacteristics(bytes, program.Volume.Geometry);
        data.Send(bytes);
        return UnitStatus.Ended;
    }

    /// <summary>The log of errors, which is always empty: what fails is told at once.</summary>
    public static DeviceStatus ReadBufferedLog(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[FbaSense.Size];
        bytes.Clear();
        data.Send(bytes);
        return UnitStatus.Ended;
    }

    /// <summary>Block 0; from then on the extent is the whole disk, to read alone.</summary>
    public static DeviceStatus ReadIpl(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        FbaVolume volume = program.Volume;
        Span<byte> block = volume.Buffer.AsSpan(0, volume.Geometry.BlockSize);
        volume.Store.Read(0, block);
        data.Send(block);
        program.Extent = new FbaExtent(InhibitWrites, 0, 0, volume.Geometry.Blocks - 1);
        return UnitStatus.Ended;
    }

    /// <summary>16 bytes (<see cref="FbaExtentLayout"/>). A block size of 0 is that of the disk.</summary>
    public static DeviceStatus DefineExtent(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[FbaExtentLayout.Layout.Size];
        if (data.Receive(bytes) < bytes.Length)
            return program.Check(FbaSense.CommandReject);
        BlockGeometry disk = program.Volume.Geometry;
        var extent = new FbaExtent(
            FbaExtentLayout.Mask.Byte(bytes), FbaExtentLayout.Locator.Word(bytes), FbaExtentLayout.First.Word(bytes),
                FbaExtentLayout.Last.Word(bytes));
        bool valid = (extent.Mask & ~(FbaExtentLayout.WriteControl | Diagnose)) == 0 && FbaExtentLayout.Reserved.Byte(bytes) == 0
            && (FbaExtentLayout.BlockSize.Half(bytes) == 0 || FbaExtentLayout.BlockSize.Half(bytes) == disk.BlockSize)
            && extent.Last >= extent.First;
        if (!valid)
            return program.Check(FbaSense.CommandReject);
        if (extent.Locator >= disk.Blocks || extent.Last - extent.First >= disk.Blocks - extent.Locator)
            return program.Check(FbaSense.FileProtected);
        program.Extent = extent;
        return UnitStatus.Ended;
    }

    /// <summary>
    /// 8 bytes (<see cref="FbaLocateLayout"/>). Of replicated data, which lies there several times, the first copy is found. No block of a file is
    /// ever defective, so that there is nothing to format where the mask allows it.
    /// </summary>
    public static DeviceStatus Locate(FbaProgram program, FbaLocation located, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[FbaLocateLayout.Layout.Size];
        if (data.Receive(bytes) < bytes.Length)
            return program.Check(FbaSense.CommandReject);
        FbaExtent extent = program.Extent!.Value;
        byte operation = FbaLocateLayout.Operation.Byte(bytes);
        int replication = FbaLocateLayout.Replication.Byte(bytes);
        int count = FbaLocateLayout.Count.Half(bytes);
        uint block = FbaLocateLayout.Block.Word(bytes);
        bool writes = operation is FbaLocateLayout.Write or FbaLocateLayout.WriteAndVerify;
        bool formats = operation == FbaLocateLayout.FormatDefective;
        bool known = writes || formats || operation is FbaLocateLayout.Read or FbaLocateLayout.ReadReplicated;
        if (!known || count == 0 || (operation == FbaLocateLayout.ReadReplicated && (replication == 0 || replication % count != 0)))
            return program.Check(FbaSense.CommandReject);
        if ((writes || formats) && program.IsReadOnly)
            return program.Check(FbaSense.WriteInhibited);
        byte control = (byte)(extent.Mask & FbaExtentLayout.WriteControl);
        if ((writes && control == InhibitWrites) || (formats && control != AllowAll))
            return program.Check(FbaSense.CommandReject);
        if (block < extent.First || block > extent.Last || (uint)(count - 1) > extent.Last - block)
            return program.Check(FbaSense.FileProtected);
        program.Located = formats ? default : new FbaLocation(extent.Locator + (block - extent.First), count, writes);
        return UnitStatus.Ended;
    }
}
