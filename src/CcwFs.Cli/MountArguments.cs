using System.CommandLine;
using CcwFs.Cli.Docs;
using CcwFs.Control;

namespace CcwFs.Cli;

/// <summary>What the verbs that talk to a mount are told on the command line.</summary>
internal static class MountArguments
{
    /// <summary>--mount.</summary>
    internal static Option<string?> Mount() => new(ControlClient.MountName)
    {
        HelpName = "MOUNTPOINT",
            Description = "The mount point of the ccwfs to talk to. The default is /run/ccwfs for root and $XDG_RUNTIME_DIR/ccwfs for others.",
    };

    /// <summary>The one subchannel that a verb is about; the shell completes the ids of the mount.</summary>
    internal static Argument<string> Id(Option<string?> mount)
    {
        var id = new Argument<string>("ID") { HelpName = "ID", Description = "The subchannel, like 0.0.0000." };
        id.CompletionSources.Add(context => Completion.DeviceIds(context.ParseResult.GetValue(mount)));
        return id;
    }
}
