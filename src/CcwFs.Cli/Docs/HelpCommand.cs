using System.CommandLine;
using System.CommandLine.Completions;
using System.Text;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;

namespace CcwFs.Cli.Docs;

/// <summary><c>ccwfs help [TOPIC]</c>: the manual pages without man(1).</summary>
internal static class HelpCommand
{
    internal static Command Create(RootCommand root)
    {
        var topic = new Argument<string?>("TOPIC")
        {
            HelpName = "TOPIC", Description = "A topic or a verb. Without it they are listed.", Arity = ArgumentArity.ZeroOrOne,
        };
        var pages = new ManPages(root);
        topic.CompletionSources.Add(_ => pages.Names.Select(name => new CompletionItem(name)));
        var command = new Command("help", "Show a manual page, or list them.") { topic };
        command.SetAction(result =>
        {
            // As it is, for the texts are our own: VisibleWriter would take the styles for what others wrote.
            Console.Out.Write(result.GetValue(topic) is { } word ? string.Join('\n', Find(pages, word).Select(OnConsole().Of)) : List(root));
        });
        return command;
    }

    private static TerminalText OnConsole()
    {
        if (Console.IsOutputRedirected)
            return new TerminalText(TerminalText.MinWidth, styled: false);
        bool styled = Variable("TERM") is not ("" or "dumb") && Variable("NO_COLOR") is "";
        return new TerminalText(Math.Clamp(Console.WindowWidth, TerminalText.MinWidth, TerminalText.MaxWidth), styled);
    }

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? "";

    /// <summary>A verb and a topic may have one name: then both pages.</summary>
    private static Page[] Find(ManPages pages, string word)
    {
        static string[] Names(Page page) => [page.Topic, $"{page.Topic}.{page.Section}", page.Name, page.File, page.Reference];
        Page[] found = [.. pages.All().Where(page => Names(page).Contains(word))];
        if (found.Length > 0)
            return found;
        string[] near = [.. Nearest.All(word, pages.Names).Select(name => $"'{name}'")];
        string hint = near.Length > 0 ? $": did you mean {Values.List(near, "or")}? All topics" : "; all topics";
        throw new CommandException($"there is no topic '{word}'{hint}: ccwfs help", CommandException.WrongUsage);
    }

    private static string List(RootCommand root)
    {
        var text = new StringBuilder("ccwfs help TOPIC shows one of these pages:\n\n");
        foreach (Page page in ManPages.Topics())
            text.Append($"  {page.Topic,-12} {page.Summary}\n");
        text.Append("\nccwfs help VERB shows the page of a verb:\n\n");
        foreach (Command verb in VerbGroup.All.SelectMany(group => group.Of(root)))
            text.Append($"  {verb.Name,-12} {verb.Description}\n");
        return text.ToString();
    }
}
