using static CcwFs.CommandSets.FieldPart;

namespace CcwFs.CommandSets.Eckd;

/// <summary>DEFINE EXTENT, 16 or 32 bytes (SA22-1025, pages 46 to 51).</summary>
public static class DefineExtentLayout
{
    /// <summary>Bytes of the fixed part, and with what may follow.</summary>
    public const int Size = 16, ExtendedSize = 32;

    /// <summary>Bits of <see cref="Extended"/>: a time stamp (08) or extended parameters (02) follow.</summary>
    public const byte HasMore = TimeStamp | MoreParameters;

    /// <summary><see cref="Attributes"/> where nothing else is wanted: ECKD mode, the only one.</summary>
    public const byte EckdMode = 0xC0;

    private const byte TimeStamp = 0x08, MoreParameters = 0x02;

    private static readonly (string Word, byte Value)[] s_modes = [("ECKD", 3)];

    private static readonly (string Word, byte Value)[] s_cacheUses =
        [("normal", 0), ("bypass", 1), ("inhibit load", 2), ("sequential", 3), ("sequential prestage", 4), ("record access", 5)];

    /// <summary>File mask.</summary>
    public static readonly ParameterField Mask = FileMaskLayout.Mask;

    /// <summary>Global attributes: mode in bits 0-1, CKD conversion, cache use.</summary>
    public static readonly ParameterField Attributes = new("attributes", 1, 1,
        Hex(null, "attr", EckdMode), Word("mode: {0}", null, s_modes, bits: 0xC0, shift: 6),
        Word("cache: {0}", null, s_cacheUses, bits: 0x1C, shift: 2),
        Flags(("CKD conversion", 0x20), ("cache fast write", 0x02), ("no DASD fast write", 0x01)));

    /// <summary>Block size.</summary>
    public static readonly ParameterField BlockSize = new("block size", 2, 2, Number("{0} bytes", "block", 0));

    /// <summary>Zero here; other storage directors have a fast-write id there.</summary>
    public static readonly ParameterField FastWrite = new("fast-write id", 4, 3, Hex("{0}"));

    /// <summary>Extended attributes.</summary>
    public static readonly ParameterField Extended = new("extended attributes", 7, 1,
        Hex(null, "ext", 0), Flags(("regular data format", 0x40), ("a time stamp follows", TimeStamp), ("extended parameters follow", MoreParameters)));

    /// <summary>First track, CCHH.</summary>
    public static readonly ParameterField Begin = new("begin", 8, TrackAddress.Size, Track("track {0}", "begin"));

    /// <summary>Last track, CCHH.</summary>
    public static readonly ParameterField End = new("end", 12, TrackAddress.Size, Track("track {0}", "end"));

    /// <summary>What may follow (Linux, drivers/s390/block/dasd_eckd.h).</summary>
    private static readonly ParameterLayout s_more = new(ExtendedSize - Size,
    [
        new("system time", 0, 8, Hex("{0}")), new("format", 8, 1, Hex("{0}")), new("priority", 9, 1, Number("{0}")),
        new("records per track", 11, 1, Number("{0}")),
    ]);

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(
        Size, [Mask, Attributes, BlockSize, FastWrite, Extended, Begin, End], a => Extended.Has(a, HasMore) ? ExtendedSize : Size)
    {
        Brief = [Begin, End, Mask, Attributes, BlockSize, Extended],
        Sections = [new("extended", Size, s_more, a => Extended.Has(a, HasMore) ? 1 : 0)],
    };
}

/// <summary>LOCATE RECORD, 16 bytes, and LOCATE RECORD EXTENDED, 20 bytes and extended parameters (SA22-1025, pages 52 to 77).</summary>
public static class LocateRecordLayout
{
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

    /// <summary>Words of the operation.</summary>
    internal static readonly (string Word, byte Value)[] Operations =
        [("orient", 0x00), ("write", 0x01), ("format", 0x03), ("read", 0x06), ("erase", 0x0B), ("read-tracks", 0x0C), ("read-ckd", 0x16)];

    /// <summary>Words of the orientation.</summary>
    internal static readonly (string Word, byte Value)[] Orientations = [("count", 0), ("home", 1), ("data", 2), ("index", 3)];

    /// <summary>Words of the extended operation.</summary>
    internal static readonly (string Word, byte Value)[] ExtendedOperations =
    [
        ("write-any", 0x09), ("read-any", 0x0A), ("read-track-set", 0x0E), ("write-tracks", 0x11), ("update-tracks", 0x13),
        ("write-track-data", 0x23),
    ];

    /// <summary>Orientation in bits 0-1 and operation.</summary>
    public static readonly ParameterField Operation = new("operation", 0, 1,
        Word("operation: {0}", "op", [.. Operations, ("extended", ExtendedOperation)], bits: OperationMask, usual: ExtendedOperation),
        Word("orientation: {0}", "orient", Orientations, bits: unchecked((byte)~OperationMask), shift: 6));

    /// <summary>Auxiliary byte.</summary>
    public static readonly ParameterField Auxiliary = new("auxiliary byte", 1, 1,
        Hex(null, "aux", 0, bits: unchecked((byte)~LengthValid)),
        Flags(("length valid", LengthValid), ("length of the last track", LengthOfLastTrack), ("a command is imbedded", IsImbedded),
            ("READ COUNT comes last", ReadCountSuffix)));

    /// <summary>A command code, with <see cref="IsImbedded"/>.</summary>
    public static readonly ParameterField Imbedded = new("imbedded command", 2, 1, Hex("command {0}", "imbedded", 0));

    /// <summary>Number of records or tracks.</summary>
    public static readonly ParameterField Count = new("count", 3, 1, Number("{0} records or tracks", "count"));

    /// <summary>The track to seek to, CCHH.</summary>
    public static readonly ParameterField Seek = new("seek address", 4, TrackAddress.Size, Track("track {0}", "seek"));

    /// <summary>The record to find, CCHHR.</summary>
    public static readonly ParameterField Search = new("search argument", 8, SearchIdLayout.Size, Record("record {0}", "search"));

    /// <summary>Sector.</summary>
    public static readonly ParameterField Sector = new("sector", 13, 1, Number("sector {0}", "sector", 0));

    /// <summary>Transfer length.</summary>
    public static readonly ParameterField Length = new("transfer length", 14, 2, Number("{0} bytes", "length", 0));

    /// <summary>Extended form: imbedded count.</summary>
    public static readonly ParameterField ImbeddedCount = new("imbedded count", 16, 1, Number("{0}"));

    /// <summary>Extended form: the operation that <see cref="ExtendedOperation"/> stands for.</summary>
    public static readonly ParameterField SecondOperation =
        new("extended operation", 17, 1, Word("operation: {0}", "op", [("none", 0), .. ExtendedOperations], usual: 0));

    /// <summary>Extended form: bytes that follow.</summary>
    public static readonly ParameterField More = new("extended parameters", 18, 2, Number("{0} bytes follow"));

    /// <summary>The tracks of an operation that names them, a bit each, the first one that of the seek address.</summary>
    internal static readonly ParameterField Tracks = new("tracks", 0, 2, Hex("{0}, a bit each, from that of the seek address on", "tracks"));

    private static readonly ParameterField[] s_fields = [Operation, Auxiliary, Imbedded, Count, Seek, Search, Sector, Length];

    private static readonly ParameterLayout s_tracks = new(Tracks.Length, [Tracks]),
        s_anyRecord = new(1, [new("set", 0, 1, Number("{0} records at a time"))]);

    /// <summary>LOCATE RECORD.</summary>
    public static ParameterLayout Layout { get; } = new(Size, s_fields);

    /// <summary>LOCATE RECORD EXTENDED.</summary>
    public static ParameterLayout Extended { get; } = new(
        ExtendedSize, [.. s_fields, ImbeddedCount, SecondOperation, More], a => a.Length < ExtendedSize ? ExtendedSize : ExtendedSize + More.Half(a))
    {
        Sections =
        [
            new("track set", ExtendedSize, s_tracks, a => HasMore(a, s_tracks) && NamesTracks(SecondOperation.Byte(a)) ? 1 : 0),
            new("any record", ExtendedSize, s_anyRecord, a => HasMore(a, s_anyRecord) && IsOfAnyRecord(SecondOperation.Byte(a)) ? 1 : 0),
        ],
    };

    /// <summary>The extended operation names its tracks, by <see cref="Tracks"/>.</summary>
    internal static bool NamesTracks(byte operation) => operation is 0x0E or 0x11 or 0x13;

    /// <summary>The extended operation is for any record; a byte with the number 1 follows.</summary>
    internal static bool IsOfAnyRecord(byte operation) => operation is 0x09 or 0x0A;

    private static bool HasMore(ReadOnlySpan<byte> parameters, ParameterLayout layout) => parameters.Length >= ExtendedSize
        && More.Half(parameters) >= layout.Size && (Operation.Byte(parameters) & OperationMask) == ExtendedOperation;
}

/// <summary>
/// PREFIX: a head of 12 bytes, DEFINE EXTENT in 32, LOCATE RECORD EXTENDED; of format 2 18 bytes that are not used, then an order of PERFORM
/// SUBSYSTEM FUNCTION (source of that: what z/VM sends, as Hercules' E7Prefix test does).
/// </summary>
public static class PrefixLayout
{
    /// <summary>Formats: DEFINE EXTENT alone, with LOCATE RECORD EXTENDED, with an order.</summary>
    public const byte ExtentOnly = 0, WithLocate = 1, WithOrder = 2;

    /// <summary>Bits of <see cref="Validity"/>: the extent, its time stamp; verify the base; HyperPAV.</summary>
    public const byte ExtentValid = 0x80, TimeValid = 0x40, VerifyBase = 0x20, HyperPav = 0x10;

    /// <summary>Format.</summary>
    public static readonly ParameterField Format = new("format", 0, 1,
        Word("format: {0}", null, [("extent", ExtentOnly), ("extent and locate", WithLocate), ("extent and order", WithOrder)]));

    /// <summary>Validity.</summary>
    public static readonly ParameterField Validity = new("validity", 1, 1,
        Hex(null, "valid", ExtentValid),
        Flags(("the extent", ExtentValid), ("its time stamp", TimeValid), ("verify the base", VerifyBase), ("HyperPAV", HyperPav)));

    /// <summary>Unit address of the base device.</summary>
    public static readonly ParameterField BaseUnit = new("base unit address", 2, 1, Hex("{0}", "unit", 0));

    /// <summary>Logical subsystem of the base device.</summary>
    public static readonly ParameterField BaseSubsystem = new("base subsystem", 4, 1, Hex("{0}", "subsystem", 0));

    /// <summary>Zero.</summary>
    public static readonly ParameterField Reserved = new("reserved", 5, 7, Zero);

    /// <summary>DEFINE EXTENT (<see cref="DefineExtentLayout"/>).</summary>
    public static readonly ParameterField Extent = new("DEFINE EXTENT", HeadSize, DefineExtentLayout.ExtendedSize);

    /// <summary>LOCATE RECORD EXTENDED (<see cref="LocateRecordLayout"/>); more may follow.</summary>
    public static readonly ParameterField Locate =
        new("LOCATE RECORD EXTENDED", HeadSize + DefineExtentLayout.ExtendedSize, LocateRecordLayout.ExtendedSize);

    /// <summary>Bytes of the head, and of formats 0 and 1 without what follows.</summary>
    public const int HeadSize = 12, Size = HeadSize + DefineExtentLayout.ExtendedSize + LocateRecordLayout.ExtendedSize;

    /// <summary>Where the order of format 2 begins (<see cref="SubsystemFunctionLayout"/>).</summary>
    public const int Order = HeadSize + DefineExtentLayout.ExtendedSize + 18;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Format, Validity, BaseUnit, BaseSubsystem, Reserved], LengthOf)
    {
        Sections =
        [
            new(Extent.Name, Extent.Offset, DefineExtentLayout.Layout, a => Validity.Has(a, ExtentValid) ? 1 : 0),
            new(Locate.Name, Locate.Offset, LocateRecordLayout.Extended, a => Format.Is(a, WithLocate) ? 1 : 0),
            new("order", Order, SubsystemFunctionLayout.Layout, a => Format.Is(a, WithOrder) ? 1 : 0),
        ],
    };

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
    /// <summary>The order that prepares data for READ SUBSYSTEM DATA, and its bytes.</summary>
    public const byte PrepareForRead = 0x18, PrepareSize = 12;

    /// <summary>Words of what can be prepared.</summary>
    internal static readonly (string Word, byte Value)[] Suborders =
    [
        ("path-status", 0x00), ("statistics", 0x01), ("message", 0x03), ("units", 0x0E), ("hosts", 0x1C), ("features", 0x41), ("volume", 0x52),
        ("pools", 0x53),
    ];

    private static readonly (string Word, byte Value)[] s_orders =
        [("prepare for read subsystem data", PrepareForRead), ("answer to a path quiesce", 0x1A), ("set subsystem characteristics", 0x1D)];

    /// <summary>The order.</summary>
    public static readonly ParameterField Order = new("order", 0, 1, Hex(null, "order", PrepareForRead), Word("{0}", null, s_orders));

    /// <summary>PREPARE FOR READ: logical subsystem and unit address.</summary>
    public static readonly ParameterField Unit = new("unit", 4, 2, Hex("subsystem and unit address {0}", "unit", 0));

    /// <summary>PREPARE FOR READ: what to prepare.</summary>
    public static readonly ParameterField Suborder = new("suborder", 6, 1, Word("{0}", "prepare", Suborders));

    /// <summary>PREPARE FOR READ: a parameter of the suborder.</summary>
    public static readonly ParameterField Parameter = new("parameter", 8, 1, Hex("{0}", "parm", 0));

    private static readonly ParameterLayout s_prepare = new(PrepareSize, [Unit, Suborder, Parameter]) { Brief = [Suborder, Unit, Parameter] };

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(PrepareSize, [Order], a => Order.Is(a, PrepareForRead) ? PrepareSize : Order.End)
    {
        Sections = [new("", 0, s_prepare, a => Order.Is(a, PrepareForRead) ? 1 : 0)],
    };
}

/// <summary>DEFINE SUBSYSTEM OPERATION: an order; that of RELEASE ALLOCATED SPACE has 24 bytes and 8 per range of tracks, CCHH each.</summary>
public static class SubsystemOperationLayout
{
    /// <summary>The order that releases space.</summary>
    public const byte ReleaseSpace = 0x81;

    /// <summary>Bits of <see cref="Scope"/>: the ranges, not the whole volume; tracks at the ends of a range are initialized too.</summary>
    public const byte ByExtent = 0x20, GuaranteeInitialization = 0x10;

    /// <summary>Bytes without ranges, and of a range.</summary>
    public const int Size = 24, RangeSize = 2 * TrackAddress.Size;

    /// <summary>The order.</summary>
    public static readonly ParameterField Order = new("order", 0, 1,
        Hex(null, "order", ReleaseSpace), Word("{0}", null, [("release allocated space", ReleaseSpace)]));

    /// <summary>Flags; 0: a CKD volume, no message.</summary>
    public static readonly ParameterField Flags = new("flags", 1, 1, Hex("{0}", "flags", 0));

    /// <summary>Scope: <see cref="ByExtent"/>, <see cref="GuaranteeInitialization"/>.</summary>
    public static readonly ParameterField Scope = new("scope", 2, 1,
        Hex(null, "scope"), FieldPart.Flags(("by ranges", ByExtent), ("the ends of ranges are initialized", GuaranteeInitialization)));

    /// <summary>Logical subsystem and unit address.</summary>
    public static readonly ParameterField Unit = new("unit", 4, 2, Hex("subsystem and unit address {0}", "unit", 0));

    /// <summary>Number of ranges.</summary>
    public static readonly ParameterField Ranges = new("ranges", 20, 2, Number("{0} ranges follow"));

    private static readonly ParameterLayout s_release = new(Size, [Flags, Scope, Unit, Ranges]),
        s_range = new(RangeSize,
        [
            new("begin", 0, TrackAddress.Size, Track("track {0}", "begin")),
            new("end", TrackAddress.Size, TrackAddress.Size, Track("track {0}", "end")),
        ]);

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(
        Size, [Order], a => !Order.Is(a, ReleaseSpace) ? Order.End : Size + (RangeSize * RangesIn(a)))
    {
        Sections =
        [
            new("", 0, s_release, a => Order.Is(a, ReleaseSpace) ? 1 : 0),
            new("range", Size, s_range, a => Order.Is(a, ReleaseSpace) ? RangesIn(a) : 0),
        ],
    };

    private static int RangesIn(ReadOnlySpan<byte> parameters) => parameters.Length < Size ? 0 : Ranges.Half(parameters);
}

/// <summary>SEEK, SEEK CYLINDER and SEEK HEAD, 6 bytes: 00 00, then cylinder and head.</summary>
public static class SeekLayout
{
    /// <summary>Zero.</summary>
    public static readonly ParameterField Reserved = new("reserved", 0, 2, Zero);

    /// <summary>The track, CCHH.</summary>
    public static readonly ParameterField Address = new("seek address", 2, TrackAddress.Size, Track("track {0}", "to"));

    /// <summary>Bytes.</summary>
    public const int Size = 6;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Reserved, Address]);
}

/// <summary>SET FILE MASK, 1 byte.</summary>
public static class FileMaskLayout
{
    /// <summary>Words of what may be written; the same bits say it in DEFINE EXTENT, also of blocks.</summary>
    internal static readonly (string Word, byte Value)[] Writes = [("format", 0x00), ("read", 0x40), ("update", 0x80), ("all", 0xC0)];

    private static readonly (string Word, byte Value)[] s_seeks = [("all", 0x00), ("cylinder and head", 0x08), ("head", 0x10), ("none", 0x18)];

    private static readonly (string Word, byte Value)[] s_authorizations = [("normal", 0x00), ("device support", 0x02), ("diagnostic", 0x04)];

    /// <summary>The mask.</summary>
    public static readonly ParameterField Mask = new("mask", 0, 1,
        Word(null, "mask", Writes), Word("writes: {0}", null, Writes, bits: 0xC0),
        Word("seeks: {0}", null, s_seeks, bits: 0x18), Word("authorization: {0}", null, s_authorizations, bits: 0x06),
        Flags(("PCI fetch", 0x01)));

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(1, [Mask]);
}

/// <summary>SET SECTOR, 1 byte.</summary>
public static class SectorLayout
{
    /// <summary>The sector.</summary>
    public static readonly ParameterField Sector = new("sector", 0, 1, Number("sector {0}", "sector"));

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(1, [Sector]);
}

/// <summary>The searches for a record's id, 5 bytes.</summary>
public static class SearchIdLayout
{
    /// <summary>The id, CCHHR.</summary>
    public static readonly ParameterField Id = new("id", 0, Size, Record("record {0}", "id"));

    /// <summary>Bytes.</summary>
    public const int Size = TrackAddress.Size + 1;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Id]);
}

/// <summary>The searches for a home address, 4 bytes.</summary>
public static class SearchHomeLayout
{
    /// <summary>The track, CCHH.</summary>
    public static readonly ParameterField Address = new("home address", 0, TrackAddress.Size, Track("track {0}", "to"));

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(TrackAddress.Size, [Address]);
}

/// <summary>The count field in front of key and data of a format write, 8 bytes.</summary>
public static class CountLayout
{
    /// <summary>The record's id, CCHHR.</summary>
    public static readonly ParameterField Id = new("id", 0, SearchIdLayout.Size, Record("record {0}", "id"));

    /// <summary>Key length.</summary>
    public static readonly ParameterField KeyLength = new("key length", 5, 1, Number("{0} bytes", "kl"));

    /// <summary>Data length.</summary>
    public static readonly ParameterField DataLength = new("data length", 6, 2, Number("{0} bytes", "dl"));

    /// <summary>Bytes.</summary>
    public const int Size = 8;

    /// <summary>The layout.</summary>
    public static ParameterLayout Layout { get; } = new(Size, [Id, KeyLength, DataLength]) { TakesData = true };
}
