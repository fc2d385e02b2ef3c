using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CcwFs.Cli.Docs;
using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Cli.Qemu;

/// <summary><c>ccwfs qemu [ID…] -- qemu-system-s390x …</c>: becomes QEMU with subchannels added as vfio-ccw devices.</summary>
internal static class QemuCommand
{
    private const int FirstPrinted = 3; // after the standard streams
    private const int LettingGo = 1_000; // milliseconds that the kernel may need to close the files of a process that was killed (arbitrary)
    private const int LookAgain = 20;    // milliseconds (arbitrary)

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var print = new Option<bool>("--print") { Description = "Print the command for a shell and do not run it." };
        var privateMemory = new Option<bool>("--private-memory")
        {
            Description = "Do not give the guest shared memory. Every byte is then copied through /proc/PID/mem.",
        };
        var noPlugin = new Option<bool>("--no-plugin")
        {
            Description = "Do not load the plugin that marks translated code. Translations are then dropped at every read.",
        };
        var words = new Argument<string[]>("ID… -- COMMAND")
        {
            HelpName = "ID… -- COMMAND",
            Description = "The subchannels, each with properties of the QEMU device where wanted, like 0.0.0000,devno=fe.0.1234,bootindex=1; then -- and the command of QEMU. The default is all subchannels.",
        };
        words.CompletionSources.Add(context => Completion.DeviceIds(context.ParseResult.GetValue(mount)));
        var command = new Command("qemu", "Start QEMU with subchannels as vfio-ccw devices.") { mount, print, privateMemory, noPlugin, words };
        command.SetAction(result =>
        {
            string[] all = result.GetValue(words) ?? [];
            int count = result.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash).Skip(1).Count();
            string mountPoint = Path.GetFullPath(result.GetValue(mount) ?? Places.MountPoint);
            string[] ids = all[..^count], qemu = all[^count..];
            if (qemu.Length == 0)
                throw new CommandException("QEMU's command is missing: ccwfs qemu [ID…] -- qemu-system-s390x …", CommandException.WrongUsage);
            (IReadOnlyList<QemuDevice> devices, int server) = Choose(mountPoint, ids, qemu);
            bool isPrivate = PrivateSysfs.IsNeeded(devices);
            string[] files = [$"{mountPoint}/iommu", .. devices.Select(d => $"{mountPoint}/{d.Id}/device")];

            IReadOnlyList<string> WithDevices(IReadOnlyList<int> descriptors, IReadOnlyList<string> more)
            {
                string sysfs = isPrivate ? PrivateSysfs.Bus : $"{mountPoint}/sys/bus";
                string[] whole =
                    [.. qemu, .. QemuArguments.Added(qemu, devices, sysfs, descriptors[0], [.. descriptors.Skip(1)], result.GetValue(privateMemory)),
                    .. more];
                return isPrivate ? PrivateSysfs.Wrap(mountPoint, whole) : whole;
            }

            if (result.GetValue(print) && !QemuCode.IsHardware(qemu))
                result.InvocationConfiguration.Error.WriteLine(QemuCode.NotPrinted);
            if (result.GetValue(print))
                Print(result.InvocationConfiguration.Output, WithDevices([.. Enumerable.Range(FirstPrinted, files.Length)], []), files);
            else
                Start(WithDevices, files, qemu, isPrivate ? mountPoint : null, server, withPlugin: !result.GetValue(noPlugin));
        });
        return command;
    }

    /// <summary>The devices asked for, and ccwfs' process. One in use is refused here: QEMU would only say "Invalid argument".</summary>
    private static (IReadOnlyList<QemuDevice> Devices, int Server) Choose(string mountPoint, string[] ids, string[] qemu)
    {
        long deadline = Environment.TickCount64 + LettingGo;
        while (true)
        {
            ControlReply mounted = ControlClient.Send(mountPoint, new ControlRequest { Verb = "list" });
            IReadOnlyList<QemuDevice> devices = QemuDevice.Choose(ids, mounted.Devices ?? [], qemu);
            HashSet<string> used = [.. (mounted.Devices ?? []).Where(row => row.Use).Select(row => row.Subchannel)];
            if (devices.FirstOrDefault(device => used.Contains(device.Id.ToString())) is not { } busy)
                return (devices, mounted.Pid ?? 0);
            if (Environment.TickCount64 >= deadline)
                throw CommandException.Hinting($"{busy.Id} is in use: another QEMU has it, or a program runs on it; end that first; see: ",
                    $"ccwfs info {busy.Id}");
            Thread.Sleep(LookAgain);
        }
    }

    /// <summary>Each word quoted, each file as a redirection that opens it to read and write.</summary>
    private static void Print(TextWriter output, IReadOnlyList<string> command, string[] files)
    {
        foreach (string file in files)
            OpenFile(file).Dispose(); // a command that cannot work is not printed
        output.WriteLine(string.Join(' ',
            [.. command.Select(ShellText.Quote),
                .. files.Select((file, i) => string.Create(CultureInfo.InvariantCulture, $"{FirstPrinted + i}<>{ShellText.Quote(file)}"))]));
    }

    /// <summary>Becomes the command; returns by an exception only. The open files are the next program's, or end with this process.</summary>
    private static void Start(
        Func<IReadOnlyList<int>, IReadOnlyList<string>, IReadOnlyList<string>> build, string[] files, string[] qemu, string? privateMount, int server,
            bool withPlugin)
    {
        FileDescriptor[] opened = Array.ConvertAll(files, OpenFile);
        QemuProbe.Check(qemu[0]);
        if (privateMount is not null)
            PrivateSysfs.Check(privateMount);
        Tracing.Allow(server, ownNamespace: privateMount is not null && Descriptors.EffectiveUser != 0);
        IReadOnlyList<string> code = QemuCode.Offer(opened[0], qemu, withPlugin);
        foreach (FileDescriptor file in opened)
            file.KeepOverExec();
        IReadOnlyList<string> command = build(Array.ConvertAll(opened, file => file.Number), code);
        int failed = Execution.Become(command[0], [.. command.Skip(1)]);
        throw new CommandException($"{command[0]} cannot be started: {Problem.Of(failed)}");
    }

    private static FileDescriptor OpenFile(string path)
    {
        int opened = FileDescriptor.Open(path, OpenOptions.ReadWrite, 0, out FileDescriptor file);
        if (opened >= 0)
            return file;
        string advice = -opened switch
        {
            (int)Mono.Unix.Native.Errno.ENOENT => "; was it mounted by an older ccwfs? mount it again with this one",
            (int)Mono.Unix.Native.Errno.EACCES => "; ask its owner, or be root",
            (int)Mono.Unix.Native.Errno.EBUSY => "; another client has it",
            _ => "",
        };
        throw new CommandException($"{path}: {Problem.Of(opened)}{advice}");
    }
}
