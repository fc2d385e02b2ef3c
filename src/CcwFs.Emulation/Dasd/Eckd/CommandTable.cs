using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// The commands of the emulated 3990. TRANSFER IN CHANNEL is the channel's. A code without a row is an invalid command.
/// </summary>
internal static class CommandTable
{
    private const Rules Read = Rules.Positioned;
    private const Rules Search = Rules.Positioned | Rules.KeepsIndex;
    private const Rules Next = Rules.Multitrack;
    private const Link Found = Link.IdFound | Link.KeyFound;
    private const Link Formatting = Found | Link.RecordPassed | Link.RecordZeroWritten | Link.RecordWritten;
    private const Link HomeKnown = Link.HomeAddressFound | Link.HomeAddressWritten;

    /// <summary>All rows.</summary>
    public static readonly CommandRow[] Rows =
    [
        // Identity and sense
        Common(0xE4, "SENSE ID", UnitRules.DespiteReserve, CommonCommands.SenseId),
        Common(0x03, "NO OPERATION", UnitRules.KeepsSense, CommonCommands.NoOperation),
        Common(0x04, "SENSE", UnitRules.KeepsSense | UnitRules.DespiteReserve, CommonCommands.Sense),
        Row(0xFA, "READ CONFIGURATION DATA", Rules.None, IdentityCommands.ReadConfigurationData, unit: UnitRules.DespiteReserve),
        Row(0x64, "READ DEVICE CHARACTERISTICS", Rules.None, IdentityCommands.ReadDeviceCharacteristics),
        Row(0x27, "PERFORM SUBSYSTEM FUNCTION", Rules.None, SubsystemCommands.PerformSubsystemFunction),
        Row(0x3E, "READ SUBSYSTEM DATA", Rules.None, SubsystemCommands.ReadSubsystemData),
        Row(0x54, "SENSE SUBSYSTEM STATUS", Rules.BeforeExtent, SubsystemCommands.SenseSubsystemStatus, least: EckdProfile.Linux),
        Row(0xF7, "DEFINE SUBSYSTEM OPERATION", Rules.BeforeExtent, SpaceCommands.DefineSubsystemOperation, least: EckdProfile.Linux),

        // Paths and reserve
        Common(0x34, "SENSE PATH GROUP ID", UnitRules.First | UnitRules.DespiteReserve, CommonCommands.SensePathGroupId),
        Common(0xAF, "SET PATH GROUP ID", UnitRules.First | UnitRules.DespiteReserve, CommonCommands.SetPathGroupId),
        Common(0xB4, "DEVICE RESERVE", UnitRules.First, CommonCommands.Reserve),
        Common(0x94, "DEVICE RELEASE", UnitRules.None, CommonCommands.Release, Rules.BeforeExtent),
        Common(0x14, "UNCONDITIONAL RESERVE", UnitRules.First | UnitRules.DespiteReserve, CommonCommands.UnconditionalReserve),

        // Seeks, masks, extents
        Row(0x07, "SEEK", Rules.None, SeekCommands.Seek),
        Row(0x0B, "SEEK CYLINDER", Rules.None, SeekCommands.SeekCylinder),
        Row(0x1B, "SEEK HEAD", Rules.Positioned, SeekCommands.SeekHead),
        Row(0x13, "RECALIBRATE", Rules.None, SeekCommands.Recalibrate),
        Row(0x1F, "SET FILE MASK", Rules.BeforeExtent, SeekCommands.SetFileMask),
        Row(0x23, "SET SECTOR", Rules.Positioned, SeekCommands.SetSector),
        Row(0x22, "READ SECTOR", Rules.KeepsIndex, SeekCommands.ReadSector),
        Row(0x63, "DEFINE EXTENT", Rules.BeforeExtent, ExtentCommands.DefineExtent),
        Row(0x47, "LOCATE RECORD", Rules.AfterExtent, ExtentCommands.LocateRecord),
        Row(0x4B, "LOCATE RECORD EXTENDED", Rules.AfterExtent, ExtentCommands.LocateRecordExtended, least: EckdProfile.Linux),
        Row(0xE7, "PREFIX", Rules.BeforeExtent, ExtentCommands.Prefix, least: EckdProfile.Linux),

        // Searches
        Row(0x31, "SEARCH ID EQUAL", Search, SearchCommands.IdEqual),
        Row(0xB1, "SEARCH ID EQUAL MT", Search | Next, SearchCommands.IdEqual),
        Row(0x51, "SEARCH ID HIGH", Search, SearchCommands.IdHigh),
        Row(0xD1, "SEARCH ID HIGH MT", Search | Next, SearchCommands.IdHigh),
        Row(0x71, "SEARCH ID EQUAL OR HIGH", Search, SearchCommands.IdEqualOrHigh),
        Row(0xF1, "SEARCH ID EQUAL OR HIGH MT", Search | Next, SearchCommands.IdEqualOrHigh),
        Row(0x29, "SEARCH KEY EQUAL", Search, SearchCommands.KeyEqual),
        Row(0xA9, "SEARCH KEY EQUAL MT", Search | Next, SearchCommands.KeyEqual),
        Row(0x49, "SEARCH KEY HIGH", Search, SearchCommands.KeyHigh),
        Row(0xC9, "SEARCH KEY HIGH MT", Search | Next, SearchCommands.KeyHigh),
        Row(0x69, "SEARCH KEY EQUAL OR HIGH", Search, SearchCommands.KeyEqualOrHigh),
        Row(0xE9, "SEARCH KEY EQUAL OR HIGH MT", Search | Next, SearchCommands.KeyEqualOrHigh),
        Row(0x39, "SEARCH HOME ADDRESS EQUAL", Search, SearchCommands.HomeAddressEqual),
        Row(0xB9, "SEARCH HOME ADDRESS EQUAL MT", Search | Next, SearchCommands.HomeAddressEqual),

        // Reads
        Row(0x02, "READ IPL", Rules.BeforeExtent, ReadCommands.ReadIpl),
        Row(0x06, "READ DATA", Read, ReadCommands.ReadData, DomainUse.Read),
        Row(0x86, "READ DATA MT", Read | Next, ReadCommands.ReadData, DomainUse.ReadDataMultitrack),
        Row(0x0E, "READ KEY AND DATA", Read, ReadCommands.ReadKeyAndData, DomainUse.Read),
        Row(0x8E, "READ KEY AND DATA MT", Read | Next, ReadCommands.ReadKeyAndData, DomainUse.ReadKeyMultitrack),
        Row(0x12, "READ COUNT", Read | Rules.KeepsIndex, ReadCommands.ReadCount, DomainUse.Read),
        Row(0x92, "READ COUNT MT", Read | Next, ReadCommands.ReadCount, DomainUse.ReadMultitrack | DomainUse.Suffix),
        Row(0x1E, "READ COUNT KEY AND DATA", Read, ReadCommands.ReadCountKeyAndData, DomainUse.Read),
        Row(0x9E, "READ COUNT KEY AND DATA MT", Read | Next, ReadCommands.ReadCountKeyAndData, DomainUse.ReadMultitrack),
        Row(0x1A, "READ HOME ADDRESS", Read, ReadCommands.ReadHomeAddress, DomainUse.ReadHomeAddress),
        Row(0x9A, "READ HOME ADDRESS MT", Read | Next, ReadCommands.ReadHomeAddress, DomainUse.ReadHomeAddress),
        Row(0x16, "READ RECORD ZERO", Read, ReadCommands.ReadRecordZero, DomainUse.ReadRecordZero),
        Row(0x96, "READ RECORD ZERO MT", Read | Next, ReadCommands.ReadRecordZero, DomainUse.ReadRecordZero),

        // Updates of records that exist
        Row(0x05, "WRITE DATA", Rules.None, WriteCommands.WriteData, DomainUse.WriteData, WriteClass.Update, Found),
        Row(0x0D, "WRITE KEY AND DATA", Rules.None, WriteCommands.WriteKeyAndData, DomainUse.WriteKeyAndData, WriteClass.Update, Link.IdFound),
        Row(0x85, "WRITE UPDATE DATA", Rules.InDomain | Next, WriteCommands.WriteUpdateData, DomainUse.UpdateData, WriteClass.Update),
        Row(0x8D, "WRITE UPDATE KEY AND DATA", Rules.InDomain | Next, WriteCommands.WriteUpdateKeyAndData, DomainUse.UpdateKeyAndData, WriteClass.Update),

        // Format writes
        Row(0x1D, "WRITE COUNT KEY AND DATA", Rules.None, FormatCommands.WriteCountKeyAndData,
            DomainUse.WriteRecord, WriteClass.Format, Formatting),
        Row(0x9D, "WRITE COUNT KEY AND DATA NEXT TRACK", Rules.InDomain | Next, FormatCommands.WriteNextTrack, DomainUse.WriteNextTrack, WriteClass.Format),
        Row(0x15, "WRITE RECORD ZERO", Rules.None, FormatCommands.WriteRecordZero,
            DomainUse.WriteRecordZero, WriteClass.RecordZero, HomeKnown),
        Row(0x19, "WRITE HOME ADDRESS", Rules.None, FormatCommands.WriteHomeAddress,
            DomainUse.WriteHomeAddress, WriteClass.RecordZero, Link.HomeAddressFound),
        Row(0x11, "ERASE", Rules.None, FormatCommands.Erase, DomainUse.Erase, WriteClass.Format, Formatting),

        // Tracks
        Row(0xA6, "READ TRACK DATA", Rules.InDomain, TrackCommands.ReadTrackData, DomainUse.ReadTrackData, least: EckdProfile.Linux),
        Row(0xA5, "WRITE TRACK DATA", Rules.InDomain, TrackCommands.WriteTrackData,
            DomainUse.WriteTrackData, WriteClass.Update, least: EckdProfile.Linux),
        Row(0xDE, "READ TRACK", Rules.InDomain, TrackCommands.ReadTrack, DomainUse.ReadTrack, least: EckdProfile.Linux),
        Row(0x95, "WRITE FULL TRACK", Rules.InDomain, TrackCommands.WriteFullTrack,
            DomainUse.WriteFullTrack, WriteClass.RecordZero, least: EckdProfile.Linux),
        Row(0x5E, "READ MULTIPLE COUNT KEY AND DATA", Read, TrackCommands.ReadMultipleCountKeyAndData, least: EckdProfile.Full),
    ];

    private static readonly CommandRow?[] _byCode = Index();

    /// <summary>The row of a code, or null.</summary>
    public static CommandRow? Find(byte code) => _byCode[code];

    /// <summary>The row of a code that a profile has, or null: the one place where profiles gate commands.</summary>
    public static CommandRow? Find(byte code, EckdProfile profile) => _byCode[code] is { } row && row.Least <= profile ? row : null;

    private static CommandRow Row(
        byte code, string name, Rules rules, CommandHandler handler,
        DomainUse domain = DomainUse.None, WriteClass write = WriteClass.None, Link needs = Link.None, EckdProfile least = EckdProfile.Minimal,
        UnitRules unit = UnitRules.None) =>
        new(code, name, unit, rules, needs, domain, write, Common: null, handler, least);

    private static CommandRow Common(byte code, string name, UnitRules unit, CommonHandler handler, Rules rules = Rules.None) =>
        new(code, name, unit, rules, Link.None, DomainUse.None, WriteClass.None, handler, Handler: null, EckdProfile.Minimal);

    private static CommandRow?[] Index()
    {
        var byCode = new CommandRow?[256];
        foreach (CommandRow row in Rows)
            byCode[row.Code] = byCode[row.Code] is null ? row : throw new InvalidOperationException($"two rows for command {row.Code:X2}");
        return byCode;
    }
}
