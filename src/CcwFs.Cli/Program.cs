using System.CommandLine;
using System.CommandLine.Parsing;
using CcwFs.Cli.Dasd;
using CcwFs.Cli.Decode;
using CcwFs.Cli.Docs;
using CcwFs.Cli.Mount;
using CcwFs.Cli.Qemu;
using CcwFs.Cli.Service;
using CcwFs.Cli.Verbs;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Cli;

/// <summary>The composition root: arguments to verbs, errors to one line and an exit status.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("Shows passthrough I/O subchannels of an IBM Z machine as files and runs channel programs on them")
        {
            MountCommand.Create(),
            UmountCommand.Create(),
            ListCommand.Create(),
            Verbs.InfoCommand.Create(),
            AddCommand.Create(),
            RemoveCommand.Create(),
            PathCommand.Create(),
            ConfigCommand.Create(),
            AttachCommand.Create(),
            DetachCommand.Create(),
            RunCommand.Create(),
            DecodeCommand.Create(),
            TranslateCommand.Create(),
            QemuCommand.Create(),
            DasdCommand.Create(allocatedBytes: AllocatedBytes),
        };
        root.Subcommands.Add(DocsCommand.Create(root));
        try
        {
            ParseResult parsed = Parse(root, arguments);
            if (arguments is [['[', ..], ..]) // a directive: a shell asks how a line could go on
                return await parsed.InvokeAsync().ConfigureAwait(false);
            RefuseUnknownOptions(parsed);
            if (parsed.Errors.Count > 0)
                throw new CommandException($"{WrongUsage(parsed)} Try '{Invocation(parsed)} --help'.", CommandException.WrongUsage);
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (Exception error) when (IsExpected(error))
        {
            string message = error is ArgumentException ? "a path is empty, or has a zero character in it; give a path" : error.Message;
            await Console.Error.WriteLineAsync($"ccwfs: {message}").ConfigureAwait(false);
            return error is CommandException command ? command.Status : CommandException.Failed;
        }
        catch (OperationCanceledException)
        {
            return CommandException.Failed;
        }
    }

    /// <summary>What a user, a file or the system can cause: one line, no stack trace.</summary>
    internal static bool IsExpected(Exception error) =>
        error is CommandException or IOException or UnauthorizedAccessException or FuseMountException or System.ComponentModel.Win32Exception
            or ArgumentException { ParamName: "path" }; // an empty one, as of an unset variable

    private static long? AllocatedBytes(string path) =>
        FileDescriptor.Status(path, follow: true, out FileStatus status) == 0 ? (long)status.Blocks * 512 : null;

    private static ParseResult Parse(RootCommand root, string[] arguments)
    {
        try
        {
            return root.Parse(arguments);
        }
        catch (InvalidOperationException wrong)
        {
            // A validator asked for a value that is none: the parser's own message says which.
            throw new CommandException(OneLine(wrong.Message), CommandException.WrongUsage);
        }
    }

    /// <summary>A word like --foo that is no option would otherwise be taken for an argument, a mount point say.</summary>
    private static void RefuseUnknownOptions(ParseResult parsed)
    {
        TokenType before = TokenType.Command;
        foreach (Token token in parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash))
        {
            if (token.Type == TokenType.Argument && before != TokenType.Option && token.Value is ['-', _, ..])
                throw new CommandException($"unknown option '{token.Value}'.{Nearest.Hint(token.Value, parsed.CommandResult.Command.Options.Select(o => o.Name))} Try '{Invocation(parsed)} --help'.", CommandException.WrongUsage);
            before = token.Type;
        }
    }

    /// <summary>What was wrong first for the person who typed it: a word nobody knows, then what is missing.</summary>
    private static string WrongUsage(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens.Count > 0
            ? $"unknown verb '{parsed.UnmatchedTokens[0]}'.{Nearest.Hint(parsed.UnmatchedTokens[0], parsed.RootCommandResult.Command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name))}"
        : parsed.UnmatchedTokens.Count > 0 ? $"unknown word '{parsed.UnmatchedTokens[0]}'."
        : OneLine(parsed.Errors[0].Message);

    /// <summary>The parser spreads the values that an argument may have over lines.</summary>
    private static string OneLine(string message) =>
        string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static string Invocation(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        IEnumerable<string> names = parsed.CommandResult.Parent is CommandResult { Command: not RootCommand } above
            ? [above.Command.Name, command.Name] : [command.Name];
        return command is RootCommand ? "ccwfs" : $"ccwfs {string.Join(' ', names)}";
    }
}
