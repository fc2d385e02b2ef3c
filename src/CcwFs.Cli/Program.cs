using System.CommandLine;
using CcwFs.Cli.Dasd;
using CcwFs.Cli.Decode;
using CcwFs.Cli.Mount;
using CcwFs.Cli.Verbs;
using CcwFs.Emulation.Dasd.Images;
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
            RunCommand.Create(),
            DecodeCommand.Create(),
            TranslateCommand.Create(),
            DasdCommand.Create(allocatedBytes: AllocatedBytes),
        };
        ParseResult parsed = root.Parse(arguments);
        try
        {
            if (parsed.Errors.Count > 0)
                throw new CommandException($"{parsed.Errors[0].Message} Try '{Invocation(parsed)} --help'.", CommandException.WrongUsage);
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (CommandException error)
        {
            await Console.Error.WriteLineAsync($"ccwfs: {error.Message}").ConfigureAwait(false);
            return error.Status;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FuseMountException or ImageException)
        {
            await Console.Error.WriteLineAsync($"ccwfs: {error.Message}").ConfigureAwait(false);
            return CommandException.Failed;
        }
        catch (OperationCanceledException)
        {
            return CommandException.Failed;
        }
    }

    private static long? AllocatedBytes(string path) =>
        FileDescriptor.Status(path, follow: true, out FileStatus status) == 0 ? (long)status.Blocks * 512 : null;

    private static string Invocation(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        return command is RootCommand ? "ccwfs" : $"ccwfs {command.Name}";
    }
}
