using CcwFs.ChannelIo;

namespace CcwFs.CommandSets.Basic;

/// <summary>
/// The commands that the architecture itself defines (SA22-7832, chapter 15, "Command Code"): all that is known of a device of unknown type. A code
/// without a row has the direction of its low bits; it reads where these say read, read backward or sense, and may do anything else otherwise.
/// </summary>
internal static class BasicCommands
{
    /// <summary>The set. 32 bytes of sense: a device may give fewer or more, the extended-control word holds 32.</summary>
    internal static readonly CommandSet Set =
        new("basic", "every device", ExtentUnit.None, new BasicSenseFormat(SenseFormat.FullSize, [BasicSenseFormat.Conditions]),
    [
        new(CommandCode.NoOperation, "NO OPERATION", CommandDirection.None, CommandKind.Controls) { Aliases = ["NOP"] },
        new(CommandCode.Sense, "SENSE", CommandDirection.Input, CommandKind.Reads, SenseFormat.FullSize),
        new(CommandCode.SenseId, "SENSE ID", CommandDirection.Input, CommandKind.Reads, 7) { Aliases = ["SNSID"] },
        new(CommandCode.TransferInChannel, "TRANSFER IN CHANNEL", CommandDirection.Transfer, CommandKind.Controls) { Aliases = ["TIC"] },
        new(CommandCode.Read, "READ", CommandDirection.Input, CommandKind.Reads) { MaySkip = true },
        new(CommandCode.ReadBackward, "READ BACKWARD", CommandDirection.Input, CommandKind.Reads) { MaySkip = true },
        new(CommandCode.Write, "WRITE", CommandDirection.Output, CommandKind.Writes) { MaySkip = true },
    ])
    {
        Title = "Other devices",
    };
}
