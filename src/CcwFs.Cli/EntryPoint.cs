using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using CcwFs.ChannelIo.Text;
using CcwFs.Cli.Dasd;
using CcwFs.Cli.Decode;
using CcwFs.Cli.Docs;
using CcwFs.Cli.Mount;
using CcwFs.Cli.Qemu;
using CcwFs.Cli.Replay;
using CcwFs.Cli.Top;
using CcwFs.Cli.Trace;
using CcwFs.Cli.Verbs;
using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Cli;

/// <summary>Where the program begins: arguments to verbs, errors to one line and an exit status.</summary>
internal static class EntryPoint
{
    private static async Task<int> Main(string[] arguments)
    {
        Execution.SurviveFileSizeLimit();
        RuntimePort.Close();
        RootCommand root = Build();
        ParseResult? parsed = null;
        try
        {
            if (MachineKind.Problem(RuntimeInformation.ProcessArchitecture) is { } unknown)
                throw new CommandException(unknown);

            // @word is a word: no file is read in its place.
            parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
            var invocation = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = VisibleWriter.Output,
                Error = VisibleWriter.Error,
            };
            if (arguments is [['[', ..], ..]) // a directive: a shell asks how a line could go on
            {
                (invocation.EnableDefaultExceptionHandler, invocation.Output) = (true, VisibleWriter.Lists);
                return await parsed.InvokeAsync(invocation).ConfigureAwait(false);
            }
            if (!parsed.CommandResult.Children.OfType<OptionResult>().Any(o => o.Option is HelpOption or VersionOption))
                UsageErrors.Refuse(parsed, arguments);
            return await parsed.InvokeAsync(invocation).ConfigureAwait(false);
        }
        catch (Exception error) when (Expected.Is(error))
        {
            string mount = error is CommandException { Hint: not null }
                && parsed?.CommandResult.Children.OfType<OptionResult>()
                .FirstOrDefault(o => o.Option.Name == ControlClient.MountName) is { Tokens: [{ Value: { } mountPoint }] }
                ? $" {ControlClient.MountName} {ShellText.Quote(mountPoint)}" : "";
            await VisibleWriter.Error.WriteLineAsync($"ccwfs: {VisibleText.Of($"{Expected.Text(error)}{mount}".ReplaceLineEndings(" "))}")
                .ConfigureAwait(false);
            return Expected.Status(error);
        }
        catch (OperationCanceledException)
        {
            return CommandException.Failed;
        }
    }

    private static RootCommand Build()
    {
        var root = new RootCommand("ccwfs shows passthrough I/O subchannels of an IBM Z machine as files,\nand runs channel programs on them.")
        {
            MountCommand.Create(),
            UmountCommand.Create(),
            ConfigCommand.Create(),
            ListCommand.Create(),
            Verbs.InfoCommand.Create(),
            TopCommand.Create(),
            TraceCommand.Create(),
            RecordCommand.Create(),
            ReplayCommand.Create(),
            DecodeCommand.Create(),
            RunCommand.Create(),
            TranslateCommand.Create(),
            AddCommand.Create(),
            RemoveCommand.Create(),
            PathCommand.Create(),
            FaultCommand.Create(),
            DasdCommand.Create(allocatedBytes: AllocatedBytes),
            QemuCommand.Create(),
            AttachCommand.Create(),
            DetachCommand.Create(),
        };
        root.Subcommands.Add(HelpCommand.Create(root));
        root.Subcommands.Add(DocsCommand.Create(root));
        RootHelp.Install(root);
        return root;
    }

    private static long? AllocatedBytes(string path) =>
        FileDescriptor.Status(path, follow: true, out FileStatus status) == 0 ? (long)status.Blocks * 512 : null;
}
