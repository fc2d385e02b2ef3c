using System.CommandLine;
using System.Diagnostics;
using System.Text;
using CcwFs.Linux;

namespace CcwFs.Cli.Mount;

/// <summary><c>ccwfs mount</c>.</summary>
internal static class MountCommand
{
    private static readonly Argument<string?> s_mountPoint = new("mountpoint")
    {
        Description = "Where to mount (default: /run/ccwfs for root, $XDG_RUNTIME_DIR/ccwfs for others)", Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> s_config = new("--config") { Description = "A JSON file with the same keys as these options; an option wins" };
    private static readonly Option<string[]> s_device = new("--device")
    {
        Description = "A device: dasd[,image=PATH][,id=0.0.0000][,devno=0.0.0150][,chpids=40.41][,readonly][,ese][,profile=minimal|linux|full][,count=N]; repeat it for more (default: one volume, made on first use)",
    };

    private static readonly Option<string?> s_memory = new("--memory") { Description = "Guest storage: a size, or a file that another program maps too (default: 256M)" };
    private static readonly Option<bool> s_daemon = new("--daemon") { Description = "Go to the background once mounted" };
    private static readonly Option<string?> s_log = new("--log") { Description = "With --daemon: where log lines go (default: nowhere)" };
    private static readonly Option<string?> s_owner = new("--owner") { Description = "Owner of the files (default: you)" };
    private static readonly Option<string?> s_group = new("--group") { Description = "Group of the files (default: yours)" };
    private static readonly Option<string?> s_mode = new("--mode") { Description = "Permissions of the files, octal (default: 0600)" };
    private static readonly Option<bool> s_allowOther = new("--allow-other") { Description = "Let other users in, as far as owner, group and mode allow" };
    private static readonly Option<bool> s_verbose = new("--verbose", "-v") { Description = "Log more" };
    private static readonly Option<bool> s_welcome = new("--welcome") { Description = "Show the tree and three commands to try" };

    internal static Command Create()
    {
        var command = new Command("mount", "Mount the channel subsystem")
        {
            s_mountPoint, s_config, s_device, s_memory, s_daemon, s_log, s_owner, s_group, s_mode, s_allowOther, s_verbose, s_welcome,
        };
        command.SetAction(result => Run(result));
        return command;
    }

    private static async Task<int> Run(ParseResult result)
    {
        MountSettings settings = Settings(result);
        settings.Check(); // wrong values are told before anything is done
        string? log = result.GetValue(s_log);
        const string Inner = "CCWFS_DAEMON"; // set for the process that becomes the daemon
        if (result.GetValue(s_daemon) && Environment.GetEnvironmentVariable(Inner) is null)
            return await StartDaemon(Inner).ConfigureAwait(false);
        if (log is not null && !result.GetValue(s_daemon))
            throw new CommandException("--log goes with --daemon; in the foreground, redirect standard error", CommandException.WrongUsage);
        if (!result.GetValue(s_daemon))
        {
            using var server = new MountServer(settings);
            return await server.RunAsync(path => Announce(path, server, result.GetValue(s_welcome))).ConfigureAwait(false);
        }
        return await RunDetached(settings, Path.GetFullPath(log ?? "/dev/null")).ConfigureAwait(false);
    }

    private static void Announce(string path, MountServer server, bool welcome)
    {
        Console.Out.WriteLine($"mounted {path}");
        if (welcome)
            Console.Out.Write(Welcome.Text(path, server.Devices));
        Console.Out.Flush();
    }

    /// <summary>The daemon itself: leaves the terminal first, so that its log is the log file, and tells its parent over the old streams.</summary>
    private static async Task<int> RunDetached(MountSettings settings, string log)
    {
        using FileDescriptor output = Detaching.Keep(1), error = Detaching.Keep(2);
        int detached = Detaching.Detach(log);
        try
        {
            if (detached < 0)
                throw new CommandException($"--log {log}: {Problem.Of(detached)}");
            using var server = new MountServer(settings);
            return await server.RunAsync(path =>
            {
                output.Write(Encoding.UTF8.GetBytes($"mounted {path}\n"));
                output.Dispose();
                error.Dispose();
            }).ConfigureAwait(false);
        }
        catch (Exception problem) when (Program.IsExpected(problem) && !error.IsClosed)
        {
            error.Write(Encoding.UTF8.GetBytes($"ccwfs: {problem.Message}\n"));
            return problem is CommandException command ? command.Status : CommandException.Failed;
        }
    }

    private static MountSettings Settings(ParseResult result)
    {
        var settings = new MountSettings();
        if (result.GetValue(s_config) is { } config)
            ConfigFile.Read(config, settings);
        settings.MountPoint = result.GetValue(s_mountPoint) ?? settings.MountPoint;
        settings.Memory = result.GetValue(s_memory) ?? settings.Memory;
        settings.Owner = result.GetValue(s_owner) ?? settings.Owner;
        settings.Group = result.GetValue(s_group) ?? settings.Group;
        settings.Mode = result.GetValue(s_mode) ?? settings.Mode;
        settings.AllowOther |= result.GetValue(s_allowOther);
        settings.Verbose |= result.GetValue(s_verbose);
        if (result.GetValue(s_device) is { Length: > 0 } devices)
        {
            settings.Devices.Clear();
            settings.Devices.AddRange(devices.Select(DeviceSpec.Parse));
        }
        return settings;
    }

    /// <summary>Starts ourselves again as the process that stays, and waits until it has mounted or failed.</summary>
    private static async Task<int> StartDaemon(string inner)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        string[] arguments = Environment.GetCommandLineArgs();
        bool throughHost = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet";
        foreach (string argument in throughHost ? arguments : arguments.Skip(1))
            start.ArgumentList.Add(argument);
        start.Environment[inner] = "1";
        using Process daemon = Process.Start(start)!;
        daemon.StandardInput.Close();
        string? mounted = await daemon.StandardOutput.ReadLineAsync().ConfigureAwait(false); // nothing when it ended
        if (mounted is not null)
        {
            Console.Out.WriteLine(mounted);
            return 0;
        }
        Console.Error.Write(await daemon.StandardError.ReadToEndAsync().ConfigureAwait(false));
        await daemon.WaitForExitAsync().ConfigureAwait(false);
        return daemon.ExitCode == 0 ? CommandException.Failed : daemon.ExitCode;
    }
}
