using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using CcwFs.ChannelIo.Text;
using CcwFs.Cli.Docs;
using CcwFs.Control;
using CcwFs.Linux;
using CcwFs.Service;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Logs;
using CcwFs.Service.Settings;

namespace CcwFs.Cli.Mount;

/// <summary><c>ccwfs mount</c>: its options are the keys of the configuration.</summary>
internal static class MountCommand
{
    private const string Inner = "CCWFS_DAEMON"; // set for the process that becomes the daemon
    private const string LogStream = "CCWFS_LOG_STREAM"; // for it too: the descriptor that it inherits for --log /dev/stderr and the like

    private static readonly Argument<string?> s_mountPoint = new("MOUNTPOINT")
    {
        HelpName = "MOUNTPOINT",
        Description = MountKey.Find("mountpoint")!.Help,
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Option<string?> s_config = new("--config")
    {
        Description = "A JSON file with the same keys as these options. An option on the command line wins. SIGHUP reads the file again.",
            HelpName = "FILE",
    };

    private static readonly Option<bool> s_daemon = new("--daemon")
    {
        Description = "Go to the background after the mount. The log then goes to the journal; where there is none, give --log FILE.",
    };
    private static readonly Option<bool> s_welcome = new("--welcome") { Description = "Show the tree and three commands to try.", Hidden = true };
    private static readonly (MountKey Key, Option Option)[] s_keys =
        [.. MountKey.Keys.Where(k => k.Key != "mountpoint").Select(k => (k, MakeOption(k)))];

    internal static Command Create()
    {
        var command = new Command("mount", "Mount a channel subsystem as a directory.") { s_mountPoint, s_config, s_daemon, s_welcome };
        foreach ((_, Option option) in s_keys)
            command.Options.Add(option);
        command.SetAction(result => Run(result));
        return command;
    }

    private static async Task<int> Run(ParseResult result)
    {
        string directory = Environment.CurrentDirectory; // a daemon leaves it
        (MountSettings settings, IReadOnlyList<string> errors) = Read(result, directory); // wrong values are told before anything is done
        if (errors.Count > 0)
            throw new CommandException(errors[0]);
        bool daemon = result.GetValue(s_daemon);
        if (daemon && settings.Log == LogOutput.Console)
            throw new CommandException("--log console: a daemon has none; give --log journal, or --log FILE", CommandException.WrongUsage);
        if (daemon && settings.Log is null && LogOutput.HasJournal)
            settings.Log = LogOutput.Journal;
        string? file = settings.Log is LogOutput.Console or LogOutput.Journal ? null : settings.Log;
        int? stream = file is null ? null : StartStreams.NumberOf(file);
        if (file is not null && stream is null && !daemon)
            throw new CommandException($"--log {file}: a file goes with --daemon; in the foreground, redirect standard error",
                CommandException.WrongUsage);
        if (daemon && Environment.GetEnvironmentVariable(Inner) is null)
            return await StartDaemon(logs: settings.Log is not null, file, stream).ConfigureAwait(false);

        Func<(MountSettings, IReadOnlyList<string>)>? reread = result.GetValue(s_config) is null ? null : () => Read(result, directory);
        if (daemon)
            return await RunDetached(settings, file, reread).ConfigureAwait(false);
        if (stream is not null)
            LogToStream(settings, file!, stream.Value);
        using var server = new MountServer(settings, reread, isDaemon: false);
        return await server.RunAsync(path => Announce(path, server, result.GetValue(s_welcome))).ConfigureAwait(false);
    }

    private static void Announce(string path, MountServer server, bool welcome)
    {
        VisibleWriter.Output.WriteLine($"mounted {path}");
        if (welcome)
            VisibleWriter.Output.Write(Welcome.Text(path, server.Devices));
        VisibleWriter.Output.Flush();
    }

    /// <summary>The daemon itself: leaves the terminal first, so that its log is the log file, and tells its parent over the old streams.</summary>
    private static async Task<int> RunDetached(MountSettings settings, string? log, Func<(MountSettings, IReadOnlyList<string>)>? reread)
    {
        using FileDescriptor output = Detaching.Keep(1), error = Detaching.Keep(2);
        try
        {
            using FileDescriptor? file = log is null ? null : OpenLog(log);
            int detached = Detaching.Detach(file);
            if (detached < 0)
                throw new CommandException($"the terminal cannot be left: {Problem.Of(detached)}");
            using var server = new MountServer(settings, reread, isDaemon: true);
            return await server.RunAsync(path =>
            {
                output.Write(Encoding.UTF8.GetBytes($"mounted {VisibleText.Of(path)}\n"));
                output.Dispose();
                error.Dispose();
            }).ConfigureAwait(false);
        }
        catch (Exception problem) when (Expected.Is(problem) && !error.IsClosed)
        {
            error.Write(Encoding.UTF8.GetBytes($"ccwfs: {VisibleText.Of(Expected.Text(problem).ReplaceLineEndings(" "))}\n"));
            return Expected.Status(problem);
        }
    }

    /// <summary>A stream that we were started with, under another number; the caller's.</summary>
    private static FileDescriptor TakeStream(string log, int number, bool forChild)
    {
        string? wrong = StartStreams.Take(number, forChild, out FileDescriptor stream);
        return wrong is null ? stream : throw new CommandException($"--log {log}: {wrong}");
    }

    /// <summary>In the foreground log lines go to standard error: it becomes another name of that stream.</summary>
    private static void LogToStream(MountSettings settings, string log, int number)
    {
        using FileDescriptor stream = TakeStream(log, number, forChild: false);
        int result = Detaching.ReplaceError(stream);
        if (result < 0)
            throw new CommandException($"--log {log}: {Problem.Of(result)}");
        settings.Log = LogOutput.Console;
    }

    private static FileDescriptor OpenLog(string path)
    {
        if (StartStreams.NumberOf(path) is not null)
            // opened by StartDaemon
            return new FileDescriptor(int.Parse(Environment.GetEnvironmentVariable(LogStream)!, CultureInfo.InvariantCulture));
        string? wrong =
            NamedFile.OpenOrMake(path, OpenOptions.WriteOnly | OpenOptions.Append, NamedFileRules.Devices, out FileDescriptor file, out _);
        return wrong is null ? file : throw new CommandException($"--log {path}: {wrong}");
    }

    /// <summary>
    /// Configuration, then options, which win. Gives what is wrong with the configuration; throws for what is wrong with an option.
    /// </summary>
    private static (MountSettings Settings, IReadOnlyList<string> Errors) Read(ParseResult result, string directory)
    {
        var settings = new MountSettings(directory);
        IReadOnlyList<string> errors = result.GetValue(s_config) is { } config ? ConfigFile.Errors(Path.GetFullPath(config, directory), settings)
            : [];
        if (result.GetValue(s_mountPoint) is { } mountPoint)
            Take(MountKey.Find("mountpoint")!, mountPoint, settings);
        foreach ((MountKey key, Option option) in s_keys)
        {
            switch (option)
            {
                case Option<bool> flag when result.GetValue(flag): Take(key, "true", settings); break;
                case Option<string?> text when result.GetValue(text) is { } value: Take(key, value, settings); break;
                case Option<string[]> devices when result.GetValue(devices) is { Length: > 0 } specs:
                    settings.Devices = null;
                    foreach (string spec in specs)
                        Take(key, spec, settings);
                    break;
            }
        }
        return (settings, errors);
    }

    private static void Take(MountKey key, string value, MountSettings settings)
    {
        if (settings.Apply(key, value) is { } wrong)
            throw new CommandException($"{(key.Key == "mountpoint" ? "mountpoint" : key.Option)} {value}: {wrong}", CommandException.WrongUsage);
    }

    private static Option MakeOption(MountKey key)
    {
        string[] aliases = key.Alias is { } alias ? [alias] : [];
        switch (key.Type)
        {
            case MountKeyType.Flag:
                return new Option<bool>(key.Option, aliases) { Description = key.Help };
            case MountKeyType.Devices:
                var devices = new Option<string[]>(key.Option, aliases)
                {
                    Description = $"A device, like {DeviceKinds.Examples}. Repeat the option for more devices. The default is one volume, which is made on first use. {DeviceKinds.WhereKeysAre}.", HelpName = key.Value,
                };
                devices.CompletionSources.Add(context => Completion.Spec(context.WordToComplete));
                return devices;
            default:
                var text = new Option<string?>(key.Option, aliases) { Description = key.Help, HelpName = key.Value };
                text.CompletionSources.Add(_ => Completion.Words(key.Value));
                return text;
        }
    }

    /// <summary>
    /// Starts ourselves again as the process that stays, and waits until it has mounted or failed. Without a place where it <paramref name="logs"/>
    /// it works all the same, but is not silent about it.
    /// </summary>
    private static async Task<int> StartDaemon(bool logs, string? log, int? stream)
    {
        string[] program = OwnProgram.Words;
        var start = new ProcessStartInfo(program[0], [.. program[1..], .. Environment.GetCommandLineArgs().Skip(1)])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        using FileDescriptor? kept = stream is { } number ? TakeStream(log!, number, forChild: true) : null;
        if (kept is not null)
            start.Environment[LogStream] = kept.Number.ToString(CultureInfo.InvariantCulture);
        start.Environment[Inner] = "1";
        Execution.StopIgnoring(); // a daemon is reloaded and ended by signals, whatever the terminal or shell was that it came from
        start.Environment.TryAdd(RuntimePort.Variable, "0");
        using Process daemon = Process.Start(start)!;
        daemon.StandardInput.Close();
        string? mounted = await daemon.StandardOutput.ReadLineAsync().ConfigureAwait(false); // nothing when it ended
        if (mounted is not null)
        {
            Console.Out.WriteLine(mounted);
            if (!logs)
                Console.Error.WriteLine("ccwfs: its log is lost, for this machine has no journal; give --log FILE to keep it");
            return 0;
        }
        VisibleWriter.Error.Write(await daemon.StandardError.ReadToEndAsync().ConfigureAwait(false));
        await daemon.WaitForExitAsync().ConfigureAwait(false);
        return daemon.ExitCode == 0 ? CommandException.Failed : daemon.ExitCode;
    }
}
