using System.CommandLine;
using System.CommandLine.Parsing;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;

namespace CcwFs.Cli;

/// <summary>What is wrong with a command line, in one line of our own words; the first wrong thing for the person who typed it.</summary>
internal static class UsageErrors
{
    /// <summary>Throws when the line cannot be carried out: <see cref="CommandException.WrongUsage"/>.</summary>
    internal static void Refuse(ParseResult parsed, IReadOnlyList<string> arguments)
    {
        if ((UnknownOption(parsed) ?? FlagWithValue(parsed, arguments) ?? EmptyWord(parsed) ?? UnknownWord(parsed) ?? WrongOption(parsed)
            ?? Missing(parsed) ?? Other(parsed)) is { } wrong)
            throw new CommandException($"{wrong}{(wrong.EndsWith('?') ? " See" : "; see")}: {Invocation(parsed.CommandResult)} --help",
                CommandException.WrongUsage);
    }

    /// <summary>A word like --foo that is no option would otherwise be taken for an argument, a mount point say.</summary>
    private static string? UnknownOption(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string? before = null; // the option whose value this word is
        foreach (Token token in parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash))
        {
            if (token.Type == TokenType.Argument && before is null && token.Value is ['-', _, ..])
            {
                string name = token.Value.Split('=')[0];
                return IsOption(command, name)
                    ? $"'{name}' stands in front of the verb; put it behind: {Invocation(parsed.CommandResult)} {name} …"
                    : $"unknown option '{name}'{Nearest.Hint(name, command.Options.Where(o => !o.Hidden).Select(o => o.Name))}";
            }
            before = token.Type == TokenType.Option && TakesValue(command, token.Value) ? token.Value : null;
        }
        return null;
    }

    /// <summary>--json=maybe: the parser takes "maybe" for the next word.</summary>
    private static string? FlagWithValue(ParseResult parsed, IReadOnlyList<string> arguments) =>
        arguments.TakeWhile(word => word != "--").Where(word => word.StartsWith('-'))
        .Select(word => word.Split('=', 2))
            .Where(parts => parts.Length == 2 && IsOption(parsed.CommandResult.Command, parts[0])
            && !TakesValue(parsed.CommandResult.Command, parts[0]))
        .Select(parts => $"{parts[0]} takes no value").FirstOrDefault();

    /// <summary>As of an unset variable. What follows -- is another program's.</summary>
    private static string? EmptyWord(ParseResult parsed)
    {
        int ours = parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash).Count(t => t.Type == TokenType.Argument && t.Value.Length == 0);
        foreach (SymbolResult symbol in ours == 0 ? [] : parsed.CommandResult.Children)
        {
            if (symbol is OptionResult { Implicit: false, Option: var option } && symbol.Tokens.Any(t => t.Value.Length == 0))
                return $"{option.Name} is empty";
            if (symbol is ArgumentResult { Argument: var argument } && symbol.Tokens.Any(t => t.Value.Length == 0))
                return $"{argument.HelpName ?? argument.Name} is empty";
        }
        return null;
    }

    private static string? UnknownWord(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens is not [{ } word, ..])
            return null;
        Command command = parsed.CommandResult.Command;
        string above = command is RootCommand ? "" : command.Name + " ";
        string[] verbs = [.. Verbs(command)];
        return verbs.Length > 0 ? $"unknown verb '{above}{word}'{Nearest.Hint(word, verbs)}" : $"unknown word '{word}'";
    }

    private static string? WrongOption(ParseResult parsed)
    {
        foreach (OptionResult given in parsed.CommandResult.Children.OfType<OptionResult>().Where(o => !o.Implicit))
        {
            Option option = given.Option;
            if (given.Tokens.Count < option.Arity.MinimumNumberOfValues)
                return $"{option.Name} needs a value: {option.Name} {option.HelpName}";
            if (given.IdentifierTokenCount > 1 && option.Arity.MaximumNumberOfValues == 1)
                return $"{option.Name} is given twice; give it once";
        }
        return null;
    }

    private static string? Missing(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string[] verbs = [.. Verbs(command)];
        if (verbs.Length > 0)
            return $"a verb is missing{(command is RootCommand ? "" : $": {Values.List(verbs, "or")}")}";
        foreach (Argument argument in command.Arguments)
        {
            if ((parsed.CommandResult.GetResult(argument)?.Tokens.Count ?? 0) >= argument.Arity.MinimumNumberOfValues)
                continue;
            IEnumerable<string> needed = command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > 0).Select(a => a.HelpName ?? a.Name);
            return $"{argument.HelpName ?? argument.Name} is missing: {Invocation(parsed.CommandResult)} {string.Join(' ', needed)}";
        }
        return null;
    }

    /// <summary>What validators say; the parser's own messages spread over lines.</summary>
    private static string? Other(ParseResult parsed) => parsed.Errors.Count == 0 ? null
        : string.Join(' ', parsed.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static bool IsOption(Command command, string name) => Find(command, name) is not null;

    private static bool TakesValue(Command command, string name) => Find(command, name) is { } option && option.ValueType != typeof(bool);

    private static Option? Find(Command command, string name) => command.Options.FirstOrDefault(o => o.Name == name || o.Aliases.Contains(name));

    private static IEnumerable<string> Verbs(Command command) => command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);

    /// <summary>"ccwfs dasd create".</summary>
    private static string Invocation(CommandResult result) =>
        result.Command is RootCommand ? "ccwfs" : $"{Invocation((CommandResult)result.Parent!)} {result.Command.Name}";
}
