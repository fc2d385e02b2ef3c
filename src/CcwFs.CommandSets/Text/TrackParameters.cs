using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets.Text;

/// <summary>Parameters that name tracks and records, as words.</summary>
internal static class TrackParameters
{
    internal static readonly string[] ExtentKeys = ["begin", "end", "mask", "attr", "block", "ext"];
    internal static readonly string[] LocateKeys = ["op", "orient", "seek", "search", "count", "sector", "length"];
    internal static readonly string[] ExtendedKeys = [.. LocateKeys, "tracks"];
    internal static readonly string[] PrefixKeys = [.. ExtentKeys, .. ExtendedKeys, "base"];

    internal static byte Mask(Operands operands) => operands.Named("mask", 0, FileMaskLayout.Writes);

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
        DefineExtentLayout.Attributes.Put(bytes, operands.HexByte("attr", DefineExtentLayout.EckdMode));
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
        byte operation = operationByte ?? operands.Named("op", 0x06, LocateRecordLayout.Operations);
        byte orientation = operands.Named("orient", 0, LocateRecordLayout.Orientations);
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
        bool extended = operands.TryNamed("op", LocateRecordLayout.ExtendedOperations, out byte operation);
        byte[] locate = LocateRecord(operands, extended ? LocateRecordLayout.ExtendedOperation : null);
        bool hasTracks = operands.Has("tracks") || (extended && LocateRecordLayout.NamesTracks(operation));
        bool ofAnyRecord = extended && !hasTracks && LocateRecordLayout.IsOfAnyRecord(operation);
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
        LocateRecordLayout.Tracks.Put(
            bytes.AsSpan(LocateRecordLayout.ExtendedSize), operands.Number("tracks", 0xFFFF, (ushort)(0xFFFF << (16 - count))));
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
