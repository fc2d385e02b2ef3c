using CcwFs.CommandSets;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// The commands of the emulated 3990 by code, with their rules; the description (<see cref="Families.Eckd"/>) has their names. TRANSFER IN CHANNEL is
/// the channel's. A code without a row is an invalid command.
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
        Common(0xE4, UnitRules.DespiteReserve, CommonCommands.SenseId),
        Common(0x03, UnitRules.KeepsSense, CommonCommands.NoOperation),
        Common(0x04, UnitRules.KeepsSense | UnitRules.DespiteReserve, CommonCommands.Sense),
        Row(0xFA, Rules.None, IdentityCommands.ReadConfigurationData, unit: UnitRules.DespiteReserve),
        Row(0x64, Rules.None, IdentityCommands.ReadDeviceCharacteristics),
        Row(0x27, Rules.None, SubsystemCommands.PerformSubsystemFunction),
        Row(0x3E, Rules.None, SubsystemCommands.ReadSubsystemData),
        Row(0x54, Rules.BeforeExtent, SubsystemCommands.SenseSubsystemStatus, least: EckdProfile.Linux),
        Row(0xF7, Rules.BeforeExtent, SpaceCommands.DefineSubsystemOperation, least: EckdProfile.Linux),

        // Paths and reserve
        Common(0x34, UnitRules.First | UnitRules.DespiteReserve, CommonCommands.SensePathGroupId),
        Common(0xAF, UnitRules.First | UnitRules.DespiteReserve, CommonCommands.SetPathGroupId),
        Common(0xB4, UnitRules.First, CommonCommands.Reserve),
        Common(0x94, UnitRules.None, CommonCommands.Release, Rules.BeforeExtent),
        Common(0x14, UnitRules.First | UnitRules.DespiteReserve, CommonCommands.UnconditionalReserve),

        // Seeks, masks, extents
        Row(0x07, Rules.None, SeekCommands.Seek),
        Row(0x0B, Rules.None, SeekCommands.SeekCylinder),
        Row(0x1B, Rules.Positioned, SeekCommands.SeekHead),
        Row(0x13, Rules.None, SeekCommands.Recalibrate),
        Row(0x1F, Rules.BeforeExtent, SeekCommands.SetFileMask),
        Row(0x23, Rules.Positioned, SeekCommands.SetSector),
        Row(0x22, Rules.KeepsIndex, SeekCommands.ReadSector),
        Row(0x63, Rules.BeforeExtent, ExtentCommands.DefineExtent),
        Row(0x47, Rules.AfterExtent, ExtentCommands.LocateRecord),
        Row(0x4B, Rules.AfterExtent, ExtentCommands.LocateRecordExtended, least: EckdProfile.Linux),
        Row(0xE7, Rules.BeforeExtent, ExtentCommands.Prefix, least: EckdProfile.Linux),

        // Searches
        Row(0x31, Search, SearchCommands.Id),
        Row(0xB1, Search | Next, SearchCommands.Id),
        Row(0x51, Search, SearchCommands.Id),
        Row(0xD1, Search | Next, SearchCommands.Id),
        Row(0x71, Search, SearchCommands.Id),
        Row(0xF1, Search | Next, SearchCommands.Id),
        Row(0x29, Search, SearchCommands.Key),
        Row(0xA9, Search | Next, SearchCommands.Key),
        Row(0x49, Search, SearchCommands.Key),
        Row(0xC9, Search | Next, SearchCommands.Key),
        Row(0x69, Search, SearchCommands.Key),
        Row(0xE9, Search | Next, SearchCommands.Key),
        Row(0x39, Search, SearchCommands.HomeAddressEqual),
        Row(0xB9, Search | Next, SearchCommands.HomeAddressEqual),

        // Reads
        Row(0x02, Rules.BeforeExtent, ReadCommands.ReadIpl),
        Row(0x06, Read, ReadCommands.ReadData, DomainUse.Read),
        Row(0x86, Read | Next, ReadCommands.ReadData, DomainUse.ReadDataMultitrack),
        Row(0x0E, Read, ReadCommands.ReadKeyAndData, DomainUse.Read),
        Row(0x8E, Read | Next, ReadCommands.ReadKeyAndData, DomainUse.ReadKeyMultitrack),
        Row(0x12, Read | Rules.KeepsIndex, ReadCommands.ReadCount, DomainUse.Read),
        Row(0x92, Read | Next, ReadCommands.ReadCount, DomainUse.ReadMultitrack | DomainUse.Suffix),
        Row(0x1E, Read, ReadCommands.ReadCountKeyAndData, DomainUse.Read),
        Row(0x9E, Read | Next, ReadCommands.ReadCountKeyAndData, DomainUse.ReadMultitrack),
        Row(0x1A, Read, ReadCommands.ReadHomeAddress, DomainUse.ReadHomeAddress),
        Row(0x9A, Read | Next, ReadCommands.ReadHomeAddress, DomainUse.ReadHomeAddress),
        Row(0x16, Read, ReadCommands.ReadRecordZero, DomainUse.ReadRecordZero),
        Row(0x96, Read | Next, ReadCommands.ReadRecordZero, DomainUse.ReadRecordZero),

        // Updates of records that exist
        Row(0x05, Rules.None, WriteCommands.WriteData, DomainUse.WriteData, WriteClass.Update, Found),
        Row(0x0D, Rules.None, WriteCommands.WriteKeyAndData, DomainUse.WriteKeyAndData, WriteClass.Update, Link.IdFound),
        Row(0x85, Rules.InDomain | Next, WriteCommands.WriteUpdateData, DomainUse.UpdateData, WriteClass.Update),
        Row(0x8D, Rules.InDomain | Next, WriteCommands.WriteUpdateKeyAndData, DomainUse.UpdateKeyAndData, WriteClass.Update),

        // Format writes
        Row(0x1D, Rules.None, FormatCommands.WriteCountKeyAndData,
            DomainUse.WriteRecord, WriteClass.Format, Formatting),
        Row(0x9D, Rules.InDomain | Next, FormatCommands.WriteNextTrack, DomainUse.WriteNextTrack, WriteClass.Format),
        Row(0x15, Rules.None, FormatCommands.WriteRecordZero,
            DomainUse.WriteRecordZero, WriteClass.RecordZero, HomeKnown),
        Row(0x19, Rules.None, FormatCommands.WriteHomeAddress,
            DomainUse.WriteHomeAddress, WriteClass.RecordZero, Link.HomeAddressFound),
        Row(0x11, Rules.None, FormatCommands.Erase, DomainUse.Erase, WriteClass.Format, Formatting),

        // Tracks
        Row(0xA6, Rules.InDomain, TrackCommands.ReadTrackData, DomainUse.ReadTrackData, least: EckdProfile.Linux),
        Row(0xA5, Rules.InDomain, TrackCommands.WriteTrackData,
            DomainUse.WriteTrackData, WriteClass.Update, least: EckdProfile.Linux),
        Row(0xDE, Rules.InDomain, TrackCommands.ReadTrack, DomainUse.ReadTrack, least: EckdProfile.Linux),
        Row(0x95, Rules.InDomain, TrackCommands.WriteFullTrack,
            DomainUse.WriteFullTrack, WriteClass.RecordZero, least: EckdProfile.Linux),
        Row(0x5E, Read, TrackCommands.ReadMultipleCountKeyAndData, least: EckdProfile.Full),
    ];

    private static readonly CommandRow?[] _byCode = UnitCommand.ByCode(Rows, static row => row.Code);

    /// <summary>The row of a code, or null.</summary>
    public static CommandRow? Find(byte code) => _byCode[code];

    /// <summary>The row of a code that a profile has, or null: the one place where profiles gate commands.</summary>
    public static CommandRow? Find(byte code, EckdProfile profile) => _byCode[code] is { } row && row.Least <= profile ? row : null;

    private static CommandRow Row(
        byte code, Rules rules, CommandHandler handler,
        DomainUse domain = DomainUse.None, WriteClass write = WriteClass.None, Link needs = Link.None, EckdProfile least = EckdProfile.Minimal,
        UnitRules unit = UnitRules.None) =>
        new(Describe(code), unit, rules, needs, domain, write, Common: null, handler, least);

    private static CommandRow Common(byte code, UnitRules unit, CommonHandler handler, Rules rules = Rules.None) =>
        new(Describe(code), unit, rules, Link.None, DomainUse.None, WriteClass.None, handler, Handler: null, EckdProfile.Minimal);

    private static CommandDescription Describe(byte code) =>
        Families.Eckd.Find(code) ?? throw new ArgumentException($"command {code:X2} is not described", nameof(code));
}
