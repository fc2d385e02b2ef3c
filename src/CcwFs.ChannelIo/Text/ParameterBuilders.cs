using System.Buffers.Binary;

namespace CcwFs.ChannelIo.Text;

/// <summary>A command whose parameters can be written as words in place of raw bytes.</summary>
/// <param name="Codes">The commands.</param>
/// <param name="Keys">The words it takes.</param>
/// <param name="Build">Makes the parameter bytes; only called when one of the words is there.</param>
/// <param name="TakesData">data= follows the parameters.</param>
internal sealed record ParameterBuilder(byte[] Codes, string[] Keys, Func<Operands, int, byte[]> Build, bool TakesData = false)
{
    internal static ParameterBuilder? Find(byte code) => Array.Find(All, b => b.Codes.Contains(code));

    private static readonly ParameterBuilder[] All =
    [
        new([0x63], TrackParameters.ExtentKeys, (o, _) => DefineExtent(o)),
        new([0x4B], TrackParameters.LocateKeys, (o, _) => TrackParameters.LocateExtended(o)),
        new([0xE7], TrackParameters.PrefixKeys, (o, _) => TrackParameters.Prefix(o)),
        new([0x27], TrackParameters.FunctionKeys, (o, _) => TrackParameters.PrepareForRead(o)),
        new([0xF7], TrackParameters.ReleaseKeys, (o, _) => TrackParameters.ReleaseSpace(o)),
        new([0x47], ["op", "orient", "seek", "search", "count", "sector", "length"], (o, _) => LocateRecord(o)),
        new([0x07, 0x0B, 0x1B], ["to"], (o, _) => [0, 0, .. o.NeededAddress("to", withRecord: false)]),
        new([0x31, 0x51, 0x71, 0xB1, 0xD1, 0xF1], ["id"], (o, _) => o.NeededAddress("id", withRecord: true)),
        new([0x39, 0xB9], ["to"], (o, _) => o.NeededAddress("to", withRecord: false)),
        new([0x23], ["sector"], (o, _) => [(byte)o.Number("sector", 255, 0)]),
        new([0x1F], ["mask"], (o, _) => [Mask(o)]),
        new([0x1D, 0x9D, 0x15], ["id", "kl", "dl"], CountField, TakesData: true),
    ];

    // Permission bits of the file mask; the same byte in SET FILE MASK and DEFINE EXTENT.
    private static readonly (string Name, byte Value)[] Masks = [("format", 0x00), ("read", 0x40), ("update", 0x80), ("all", 0xC0)];

    private static readonly (string Name, byte Value)[] Operations =
        [("orient", 0x00), ("write", 0x01), ("format", 0x03), ("read", 0x06), ("erase", 0x0B), ("read-tracks", 0x0C), ("read-ckd", 0x16)];

    private static readonly (string Name, byte Value)[] Orientations = [("count", 0), ("home", 1), ("data", 2), ("index", 3)];

    private static byte Mask(Operands operands) => operands.Named("mask", 0, Masks);

    /// <summary>DEFINE EXTENT, 16 bytes: mask, attributes, block size 2, -, -, additional, extended, begin CCHH, end CCHH.</summary>
    internal static byte[] DefineExtent(Operands operands)
    {
        byte[] bytes = new byte[16];
        bytes[0] = Mask(operands);
        bytes[1] = operands.HexByte("attr", 0xC0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)operands.Number("block", 0xFFFF, 0));
        bytes[7] = operands.HexByte("ext", 0);
        byte[] begin = operands.NeededAddress("begin", withRecord: false);
        begin.CopyTo(bytes, 8);
        (operands.Address("end", withRecord: false) ?? begin).CopyTo(bytes, 12);
        return bytes;
    }

    /// <summary>LOCATE RECORD, 16 bytes: orientation 2 bits and operation 6, auxiliary, -, count, seek CCHH, search CCHHR, sector, length 2.</summary>
    internal static byte[] LocateRecord(Operands operands, byte? operationByte = null)
    {
        byte[] bytes = new byte[16];
        byte operation = operationByte ?? operands.Named("op", 0x06, Operations);
        byte orientation = operands.Named("orient", 0, Orientations);
        bytes[0] = (byte)((orientation << 6) | operation);
        bytes[1] = operands.Has("length") ? (byte)0x80 : (byte)0;
        bytes[3] = (byte)operands.Number("count", 255, 1);
        byte[] search = operands.Address("search", withRecord: true)
            ?? [.. operands.NeededAddress("seek", withRecord: false), 0];
        (operands.Address("seek", withRecord: false) ?? search[..4]).CopyTo(bytes, 4);
        search.CopyTo(bytes, 8);
        bytes[13] = (byte)operands.Number("sector", 255, 0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), (ushort)operands.Number("length", 0xFFFF, 0));
        return bytes;
    }

    /// <summary>A count field, 8 bytes: CCHHR, key length, data length 2; without dl= the data that follows behind the key.</summary>
    private static byte[] CountField(Operands operands, int dataLength)
    {
        byte[] bytes = new byte[8];
        operands.NeededAddress("id", withRecord: true).CopyTo(bytes, 0);
        bytes[5] = (byte)operands.Number("kl", 255, 0);
        BinaryPrimitives.WriteUInt16BigEndian(
            bytes.AsSpan(6), (ushort)operands.Number("dl", 0xFFFF, Math.Clamp(dataLength - bytes[5], 0, 0xFFFF)));
        return bytes;
    }
}
