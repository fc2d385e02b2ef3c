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

    /// <summary>READ TRACK over the tracks of a bit map.</summary>
    ReadTrackSet = 0x3F0E,

    /// <summary>WRITE FULL TRACK over the tracks of a bit map.</summary>
    WriteFullTrack = 0x3F11,

    /// <summary>WRITE TRACK DATA.</summary>
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

/// <summary>As what a command may stand in a locate-record domain.</summary>
[Flags]
internal enum DomainUse
{
    /// <summary>In no domain.</summary>
    None = 0,

    /// <summary>Operations 06 and 16.</summary>
    Read = 1,

    /// <summary>Operation 01.</summary>
    Update = 2,

    /// <summary>Operation 01, as the last write of the domain.</summary>
    LastUpdate = 4,

    /// <summary>Operation 03.</summary>
    Format = 8,

    /// <summary>Operation 03 with orientation home address or index.</summary>
    FormatFromHome = 0x10,

    /// <summary>Operation 0B.</summary>
    Track = 0x20,

    /// <summary>The check of a write domain: the last command, where the auxiliary byte announced a read count.</summary>
    CountSuffix = 0x40,

    /// <summary>Operation 0C.</summary>
    ReadTrackData = 0x80,

    /// <summary>Operation 0C, and 3F with 0E.</summary>
    ReadTrack = 0x100,

    /// <summary>Operation 3F with 23.</summary>
    WriteTrackData = 0x200,

    /// <summary>Operation 3F with 11.</summary>
    WriteFullTrack = 0x400,
}

/// <summary>
/// The domain that LOCATE RECORD opens: as many data-transfer commands as it names follow, of the kind it names, and nothing else. A closed
/// domain (the default value) restricts nothing.
/// </summary>
/// <param name="Operation">Operation.</param>
/// <param name="Orientation">Orientation.</param>
/// <param name="CountLeft">Commands still to come; 0: closed.</param>
/// <param name="TransferLength">
/// Bytes that each update writes, 0: not checked. Of <see cref="LocateOperation.ReadTracks"/>: bytes of the last track, 0: all.
/// </param>
/// <param name="EndsWithReadCount">The last command is a READ COUNT (auxiliary byte, bit 7).</param>
/// <param name="TrackSet">Which tracks, from the current one on, bit 0 first; 0: each.</param>
internal readonly record struct LocateRecordDomain(
    LocateOperation Operation, LocateOrientation Orientation, int CountLeft, int TransferLength, bool EndsWithReadCount, ushort TrackSet = 0)
{
    /// <summary>Bits of a track set: the two bytes that READ DEVICE CHARACTERISTICS (byte 43) allows for extended parameters.</summary>
    public const int SetTracks = 16;

    /// <summary>For operations that count tracks: how far the next command's track is; 0 for the first command, whose track has been located.</summary>
    public int Advance { get; private init; }

    public bool IsOpen => CountLeft > 0;

    public bool IsTrackWrite => IsOpen && Operation == LocateOperation.WriteTrack;

    /// <summary>Whether a command that may stand as <paramref name="use"/> may be the next.</summary>
    public bool Allows(DomainUse use)
    {
        bool suffix = EndsWithReadCount && CountLeft == 1;
        bool last = CountLeft == (EndsWithReadCount ? 2 : 1);
        bool fromHome = Orientation is LocateOrientation.HomeAddress or LocateOrientation.Index;
        DomainUse allowed = Operation switch
        {
            LocateOperation.ReadData or LocateOperation.Read => DomainUse.Read,
            LocateOperation.WriteData when suffix => DomainUse.CountSuffix,
            LocateOperation.WriteData => DomainUse.Update | (last ? DomainUse.LastUpdate : DomainUse.None),
            LocateOperation.FormatWrite => DomainUse.Format | (fromHome ? DomainUse.FormatFromHome : DomainUse.None),
            LocateOperation.WriteTrack => DomainUse.Track,
            LocateOperation.ReadTracks => DomainUse.ReadTrackData | DomainUse.ReadTrack,
            LocateOperation.ReadTrackSet => DomainUse.ReadTrack,
            LocateOperation.WriteTrackData => DomainUse.WriteTrackData,
            LocateOperation.WriteFullTrack => DomainUse.WriteFullTrack,
            _ => DomainUse.None,
        };
        return (use & allowed) != 0;
    }

    /// <summary>Whether an update of so many bytes is what the domain announced.</summary>
    public bool AllowsLength(int length) => TransferLength == 0 || length == TransferLength;

    public LocateRecordDomain AfterOneCommand()
    {
        if (TrackSet == 0)
            return this with { CountLeft = CountLeft - 1, Advance = 1 };
        int next = 1 + ushort.LeadingZeroCount((ushort)(TrackSet << 1));
        return this with { CountLeft = CountLeft - 1, Advance = next, TrackSet = (ushort)(TrackSet << next) };
    }

    /// <summary>Only LOCATE RECORD EXTENDED has it.</summary>
    public static bool IsExtended(LocateOperation operation) => (int)operation > byte.MaxValue;

    /// <summary>The operation acts on whole tracks: no record is looked for.</summary>
    public static bool UsesTrackSet(LocateOperation operation) => operation is LocateOperation.ReadTrackSet or LocateOperation.WriteFullTrack;

    /// <summary>The least profile that has the operation.</summary>
    public static EckdProfile LeastProfile(LocateOperation operation) =>
        operation == LocateOperation.ReadTracks || IsExtended(operation) ? EckdProfile.Linux : EckdProfile.Minimal;

    /// <summary>Orientations that an operation may ask for.</summary>
    public static bool IsValid(LocateOperation operation, LocateOrientation orientation) => (operation, orientation) switch
    {
        (LocateOperation.Orient or LocateOperation.ReadData, not LocateOrientation.Index) => true,
        (LocateOperation.WriteData, LocateOrientation.Count or LocateOrientation.Data) => true,
        (LocateOperation.FormatWrite, not LocateOrientation.Data) => true,
        (LocateOperation.WriteTrack, LocateOrientation.Count) => true,
        (LocateOperation.Read, _) => true,
        (LocateOperation.ReadTracks or LocateOperation.ReadTrackSet, LocateOrientation.Count or LocateOrientation.HomeAddress) => true,
        (LocateOperation.WriteTrackData or LocateOperation.WriteFullTrack, LocateOrientation.Count) => true,
        _ => false,
    };

    public static WriteClass WriteClassOf(LocateOperation operation) => operation switch
    {
        LocateOperation.WriteData or LocateOperation.WriteTrackData => WriteClass.Update,
        LocateOperation.WriteFullTrack => WriteClass.RecordZero,
        LocateOperation.FormatWrite or LocateOperation.WriteTrack => WriteClass.Format,
        _ => WriteClass.None,
    };
}
