namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// As what a command may stand in a locate-record domain: which may follow which is a matter of the operation (<see cref="LocateOperations"/>).
/// </summary>
[Flags]
internal enum DomainUse
{
    /// <summary>In no domain.</summary>
    None = 0,

    /// <summary>READ DATA, READ COUNT and the like, of one track.</summary>
    Read = 1,

    /// <summary>READ COUNT MT and READ COUNT KEY AND DATA MT.</summary>
    ReadMultitrack = 2,

    /// <summary>READ DATA MT.</summary>
    ReadDataMultitrack = 4,

    /// <summary>READ KEY AND DATA MT.</summary>
    ReadKeyMultitrack = 8,

    /// <summary>READ COUNT MT, as the check of a domain: its last command, where the auxiliary byte announced it.</summary>
    Suffix = 0x10,

    /// <summary>READ HOME ADDRESS.</summary>
    ReadHomeAddress = 0x20,

    /// <summary>READ RECORD ZERO.</summary>
    ReadRecordZero = 0x40,

    /// <summary>READ TRACK.</summary>
    ReadTrack = 0x80,

    /// <summary>READ TRACK DATA.</summary>
    ReadTrackData = 0x100,

    /// <summary>WRITE DATA.</summary>
    WriteData = 0x200,

    /// <summary>WRITE KEY AND DATA.</summary>
    WriteKeyAndData = 0x400,

    /// <summary>WRITE UPDATE DATA.</summary>
    UpdateData = 0x800,

    /// <summary>WRITE UPDATE KEY AND DATA.</summary>
    UpdateKeyAndData = 0x1000,

    /// <summary>WRITE HOME ADDRESS.</summary>
    WriteHomeAddress = 0x2000,

    /// <summary>WRITE RECORD ZERO.</summary>
    WriteRecordZero = 0x4000,

    /// <summary>WRITE COUNT KEY AND DATA.</summary>
    WriteRecord = 0x8000,

    /// <summary>WRITE COUNT KEY AND DATA NEXT TRACK.</summary>
    WriteNextTrack = 0x1_0000,

    /// <summary>ERASE.</summary>
    Erase = 0x2_0000,

    /// <summary>WRITE TRACK DATA.</summary>
    WriteTrackData = 0x4_0000,

    /// <summary>WRITE FULL TRACK.</summary>
    WriteFullTrack = 0x8_0000,
}

/// <summary>
/// The domain that LOCATE RECORD opens: as many records or tracks as it names are worked on by commands in the order of its operation, and by nothing
/// else. A closed domain (the default value) restricts nothing.
/// </summary>
/// <param name="Row">The operation; null only in the default value.</param>
/// <param name="Orientation">Orientation.</param>
/// <param name="CountLeft">Records or tracks still to come; 0: closed.</param>
/// <param name="TransferLength">
/// Bytes that each update writes, 0: not checked. Of <see cref="LocateOperation.ReadTracks"/>: bytes of the last track, 0: all.
/// </param>
/// <param name="EndsWithReadCount">The last command is a READ COUNT MT (auxiliary byte, bit 7).</param>
/// <param name="TrackSet">Which tracks, from the current one on, bit 0 first; 0: each.</param>
internal readonly record struct LocateRecordDomain(
    LocateRow? Row, LocateOrientation Orientation, int CountLeft, int TransferLength, bool EndsWithReadCount, ushort TrackSet = 0)
{
    /// <summary>Bits of a track set: the two bytes that READ DEVICE CHARACTERISTICS (byte 43) allows for extended parameters.</summary>
    public const int SetTracks = 16;

    /// <summary>
    /// For operations that count tracks: how far the next command's track is; 0 for the first command, whose track has been located.
    /// </summary>
    public int Advance { get; private init; }

    /// <summary>As what the command before stood in the domain; none: the next is the first.</summary>
    public DomainUse Last { get; private init; }

    public bool IsOpen => CountLeft > 0;

    /// <summary>Operation 0B.</summary>
    public bool IsTrackWrite => IsOpen && Row!.Operation == LocateOperation.WriteTrack;

    /// <summary>After the last record of the track comes its first.</summary>
    public bool WrapsAtTrackEnd => IsOpen && Row!.Has(LocateTraits.AnyRecord);

    /// <summary>What is left of it would have written.</summary>
    public bool LacksWrites => IsOpen && Row!.Write != WriteClass.None;

    /// <summary>The next command is the suffix.</summary>
    public bool IsSuffix => EndsWithReadCount && CountLeft == 1;

    /// <summary>Records still to come before the suffix.</summary>
    public int BeforeSuffix => EndsWithReadCount ? CountLeft - 1 : CountLeft;

    /// <summary>Whether a command that may stand as <paramref name="use"/> may be the next.</summary>
    public bool Allows(DomainUse use) => (use & Row!.Next(this)) != 0;

    /// <summary>Whether an update of so many bytes is what the domain announced.</summary>
    public bool AllowsLength(int length) => TransferLength == 0 || length == TransferLength;

    /// <summary>
    /// A command that stands as <paramref name="use"/> has been executed. Where any record counts, its data belongs to the count that was read
    /// before.
    /// </summary>
    public LocateRecordDomain After(DomainUse use)
    {
        bool sameRecord = WrapsAtTrackEnd && use == DomainUse.ReadDataMultitrack && (Last & DomainUse.Suffix) != 0;
        int left = sameRecord ? CountLeft : CountLeft - 1;
        if (TrackSet == 0)
            return this with { CountLeft = left, Advance = 1, Last = use };
        int next = 1 + ushort.LeadingZeroCount((ushort)(TrackSet << 1));
        return this with { CountLeft = left, Advance = next, Last = use, TrackSet = (ushort)(TrackSet << next) };
    }
}
