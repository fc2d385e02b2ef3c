using CcwFs.CommandSets.Basic;

namespace CcwFs.CommandSets.Fba;

/// <summary>The commands of a 9336 behind its 6310, and of a 3370 (IBM 3370 and 9336 as Linux' dasd_fba and Hercules' fbadasd use them).</summary>
internal static class FbaCommands
{
    private const CommandDirection Input = CommandDirection.Input, Output = CommandDirection.Output;
    private const int ReserveSize = SenseFormat.BasicSize; // reserve and release give sense

    // Byte 1: the bits that it has as the 3990 has them.
    private static readonly string[] s_byte1 = ["permanent error", "", "", "", "", "file protected", "write inhibited", ""];

    /// <summary>The set.</summary>
    internal static readonly CommandSet Set = new(
        "fba", "the 9336", ExtentUnit.Blocks,
            new BasicSenseFormat(SenseFormat.BasicSize, [BasicSenseFormat.Conditions, s_byte1], writeInhibited: 0x02),
    [
        new(0x03, "NO OPERATION", CommandDirection.None, CommandKind.Controls) { Aliases = ["NOP"] },
        new(0x04, "SENSE", Input, CommandKind.Reads, SenseFormat.BasicSize),
        new(0xE4, "SENSE ID", Input, CommandKind.Reads, 7) { Aliases = ["SNSID"] },
        new(0x08, "TRANSFER IN CHANNEL", CommandDirection.Transfer, CommandKind.Controls) { Aliases = ["TIC"] },
        // Its extent, where a device gives it one, is the whole device.
        new(0x02, "READ IPL", Input, CommandKind.Defines, 512) { Aliases = ["IPL"] },
        new(0x64, "READ DEVICE CHARACTERISTICS", Input, CommandKind.Reads, 32) { Aliases = ["RDC"] },
        new(0xA4, "READ AND RESET BUFFERED LOG", Input, CommandKind.Reads, SenseFormat.BasicSize) { Aliases = ["RRBL"] },
        new(0x63, "DEFINE EXTENT", Output, CommandKind.Defines, 16) { Layout = FbaExtentLayout.Layout },
        new(0x43, "LOCATE", Output, CommandKind.Positions, 8) { Layout = FbaLocateLayout.Layout },
        new(0x42, "READ", Input, CommandKind.Reads, 512) { Aliases = ["READ_DATA"] },
        new(0x41, "WRITE", Output, CommandKind.Writes) { Aliases = ["WRITE_DATA"] },
        new(0x14, "UNCONDITIONAL RESERVE", Input, CommandKind.Controls, ReserveSize),
        new(0x94, "DEVICE RELEASE", Input, CommandKind.Controls, ReserveSize) { Aliases = ["RELEASE"] },
        new(0xB4, "DEVICE RESERVE", Input, CommandKind.Controls, ReserveSize) { Aliases = ["RESERVE"] },
    ])
    {
        Title = "9336 and 3370",
        Types = [([0x6310], [0x9336]), ([0x3880], [0x3370])],
    };
}
