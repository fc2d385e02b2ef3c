using System.CommandLine;

namespace CcwFs.Cli.Docs;

/// <summary>Verbs that belong together.</summary>
/// <param name="Title">What they are for.</param>
/// <param name="Verbs">Their names.</param>
internal sealed record VerbGroup(string Title, string[] Verbs)
{
    /// <summary>Every group; each verb that is shown is in one of them (EntryPoint.cs adds them in this order).</summary>
    internal static readonly VerbGroup[] All =
    [
        new("Mount", ["mount", "umount", "config"]),
        new("Look", ["list", "info", "top", "trace", "decode"]),
        new("Run channel programs", ["run", "translate"]),
        new("Play them again", ["record", "replay"]),
        new("Add and remove devices", ["add", "remove", "path"]),
        new("Faults", ["fault"]),
        new("Volumes", ["dasd"]),
        new("Guests", ["qemu"]),
        new("Real devices", ["attach", "detach"]),
        new("Help", ["help"]),
    ];

    /// <summary>The verbs of a program.</summary>
    internal IEnumerable<Command> Of(RootCommand root) => Verbs.Select(name => root.Subcommands.Single(verb => verb.Name == name));
}
