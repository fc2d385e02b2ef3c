using System.CommandLine;
using System.CommandLine.Help;
using CcwFs.Control;
using CcwFs.Metrics;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Settings;

namespace CcwFs.Cli.Docs;

/// <summary>The manual pages: of verbs and keys from the tables that the program has, of topics from their texts.</summary>
internal sealed class ManPages(RootCommand root)
{
    /// <summary>Every page.</summary>
    internal IEnumerable<Page> All()
    {
        yield return Program();
        foreach (Command verb in Verbs)
            yield return Verb(verb);
        foreach (Page topic in Topics())
            yield return topic;
    }

    /// <summary>The pages that are of no verb.</summary>
    internal static IEnumerable<Page> Topics() => Texts.Topics.Select(file => MarkdownPage.Read(Texts.Read(file), Made));

    /// <summary>What may be typed after <c>ccwfs help</c>.</summary>
    internal IEnumerable<string> Names => All().Select(page => page.Topic).Distinct();

    private IEnumerable<Command> Verbs => root.Subcommands.Where(c => !c.Hidden);

    private Page Program() => MarkdownPage.Read(Texts.Read("program.md"), name => name switch
    {
        "verbs" => VerbGroup.All.SelectMany(group => (Block[])
        [
            new Heading(3, group.Title),
            .. group.Of(root).Select(verb => new Term(verb.Name, null, $"{Sentence(verb.Description)} See ccwfs-{verb.Name}(1).")),
        ]),
        "topics" => Topics().Select(topic => new Term(topic.Reference, null, Sentence(topic.Summary[..1].ToUpperInvariant() + topic.Summary[1..]))),
        "exit-status" => ExitStatus(),
        "see-also" => [new Paragraph(string.Join(", ", Verbs.Select(v => $"ccwfs-{v.Name}(1)").Concat(Topics().Select(topic => topic.Reference))))],
        _ => Made(name),
    });

    private static Page Verb(Command verb)
    {
        Command[] leaves = verb.Subcommands.Count == 0 ? [verb] : [.. verb.Subcommands.Where(c => !c.Hidden)];
        string Name(Command leaf) => leaf == verb ? $"ccwfs {verb.Name}" : $"ccwfs {verb.Name} {leaf.Name}";
        IReadOnlyList<Block> text = MarkdownPage.Read(Texts.OfVerb(verb.Name), Made).Blocks;
        int sections = text.TakeWhile(block => block is not Heading { Level: 2 }).Count(); // what stands before them is the description
        return new Page($"ccwfs-{verb.Name}", 1, Phrase(verb.Description),
        [
            new Heading(2, "Synopsis"), .. leaves.Select(leaf => Synopsis(Name(leaf), Usage(leaf))),
            new Heading(2, "Description"), .. text.Take(sections),
            new Heading(2, "Options"),
            .. leaves.SelectMany(leaf => leaf == verb ? Options(leaf)
                : [new Heading(3, Name(leaf)), new Paragraph(Sentence(leaf.Description)), .. Options(leaf)]),
            .. text.Skip(sections).TakeWhile(block => block is not Heading { Level: 2, Text: "See also" }),
            .. ExitStatus(),
            .. text.SkipWhile(block => block is not Heading { Level: 2, Text: "See also" }),
        ]);
    }

    /// <summary>What a comment of a text stands for.</summary>
    private static IEnumerable<Block> Made(string name) => name switch
    {
        "devices" => MarkdownPage.Read(Texts.Read("devices.md"), Made).Blocks,
        "kinds" => DeviceKinds.All.SelectMany(kind => (Block[])
        [
            new Heading(3, kind.Name),
            .. kind.Keys.Select(key => new Term(key.Value is null ? key.Key : key.Key + "=", key.Value, Sentence(key.Help) + When(key.AtRunTime))),
        ]),
        "mount-keys" => MountKey.Keys.Select(key => new Term(key.Key, ValueName(key), Sentence(key.Help) + When(key.AtRunTime))),
        "ccw-commands" => ProgramChapter.Commands(),
        "metrics" => MetricFamily.All.Select(metric => new Term(
            metric.Name, null, $"{Sentence(metric.Help)} {metric.Type}{(metric.Labels.Length > 0 ? $"; labels: {metric.Labels}" : "")}.")),
        _ => FaultChapter.Made(name) ?? throw new FormatException($"nothing makes {name}"),
    };

    private static IEnumerable<Block> ExitStatus() =>
    [
        new Heading(2, "Exit status"),
        new Term("0", null, "Done."),
        new Term($"{CommandException.Failed}", null, "It failed. One line on standard error says what failed, why, and what to do."),
        new Term($"{CommandException.WrongUsage}", null, "The command line was wrong."),
    ];

    private static IEnumerable<Block> Options(Command command) =>
    [
        .. command.Arguments.Where(a => !a.Hidden).Select(argument => new Term(Shown(argument), null, Sentence(argument.Description))),
        .. VisibleOptions(command).Select(option => new Term(
            string.Join(", ", option.Aliases.Prepend(option.Name)), ValueName(option), Sentence(option.Description))),
    ];

    private static string When(bool atRunTime) => atRunTime ? " It changes at run time." : "";

    private static Paragraph Synopsis(string command, string rest) => new([new Span(command, TextStyle.Bold), new Span(" " + rest)]);

    private static IEnumerable<Option> VisibleOptions(Command command) =>
        command.Options.Where(o => !o.Hidden && o is not (HelpOption or VersionOption));

    private static string Usage(Command command) =>
        string.Join(' ', command.Arguments.Where(a => !a.Hidden).Select(a => a.Arity.MinimumNumberOfValues == 0 ? $"[{Shown(a)}]" : Shown(a))
        .Concat(VisibleOptions(command).Select(o =>
        {
            string text = ValueName(o) is { } value ? $"{o.Name} {value}" : o.Name;
            return o.Required ? text : $"[{text}]";
        })));

    /// <summary>A help text as a sentence: it ends with one full stop.</summary>
    private static string Sentence(string? help) => Phrase(help) + ".";

    /// <summary>A sentence as a title.</summary>
    private static string Phrase(string? help) => (help ?? "").TrimEnd('.');

    private static string Shown(Argument argument) => (argument.HelpName ?? argument.Name) + (argument.Arity.MaximumNumberOfValues > 1 ? "…" : "");

    private static string ValueName(MountKey key) => key.Type == MountKeyType.Devices ? $"[{key.Value}, …]" : key.Value;

    private static string? ValueName(Option option) =>
        option.ValueType == typeof(bool) ? null : option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant();
}
