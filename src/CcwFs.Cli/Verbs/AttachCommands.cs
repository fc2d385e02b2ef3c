using System.CommandLine;
using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Cli.Control;
using CcwFs.Cli.Host;

namespace CcwFs.Cli.Verbs;

/// <summary>The words and options that attach and detach share.</summary>
internal sealed class AttachArguments
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // arbitrary: the kernel does all of it in milliseconds

    internal Argument<string> Name { get; } = new("name")
    {
        Description = "A device (0.0.2b09), subchannel (0.0.0313) or mediated device (its uuid) of this host, or a CKD image; sch:ID or dev:ID where a number is both",
    };

    internal Option<string?> Mount { get; } = ControlClient.MountOption();

    internal Option<bool> NoMount { get; } = new("--no-mount") { Description = "The host alone: a mounted ccwfs is left as it is" };

    internal Option<bool> Force { get; } = new("--force") { Description = "A device in use too" };

    internal Option<bool> DryRun { get; } = new("--dry-run") { Description = "Print the steps as shell commands; change nothing" };

    internal Option<bool> Json { get; } = new("--json") { Description = "Print JSON" };

    internal Option<double> Wait { get; } = new("--wait")
    {
        Description = "Seconds to wait for what the kernel does by itself", HelpName = "SECONDS", DefaultValueFactory = _ => s_patience.TotalSeconds,
    };

    internal HostRootOptions Roots { get; } = new();

    /// <summary>A verb with all of them.</summary>
    internal Command Verb(string name, string description)
    {
        var command = new Command(name, description) { Name, Mount, NoMount, Force, DryRun, Json, Wait };
        Roots.AddTo(command);
        Wait.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 0 and <= 3600))
                result.AddError("--wait is a number of seconds from 0 to 3600");
        });
        return command;
    }

    /// <summary>Where the host's file systems are and what was chosen; <paramref name="note"/>: why there is no mount.</summary>
    internal HostOptions Read(ParseResult result, string? uuid, bool persist, string? keys, out string? note) => new(
        uuid, result.GetValue(Force), persist, HostMounts.Choose(result.GetValue(Mount), result.GetValue(NoMount), out note), keys, TimeSpan.FromSeconds(result.GetValue(Wait)));
}

/// <summary>Options that say where the host's own file systems are.</summary>
internal sealed class HostRootOptions
{
    private readonly Option<string> _sysfs = Place("--sysfs", "/sys", "sysfs");
    private readonly Option<string> _proc = Place("--proc", "/proc", "procfs");
    private readonly Option<string> _dev = Place("--dev", "/dev", "the directory of device nodes");
    private readonly Option<string> _root = Place("--root", "/", "the root of /etc and /var (for --persist, and the record of what was before)");

    /// <summary>Adds all of them, or the one of what is only looked at.</summary>
    internal void AddTo(Command command, bool onlySysfs = false)
    {
        foreach (Option<string> option in onlySysfs ? (Option<string>[])[_sysfs] : [_sysfs, _proc, _dev, _root])
            command.Options.Add(option);
    }

    internal HostRoots Read(ParseResult result) => new(Of(result, _sysfs), Of(result, _proc), Of(result, _dev), Of(result, _root));

    internal HostRoots ReadSysfs(ParseResult result) => new(Of(result, _sysfs));

    private static string Of(ParseResult result, Option<string> option) => Path.GetFullPath(result.GetValue(option)!).TrimEnd('/');

    private static Option<string> Place(string name, string place, string what) =>
        new(name) { Description = $"Where {what} is", HelpName = "DIR", DefaultValueFactory = _ => place };
}

/// <summary><c>ccwfs attach NAME</c>: a device becomes a subchannel of the mount.</summary>
internal static class AttachCommand
{
    internal static Command Create()
    {
        var arguments = new AttachArguments();
        var persist = new Option<bool>("--persist") { Description = "Also after a reboot: through driverctl and mdevctl where both are installed, else by a systemd unit" };
        var uuid = new Option<string?>("--uuid") { Description = "The mediated device's name (default: the subchannel's own, always the same)" };
        var keys = new Option<string?>("--keys") { Description = "More keys of the device in the mount, as in a SPEC: id=0.0.0001,readonly" };
        Command command = arguments.Verb("attach", "Take a device of this host from Linux, or an image, and show it as a subchannel");
        command.Add(persist);
        command.Add(uuid);
        command.Add(keys);
        command.SetAction(result =>
        {
            string word = result.GetValue(arguments.Name)!;
            if (result.GetValue(uuid) is { } given && !HostResolver.TryUuid(given, out _))
                throw new CommandException($"--uuid {given}: a uuid is written like 11111111-2222-4333-8444-555555555555", CommandException.WrongUsage);
            HostOptions options = arguments.Read(result, result.GetValue(uuid)?.ToLowerInvariant(), result.GetValue(persist), result.GetValue(keys), out string? note);
            TextWriter output = result.InvocationConfiguration.Output;
            bool dryRun = result.GetValue(arguments.DryRun), json = result.GetValue(arguments.Json);
            if (!HostResolver.IsName(word))
            {
                ImageVerbs.Attach(word, options, note, dryRun, json, output);
                return;
            }
            HostTarget target = Prepare(word, new HostResolver(arguments.Roots.Read(result)), options);
            if (dryRun)
            {
                foreach (string line in HostRun.Print(target, backwards: false))
                    output.WriteLine(line);
                return;
            }
            IReadOnlyList<StepResult> steps = HostRun.Attach(target, word);
            Report(target, steps, json, output);
            if (note is not null)
                result.InvocationConfiguration.Error.WriteLine($"ccwfs: {note}, so the subchannel is only a vfio device now; mount one, then: ccwfs add {HostSteps.Spec(target)}");
        });
        return command;
    }

    private static HostTarget Prepare(string word, HostResolver resolver, HostOptions options)
    {
        HostDevice? device = resolver.Find(word);
        if (device is null)
        {
            string number = word.StartsWith(HostResolver.DevicePrefix, StringComparison.Ordinal) ? word[HostResolver.DevicePrefix.Length..] : word;
            return DeviceId.TryParse(number, out DeviceId hidden) && IgnoredDevices.Contains(resolver.Roots, hidden)
                ? new HostTarget(resolver, options, hidden)
                : new HostTarget(resolver, options, resolver.Resolve(word), attaching: true);
        }
        if (!device.IsIo)
            throw new CommandException($"subchannel {device.Id} is no I/O subchannel, so it cannot be passed through");
        if (options.Uuid is { } uuid && device.Mdev is { } mdev && mdev.Uuid != uuid)
            throw new CommandException($"subchannel {device.Id} is attached as {mdev.Uuid}; leave --uuid out, or first: ccwfs detach {word}");
        if (!options.Force && HostUse.OfDevice(device, resolver.Roots).FirstOrDefault() is { } reason)
            throw new CommandException($"{word} is in use: {reason}; end that, or give --force");
        return new HostTarget(resolver, options, device, attaching: true);
    }

    private static void Report(HostTarget target, IReadOnlyList<StepResult> steps, bool json, TextWriter output)
    {
        HostDevice now = target.Now;
        string? mounted = target.Mounted?.Subchannel;
        string qemu = $"-device vfio-ccw,sysfsdev={target.Roots.Mdev}/devices/{target.Uuid}{GuestNumber(now.Device)}";
        string libvirt = $"<hostdev mode='subsystem' type='mdev' model='vfio-ccw'><source><address uuid='{target.Uuid}'/></source></hostdev>";
        if (json)
        {
            output.WriteLine(new AttachReport("attached", now.Id.ToString(), now.Device?.ToString(), target.Uuid, now.Mdev?.CdevPath(target.Roots), now.Mdev?.GroupPath(target.Roots), mounted,
                    [.. steps.Where(step => step.Changed).Select(step => step.Name)], qemu, libvirt).ToJson());
            return;
        }
        string state = steps.Any(step => step.Changed) ? "attached" : "already attached";
        output.WriteLine($"{state}: device {now.Device?.ToString() ?? "unknown"}, subchannel {now.Id}, mediated device {target.Uuid}");
        output.WriteLine($"QEMU:     {qemu}");
        output.WriteLine($"libvirt:  {libvirt}");
        if (mounted is not null)
            output.WriteLine($"ccwfs:    ccwfs qemu {mounted} -- qemu-system-s390x …");
    }

    /// <summary>The same number in the guest: QEMU's channel subsystem fe is the guest's 0.</summary>
    private static string GuestNumber(DeviceId? device) =>
        device is { } number ? string.Create(CultureInfo.InvariantCulture, $",devno={number with { CssId = Qemu.QemuDevice.GuestCss }}") : "";
}

/// <summary><c>ccwfs detach NAME</c>: undoes attach.</summary>
internal static class DetachCommand
{
    internal static Command Create()
    {
        var arguments = new AttachArguments();
        Command command = arguments.Verb("detach", "Undo attach, also a half-done one: the device is Linux's again, as it was");
        command.SetAction(result =>
        {
            string word = result.GetValue(arguments.Name)!;
            HostOptions options = arguments.Read(result, null, persist: false, null, out string? note);
            TextWriter output = result.InvocationConfiguration.Output;
            bool dryRun = result.GetValue(arguments.DryRun), json = result.GetValue(arguments.Json);
            var resolver = new HostResolver(arguments.Roots.Read(result));
            HostDevice? device = HostResolver.IsName(word) ? resolver.Find(word) : null;
            if (device is null)
            {
                if (!ImageVerbs.TryDetach(word, options, dryRun, json, output) && !NothingThere(word, resolver, dryRun, json, output))
                    throw new CommandException(HostResolver.IsName(word) ? $"there is no {word} on this host or in a mount{(note is null ? "" : $" ({note})")}; see: ccwfs list --all" : $"{word} is in no mount{(note is null ? "" : $" ({note})")}; see: ccwfs list");
                return;
            }
            var target = new HostTarget(resolver, options, device, attaching: false);
            if (dryRun)
            {
                foreach (string line in HostRun.Print(target, backwards: true))
                    output.WriteLine(line);
                return;
            }
            if (!options.Force && HostUse.OfMdev(target).FirstOrDefault() is { } reason)
                throw new CommandException($"{word} is in use: {reason}; end that (for QEMU: device_del), or give --force");
            string uuid = target.Uuid;
            IReadOnlyList<StepResult> steps = HostRun.Detach(target, word);
            ImageVerbs.ReportDetached(word, device.Id.ToString(), device.Device?.ToString(), uuid, [.. steps.Where(step => step.Changed).Select(step => step.Name)], json, output);
        });
        return command;
    }

    /// <summary>A mediated device that is gone, or a device that is hidden again: nothing to undo but what is left of the record.</summary>
    private static bool NothingThere(string word, HostResolver resolver, bool dryRun, bool json, TextWriter output)
    {
        bool hidden = DeviceId.TryParse(word.Replace(HostResolver.DevicePrefix, "", StringComparison.Ordinal), out DeviceId device) && IgnoredDevices.Contains(resolver.Roots, device);
        if (!hidden && !HostResolver.TryUuid(word, out _))
            return false;
        if (hidden && !dryRun)
            File.Delete(AttachRecord.PathOf(resolver.Roots, device, null));
        ImageVerbs.ReportDetached(word, null, hidden ? device.ToString() : null, null, [], json, output);
        return true;
    }
}
