namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>What the previous command found or did, for commands that must be chained from it.</summary>
[Flags]
internal enum Link
{
    /// <summary>Nothing that a write may build on.</summary>
    None = 0,

    /// <summary>SEARCH HOME ADDRESS was equal.</summary>
    HomeAddressFound = 1,

    /// <summary>SEARCH ID EQUAL was equal on five bytes.</summary>
    IdFound = 2,

    /// <summary>SEARCH KEY EQUAL was equal on the whole key.</summary>
    KeyFound = 4,

    /// <summary>The found record's data was then read or written.</summary>
    RecordPassed = 8,

    /// <summary>WRITE RECORD ZERO.</summary>
    RecordZeroWritten = 0x10,

    /// <summary>WRITE COUNT KEY AND DATA, also its next-track form.</summary>
    RecordWritten = 0x20,

    /// <summary>WRITE HOME ADDRESS.</summary>
    HomeAddressWritten = 0x40,
}

/// <summary>Which part of the current record has passed under the head.</summary>
internal enum Field
{
    /// <summary>At index: before the home address.</summary>
    Index,

    /// <summary>Behind the home address: record 0 is next.</summary>
    Home,

    /// <summary>Behind its count: the key is next.</summary>
    Count,

    /// <summary>Behind its key: the data is next.</summary>
    Key,

    /// <summary>Behind its data: the next record's count is next.</summary>
    Data,
}

/// <summary>What has been said of the tracks that a program may touch.</summary>
internal enum Limits
{
    /// <summary>Nothing: all tracks.</summary>
    None,

    /// <summary>SET FILE MASK.</summary>
    Mask,

    /// <summary>DEFINE EXTENT, or READ IPL, which stands for one.</summary>
    Extent,
}

/// <summary>What a program may do, and where: by DEFINE EXTENT, SET FILE MASK or READ IPL, of which one may be in a program.</summary>
internal struct Extent
{
    /// <summary>Which of them there was.</summary>
    public Limits By;

    public FileMask Mask;

    /// <summary>First and last track that may be touched.</summary>
    public int FirstTrack, LastTrack;

    /// <summary>Block size of DEFINE EXTENT, 0 when it named none.</summary>
    public ushort BlockSize;

    public CacheUse Cache;

    /// <summary>
    /// CKD conversion mode (DEFINE EXTENT, byte 1 bit 2): updates have the length of their records, and reads over tracks end with the cylinder.
    /// </summary>
    public bool Converts;

    public readonly bool Contains(int track) => track >= FirstTrack && track <= LastTrack;
}

/// <summary>Where the head stands, and what it has seen of the record there.</summary>
internal struct Position
{
    /// <summary>SEEK, RECALIBRATE, READ IPL or LOCATE RECORD has been executed: reads and searches may follow.</summary>
    public bool IsKnown;

    /// <summary>Track under the head, the record's place on it (-1 at index) and what has passed of it.</summary>
    public int Track, Record;

    public Field Field;

    /// <summary>The record's count field when it was oriented to: another device may have formatted the track since.</summary>
    public ulong Count;

    /// <summary>Index has been passed since data last moved.</summary>
    public bool IndexPassed;

    public void MoveTo(int track) => (IsKnown, Track, Record, Field) = (true, track, -1, Field.Index);

    /// <summary>The head stays where it is, but what has passed of the record is not the next command's: that has the next record.</summary>
    public void ForgetOrientation() => Field = Field switch
    {
        Field.Count or Field.Key => Field.Data,
        Field.Home => Field.Index,
        _ => Field,
    };
}

/// <summary>
/// All that one channel program sets up in the device. A new program begins with a fresh value; nothing else is kept between programs.
/// </summary>
internal struct ChainState
{
    public Extent Extent;

    public Position At;

    public LocateRecordDomain Domain;

    /// <summary>What the command before the running one left; and what the running one leaves.</summary>
    public Link Previous, Link;

    /// <summary>What PERFORM SUBSYSTEM FUNCTION has prepared for READ SUBSYSTEM DATA, which must be the next command; empty: nothing.</summary>
    public ReadOnlyMemory<byte> Prepared;

    /// <summary>A track was not in the cache.</summary>
    public bool Missed;

    /// <summary>A transfer met a channel error: the channel ended the chain on its own account.</summary>
    public bool ChannelFailed;

    /// <summary>The program has changed tracks; <see cref="LostWritesBefore"/> is the volume's counter at the first.</summary>
    public bool Wrote;

    public int LostWritesBefore;

    public static ChainState Begin(int tracks) => new() { Extent = new Extent { LastTrack = tracks - 1 }, At = new Position { Record = -1 } };

    /// <summary>
    /// A command that stands as <paramref name="use"/> has been executed in the domain. With the last one goes what it has written as a ground for
    /// another write, and its orientation, but for the data of any record that was counted (SA22-1025, pages 124, 65, 106).
    /// </summary>
    public void EndInDomain(DomainUse use)
    {
        bool keepsOrientation = Domain.Row!.Operation == LocateOperation.ReadAny;
        Domain = Domain.After(use);
        if (Domain.IsOpen)
            return;
        Link = Link.None;
        if (!keepsOrientation)
            At.ForgetOrientation();
    }
}
