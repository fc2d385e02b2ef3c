namespace CcwFs.ChannelIo;

/// <summary>Which way a command's data goes.</summary>
public enum CommandDirection
{
    /// <summary>No data: an immediate or control command without parameters.</summary>
    None,

    /// <summary>Storage to device: write, or control with parameters.</summary>
    Output,

    /// <summary>Device to storage: read or sense.</summary>
    Input,

    /// <summary>Transfer in channel.</summary>
    Transfer,
}

/// <summary>One command of a 3990/3390, as people write it.</summary>
/// <param name="Code">Command code.</param>
/// <param name="Name">Its name in program text: capitals and underscores.</param>
/// <param name="Direction">Which way its data goes.</param>
/// <param name="DefaultCount">The count when none is given; 0 when it depends on the data or the track.</param>
/// <param name="Aliases">Other names for it.</param>
public sealed record EckdCommand(byte Code, string Name, CommandDirection Direction, int DefaultCount, params string[] Aliases);

/// <summary>The commands of the emulated 3990 with 3390s by code and by name (3990 Reference, GA32-0274).</summary>
public static class EckdCommands
{
    /// <summary>Suffix of the multitrack form of a command: bit 0 of the code is on.</summary>
    private const byte Multitrack = 0x80;

    /// <summary>Every command, in the order of the reference's groups.</summary>
    public static IReadOnlyList<EckdCommand> All { get; } =
    [
        new(0x03, "NO_OPERATION", CommandDirection.None, 0, "NOP"),
        new(0x04, "SENSE", CommandDirection.Input, 32),
        new(0xE4, "SENSE_ID", CommandDirection.Input, 40, "SNSID"),
        new(0x08, "TRANSFER_IN_CHANNEL", CommandDirection.Transfer, 0, "TIC"),
        new(0x02, "READ_IPL", CommandDirection.Input, 24, "IPL"),
        new(0x34, "SENSE_PATH_GROUP_ID", CommandDirection.Input, 12, "SNID"),
        new(0xAF, "SET_PATH_GROUP_ID", CommandDirection.Output, 12, "SPID"),
        new(0xFA, "READ_CONFIGURATION_DATA", CommandDirection.Input, 256, "RCD"),
        new(0x64, "READ_DEVICE_CHARACTERISTICS", CommandDirection.Input, 64, "RDC"),
        new(0x27, "PERFORM_SUBSYSTEM_FUNCTION", CommandDirection.Output, 12, "PSF"),
        new(0x3E, "READ_SUBSYSTEM_DATA", CommandDirection.Input, 256, "RSSD"),
        new(0x54, "SENSE_SUBSYSTEM_STATUS", CommandDirection.Input, 44, "SNSS"),
        new(0x63, "DEFINE_EXTENT", CommandDirection.Output, 16),
        new(0x47, "LOCATE_RECORD", CommandDirection.Output, 16),
        new(0x4B, "LOCATE_RECORD_EXTENDED", CommandDirection.Output, 20, "LRE"),
        new(0xE7, "PREFIX", CommandDirection.Output, 64, "PFX"),
        new(0x07, "SEEK", CommandDirection.Output, 6),
        new(0x0B, "SEEK_CYLINDER", CommandDirection.Output, 6),
        new(0x1B, "SEEK_HEAD", CommandDirection.Output, 6),
        new(0x13, "RECALIBRATE", CommandDirection.None, 0),
        new(0x1F, "SET_FILE_MASK", CommandDirection.Output, 1),
        new(0x23, "SET_SECTOR", CommandDirection.Output, 1),
        new(0x22, "READ_SECTOR", CommandDirection.Input, 1),
        .. Pair(0x12, "READ_COUNT", CommandDirection.Input, 8, "RCNT"),
        .. Pair(0x06, "READ_DATA", CommandDirection.Input, 4096, "RD"),
        .. Pair(0x0E, "READ_KEY_DATA", CommandDirection.Input, 4096, "RKD", "READ_KEY_AND_DATA"),
        .. Pair(0x1E, "READ_COUNT_KEY_DATA", CommandDirection.Input, 4104, "RCKD", "READ_COUNT_KEY_AND_DATA"),
        .. Pair(0x1A, "READ_HOME_ADDRESS", CommandDirection.Input, 5, "RHA"),
        .. Pair(0x16, "READ_RECORD_ZERO", CommandDirection.Input, 16, "RR0", "READ_R0"),
        new(0x5E, "READ_MULTIPLE_COUNT_KEY_DATA", CommandDirection.Input, 57326, "RMCKD", "READ_MULTIPLE_CKD"),
        new(0xDE, "READ_TRACK", CommandDirection.Input, 57326),
        new(0xA6, "READ_TRACK_DATA", CommandDirection.Input, 57326),
        new(0x05, "WRITE_DATA", CommandDirection.Output, 0, "WD"),
        new(0x85, "WRITE_UPDATE_DATA", CommandDirection.Output, 0, "WUD", "WRITE_DATA_MT"),
        new(0x0D, "WRITE_KEY_DATA", CommandDirection.Output, 0, "WKD", "WRITE_KEY_AND_DATA"),
        new(0x8D, "WRITE_UPDATE_KEY_DATA", CommandDirection.Output, 0, "WUKD", "WRITE_KEY_DATA_MT", "WRITE_KEY_AND_DATA_MT"),
        new(0x1D, "WRITE_COUNT_KEY_DATA", CommandDirection.Output, 0, "WCKD", "WRITE_COUNT_KEY_AND_DATA"),
        new(0x9D, "WRITE_COUNT_KEY_DATA_NEXT_TRACK", CommandDirection.Output, 0, "WCKDNT", "WRITE_COUNT_KEY_DATA_MT", "WCKD_MT"),
        new(0x15, "WRITE_RECORD_ZERO", CommandDirection.Output, 0, "WR0", "WRITE_R0"),
        new(0x19, "WRITE_HOME_ADDRESS", CommandDirection.Output, 0, "WHA"),
        new(0x11, "ERASE", CommandDirection.Output, 0),
        new(0xA5, "WRITE_TRACK_DATA", CommandDirection.Output, 0),
        new(0x95, "WRITE_FULL_TRACK", CommandDirection.Output, 0),
        .. Pair(0x31, "SEARCH_ID_EQUAL", CommandDirection.Output, 5, "SIDE"),
        .. Pair(0x51, "SEARCH_ID_HIGH", CommandDirection.Output, 5, "SIDH"),
        .. Pair(0x71, "SEARCH_ID_EQUAL_OR_HIGH", CommandDirection.Output, 5, "SIDEH", "SEARCH_ID_HIGH_OR_EQUAL"),
        .. Pair(0x29, "SEARCH_KEY_EQUAL", CommandDirection.Output, 0, "SKE"),
        .. Pair(0x49, "SEARCH_KEY_HIGH", CommandDirection.Output, 0, "SKH"),
        .. Pair(0x69, "SEARCH_KEY_EQUAL_OR_HIGH", CommandDirection.Output, 0, "SKEH", "SEARCH_KEY_HIGH_OR_EQUAL"),
        .. Pair(0x39, "SEARCH_HOME_ADDRESS", CommandDirection.Output, 4, "SHA", "SEARCH_HOME_ADDRESS_EQUAL"),
        new(0x14, "UNCONDITIONAL_RESERVE", CommandDirection.Input, 32),
        new(0x94, "DEVICE_RELEASE", CommandDirection.Input, 32, "RELEASE"),
        new(0xB4, "DEVICE_RESERVE", CommandDirection.Input, 32, "RESERVE"),
        new(0xF7, "DEFINE_SUBSYSTEM_OPERATION", CommandDirection.Output, 0, "DSO"),
    ];

    /// <summary>Commands that real control units have and the emulated one refuses: names for policies and for what is shown.</summary>
    private static readonly EckdCommand[] OfRealDevices =
    [
        new(0x0A, "DIAGNOSTIC_READ_HOME_ADDRESS", CommandDirection.Input, 28),
        new(0xF3, "DIAGNOSTIC_CONTROL", CommandDirection.Output, 4, "DCTL"),
        new(0xF9, "RESET_SUMMARY_UNIT_CHECK", CommandDirection.Output, 16, "RSCK"),
    ];

    private static readonly EckdCommand?[] ByCode = IndexCodes();
    private static readonly Dictionary<string, EckdCommand> ByName = IndexNames();

    /// <summary>The command with this code; null when a 3990 has none.</summary>
    public static EckdCommand? Find(byte code) => ByCode[code];

    /// <summary>The command with this name or alias, in any case, with - for _; null when there is none.</summary>
    public static EckdCommand? Find(string name) => ByName.GetValueOrDefault(name.ToUpperInvariant().Replace('-', '_'));

    /// <summary>The name of this code, or the code in two hex digits.</summary>
    public static string NameOf(byte code) => Find(code)?.Name ?? code.ToString("X2", null);

    /// <summary>Which way data goes: from the table, else from the code's low bits.</summary>
    public static CommandDirection DirectionOf(byte code) =>
        Find(code)?.Direction ?? (CommandCode.MovesToStorage(code) ? CommandDirection.Input : CommandDirection.Output);

    /// <summary>A direction in words.</summary>
    public static string Words(CommandDirection direction) => direction switch
    {
        CommandDirection.None => "no data",
        CommandDirection.Output => "storage to device",
        CommandDirection.Input => "device to storage",
        _ => "goes on at another CCW",
    };

    private static EckdCommand[] Pair(byte code, string name, CommandDirection direction, int count, params string[] aliases) =>
    [
        new(code, name, direction, count, aliases),
        new((byte)(code | Multitrack), name + "_MT", direction, count, [.. aliases.Select(a => a + "_MT")]),
    ];

    private static EckdCommand?[] IndexCodes()
    {
        var table = new EckdCommand?[256];
        foreach (EckdCommand command in All.Concat(OfRealDevices))
            table[command.Code] = command;
        return table;
    }

    private static Dictionary<string, EckdCommand> IndexNames()
    {
        var table = new Dictionary<string, EckdCommand>();
        foreach (EckdCommand command in All.Concat(OfRealDevices))
        {
            table.Add(command.Name, command);
            foreach (string alias in command.Aliases)
                table.Add(alias, command);
        }

        return table;
    }
}
