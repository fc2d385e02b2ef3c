using CcwFs.CommandSets.Decode;
using static CcwFs.CommandSets.Decode.FieldRow;

namespace CcwFs.CommandSets.Eckd;

/// <summary>
/// The 24-byte sense of a 3990, and the eight bytes that newer control units put after it (bit names: 3990 Reference, GA32-0274;
/// Linux, arch/s390 drivers/s390/block/dasd_int.h and dasd_3990_erp.c).
/// </summary>
internal static class SenseTables
{
    internal static readonly string[] Byte0 =
    [
        "command reject", "intervention required", "bus-out parity check", "equipment check", "data check", "overrun",
        "", "incomplete domain",
    ];

    internal static readonly string[] Byte1 =
    [
        "permanent error", "invalid track format", "end of cylinder", "message to operator", "no record found", "file protected",
        "write inhibited", "imprecise ending",
    ];

    internal static readonly string[] Byte2 =
    [
        "inhibit writes requested", "correctable", "first error of this kind logged", "environmental data present",
        "", "", "", "",
    ];

    internal static readonly StructureTable Basic = new(
        [
            .. BitRows(0, Byte0),
            .. BitRows(1, Byte1),
            .. BitRows(2, Byte2),
            Number("restart", 3, 0, 8, "format-dependent (restart command or unit address): {0:X2}"),
            Number("drive", 4, 0, 8, "physical drive or unit address: {0:X2}"),
            Number("cyl.low", 5, 0, 8, "cylinder of the error, low 8 bits: {0}"),
            Number("cyl.high", 6, 0, 4, "cylinder of the error, next 4 bits: {0}"),
            Number("head", 6, 4, 4, "head of the error: {0}"),
            new FieldRow("format", 7, 0, 4, v => $"message format {v:X}: {SenseMessages.FormatName((int)v)}"),
            Number("message", 7, 4, 4, "message {0:X} of that format (in words in the summary)"),
            .. Enumerable.Range(8, 14).Select(i => Number($"byte{i}", i, 0, 8, "format-dependent: {0:X2}")),
            Number("symptom", 22, 0, 16, "symptom code {0:X4}"),
        ]);

    internal static readonly StructureTable Tail = new(
        Number("byte24", 0, 0, 8, "not used in 24-byte sense: {0:X2}"),
        Number("action", 1, 0, 8, "recovery action code {0:X2} (counts only when bit 0 of byte 27 is off)"),
        Number("byte26", 2, 0, 8, "not used in 24-byte sense: {0:X2}"),
        Flag("basic", 3, 0, "bytes 0-23 are in the 24-byte format", "bytes 0-31 are in the 32-byte format: byte 25 says how to recover"),
        Number("byte27.1", 3, 1, 1, "not used: {0}"),
        Flag("addr", 3, 2, "bytes 29-31 hold a track address", "no track address in bytes 29-31"),
        Flag("eaddr", 3, 3, "bytes 28-31 hold an extended track address", "no extended track address"),
        Number("byte27.4", 3, 4, 4, "not used: {0:X}"),
        Number("cyl.ext", 4, 0, 8, "extended address, most significant byte: {0:X2}"),
        Number("cyl", 5, 0, 16, "cylinder {0} (when the address is valid)"),
        Number("head32", 7, 0, 8, "head {0} (when the address is valid)"));
}
