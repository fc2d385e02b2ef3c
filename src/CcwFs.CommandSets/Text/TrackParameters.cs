using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets.Text;

/// <summary>Parameters that name tracks and records, as words.</summary>
internal static class TrackParameters
{
    internal static readonly string[] ExtentKeys = ["begin", "end", "mask", "attr", "block", "ext"];
    internal static readonly string[] LocateKeys = ["op", "orient", "seek", "search", "count", "sector", "length"];
    internal static readonly string[] ExtendedKeys = [.. LocateKeys, "tracks"];
    internal static readonly string[] PrefixKeys = [.. ExtentKeys, .. ExtendedKeys, "base"];

    // Permission bits of the file mask; the same byte in SET FILE MASK and DEFINE EXTENT, of blocks too.
    private static readonly (string Name, byte Value)[] s_masks = [("format", 0x00), ("read", 0x40), ("update", 0x80), ("all", 0xC0)];

    private static readonly (string Name, byte Value)[] s_operations =
        [("orient", 0x00), ("write", 0x01), ("format", 0x03), ("read", 0x06), ("erase", 0x0B), ("read-tracks", 0x0C), ("read-ckd", 0x16)];

    private static readonly (string Name, byte Value)[] s_orientations = [("count", 0), ("home", 1), ("data", 2), ("index", 3)];

    // The extended operation. Two are for any record, and the number 1 follows them; three name their tracks by bits.
    private static readonly (string Name, byte Value)[] s_extendedOperations =
    [
        ("write-any", 0x09), ("read-any", 0x0A), ("read-track-set", 0x0E), ("write-tracks", 0x11), ("update-tracks", 0x13),
            ("write-track-data", 0x23),
    ];

    internal static byte Mask(Operands operands) => operands.Named("mask", 0, s_masks);

    internal static byte[] Seek(Operands operands)
    {
        byte[] bytes = new byte[SeekLayout.Size];
        SeekLayout.Address.Put(bytes, operands.NeededAddress("to", withRecord: false));
        return bytes;
    }

    /// <summary>DEFINE EXTENT in its short form.</summary>
    internal static byte[] DefineExtent(Operands operands)
    {
        byte[] bytes = new byte[DefineExtentLayout.Size];
        DefineExtentLayout.Mask.Put(bytes, Mask(operands));
        DefineExtentLayout.Attributes.Put(bytes, operands.HexByte("attr", 0xC0));
        DefineExtentLayout.BlockSize.Put(bytes, operands.Number("block", 0xFFFF, 0));
        DefineExtentLayout.Extended.Put(bytes, operands.HexByte("ext", 0));
        byte[] begin = operands.NeededAddress("begin", withRecord: false);
        DefineExtentLayout.Begin.Put(bytes, begin);
        DefineExtentLayout.End.Put(bytes, operands.Address("end", withRecord: false) ?? begin);
        return bytes;
    }

    /// <summary>LOCATE RECORD.</summary>
    internal static byte[] LocateRecord(Operands operands, byte? operationByte = null)
    {
        byte[] bytes = new byte[LocateRecordLayout.Size];
        byte operation = operationByte ?? operands.Named("op", 0x06, s_operations);
        byte orientation = operands.Named("orient", 0, s_orientations);
        LocateRecordLayout.Operation.Put(bytes, (orientation << 6) | operation);
        LocateRecordLayout.Auxiliary.Put(bytes, operands.Has("length") ? LocateRecordLayout.LengthValid : 0);
        LocateRecordLayout.Count.Put(bytes, operands.Number("count", 255, 1));
        byte[] search = operands.Address("search", withRecord: true)
            ?? [.. operands.NeededAddress("seek", withRecord: false), 0];
        LocateRecordLayout.Seek.Put(bytes, operands.Address("seek", withRecord: false) ?? search);
        LocateRecordLayout.Search.Put(bytes, search);
        LocateRecordLayout.Sector.Put(bytes, operands.Number("sector", 255, 0));
        LocateRecordLayout.Length.Put(bytes, operands.Number("length", 0xFFFF, 0));
        return bytes;
    }

    /// <summary>
    /// LOCATE RECORD EXTENDED; then 2 bytes of track bits for operations that have them: tracks=, or as many tracks one after the other as count=
    /// says; or the byte 01 for operations on any record.
    /// </summary>
    internal static byte[] LocateExtended(Operands operands)
    {
        bool extended = operands.TryNamed("op", s_extendedOperations, out byte operation);
        byte[] locate = LocateRecord(operands, extended ? LocateRecordLayout.ExtendedOperation : null);
        bool hasTracks = operands.Has("tracks") || (extended && operation is 0x0E or 0x11 or 0x13);
        bool ofAnyRecord = extended && !hasTracks && operation is 0x09 or 0x0A;
        int more = hasTracks ? 2 : ofAnyRecord ? 1 : 0;
        byte[] bytes = new byte[LocateRecordLayout.ExtendedSize + more];
        locate.CopyTo(bytes, 0);
        LocateRecordLayout.SecondOperation.Put(bytes, extended ? operation : 0);
        LocateRecordLayout.More.Put(bytes, more);
        if (ofAnyRecord)
            bytes[^1] = 1;
        if (!hasTracks)
            return bytes;
        int count = Math.Min((int)LocateRecordLayout.Count.Byte(bytes), 16);
        new ParameterField("tracks", LocateRecordLayout.ExtendedSize, 2)
            .Put(bytes, operands.Number("tracks", 0xFFFF, (ushort)(0xFFFF << (16 - count))));
        return bytes;
    }

    /// <summary>
    /// PREFIX. Without a word of LOCATE RECORD EXTENDED format 0, whose last 20 bytes are zero. base= asks for the base device to be verified.
    /// </summary>
    internal static byte[] Prefix(Operands operands)
    {
        bool locates = Array.Exists(ExtendedKeys, operands.Has);
        byte[] locate = locates ? LocateExtended(operands) : new byte[LocateRecordLayout.ExtendedSize];
        byte[] bytes = [.. new byte[PrefixLayout.Locate.Offset], .. locate];
        int device = (int)operands.Number("base", 0xFFFF, 0);
        PrefixLayout.Format.Put(bytes, locates ? PrefixLayout.WithLocate : PrefixLayout.ExtentOnly);
        PrefixLayout.Validity.Put(bytes, PrefixLayout.ExtentValid | (operands.Has("base") ? PrefixLayout.VerifyBase : 0));
        PrefixLayout.BaseUnit.Put(bytes, device);
        PrefixLayout.BaseSubsystem.Put(bytes, device >> 8);
        DefineExtent(operands).CopyTo(bytes, PrefixLayout.Extent.Offset);
        return bytes;
    }

    /// <summary>A count field; without dl= the data that follows the key.</summary>
    internal static byte[] CountField(Operands operands, int dataLength)
    {
        byte[] bytes = new byte[CountLayout.Size];
        int keyLength = (int)operands.Number("kl", 255, 0);
        CountLayout.Id.Put(bytes, operands.NeededAddress("id", withRecord: true));
        CountLayout.KeyLength.Put(bytes, keyLength);
        CountLayout.DataLength.Put(bytes, operands.Number("dl", 0xFFFF, Math.Clamp(dataLength - keyLength, 0, 0xFFFF)));
        return bytes;
    }
}
