using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CcwFs.Cli.Docs;
using CcwFs.Control;
using CcwFs.Faults.Rules;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs fault</c>: the rules by which faults are injected into a device, and the presets that there are.</summary>
internal static class FaultCommand
{
    private const string Presets = "presets";

    private static readonly string[] s_actions = ["add", "list", "remove"];

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var id = new Argument<string>("ID|presets")
        {
            HelpName = "ID|presets", Description = "The subchannel, like 0.0.0000. With the word presets, every preset is listed, and no mount is needed.",
        };
        id.CompletionSources.Add(context => Completion.DeviceIds(context.ParseResult.GetValue(mount)).Append(new(Presets)));
        var action = new Argument<string?>("ACTION")
        {
            HelpName = "add|list|remove", Arity = ArgumentArity.ZeroOrOne,
            Description = "Say add to add a rule, remove to remove one, and list, or nothing, to list the rules.",
        };
        action.CompletionSources.Add(s_actions);
        var rule = new Argument<string[]>("RULE")
        {
            HelpName = "RULE|N|all", Arity = ArgumentArity.ZeroOrMore,
            Description = "What to add: a rule in quotes, or the name of a preset. What to remove: the number of a rule, or all.",
        };
        rule.CompletionSources.Add(context => context.ParseResult.GetValue(action) == "add"
            ? FaultWords.Presets.Select(preset => preset.Word).Order(StringComparer.Ordinal) : []);
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("fault", "Inject faults into a device, by rules.") { id, action, rule, json, mount };
        command.SetAction(result =>
        {
            TextWriter output = result.InvocationConfiguration.Output;
            string[] words = result.GetValue(rule) ?? [];
            if (result.GetValue(id) == Presets)
                ListPresets(output, result.GetValue(json), hasMore: result.GetValue(action) is not null);
            else
                Ask(output, result.GetValue(mount), result.GetValue(id)!, result.GetValue(action) ?? "list", words, result.GetValue(json));
        });
        return command;
    }

    private static void Ask(TextWriter output, string? mount, string id, string action, string[] words, bool json)
    {
        if (!s_actions.Contains(action))
            throw Wrong($"'{action}' is no action; it is one of {string.Join(", ", s_actions)}");
        if (action == "list" != (words.Length == 0))
        {
            throw Wrong(action == "list" ? "list takes no further word"
                : action == "add" ? "add needs a rule, or the name of a preset; see: ccwfs fault presets" : "remove needs the number of a rule, or all");
        }
        string text = string.Join(' ', words);
        if (text.Length > FaultRule.MaxLength)
            throw Wrong($"a rule has at most {FaultRule.MaxLength} characters, and this one {text.Length}");
        ControlReply reply = ControlClient.Send(mount, new ControlRequest { Verb = "fault", Id = id, Action = action, Rule = text });
        IReadOnlyList<FaultRow> rows = reply.Faults ?? [];
        if (json)
            output.WriteLine(JsonSerializer.Serialize(rows, ControlJson.Default.IReadOnlyListFaultRow));
        else if (action == "list")
            List(output, rows);
        else if (action == "add")
            output.WriteLine(rows.Count == 0 ? "done" : $"added {string.Join(", ", rows.Select(row => row.Number))}");
        else
            output.WriteLine($"removed {text}");
    }

    private static CommandException Wrong(string what) => new(what, CommandException.WrongUsage);

    private static void List(TextWriter output, IReadOnlyList<FaultRow> rows)
    {
        output.WriteLine("N    Seen      Injected  Rule");
        foreach (FaultRow row in rows)
        {
            string name = row.Preset is null ? "" : row.Preset + ": ";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Number,-4} {row.Seen,-9} {row.Injected,-9} {name}{row.Rule}"));
        }
    }

    private static void ListPresets(TextWriter output, bool json, bool hasMore)
    {
        if (hasMore)
            throw Wrong("presets takes no further word");
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(
                FaultWords.Presets.ToDictionary(preset => preset.Word, preset => preset.Help), ControlJson.Default.DictionaryStringString));
            return;
        }
        int width = FaultWords.Presets.Max(preset => preset.Word.Length) + 2;
        foreach (FaultWord preset in FaultWords.Presets)
            output.WriteLine(preset.Word.PadRight(width) + preset.Help);
    }
}
