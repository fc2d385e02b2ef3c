using CcwFs.ChannelIo;
using static CcwFs.CommandSets.Decode.FieldRow;

namespace CcwFs.CommandSets.Decode;

/// <summary>SCSW, ESW and ECW, field by field (SA22-7832, chapter 16).</summary>
internal static class StatusTables
{
    internal static readonly string[] FunctionNames = ["start", "halt", "clear"];

    internal static readonly string[] DeviceStatusNames =
        ["attention", "status modifier", "control-unit end", "busy", "channel end", "device end", "unit check", "unit exception"];

    internal static readonly string[] SubchannelStatusNames =
    [
        "program-controlled interruption", "incorrect length", "program check", "protection check", "channel-data check",
        "channel-control check", "interface-control check", "chaining check",
    ];

    internal static readonly StructureTable Scsw = new(
        Number("key", 0, 0, 4, "storage key from the ORB: {0}"),
        Flag("s", 0, 4, "suspend control was on in the ORB", "suspend control was off in the ORB"),
        Flag("l", 0, 5, "the extended-status word is of format 0 (logout)", "no logout in the extended-status word"),
        Choice("cc", 0, 6, 2, "deferred condition code",
            (0, "0, normal"), (1, "1, the device presented status when it should have started"), (2, "2 (reserved)"),
            (3, "3, no path to the device is operational")),
        Flag("f", 0, 8, "format-1 CCWs", "format-0 CCWs"),
        Flag("p", 0, 9, "prefetch allowed", "no prefetch"),
        Flag("i", 0, 10, "initial-status interruption wanted", "no initial-status interruption"),
        Flag("a", 0, 11, "address-limit checking on", "no address-limit checking"),
        Flag("u", 0, 12, "no interruption when the program suspends", "an interruption when the program suspends"),
        Flag("z", 0, 13, "zero condition code: the initial-status interruption", "not an initial-status interruption"),
        Flag("e", 0, 14, "the extended-control word holds something (concurrent sense, or more)", "nothing in the extended-control word"),
        Flag("n", 0, 15, "a path that was tried is not operational", "no path found not operational"),
        Flag("q", 0, 16, "the IRB is of transport mode", "the IRB is of command mode"),
        Set("fctl", 0, 17, "function", FunctionNames),
        Set("actl", 0, 20, "activity",
            "resume pending", "start pending", "halt pending", "clear pending", "subchannel active", "device active", "suspended"),
        new FieldRow("stctl", 0, 27, 5, v => $"status: {StatusWords(v)}"),
        Reserved(4, 0, 1),
        new FieldRow("cpa", 4, 1, 31, v => v == 0 ? "no CCW address" : $"the CCW after the last one used is at {v:X8}"),
        Set("dstat", 8, 0, "device status", DeviceStatusNames),
        Set("cstat", 9, 0, "subchannel status", SubchannelStatusNames),
        Number("count", 10, 0, 16, "residual count: {0} bytes of the last CCW were not transferred"));

    /// <summary>Format 0: the subchannel logout of a channel check.</summary>
    internal static readonly StructureTable EswLogout = new(
        [
            Reserved(0, 0, 1),
            Set("esf", 0, 1, "what the error was found in", "key check", "measurement-block program check",
                "measurement-block data check", "measurement-block protection check", "CCW check", "IDAW check", ""),
            new FieldRow("lpum", 0, 8, 8, v => $"last path used: {ProgramTables.Paths(v)}"),
            Flag("r", 0, 16, "ancillary report: a channel report may come too", "no ancillary report"),
            Set("fvf", 0, 17, "valid", "last-path-used mask", "termination code", "sequence code", "device status", "CCW address"),
            Choice("sa", 0, 22, 2, "storage access", (0, "unknown"), (1, "read"), (2, "write"), (3, "read backward")),
            Choice("tc", 0, 24, 2, "how the device was ended",
                (0, "halt signal"), (1, "stop, stack, or normal end"), (2, "clear signal"), (3, "reserved")),
            Flag("d", 0, 26, "device-status check", "no device-status check"),
            Flag("e", 0, 27, "secondary error", "no secondary error"),
            Flag("a", 0, 28, "I/O-error alert", "no I/O-error alert"),
            Number("sc", 0, 29, 3, "sequence code {0}"),
            .. ReportWord(),
            Number("fsa0", 8, 0, 32, "failing-storage address, first word: {0:X8}"),
            Number("fsa1", 12, 0, 32, "failing-storage address, second word: {0:X8}"),
            Number("sca", 16, 0, 32, "secondary-CCW address: {0:X8}"),
        ]);

    /// <summary>Formats 1 to 3: the last path used; format 2 also has a device-connect time.</summary>
    internal static readonly StructureTable EswPath = new(
        [
            Reserved(0, 0, 8),
            new FieldRow("lpum", 0, 8, 8, v => $"last path used: {ProgramTables.Paths(v)}"),
            Number("dcti", 0, 16, 16, "device-connect time in units of 128 us (format 2, measurement on): {0}"),
            .. ReportWord(),
            Reserved(8, 0, 32),
            Reserved(12, 0, 32),
            Reserved(16, 0, 32),
        ]);

    /// <summary>The extended-control word when it holds no concurrent sense.</summary>
    internal static readonly StructureTable EcwRaw = new(
        Words("word", Irb.EcwSize / 4, "not concurrent sense: {0:X8}"));

    /// <summary>The extended-measurement word, the IRB's last 32 bytes.</summary>
    internal static readonly StructureTable Emw = new(
        Words("word", (Irb.Size - Irb.EcwOffset - Irb.EcwSize) / 4, "measurement data (0 when not measured): {0}"));

    private static FieldRow[] Words(string name, int count, string meaning) =>
        [.. Enumerable.Range(0, count).Select(i => Number($"{name}{i}", 4 * i, 0, 32, meaning))];

    private static FieldRow[] ReportWord() =>
    [
        Reserved(4, 0, 1),
        Flag("erw.l", 4, 1, "request logging only", "no request logging"),
        Flag("erw.e", 4, 2, "extended subchannel logout pending", "no extended subchannel logout"),
        Flag("erw.a", 4, 3, "authorization check", "no authorization check"),
        Flag("erw.p", 4, 4, "path verification required", "no path verification required"),
        Flag("erw.t", 4, 5, "channel-path timeout", "no channel-path timeout"),
        Flag("erw.f", 4, 6, "the failing-storage address is valid", "no failing-storage address"),
        Flag("erw.s", 4, 7, "concurrent sense is in the extended-control word", "no concurrent sense"),
        Flag("erw.c", 4, 8, "the secondary-CCW address is valid", "no secondary-CCW address"),
        Flag("erw.r", 4, 9, "failing-storage address of format 2", "failing-storage address of format 1"),
        Number("erw.scnt", 4, 10, 6, "bytes of concurrent sense: {0}"),
        Reserved(4, 16, 16),
    ];

    private static string StatusWords(ulong value)
    {
        if (value == 0)
            return "none";
        var words = new List<string>();
        foreach ((uint bit, string word) in (ReadOnlySpan<(uint, string)>)[(16, "alert"), (8, "intermediate"), (4, "primary"), (2, "secondary"),
            (1, "status-pending")])
        {
            if ((value & bit) != 0)
                words.Add(word);
        }

        return string.Join(' ', words);
    }
}
