using CcwFs.ChannelIo;
using static CcwFs.CommandSets.Decode.FieldRow;

namespace CcwFs.CommandSets.Decode;

/// <summary>PMCW, the SCHIB's tail and CRW, field by field (SA22-7832, chapters 15 and 17).</summary>
internal static class PathTables
{
    internal static readonly StructureTable Pmcw = new(
        [
            Number("intparm", 0, 0, 32, "interruption parameter: {0:X8}"),
            Flag("qf", 4, 0, "QDIO facility", "no QDIO"),
            Flag("w", 4, 1, "w bit on", "w bit off"),
            Number("isc", 4, 2, 3, "interruption subclass {0}"),
            Reserved(4, 5, 3),
            Flag("e", 4, 8, "enabled", "disabled"),
            Choice("lm", 4, 9, 2, "address-limit mode",
                (0, "none"), (1, "data below the limit refused"), (2, "data at or above the limit refused"), (3, "reserved")),
            Choice("mm", 4, 11, 2, "measurement",
                (0, "none"), (1, "device-connect time"), (2, "measurement block"), (3, "measurement block and device-connect time")),
            Flag("d", 4, 13, "multipath mode", "single-path mode"),
            Flag("t", 4, 14, "timing facility for device-connect time", "no timing facility"),
            Flag("v", 4, 15, "a device is there: its number is valid", "no device: its number is not valid"),
            Number("dev", 4, 16, 16, "device number {0:X4}"),
            Mask("lpm", 8, "paths that may be used"),
            Mask("pnom", 9, "paths found not operational"),
            Mask("lpum", 10, "last path used"),
            Mask("pim", 11, "paths installed"),
            Number("mbi", 12, 0, 16, "measurement-block index {0}"),
            Mask("pom", 14, "paths operational when last used"),
            Mask("pam", 15, "paths available"),
            .. Enumerable.Range(0, 8).Select(i => Number($"chpid{i}", 16 + i, 0, 8, $"channel path of path {i}: {{0:X2}}")),
            Reserved(24, 0, 8),
            Number("st", 24, 8, 3, "subchannel type {0} (0: I/O)"),
            Reserved(24, 11, 18),
            Flag("f", 24, 29, "measurement block of format 1", "measurement block of format 0"),
            Flag("x", 24, 30, "extended measurement word", "no extended measurement word"),
            Flag("s", 24, 31, "concurrent sense wanted", "no concurrent sense wanted"),
        ]);

    internal static readonly StructureTable SchibTail = new(
        Number("mba", 0, 0, 64, "measurement-block address, or model-dependent: {0:X}"),
        Number("mda", 8, 0, 32, "model-dependent: {0:X8}"));

    internal static readonly StructureTable Crw = new(
        Reserved(0, 0, 1),
        Flag("s", 0, 1, "solicited: something the program did caused it", "unsolicited"),
        Flag("r", 0, 2, "overflow: reports before this one were lost", "no overflow"),
        Flag("c", 0, 3, "chained: another CRW for the same event follows", "not chained"),
        Choice("rsc", 0, 4, 4, "source",
            (0, "none (no report)"), (2, "monitoring facility"), (ChannelIo.Crw.SubchannelSource, "subchannel"),
            (ChannelIo.Crw.ChannelPathSource, "channel path"), (9, "configuration-alert facility"), (11, "channel subsystem")),
        Flag("a", 0, 8, "ancillary report", "not ancillary"),
        Reserved(0, 9, 1),
        Choice("erc", 0, 10, 6, "what happened",
            (0, "event information pending"), (ChannelIo.Crw.Available, "available"), (ChannelIo.Crw.Initialized, "initialized (it is there again)"),
            (3, "temporary error"), (4, "installed parameters initialized"), (5, "terminal: it must be reset"),
            (ChannelIo.Crw.PermanentError, "permanent error, not initialized (it has gone)"), (7, "permanent error, initialized"),
            (8, "installed parameters modified"), (10, "installed parameters restored")),
        Number("rsid", 0, 16, 16, "which one: {0:X4}"));

    /// <summary>The crw region: a CRW and four unused bytes.</summary>
    internal static readonly StructureTable CrwPad = new(Reserved(0, 0, 32));

    private static FieldRow Mask(string name, int offset, string meaning) =>
        new(name, offset, 0, 8, v => $"{meaning}: {ProgramTables.Paths(v)}");
}
