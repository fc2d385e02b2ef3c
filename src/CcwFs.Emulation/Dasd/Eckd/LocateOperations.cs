namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Operation of LOCATE RECORD (byte 0, bits 2-7); the extended ones are 3F and then the extended operation (byte 17 of LOCATE RECORD EXTENDED).
/// An open enum: what is not here is refused.
/// </summary>
internal enum LocateOperation : ushort
{
    Orient = 0x00,
    WriteData = 0x01,
    FormatWrite = 0x03,
    ReadData = 0x06,
    WriteTrack = 0x0B,
    ReadTracks = 0x0C,
    Read = 0x16,
    WriteAny = 0x3F09,
    ReadAny = 0x3F0A,
    ReadTrackSet = 0x3F0E,
    WriteTrackSet = 0x3F11,
    UpdateTrackSet = 0x3F13,
    WriteTrackData = 0x3F23,
}

/// <summary>Orientation of LOCATE RECORD (byte 0, bits 0-1).</summary>
internal enum LocateOrientation : byte
{
    Count = 0x00,
    HomeAddress = 0x40,
    Data = 0x80,
    Index = 0xC0,
}

/// <summary>What else is to be known of an operation.</summary>
[Flags]
internal enum LocateTraits
{
    None = 0,

    /// <summary>The last command may be READ COUNT MT (auxiliary byte, bit 7).</summary>
    Suffix = 1,

    /// <summary>Two extended bytes name the tracks, a bit each; no record is looked for.</summary>
    TrackSet = 2,

    /// <summary>One extended byte, 01; no record is looked for, and after the track's last record comes its first.</summary>
    AnyRecord = 4,

    /// <summary>The transfer length is that of the last track, and without it there is none.</summary>
    LengthOfLastTrack = 8,

    /// <summary>A transfer length must be given.</summary>
    NeedsLength = 0x10,
}

/// <summary>The commands, of all that are in a row of <see cref="CommandTable"/>, that may be the next in a domain.</summary>
internal delegate DomainUse DomainSequence(in LocateRecordDomain domain);

/// <summary>One operation: what LOCATE RECORD must be like to ask for it, and which commands may follow in which order.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Orientations">Orientations.</param>
/// <param name="Next">The order of the commands.</param>
/// <param name="Write">What the commands write; none: they read.</param>
/// <param name="Traits">What else is to be known.</param>
/// <param name="Least">The least profile that has it.</param>
internal sealed record LocateRow(
    LocateOperation Operation, LocateOrientation[] Orientations, DomainSequence Next, WriteClass Write = WriteClass.None,
        LocateTraits Traits = LocateTraits.None,
    EckdProfile Least = EckdProfile.Minimal)
{
    /// <summary>Bytes after the fixed 20 of LOCATE RECORD EXTENDED.</summary>
    public int MostExtendedBytes => Has(LocateTraits.TrackSet) ? LocateRecordDomain.SetTracks / 8 : Has(LocateTraits.AnyRecord) ? 1 : 0;

    /// <summary>Only LOCATE RECORD EXTENDED has it.</summary>
    public bool IsExtended => (int)Operation > byte.MaxValue;

    public bool Has(LocateTraits trait) => (Traits & trait) != 0;

    public bool Allows(LocateOrientation orientation) => Orientations.AsSpan().Contains(orientation);
}

/// <summary>
/// The operations of the emulated 3990. Sources: S/390 Internal Disk Subsystem Reference Guide, SA22-1025, pages 52 to 77 of the file (4-14 to 4-39);
/// 3F with 23 as Linux' dasd_eckd uses it. Where Linux or the E7Prefix test of Hercules sends more than the table of page 68 allows (06 and C3 in
/// LOCATE RECORD EXTENDED), that is accepted. Each Next function is a state table: what came before, and what may come.
/// </summary>
internal static class LocateOperations
{
    private const LocateOrientation Count = LocateOrientation.Count, Home = LocateOrientation.HomeAddress, Data = LocateOrientation.Data,
        Index = LocateOrientation.Index;
    private const LocateTraits Suffix = LocateTraits.Suffix, TrackSet = LocateTraits.TrackSet, AnyRecord = LocateTraits.AnyRecord;
    private const DomainUse Multitrack = DomainUse.ReadMultitrack | DomainUse.ReadDataMultitrack;
    private const DomainUse Update = DomainUse.UpdateData | DomainUse.UpdateKeyAndData;

    /// <summary>All rows.</summary>
    public static readonly LocateRow[] Rows =
    [
        new(LocateOperation.Orient, [Count, Home, Data], Nothing),
        new(LocateOperation.WriteData, [Count, Data], Updates, WriteClass.Update, Suffix),
        new(LocateOperation.FormatWrite, [Count, Home, Index], FormatWrites, WriteClass.Format),
        new(LocateOperation.ReadData, [Count, Home, Data], AllReads),
        new(LocateOperation.WriteTrack, [Count], TrackWrites, WriteClass.Format),
        new(LocateOperation.ReadTracks, [Count, Home], WholeTracks, Traits: LocateTraits.LengthOfLastTrack, Least: EckdProfile.Linux),
        new(LocateOperation.Read, [Count, Home, Data, Index], MultitrackReads, Traits: Suffix),
        new(LocateOperation.WriteAny, [Count], AnyUpdates, WriteClass.Update, Suffix | AnyRecord, EckdProfile.Linux),
        new(LocateOperation.ReadAny, [Count], AnyReads, Traits: Suffix | AnyRecord, Least: EckdProfile.Linux),
        new(LocateOperation.ReadTrackSet, [Count, Home], (in _) => DomainUse.ReadTrack, Traits: TrackSet, Least: EckdProfile.Linux),
        new(LocateOperation.WriteTrackSet, [Count], (in _) => DomainUse.WriteFullTrack, WriteClass.Format, TrackSet, EckdProfile.Linux),
        new(LocateOperation.UpdateTrackSet, [Count, Data], (in _) => DomainUse.WriteTrackData, WriteClass.Update, TrackSet | LocateTraits.NeedsLength,
            EckdProfile.Linux),
        new(LocateOperation.WriteTrackData, [Count], (in _) => DomainUse.WriteTrackData, WriteClass.Update, LocateTraits.NeedsLength,
            EckdProfile.Linux),
    ];

    /// <summary>The row of an operation that a profile has; null: it is refused.</summary>
    public static LocateRow? Find(LocateOperation operation, EckdProfile profile)
    {
        foreach (LocateRow row in Rows)
        {
            if (row.Operation == operation)
                return row.Least <= profile ? row : null;
        }
        return null;
    }

    private static DomainUse Nothing(in LocateRecordDomain domain) => DomainUse.None;

    /// <summary>01: one update of any form, or so many of one form that goes on over tracks; then the suffix (page 59).</summary>
    private static DomainUse Updates(in LocateRecordDomain domain) => domain switch
    {
        { IsSuffix: true } => DomainUse.Suffix,
        { Last: not DomainUse.None } => domain.Last & Update,
        { BeforeSuffix: 1, Orientation: LocateOrientation.Count } => Update | DomainUse.WriteData | DomainUse.WriteKeyAndData,
        _ => Update,
    };

    /// <summary>03: from the home address on, record 0 comes first; then records, the next track's only after a record (pages 122 to 125).</summary>
    private static DomainUse FormatWrites(in LocateRecordDomain domain) => domain.Last switch
    {
        DomainUse.None when domain.Orientation != LocateOrientation.Count => DomainUse.WriteHomeAddress | DomainUse.WriteRecordZero,
        DomainUse.WriteHomeAddress => DomainUse.WriteRecordZero,
        DomainUse.None or DomainUse.WriteRecordZero => DomainUse.WriteRecord,
        _ => DomainUse.WriteRecord | DomainUse.WriteNextTrack,
    };

    /// <summary>06: reads of single tracks or over tracks, in any order (page 61).</summary>
    private static DomainUse AllReads(in LocateRecordDomain domain) =>
        DomainUse.Read | Multitrack | DomainUse.ReadKeyMultitrack | DomainUse.ReadHomeAddress | ReadsFromHome(domain);

    /// <summary>0B: the data of record 0, then records, and ERASE at most as the last (pages 61, 128, 135).</summary>
    private static DomainUse TrackWrites(in LocateRecordDomain domain) => domain switch
    {
        { Last: DomainUse.None } => DomainUse.WriteData,
        { CountLeft: 1 } => DomainUse.WriteRecord | DomainUse.Erase,
        _ => DomainUse.WriteRecord,
    };

    /// <summary>0C: one command for all tracks (page 110).</summary>
    private static DomainUse WholeTracks(in LocateRecordDomain domain) =>
        domain.Last == DomainUse.None ? DomainUse.ReadTrack | DomainUse.ReadTrackData : domain.Last;

    /// <summary>
    /// 16: reads over tracks, home address and record 0 only where the orientation is before them; then the suffix (pages 69 and 101).
    /// </summary>
    private static DomainUse MultitrackReads(in LocateRecordDomain domain) => domain switch
    {
        { IsSuffix: true } => DomainUse.Suffix,
        _ => Multitrack | DomainUse.ReadKeyMultitrack | ReadsFromHome(domain)
            | (domain.Orientation == LocateOrientation.Index ? DomainUse.ReadHomeAddress : DomainUse.None),
    };

    /// <summary>3F with 0A: a record is read by its count and its data, or by one of them; then the suffix (pages 72 and 73).</summary>
    private static DomainUse AnyReads(in LocateRecordDomain domain) => domain switch
    {
        { IsSuffix: false } => Multitrack,
        { Last: var last } when (last & DomainUse.Suffix) != 0 => DomainUse.Suffix | DomainUse.ReadDataMultitrack,
        _ => DomainUse.Suffix,
    };

    /// <summary>3F with 09 (page 74).</summary>
    private static DomainUse AnyUpdates(in LocateRecordDomain domain) => domain.IsSuffix ? DomainUse.Suffix : DomainUse.UpdateData;

    private static DomainUse ReadsFromHome(in LocateRecordDomain domain) =>
        domain.Orientation is LocateOrientation.HomeAddress or LocateOrientation.Index ? DomainUse.ReadRecordZero : DomainUse.None;
}
