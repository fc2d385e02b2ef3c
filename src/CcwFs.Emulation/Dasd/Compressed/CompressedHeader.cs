using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// The 1024 bytes before the tables of a compressed image: a device header as in a plain one, then the compressed header. README.md has both to the
/// byte. Its numbers are little-endian, but for those of images from big-endian machines, which say so; the cylinders are always little-endian.
/// Source: images of Hercules 3.13, and cckd.h and cckd64.h of Hercules.
/// </summary>
/// <param name="Geometry">Size and model.</param>
/// <param name="IsShadow">It holds what was changed since it was made; the rest is in the files below it.</param>
/// <param name="IsWide">Offsets have 64 bits.</param>
/// <param name="IsBigEndian">The numbers of the tables are big-endian.</param>
/// <param name="Entries">Entries of the first table, as the header says.</param>
/// <param name="FileSize">Bytes of the file, as the header says.</param>
/// <param name="NullFormat">How tracks look that are not in the file: 0 to 2.</param>
/// <param name="IsOpen">Hercules has written to it, and not closed it.</param>
internal readonly record struct CompressedHeader(
    CkdGeometry Geometry, bool IsShadow, bool IsWide, bool IsBigEndian, int Entries, long FileSize, int NullFormat, bool IsOpen)
{
    /// <summary>Bytes of both headers; the first table is behind them.</summary>
    public const int Size = 1024;

    /// <summary>Bytes of an identifier.</summary>
    public const int IdentifierSize = 8;

    /// <summary>Tracks of an entry of the first table: the entries of a second one.</summary>
    public const int TracksPerTable = 256;

    private const int Second = 512; // offset of the compressed header
    private const byte BigEndian = 0x02, Opened = 0x80; // options

    /// <summary>Bytes of an entry of the first table.</summary>
    public int EntrySize => IsWide ? sizeof(ulong) : sizeof(uint);

    /// <summary>Bytes of a second table's entry: offset, length (2), size with its spare bytes (2), and if wide 4 that are not used.</summary>
    public int PlaceSize => IsWide ? 16 : 8;

    /// <summary>Bytes of a second table.</summary>
    public int TableSize => TracksPerTable * PlaceSize;

    /// <summary>Bytes of the headers and the first table.</summary>
    public long TablesEnd => Size + (long)Entries * EntrySize;

    /// <summary>Entries of the first table that have tracks.</summary>
    public int UsedEntries => (Geometry.Tracks + TracksPerTable - 1) / TracksPerTable;

    /// <summary>Whether a file that begins so is a compressed image or a shadow file.</summary>
    public static bool Knows(ReadOnlySpan<byte> identifier) =>
        identifier.Length >= IdentifierSize && identifier.StartsWith("CKD_"u8) && (identifier[4] is (byte)'C' or (byte)'S')
            && (identifier[5..IdentifierSize].SequenceEqual("370"u8) || identifier[5..IdentifierSize].SequenceEqual("064"u8));

    /// <summary>Judges the headers. Gives null and what they say, or "offset N: reason".</summary>
    public static string? Parse(ReadOnlySpan<byte> bytes, out CompressedHeader header)
    {
        header = default;
        if (!Knows(bytes))
            return $"offset 0: no compressed image (identifier {Convert.ToHexString(bytes[..IdentifierSize])})";
        if (JudgeDevice(bytes) is string fault)
            return fault;
        ReadOnlySpan<byte> second = bytes[Second..];
        bool isWide = bytes[5] == '0', isBig = (second[3] & BigEndian) != 0;
        uint cylinders = BinaryPrimitives.ReadUInt32LittleEndian(second[(isWide ? 12 : 40)..]);
        if (cylinders is 0 or > CkdGeometry.MaxCylinders)
            return $"offset {Second + (isWide ? 12 : 40)}: {cylinders} cylinders; a compressed image has 1 to {CkdGeometry.MaxCylinders}";
        (uint entries, uint perTable) = (Number(second[4..], isBig), Number(second[8..], isBig));
        if (perTable != TracksPerTable)
            return $"offset {Second + 8}: second tables of {perTable} entries; they have {TracksPerTable}";
        ulong size = !isWide ? Number(second[12..], isBig)
            : isBig ? BinaryPrimitives.ReadUInt64BigEndian(second[16..]) : BinaryPrimitives.ReadUInt64LittleEndian(second[16..]);
        byte nullFormat = second[isWide ? 72 : 44];
        header = new CompressedHeader(CkdGeometry.Model3390((int)cylinders), bytes[4] == 'S', isWide, isBig, (int)Math.Min(entries, int.MaxValue),
            (long)Math.Min(size, long.MaxValue), nullFormat <= NullTrack.Blocks ? nullFormat : NullTrack.EndOfFile, (second[3] & Opened) != 0);
        return entries >= header.UsedEntries ? null
            : $"offset {Second + 4}: a first table of {entries} entries; {cylinders} cylinders need {header.UsedEntries}";
    }

    /// <summary>The first header is a plain image's, of one file.</summary>
    private static string? JudgeDevice(ReadOnlySpan<byte> bytes)
    {
        CkdGeometry expected = CkdGeometry.Model3390(1);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) is uint heads && heads != expected.Heads)
            return $"offset 8: {heads} heads; a 3390 has {expected.Heads}";
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) is uint size && size != expected.TrackSize)
            return $"offset 12: track size {size}; a 3390's is {expected.TrackSize}";
        if (bytes[16] != (byte)expected.DeviceType)
            return $"offset 16: device type {bytes[16]:X2}; only 3390 ({(byte)expected.DeviceType:X2}) is supported";
        if (bytes[17] > 1)
            return $"offset 17: file number {bytes[17]}; a compressed image is one file";
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]) is not 0 and var high
            ? $"offset 18: highest cylinder {high}, as if another file followed; a compressed image is one file" : null;
    }

    private static uint Number(ReadOnlySpan<byte> bytes, bool isBig) =>
        isBig ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
