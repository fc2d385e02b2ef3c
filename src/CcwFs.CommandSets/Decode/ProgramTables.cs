using CcwFs.ChannelIo;
using static CcwFs.CommandSets.Decode.FieldRow;

namespace CcwFs.CommandSets.Decode;

/// <summary>The ORB and both formats of the CCW, field by field (SA22-7832, chapter 15).</summary>
internal static class ProgramTables
{
    internal static readonly StructureTable Orb = new(
        Number("intparm", 0, 0, 32, "interruption parameter: comes back with the interruption"),
        Number("key", 4, 0, 4, "storage key of the CCWs, IDAWs and data: {0}"),
        Flag("s", 4, 4, "suspend control: CCWs may suspend the program", "no suspend: the S flag of a CCW is a program check"),
        Reserved(4, 5, 1),
        Flag("m", 4, 6, "modification control on"),
        Flag("y", 4, 7, "synchronization control on"),
        Flag("f", 4, 8, "format-1 CCWs (31-bit addresses)", "format-0 CCWs (24-bit addresses)"),
        Flag("p", 4, 9, "prefetch of CCWs, IDAWs and data allowed", "no prefetch allowed (vfio-ccw prefetches all the same)"),
        Flag("i", 4, 10, "initial-status interruption wanted", "no initial-status interruption"),
        Flag("a", 4, 11, "address-limit checking on", "no address-limit checking"),
        Flag("u", 4, 12, "no interruption when the program suspends", "an interruption when the program suspends"),
        Flag("b", 4, 13, "transport mode: the address is a TCW (vfio-ccw refuses it)", "command mode"),
        Flag("h", 4, 14, "format-2 IDAWs (64 bits)", "format-1 IDAWs (31 bits)"),
        Flag("t", 4, 15, "2K blocks for format-2 IDAWs", "4K blocks for format-2 IDAWs"),
        new FieldRow("lpm", 4, 16, 8, v => v == 0 ? "logical-path mask: none (vfio-ccw takes the subchannel's)" : $"logical-path mask: {Paths(v)}"),
        Flag("l", 4, 24, "immediate commands: incorrect length is suppressed", "incorrect-length indication for immediate commands as the CCW says"),
        Flag("d", 4, 25, "modified IDAWs (vfio-ccw refuses them)", "no modified IDAWs"),
        Reserved(4, 26, 5),
        Flag("x", 4, 31, "ORB extension", "no ORB extension"),
        Reserved(8, 0, 1),
        Number("cpa", 8, 1, 31, "the channel program begins at {0:X8}"));

    internal static StructureTable CcwFormat1(CommandSet commands) => new(
        new FieldRow("cmd", 0, 0, 8, code => Command((byte)code, commands)),
        FlagsRow(1),
        Number("count", 2, 0, 16, "{0} bytes"),
        Reserved(4, 0, 1),
        Number("cda", 4, 1, 31, "data (or IDAW list, or next CCW) at {0:X8}"));

    internal static StructureTable CcwFormat0(CommandSet commands) => new(
        new FieldRow("cmd", 0, 0, 8, code => Command((byte)code, commands)),
        Number("cda", 1, 0, 24, "data (or IDAW list) at {0:X6}"),
        FlagsRow(4),
        Number("ignored", 5, 0, 8, "not looked at"),
        Number("count", 6, 0, 16, "{0} bytes"));

    internal static readonly StructureTable TicFormat0 = new(
        Number("hint", 0, 0, 4, "not looked at in a format-0 TIC"),
        new FieldRow("cmd", 0, 4, 4, _ => "TRANSFER IN CHANNEL: go on at the CCW below"),
        Number("cda", 1, 0, 24, "next CCW at {0:X6}"),
        Number("ignored", 4, 0, 32, "flags and count are not looked at in a format-0 TIC"));

    /// <summary>Path numbers in a path mask.</summary>
    internal static string Paths(ulong mask) => BitNames.Join(
        mask, ["path 0", "path 1", "path 2", "path 3", "path 4", "path 5", "path 6", "path 7"]);

    private static FieldRow FlagsRow(int offset) => Set(
        "flags", offset, 0, "flags",
        "chain data", "chain command", "suppress incorrect length", "skip", "PCI", "indirect data addresses", "suspend",
        "modified indirect data addresses");

    private static string Command(byte code, CommandSet commands) => code switch
    {
        var c when CommandCode.IsInvalid(c) => "invalid: the low four bits are zero (program check)",
        var c when commands.Find(c) is { } known => $"{known.Word}, {CommandSet.Words(known.Direction)}",
        var c => $"not a command of {commands.Device}; {CommandSet.Words(commands.DirectionOf(c))} by its low bits",
    };
}
