namespace CcwFs.CommandSets.Eckd;

/// <summary>DEFINE EXTENT, 16 or 32 bytes (SA22-1025, pages 46 to 51).</summary>
public static class DefineExtentLayout
{
    /// <summary>File mask.</summary>
    public static readonly ParameterField Mask = new("mask", 0, 1);

    /// <summary>Global attributes: mode in bits 0-1, CKD conversion, cache use.</summary>
    public static readonly ParameterField Attributes = new("attributes", 1, 1);

    /// <summary>Block size.</summary>
    public static readonly ParameterField BlockSize = new("block size", 2, 2);

    /// <summary>Zero here; other storage directors have a fast-write id there.</summary>
    public static readonly ParameterField FastWrite = new("fast-write id", 4, 3);

    /// <summary>Extended attributes.</summary>
    public static readonly ParameterField Extended = new("extended attributes", 7, 1);

    /// <summary>First track, CCHH.</summary>
    public static readonly ParameterField Begin = new("begin", 8, TrackAddress.Size);

    /// <summary>Last track, CCHH.</summary>
    public static readonly ParameterField End = new("end", 12, TrackAddress.Size);

    /// <summary>Bytes of the fixed part, and with what may follow.</summary>
    public const int Size = 16, ExtendedSize = 32;

    /// <summary>Bits of <see cref="Extended"/>: a time stamp (08) or extended parameters (02) follow.</summary>
    public const byte HasMore = 0x08 | 0x02;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(
        Size, [Mask, Attributes, BlockSize, FastWrite, Extended, Begin, End],
        a => a.Length >= Extended.End && (Extended.Byte(a) & HasMore) != 0 ? ExtendedSize : Size);
}

/// <summary>LOCATE RECORD, 16 bytes, and LOCATE RECORD EXTENDED, 20 bytes and extended parameters (SA22-1025, pages 52 to 77).</summary>
public static class LocateRecordLayout
{
    /// <summary>Orientation in bits 0-1 and operation.</summary>
    public static readonly ParameterField Operation = new("operation", 0, 1);

    /// <summary>Auxiliary byte.</summary>
    public static readonly ParameterField Auxiliary = new("auxiliary byte", 1, 1);

    /// <summary>A command code, with <see cref="IsImbedded"/>.</summary>
    public static readonly ParameterField Imbedded = new("imbedded command", 2, 1);

    /// <summary>Number of records or tracks.</summary>
    public static readonly ParameterField Count = new("count", 3, 1);

    /// <summary>The track to seek to, CCHH.</summary>
    public static readonly ParameterField Seek = new("seek address", 4, TrackAddress.Size);

    /// <summary>The record to find, CCHHR.</summary>
    public static readonly ParameterField Search = new("search argument", 8, SearchIdLayout.Size);

    /// <summary>Sector.</summary>
    public static readonly ParameterField Sector = new("sector", 13, 1);

    /// <summary>Transfer length.</summary>
    public static readonly ParameterField Length = new("transfer length", 14, 2);

    /// <summary>Extended form: imbedded count.</summary>
    public static readonly ParameterField ImbeddedCount = new("imbedded count", 16, 1);

    /// <summary>Extended form: the operation that <see cref="ExtendedOperation"/> stands for.</summary>
    public static readonly ParameterField SecondOperation = new("extended operation", 17, 1);

    /// <summary>Extended form: bytes that follow.</summary>
    public static readonly ParameterField More = new("extended parameters", 18, 2);

    /// <summary>Bytes of both forms.</summary>
    public const int Size = 16, ExtendedSize = 20;

    /// <summary>Bits of <see cref="Operation"/> that are the operation.</summary>
    public const byte OperationMask = 0x3F;

    /// <summary>Operation: it is in <see cref="SecondOperation"/>.</summary>
    public const byte ExtendedOperation = 0x3F;

    /// <summary>
    /// Bits of <see cref="Auxiliary"/>: <see cref="Length"/> is valid; it is the last track's; a command is imbedded; the last command is READ COUNT.
    /// </summary>
    public const byte LengthValid = 0x80, LengthOfLastTrack = 0x40, IsImbedded = 0x20, ReadCountSuffix = 0x01;

    private static readonly ParameterField[] s_fields = [Operation, Auxiliary, Imbedded, Count, Seek, Search, Sector, Length];

    /// <summary>LOCATE RECORD.</summary>
    public static ParameterLayout Layout { get; } = new(Size, s_fields);

    /// <summary>LOCATE RECORD EXTENDED.</summary>
    public static ParameterLayout Extended { get; } = new(
        ExtendedSize, [.. s_fields, ImbeddedCount, SecondOperation, More], a => a.Length < ExtendedSize ? ExtendedSize : ExtendedSize + More.Half(a));
}

/// <summary>
/// PREFIX: a head of 12 bytes, DEFINE EXTENT in 32, LOCATE RECORD EXTENDED; of format 2 18 bytes that are not used, then an order of PERFORM
/// SUBSYSTEM FUNCTION (source of that: what z/VM sends, as Hercules' E7Prefix test does).
/// </summary>
public static class PrefixLayout
{
    /// <summary>Format.</summary>
    public static readonly ParameterField Format = new("format", 0, 1);

    /// <summary>Validity.</summary>
    public static readonly ParameterField Validity = new("validity", 1, 1);

    /// <summary>Unit address of the base device.</summary>
    public static readonly ParameterField BaseUnit = new("base unit address", 2, 1);

    /// <summary>Logical subsystem of the base device.</summary>
    public static readonly ParameterField BaseSubsystem = new("base subsystem", 4, 1);

    /// <summary>Zero.</summary>
    public static readonly ParameterField Reserved = new("reserved", 5, 7);

    /// <summary>DEFINE EXTENT (<see cref="DefineExtentLayout"/>).</summary>
    public static readonly ParameterField Extent = new("DEFINE EXTENT", HeadSize, DefineExtentLayout.ExtendedSize);

    /// <summary>LOCATE RECORD EXTENDED (<see cref="LocateRecordLayout"/>); more may follow.</summary>
    public static readonly ParameterField Locate =
        new("LOCATE RECORD EXTENDED", HeadSize + DefineExtentLayout.ExtendedSize, LocateRecordLayout.ExtendedSize);

    /// <summary>Bytes of the head, and of formats 0 and 1 without what follows.</summary>
    public const int HeadSize = 12, Size = HeadSize + DefineExtentLayout.ExtendedSize + LocateRecordLayout.ExtendedSize;

    /// <summary>Where the order of format 2 begins (<see cref="SubsystemFunctionLayout"/>).</summary>
    public const int Order = HeadSize + DefineExtentLayout.ExtendedSize + 18;

    /// <summary>Formats: DEFINE EXTENT alone, with LOCATE RECORD EXTENDED, with an order.</summary>
    public const byte ExtentOnly = 0, WithLocate = 1, WithOrder = 2;

    /// <summary>Bits of <see cref="Validity"/>: the extent, its time stamp; verify the base; HyperPAV.</summary>
    public const byte ExtentValid = 0x80, TimeValid = 0x40, VerifyBase = 0x20, HyperPav = 0x10;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Format, Validity, BaseUnit, BaseSubsystem, Reserved, Extent, Locate], LengthOf);

    private static int LengthOf(ReadOnlySpan<byte> a) => a.IsEmpty ? 1 : Format.Byte(a) switch
    {
        WithOrder => Order + SubsystemFunctionLayout.Layout.LengthOf(a[Math.Min(Order, a.Length)..]),
        WithLocate when a.Length >= Size => Locate.Offset + LocateRecordLayout.Extended.LengthOf(a[Locate.Offset..]),
        _ => Size,
    };
}

/// <summary>PERFORM SUBSYSTEM FUNCTION: an order; only that of PREPARE FOR READ SUBSYSTEM DATA, 12 bytes, is of a known form.</summary>
public static class SubsystemFunctionLayout
{
    /// <summary>The order.</summary>
    public static readonly ParameterField Order = new("order", 0, 1);

    /// <summary>PREPARE FOR READ: logical subsystem and unit address.</summary>
    public static readonly ParameterField Unit = new("unit", 4, 2);

    /// <summary>PREPARE FOR READ: what to prepare.</summary>
    public static readonly ParameterField Suborder = new("suborder", 6, 1);

    /// <summary>PREPARE FOR READ: a parameter of the suborder.</summary>
    public static readonly ParameterField Parameter = new("parameter", 8, 1);

    /// <summary>The order that prepares data for READ SUBSYSTEM DATA, and its bytes.</summary>
    public const byte PrepareForRead = 0x18, PrepareSize = 12;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(
        PrepareSize, [Order, Unit, Suborder, Parameter], a => a.IsEmpty || Order.Byte(a) != PrepareForRead ? 1 : PrepareSize);
}

/// <summary>DEFINE SUBSYSTEM OPERATION: an order; that of RELEASE ALLOCATED SPACE has 24 bytes and 8 per range of tracks, CCHH each.</summary>
public static class SubsystemOperationLayout
{
    /// <summary>The order.</summary>
    public static readonly ParameterField Order = new("order", 0, 1);

    /// <summary>Flags; 0: a CKD volume, no message.</summary>
    public static readonly ParameterField Flags = new("flags", 1, 1);

    /// <summary>Scope: <see cref="ByExtent"/>, <see cref="GuaranteeInitialization"/>.</summary>
    public static readonly ParameterField Scope = new("scope", 2, 1);

    /// <summary>Logical subsystem and unit address.</summary>
    public static readonly ParameterField Unit = new("unit", 4, 2);

    /// <summary>Number of ranges.</summary>
    public static readonly ParameterField Ranges = new("ranges", 20, 2);

    /// <summary>The order that releases space.</summary>
    public const byte ReleaseSpace = 0x81;

    /// <summary>Bits of <see cref="Scope"/>: the ranges, not the whole volume; tracks at the ends of a range are initialized too.</summary>
    public const byte ByExtent = 0x20, GuaranteeInitialization = 0x10;

    /// <summary>Bytes without ranges, and of a range.</summary>
    public const int Size = 24, RangeSize = 2 * TrackAddress.Size;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(
        Size, [Order, Flags, Scope, Unit, Ranges],
        a => a.IsEmpty || Order.Byte(a) != ReleaseSpace ? 1 : a.Length < Size ? Size : Size + (RangeSize * Ranges.Half(a)));
}

/// <summary>SEEK, SEEK CYLINDER and SEEK HEAD, 6 bytes: 00 00, then cylinder and head.</summary>
public static class SeekLayout
{
    /// <summary>Zero.</summary>
    public static readonly ParameterField Reserved = new("reserved", 0, 2);

    /// <summary>The track, CCHH.</summary>
    public static readonly ParameterField Address = new("seek address", 2, TrackAddress.Size);

    /// <summary>Bytes.</summary>
    public const int Size = 6;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Reserved, Address]);
}

/// <summary>SET FILE MASK, 1 byte.</summary>
public static class FileMaskLayout
{
    /// <summary>The mask.</summary>
    public static readonly ParameterField Mask = new("mask", 0, 1);

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(1, [Mask]);
}

/// <summary>SET SECTOR, 1 byte.</summary>
public static class SectorLayout
{
    /// <summary>The sector.</summary>
    public static readonly ParameterField Sector = new("sector", 0, 1);

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(1, [Sector]);
}

/// <summary>The searches for a record's id, 5 bytes.</summary>
public static class SearchIdLayout
{
    /// <summary>The id, CCHHR.</summary>
    public static readonly ParameterField Id = new("id", 0, Size);

    /// <summary>Bytes.</summary>
    public const int Size = TrackAddress.Size + 1;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Id]);
}

/// <summary>The searches for a home address, 4 bytes.</summary>
public static class SearchHomeLayout
{
    /// <summary>The track, CCHH.</summary>
    public static readonly ParameterField Address = new("home address", 0, TrackAddress.Size);

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(TrackAddress.Size, [Address]);
}

/// <summary>The count field in front of key and data of a format write, 8 bytes.</summary>
public static class CountLayout
{
    /// <summary>The record's id, CCHHR.</summary>
    public static readonly ParameterField Id = new("id", 0, SearchIdLayout.Size);

    /// <summary>Key length.</summary>
    public static readonly ParameterField KeyLength = new("key length", 5, 1);

    /// <summary>Data length.</summary>
    public static readonly ParameterField DataLength = new("data length", 6, 2);

    /// <summary>Bytes.</summary>
    public const int Size = 8;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Id, KeyLength, DataLength]);
}
