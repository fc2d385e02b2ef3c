using System.Buffers.Binary;

namespace CcwFs.ChannelIo.Text;

/// <summary>
/// Parameters of PREFIX, LOCATE RECORD EXTENDED, PERFORM SUBSYSTEM FUNCTION and DEFINE SUBSYSTEM OPERATION as words (layouts: reference eckd 2.2, 2.7).
/// </summary>
internal static class TrackParameters
{
    internal static readonly string[] ExtentKeys = ["begin", "end", "mask", "attr", "block", "ext"];
    internal static readonly string[] LocateKeys = ["op", "orient", "seek", "search", "count", "sector", "length", "tracks"];
    internal static readonly string[] PrefixKeys = [.. ExtentKeys, .. LocateKeys, "base"];
    internal static readonly string[] FunctionKeys = ["prepare", "unit", "parm"];
    internal static readonly string[] ReleaseKeys = ["unit", "begin", "end"];

    private const byte ExtendedOperation = 0x3F;

    // Byte 17: what operation 3F is. Two are for any record, and have the number 1 behind them; three name their tracks by bits.
    private static readonly (string Name, byte Value)[] ExtendedOperations =
    [
        ("write-any", 0x09), ("read-any", 0x0A), ("read-track-set", 0x0E), ("write-tracks", 0x11), ("update-tracks", 0x13), ("write-track-data", 0x23),
    ];

    private static readonly (string Name, byte Value)[] Suborders =
    [
        ("path-status", 0x00), ("statistics", 0x01), ("message", 0x03), ("units", 0x0E), ("hosts", 0x1C), ("features", 0x41), ("volume", 0x52), ("pools", 0x53),
    ];

    /// <summary>
    /// LOCATE RECORD EXTENDED, 20 bytes: LOCATE RECORD's 16, -, extended operation, 2 bytes that count what follows; then 2 bytes of track bits for
    /// operations that have them: tracks=, or as many tracks one after the other as count= says; or the byte 01 for operations on any record.
    /// </summary>
    internal static byte[] LocateExtended(Operands operands)
    {
        bool extended = operands.TryNamed("op", ExtendedOperations, out byte operation);
        byte[] locate = ParameterBuilder.LocateRecord(operands, extended ? ExtendedOperation : null);
        bool hasTracks = operands.Has("tracks") || (extended && operation is 0x0E or 0x11 or 0x13);
        bool ofAnyRecord = extended && !hasTracks && operation is 0x09 or 0x0A;
        byte[] bytes = new byte[hasTracks ? 22 : ofAnyRecord ? 21 : 20];
        locate.CopyTo(bytes, 0);
        bytes[17] = extended ? operation : (byte)0;
        if (ofAnyRecord)
            bytes[19] = bytes[20] = 1;
        if (hasTracks)
        {
            bytes[19] = 2;
            int count = Math.Min((int)locate[3], 16);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(20), (ushort)operands.Number("tracks", 0xFFFF, (ushort)(0xFFFF << (16 - count))));
        }

        return bytes;
    }

    /// <summary>
    /// PREFIX: 12 bytes (format, validity, base unit address, -, base subsystem), DEFINE EXTENT in 32, LOCATE RECORD EXTENDED in 20 or 22. Without a word
    /// of the latter format 0, whose last 20 bytes are zero. base= asks for the base device to be verified.
    /// </summary>
    internal static byte[] Prefix(Operands operands)
    {
        const byte ExtentValid = 0x80;
        const byte VerifyBase = 0x20;
        bool locates = Array.Exists(LocateKeys, operands.Has);
        byte[] head = new byte[12];
        int device = (int)operands.Number("base", 0xFFFF, 0);
        (head[0], head[1]) = ((byte)(locates ? 1 : 0), (byte)(ExtentValid | (operands.Has("base") ? VerifyBase : 0)));
        (head[2], head[4]) = ((byte)device, (byte)(device >> 8));
        return [.. head, .. ParameterBuilder.DefineExtent(operands), .. new byte[16], .. locates ? LocateExtended(operands) : new byte[20]];
    }

    /// <summary>PREPARE FOR READ SUBSYSTEM DATA, 12 bytes: 18, 4 subsystem and unit address, 6 what, 8 a parameter.</summary>
    internal static byte[] PrepareForRead(Operands operands)
    {
        byte[] bytes = new byte[12];
        bytes[0] = 0x18;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)operands.Number("unit", 0xFFFF, 0));
        bytes[6] = operands.Named("prepare", 0x41, Suborders);
        bytes[8] = operands.HexByte("parm", 0);
        return bytes;
    }

    /// <summary>
    /// RELEASE ALLOCATED SPACE, 24 bytes: 81, -, scope (20 by range, 10 initialized), -, 4 subsystem and unit address, 20 number of ranges; then the range
    /// from begin to end. Without begin the whole volume.
    /// </summary>
    internal static byte[] ReleaseSpace(Operands operands)
    {
        byte[] bytes = new byte[24];
        bytes[0] = 0x81;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)operands.Number("unit", 0xFFFF, 0));
        if (!operands.Has("begin") && !operands.Has("end"))
            return bytes;
        (bytes[2], bytes[21]) = (0x30, 1);
        byte[] begin = operands.NeededAddress("begin", withRecord: false);
        return [.. bytes, .. begin, .. operands.Address("end", withRecord: false) ?? begin];
    }
}
