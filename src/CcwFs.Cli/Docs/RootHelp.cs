using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace CcwFs.Cli.Docs;

/// <summary>
/// What <c>ccwfs --help</c> prints: the first three commands, then the verbs in groups. The help of a verb is <paramref name="ofVerbs"/>.
/// </summary>
internal sealed class RootHelp(RootCommand root, SynchronousCommandLineAction ofVerbs) : SynchronousCommandLineAction
{
    /// <summary>Puts it in place of the parser's own.</summary>
    internal static void Install(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Print this help.";
        root.Options.OfType<VersionOption>().Single().Description = "Print the version.";
        help.Action = new RootHelp(root, (SynchronousCommandLineAction)help.Action!);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command != root)
            return ofVerbs.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.Write(root.Description + "\n");
        output.WriteLine();
        output.WriteLine("The first three commands; type the second and the third in another terminal:");
        output.WriteLine("  ccwfs mount");
        output.WriteLine("  ccwfs list");
        output.WriteLine("  ccwfs run 0.0.0000 'SENSE_ID sli count=40'");
        foreach (VerbGroup group in VerbGroup.All)
        {
            output.WriteLine();
            output.WriteLine($"{group.Title}:");
            foreach (Command verb in group.Of(root))
                output.WriteLine($"  {verb.Name,-10} {verb.Description}");
        }
        output.WriteLine();
        output.WriteLine("ccwfs VERB --help names the options of a verb; ccwfs help TOPIC shows a manual page.");
        return 0;
    }
}
