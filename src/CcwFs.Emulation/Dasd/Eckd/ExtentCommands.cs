using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>DEFINE EXTENT and LOCATE RECORD.</summary>
internal static class ExtentCommands
{
    /// <summary>Longest data of record 0 (READ DEVICE CHARACTERISTICS, bytes 44-45).</summary>
    public const ushort LongestRecordZero = 57_326;

    private const int ParameterSize = 16;
    private const int ExtendedSize = 32;

    /// <summary>Byte 7 of DEFINE EXTENT: a time stamp (08) or extended parameters (02) follow the first 16 bytes.</summary>
    private const byte HasMore = 0x08 | 0x02;

    /// <summary>Byte 1 of DEFINE EXTENT, bits 0-1: ECKD mode, the only one.</summary>
    private const byte EckdMode = 0xC0;

    private const byte LengthValid = 0x80;
    private const byte ReadCountSuffix = 0x01;

    /// <summary>
    /// 16 or 32 bytes: file mask, attributes, block size 2, fast-write id 2, additional and extended attributes, first and last track
    /// (cylinder and head each); the further 16 are taken and not looked at.
    /// </summary>
    public static DeviceStatus DefineExtent(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[ExtendedSize];
        if (!device.ReceiveAll(data, parameters[..ParameterSize]))
            return EckdDevice.Failed;
        if ((parameters[7] & HasMore) != 0 && data.Receive(parameters[ParameterSize..]) != ExtendedSize - ParameterSize)
            return device.Check(EckdSense.CommandReject(SenseMessage.CountTooSmall));
        var mask = new FileMask(parameters[0]);
        ushort blockSize = BinaryPrimitives.ReadUInt16BigEndian(parameters[2..]);
        bool valid = mask.IsValid
            && (parameters[1] & EckdMode) == EckdMode
            && blockSize <= LongestRecordZero + CkdTrack.CountSize;
        valid &= TryTrack(device, parameters[8..], out int first);
        valid &= TryTrack(device, parameters[12..], out int last);
        valid &= first <= last;
        if (!valid)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        ref ChainState chain = ref device.Chain;
        (chain.Mask, chain.BlockSize, chain.FirstTrack, chain.LastTrack) = (mask, blockSize, first, last);
        chain.ExtentDefined = true;
        return EckdDevice.Ended;
    }

    /// <summary>
    /// 16 bytes: operation and orientation, auxiliary byte, 00, count, seek address CCHH, search argument CCHHR, sector, transfer
    /// length. Moves to the track, finds the record and opens the domain.
    /// </summary>
    public static DeviceStatus LocateRecord(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[ParameterSize];
        if (!device.ReceiveAll(data, parameters))
            return EckdDevice.Failed;
        if (!TryDomain(device, parameters, out LocateRecordDomain domain) || !TryTrack(device, parameters[4..], out int track))
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        if (device.IsReadOnly && LocateRecordDomain.WriteClassOf(domain.Operation) != WriteClass.None)
            return device.Check(EckdSense.WriteInhibited);
        if (!device.Chain.Contains(track))
            return device.Check(EckdSense.FileProtected);
        device.Chain.MoveTo(track);
        device.Chain.Positioned = true;
        if (!Find(device, domain.Orientation, parameters.Slice(8, 5)))
            return device.Check(EckdSense.NoRecordFound);
        device.Chain.Domain = domain;
        return EckdDevice.Ended;
    }

    private static bool TryDomain(EckdDevice device, ReadOnlySpan<byte> parameters, out LocateRecordDomain domain)
    {
        var operation = (LocateOperation)(parameters[0] & 0x3F);
        var orientation = (LocateOrientation)(parameters[0] & 0xC0);
        byte auxiliary = parameters[1];
        int count = parameters[3];
        ushort length = BinaryPrimitives.ReadUInt16BigEndian(parameters[14..]);
        bool suffix = (auxiliary & ReadCountSuffix) != 0;
        ushort blockSize = device.Chain.BlockSize;
        domain = new LocateRecordDomain(operation, orientation, count, length != 0 ? length : blockSize, suffix);
        return LocateRecordDomain.IsValid(operation, orientation)
            && (auxiliary & ~(LengthValid | ReadCountSuffix)) == 0
            && parameters[2] == 0
            && (operation == LocateOperation.Orient) == (count == 0)
            && (!suffix || (count >= 2 && operation is LocateOperation.WriteData or LocateOperation.Read))
            && ((auxiliary & LengthValid) != 0) == (length != 0)
            && length <= (blockSize != 0 ? blockSize : LongestRecordZero + CkdTrack.CountSize)
            && SeekCommands.IsSector(parameters[13]);
    }

    private static bool Find(EckdDevice device, LocateOrientation orientation, ReadOnlySpan<byte> argument)
    {
        CkdTrack track = device.CurrentTrack();
        if (orientation == LocateOrientation.Index)
            return true;
        if (orientation == LocateOrientation.HomeAddress)
            return track.HomeAddress[1..].SequenceEqual(argument[..4]);
        for (int i = 0; i < track.RecordCount; i++)
        {
            if (!track.Count(i)[..5].SequenceEqual(argument))
                continue;
            device.Orient(track, i, orientation == LocateOrientation.Data ? Field.Data : Field.Count);
            return true;
        }
        return false;
    }

    private static bool TryTrack(EckdDevice device, ReadOnlySpan<byte> address, out int track)
    {
        int cylinder = BinaryPrimitives.ReadUInt16BigEndian(address);
        int head = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        var geometry = device.Volume.Geometry;
        track = (cylinder * geometry.Heads) + head;
        return cylinder < geometry.Cylinders && head < geometry.Heads;
    }
}
