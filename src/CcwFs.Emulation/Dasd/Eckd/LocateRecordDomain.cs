namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Operation of LOCATE RECORD (byte 0, bits 2-7). An open enum: what is not here is refused.</summary>
internal enum LocateOperation : byte
{
    Orient = 0x00,
    WriteData = 0x01,
    FormatWrite = 0x03,
    ReadData = 0x06,
    WriteTrack = 0x0B,
    Read = 0x16,
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
}

/// <summary>
/// The domain that LOCATE RECORD opens: as many data-transfer commands as it names follow, of the kind it names, and nothing else. A closed
/// domain (the default value) restricts nothing.
/// </summary>
/// <param name="Operation">Operation.</param>
/// <param name="Orientation">Orientation.</param>
/// <param name="CountLeft">Commands still to come; 0: closed.</param>
/// <param name="TransferLength">Bytes that each update writes; 0: not checked.</param>
/// <param name="EndsWithReadCount">The last command is a READ COUNT (auxiliary byte, bit 7).</param>
internal readonly record struct LocateRecordDomain(
    LocateOperation Operation, LocateOrientation Orientation, int CountLeft, int TransferLength, bool EndsWithReadCount)
{
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
            _ => DomainUse.None,
        };
        return (use & allowed) != 0;
    }

    /// <summary>Whether an update of so many bytes is what the domain announced.</summary>
    public bool AllowsLength(int length) => TransferLength == 0 || length == TransferLength;

    public LocateRecordDomain AfterOneCommand() => this with { CountLeft = CountLeft - 1 };

    /// <summary>Orientations that an operation may ask for.</summary>
    public static bool IsValid(LocateOperation operation, LocateOrientation orientation) => (operation, orientation) switch
    {
        (LocateOperation.Orient or LocateOperation.ReadData, not LocateOrientation.Index) => true,
        (LocateOperation.WriteData, LocateOrientation.Count or LocateOrientation.Data) => true,
        (LocateOperation.FormatWrite, not LocateOrientation.Data) => true,
        (LocateOperation.WriteTrack, LocateOrientation.Count) => true,
        (LocateOperation.Read, _) => true,
        _ => false,
    };

    public static WriteClass WriteClassOf(LocateOperation operation) => operation switch
    {
        LocateOperation.WriteData => WriteClass.Update,
        LocateOperation.FormatWrite or LocateOperation.WriteTrack => WriteClass.Format,
        _ => WriteClass.None,
    };
}
