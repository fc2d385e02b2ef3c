namespace CcwFs.CommandSets.Eckd;

/// <summary>
/// The commands of 3990s with 3390s (3990 Reference, GA32-0274; SA22-1025; PREFIX and the extended operations as drivers use them).
/// </summary>
internal static class EckdCommands
{
    private const CommandDirection None = CommandDirection.None, Input = CommandDirection.Input, Output = CommandDirection.Output;

    private const CommandKind Reads = CommandKind.Reads, Controls = CommandKind.Controls, Searches = CommandKind.Searches,
        Positions = CommandKind.Positions,
        Defines = CommandKind.Defines, Orders = CommandKind.Orders, Writes = CommandKind.Writes;

    private const int LongestTrack = 57_326;

    /// <summary>Bit 0 of the code: the multitrack form of a command.</summary>
    private const byte Multitrack = 0x80;

    /// <summary>The set. Its rows are in the order of the groups of GA32-0274; the last ones only real control units have.</summary>
    internal static readonly CommandSet Set = new("eckd", "the 3990", ExtentUnit.Tracks, new EckdSenseFormat(),
    [
        Row(0x03, "NO OPERATION", None, Controls, 0, null, "NOP"),
        Row(0x04, "SENSE", Input, Reads, 32),
        Row(0xE4, "SENSE ID", Input, Reads, 40, null, "SNSID"),
        Row(0x08, "TRANSFER IN CHANNEL", CommandDirection.Transfer, Controls, 0, null, "TIC"),
        Row(0x02, "READ IPL", Input, Positions, 24, null, "IPL"),
        Row(0x34, "SENSE PATH GROUP ID", Input, Reads, 12, null, "SNID"),
        Row(0xAF, "SET PATH GROUP ID", Output, Controls, 12, null, "SPID"),
        Row(0xFA, "READ CONFIGURATION DATA", Input, Reads, 256, null, "RCD"),
        Row(0x64, "READ DEVICE CHARACTERISTICS", Input, Reads, 64, null, "RDC"),
        Row(0x27, "PERFORM SUBSYSTEM FUNCTION", Output, Orders, 12, null, "PSF") with { Layout = SubsystemFunctionLayout.Layout },
        Row(0x3E, "READ SUBSYSTEM DATA", Input, Reads, 256, null, "RSSD"),
        Row(0x54, "SENSE SUBSYSTEM STATUS", Input, Reads, 44, null, "SNSS"),
        Row(0x63, "DEFINE EXTENT", Output, Defines, 16) with { Layout = DefineExtentLayout.Layout },
        Row(0x47, "LOCATE RECORD", Output, Positions, 16) with { Layout = LocateRecordLayout.Layout },
        Row(0x4B, "LOCATE RECORD EXTENDED", Output, Positions, 20, null, "LRE") with { Layout = LocateRecordLayout.Extended },
        Row(0xE7, "PREFIX", Output, Defines, 64, null, "PFX") with { Layout = PrefixLayout.Layout },
        Row(0x07, "SEEK", Output, Positions, 6) with { Layout = SeekLayout.Layout },
        Row(0x0B, "SEEK CYLINDER", Output, Positions, 6) with { Layout = SeekLayout.Layout },
        // It keeps the cylinder: the device holds it to the extent.
        Row(0x1B, "SEEK HEAD", Output, Controls, 6) with { Layout = SeekLayout.Layout },
        Row(0x13, "RECALIBRATE", None, Positions),
        // It permits nothing that an extent does not.
        Row(0x1F, "SET FILE MASK", Output, Controls, 1) with { Layout = FileMaskLayout.Layout },
        Row(0x23, "SET SECTOR", Output, Controls, 1) with { Layout = SectorLayout.Layout },
        Row(0x22, "READ SECTOR", Input, Reads, 1),
        .. Pair(Row(0x12, "READ COUNT", Input, Reads, 8, null, "RCNT")),
        .. Pair(Row(0x06, "READ DATA", Input, Reads, 4096, null, "RD")),
        .. Pair(Row(0x0E, "READ KEY AND DATA", Input, Reads, 4096, "READ_KEY_DATA", "RKD", "READ_KEY_AND_DATA")),
        .. Pair(Row(0x1E, "READ COUNT KEY AND DATA", Input, Reads, 4104, "READ_COUNT_KEY_DATA", "RCKD", "READ_COUNT_KEY_AND_DATA")),
        .. Pair(Row(0x1A, "READ HOME ADDRESS", Input, Reads, 5, null, "RHA")),
        .. Pair(Row(0x16, "READ RECORD ZERO", Input, Reads, 16, null, "RR0", "READ_R0")),
        Row(0x5E, "READ MULTIPLE COUNT KEY AND DATA", Input, Reads, LongestTrack, "READ_MULTIPLE_COUNT_KEY_DATA", "RMCKD", "READ_MULTIPLE_CKD"),
        Row(0xDE, "READ TRACK", Input, Reads, LongestTrack),
        Row(0xA6, "READ TRACK DATA", Input, Reads, LongestTrack),
        Row(0x05, "WRITE DATA", Output, Writes, 0, null, "WD"),
        Row(0x85, "WRITE UPDATE DATA", Output, Writes, 0, null, "WUD", "WRITE_DATA_MT"),
        Row(0x0D, "WRITE KEY AND DATA", Output, Writes, 0, "WRITE_KEY_DATA", "WKD", "WRITE_KEY_AND_DATA"),
        Row(0x8D, "WRITE UPDATE KEY AND DATA", Output, Writes, 0, "WRITE_UPDATE_KEY_DATA", "WUKD", "WRITE_KEY_DATA_MT", "WRITE_KEY_AND_DATA_MT"),
        Row(0x1D, "WRITE COUNT KEY AND DATA", Output, Writes, 0, "WRITE_COUNT_KEY_DATA", "WCKD", "WRITE_COUNT_KEY_AND_DATA") with
        {
            Layout = CountLayout.Layout,
        },
        Row(0x9D, "WRITE COUNT KEY AND DATA NEXT TRACK", Output, Writes, 0, "WRITE_COUNT_KEY_DATA_NEXT_TRACK", "WCKDNT", "WRITE_COUNT_KEY_DATA_MT",
            "WCKD_MT")
            with { Layout = CountLayout.Layout },
        Row(0x15, "WRITE RECORD ZERO", Output, Writes, 0, null, "WR0", "WRITE_R0") with { Layout = CountLayout.Layout },
        Row(0x19, "WRITE HOME ADDRESS", Output, Writes, 0, null, "WHA"),
        Row(0x11, "ERASE", Output, Writes),
        Row(0xA5, "WRITE TRACK DATA", Output, Writes),
        Row(0x95, "WRITE FULL TRACK", Output, Writes),
        .. Pair(Row(0x31, "SEARCH ID EQUAL", Output, Searches, 5, null, "SIDE") with { Layout = SearchIdLayout.Layout }),
        .. Pair(Row(0x51, "SEARCH ID HIGH", Output, Searches, 5, null, "SIDH") with { Layout = SearchIdLayout.Layout }),
        .. Pair(Row(0x71, "SEARCH ID EQUAL OR HIGH", Output, Searches, 5, null, "SIDEH",
            "SEARCH_ID_HIGH_OR_EQUAL") with { Layout = SearchIdLayout.Layout }),
        .. Pair(Row(0x29, "SEARCH KEY EQUAL", Output, Searches, 0, null, "SKE")),
        .. Pair(Row(0x49, "SEARCH KEY HIGH", Output, Searches, 0, null, "SKH")),
        .. Pair(Row(0x69, "SEARCH KEY EQUAL OR HIGH", Output, Searches, 0, null, "SKEH", "SEARCH_KEY_HIGH_OR_EQUAL")),
        .. Pair(Row(0x39, "SEARCH HOME ADDRESS EQUAL", Output, Searches, 4, "SEARCH_HOME_ADDRESS", "SHA", "SEARCH_HOME_ADDRESS_EQUAL")
            with { Layout = SearchHomeLayout.Layout }),
        Row(0x14, "UNCONDITIONAL RESERVE", Input, Controls, 32),
        Row(0x94, "DEVICE RELEASE", Input, Controls, 32, null, "RELEASE"),
        Row(0xB4, "DEVICE RESERVE", Input, Controls, 32, null, "RESERVE"),
        Row(0xF7, "DEFINE SUBSYSTEM OPERATION", Output, Orders, 0, null, "DSO") with { Layout = SubsystemOperationLayout.Layout },
        Row(0x0A, "DIAGNOSTIC READ HOME ADDRESS", Input, Reads, 28) with { OnlyReal = true },
        Row(0xF3, "DIAGNOSTIC CONTROL", Output, Writes, 4, null, "DCTL") with { OnlyReal = true },
        Row(0xF9, "RESET SUMMARY UNIT CHECK", Output, Controls, 16, null, "RSCK") with { OnlyReal = true },
    ])
    {
        Title = "3390 and 3380",
        Types = [([0x3990, 0x2105, 0x2107, 0x1750, 0x3880], [0x3390, 0x3380]), ([0x9343], [0x9345])],
    };

    private static CommandDescription Row(
        byte code, string name, CommandDirection direction, CommandKind kind, int count = 0, string? word = null, params string[] aliases) =>
        new(code, name, direction, kind, count) { Word = word ?? CommandDescription.WordFor(name), Aliases = aliases };

    /// <summary>A command and its multitrack form.</summary>
    private static CommandDescription[] Pair(CommandDescription row) =>
    [
        row,
        row with
        {
            Code = (byte)(row.Code | Multitrack), Name = row.Name + " MT", Word = row.Word + "_MT", Aliases = [.. row.Aliases.Select(a => a + "_MT")],
        },
    ];
}
