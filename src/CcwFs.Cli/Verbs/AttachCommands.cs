using System.CommandLine;
using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Cli.Docs;
using CcwFs.Control;
using CcwFs.Host;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Subchannel;

namespace CcwFs.Cli.Verbs;

/// <summary>The words and options that attach and detach share.</summary>
internal sealed class AttachArguments
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // arbitrary: the kernel does all of it in milliseconds

    internal Argument<string> Name { get; } = new("NAME")
    {
        HelpName = "NAME",
        Description = "A device (0.0.2b09 or 2b09), a subchannel (0.0.0313) or a mediated device (its uuid) of this host, or the path of a CKD image. Write sch:ID or dev:ID where a number is both.",
    };

    internal Option<string?> Mount { get; } = MountArguments.Mount();

    internal Option<bool> NoMount { get; } = new("--no-mount") { Description = "Change the host only, and leave a mounted ccwfs as it is." };

    internal Option<bool> Force { get; } = new("--force") { Description = "Take a device that is in use, too." };

    internal Option<bool> DryRun { get; } = new("--dry-run") { Description = "Print the steps as shell commands, and change nothing." };

    internal Option<bool> Json { get; } = new("--json") { Description = "Print JSON." };

    internal Option<double> Wait { get; } = new("--wait")
    {
        Description = "How many seconds to wait for what the kernel does by itself, and for another attach or detach that is at work.",
            HelpName = "SECONDS", DefaultValueFactory = _ => s_patience.TotalSeconds,
    };

    internal HostRootOptions Roots { get; } = new();

    /// <summary>A verb with all of them.</summary>
    internal Command Verb(string name, string description)
    {
        var command = new Command(name, description) { Name, Mount, NoMount, Force, DryRun, Json, Wait };
        Roots.AddTo(command);
        Wait.Number(0, 3600);
        return command;
    }

    /// <summary>Where the host's file systems are and what was chosen; <paramref name="note"/>: why there is no mount.</summary>
    internal HostOptions Read(ParseResult result, string? uuid, bool persist, string? keys, bool keysSayId, out string? note) => new(
        uuid, result.GetValue(Force), persist, HostMounts.Choose(result.GetValue(Mount), result.GetValue(NoMount), out note), keys, keysSayId,
        TimeSpan.FromSeconds(result.GetValue(Wait)));
}

/// <summary>Options that say where the host's own file systems are.</summary>
internal sealed class HostRootOptions
{
    private readonly Option<string> _sysfs = Place("--sysfs", "/sys", "sysfs");
    private readonly Option<string> _proc = Place("--proc", "/proc", "procfs");
    private readonly Option<string> _dev = Place("--dev", "/dev", "the directory of device nodes");
    private readonly Option<string> _root = Place("--root", "/", "/etc and /var, for --persist and for the record of what was before");

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
        new(name) { Description = $"The place of {what}.", HelpName = "DIR", DefaultValueFactory = _ => place };
}

/// <summary><c>ccwfs attach NAME</c>: a device becomes a subchannel of the mount.</summary>
internal static class AttachCommand
{
    internal static Command Create()
    {
        var arguments = new AttachArguments();
        var persist = new Option<bool>("--persist") { Description = "Attach the device after every reboot, too. driverctl and mdevctl do it where both are installed; a systemd unit does what they do not do." };
        var uuid = new Option<string?>("--uuid")
        {
            Description = "The name of the mediated device. The default belongs to the subchannel and is always the same.",
            HelpName = "UUID",
        };
        var keys = new Option<string?>("--keys")
        {
            Description = "More keys of the device in the mount, as in a SPEC, like id=0.0.0001,readonly.",
            HelpName = "KEY=VALUE,…",
        };
        keys.CompletionSources.Add(context => Completion.Keys(context.WordToComplete, DeviceKinds.Keys));
        Command command = arguments.Verb("attach", "Take a device of this host, or an image, and show it as a subchannel.");
        command.Add(persist);
        command.Add(uuid);
        command.Add(keys);
        command.SetAction(result =>
        {
            string word = result.GetValue(arguments.Name)!;
            if (result.GetValue(uuid) is { } given && !HostResolver.TryUuid(given, out _))
                throw new CommandException($"--uuid {given}: a uuid is written like 11111111-2222-4333-8444-555555555555",
                    CommandException.WrongUsage);
            string? name = DeviceName.OnHost(word);
            if (name is null && !DeviceName.IsPath(word))
                throw new CommandException($"there is no file {word}, and it names no device: {DeviceName.Forms}");
            bool keysSayId = name is not null && Spec(result.GetValue(keys)).Id is not null;
            HostOptions options = arguments.Read(
                result, result.GetValue(uuid)?.ToLowerInvariant(), result.GetValue(persist), result.GetValue(keys), keysSayId, out string? note);
            TextWriter output = result.InvocationConfiguration.Output;
            bool dryRun = result.GetValue(arguments.DryRun), json = result.GetValue(arguments.Json);
            note = name is null
                ? ImageVerbs.Attach(word, options, note, dryRun, json, output)
                : Attach(word, name, new HostResolver(arguments.Roots.Read(result)), options, note, dryRun, json, output);
            if (note is not null)
                result.InvocationConfiguration.Error.WriteLine($"ccwfs: {note}");
        });
        return command;
    }

    /// <summary>A device of the host; gives what there is to say beside the report.</summary>
    private static string? Attach(string word, string name, HostResolver resolver, HostOptions options, string? noMount, bool dryRun, bool json,
        TextWriter output)
    {
        using HostLock? held = dryRun ? null : HostLock.OfHost(resolver.Roots, $"attach {word}", options.Patience);
        HostTarget target = Prepare(word, name, resolver, options);
        if (dryRun)
        {
            AttachReport.PrintPlan(
                HostRun.Plan(target, backwards: false), target.IsFound ? null
                    : $"then the subchannel of {target.Device} is known, and the other steps with it", json, output);
            return null;
        }
        DeviceRow? row = target.IsFound ? target.Mounted : null;
        IReadOnlyList<StepResult> steps = HostRun.Attach(target, word);
        Report(target, steps, json, output);
        return row is not null ? ImageVerbs.KeysLeft(options, row)
            : noMount is not null ? $"{noMount}, so the subchannel is only a vfio device now; mount one, then: ccwfs add {HostSteps.Spec(target)}"
                : null;
    }

    /// <summary>What --keys says of a device of the host; throws for what is wrong in it.</summary>
    private static DeviceSpec Spec(string? keys) => DeviceKinds.Parse($"vfio,device=UUID{(keys is { Length: > 0 } ? "," + keys : "")}");

    private static HostTarget Prepare(string word, string name, HostResolver resolver, HostOptions options)
    {
        HostDevice? device = resolver.Find(name);
        if (device is null)
        {
            return DeviceName.TryBusId(name, out DeviceId hidden) && DeviceName.MayDevice(name) && IgnoredDevices.Contains(resolver.Roots, hidden)
                ? new HostTarget(resolver, options, hidden)
                : new HostTarget(resolver, options, resolver.Resolve(name), attaching: true);
        }
        if (!device.IsIo)
            throw new CommandException($"subchannel {device.Id} is no I/O subchannel, so it cannot be passed through");
        var target = new HostTarget(resolver, options, device, attaching: true);
        if (options.Uuid is { } uuid)
            RefuseUuid(uuid, device.Mdev?.Uuid ?? (target.Recorded?.Persist == true ? target.Recorded.Uuid : null), word, resolver, device);
        if (!options.Force && HostUse.OfDevice(device, resolver.Roots).FirstOrDefault() is { } reason)
            throw new CommandException($"{word} is in use: {reason}; end that, or give --force");
        if (options.MountPoint is { } mountPoint && target.Mounted is null)
            ImageVerbs.RefuseTaken(mountPoint, Spec(options.Keys), device.Id, device.Device); // what the mount would refuse at the last step
        return target;
    }

    /// <summary>A uuid that is another device's, or where the device has one already.</summary>
    private static void RefuseUuid(string uuid, string? earlier, string word, HostResolver resolver, HostDevice device)
    {
        if (earlier is not null && earlier != uuid)
            throw CommandException.Hinting($"subchannel {device.Id} is attached as {earlier}; leave --uuid out, or first: ",
                $"ccwfs detach {ShellText.Quote(word)}");
        if (resolver.Find(uuid) is { } other && other.Id != device.Id)
            throw new CommandException($"--uuid {uuid} is the mediated device of subchannel {other.Id}; give another one, or leave it out");
    }

    private static void Report(HostTarget target, IReadOnlyList<StepResult> steps, bool json, TextWriter output)
    {
        HostDevice now = target.Now;
        string? mounted = target.Mounted?.Subchannel;
        string qemu = $"-device vfio-ccw,sysfsdev={target.Roots.Mdev}/devices/{target.Uuid}{GuestNumber(now.Device)}";
        string libvirt = $"<hostdev mode='subsystem' type='mdev' model='vfio-ccw'><source><address uuid='{target.Uuid}'/></source></hostdev>";
        if (json)
        {
            output.Write(new AttachReport("attached")
            {
                Subchannel = now.Id.ToString(), Device = now.Device?.ToString(), Uuid = target.Uuid, Cdev = now.Mdev?.CdevPath(target.Roots),
                    Group = now.Mdev?.GroupPath(target.Roots),
                Mounted = mounted, Changed = [.. steps.Where(step => step.Changed).Select(step => step.Name)], Qemu = qemu, Libvirt = libvirt,
            }.ToJson());
            return;
        }
        string state = steps.Any(step => step.Changed) ? "attached" : "already attached";
        output.WriteLine($"{state}: device {now.Device?.ToString() ?? "unknown"}, subchannel {now.Id}, mediated device {target.Uuid}");
        output.WriteLine($"QEMU:     {qemu}");
        output.WriteLine($"libvirt:  {libvirt}");
        if (mounted is not null)
            output.WriteLine($"ccwfs:    ccwfs qemu {mounted}{ControlClient.Mounted(target.Options.MountPoint)} -- qemu-system-s390x …");
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
        Command command = arguments.Verb("detach", "Undo attach, and give the device back to Linux as it was.");
        command.SetAction(result =>
        {
            string word = result.GetValue(arguments.Name)!;
            string? name = DeviceName.OnHost(word);
            HostOptions options = arguments.Read(result, null, persist: false, keys: null, keysSayId: false, out string? noMount);
            TextWriter output = result.InvocationConfiguration.Output;
            bool dryRun = result.GetValue(arguments.DryRun), json = result.GetValue(arguments.Json);
            var resolver = new HostResolver(arguments.Roots.Read(result));
            bool isKnown = false;
            if (name is not null && Find(name, resolver, options, out isKnown) is not null)
            {
                using HostLock? held = dryRun ? null : HostLock.OfHost(resolver.Roots, $"detach {word}", options.Patience);
                HostTarget? target = Find(name, resolver, options, out _); // as it is with the lock: another detach may have come first
                if (target is null)
                    Nothing(word, dryRun, json, output);
                else if (Detach(target, word, dryRun, json, output) is { } note)
                    result.InvocationConfiguration.Error.WriteLine($"ccwfs: {note}");
                return;
            }
            if (ImageVerbs.TryDetach(word, name, options, dryRun, json, output))
                return;
            if (!isKnown)
                throw Missing(word, name, noMount is null ? "" : $" ({noMount})");
            Nothing(word, dryRun, json, output);
        });
        return command;
    }

    /// <summary>
    /// What a name means: a subchannel that is there, or what an attach left of one that is not; null when there is neither. Then
    /// <paramref name="isKnown"/> tells a device that is not attached from a name that means nothing: a hidden device, the uuid that a subchannel
    /// gets by itself, and one that it had.
    /// </summary>
    private static HostTarget? Find(string name, HostResolver resolver, HostOptions options, out bool isKnown)
    {
        isKnown = false;
        HostDevice? device = resolver.Find(name);
        if (device is null && AttachRecord.Find(resolver.Roots, name) is { } record)
        {
            isKnown = true;
            device = record.Subchannel is { } id ? resolver.Find(HostResolver.SubchannelPrefix + id) : null;
            if (device is null || device.Device?.ToString() != record.Device)
                return new HostTarget(resolver, options, record);
            if (device.Mdev is not null)
                return null; // by another uuid
        }
        if (device is not null)
            return new HostTarget(resolver, options, device, attaching: false);
        isKnown |= HostResolver.TryUuid(name, out string uuid)
            ? resolver.All().Any(d => SubchannelUuid.Of(d.Id) == uuid)
            : DeviceName.TryBusId(name, out DeviceId number) && DeviceName.MayDevice(name) && IgnoredDevices.Contains(resolver.Roots, number);
        return null;
    }

    /// <summary>Undoes what is not undone; gives what there is to say beside the report.</summary>
    private static string? Detach(HostTarget target, string word, bool dryRun, bool json, TextWriter output)
    {
        if (!target.Options.Force && target.IsThere && HostUse.OfMdev(target).FirstOrDefault() is { } reason)
            throw new CommandException($"{word} is in use: {reason}; end that (for QEMU: device_del), or give --force");
        if (dryRun)
        {
            AttachReport.PrintPlan(HostRun.Plan(target, backwards: true), null, json, output);
            return null;
        }
        string? uuid = target.IsFound ? target.Uuid : null;
        IReadOnlyList<StepResult> steps = HostRun.Detach(target, word);
        ImageVerbs.ReportDetached(
            word, target.IsFound ? target.Id.ToString() : null, target.Device?.ToString(), uuid,
                [.. steps.Where(step => step.Changed).Select(step => step.Name)], json, output);
        return target.Before.Hidden && target.IsVisible
            ? $"{target.Device} is ignored again, but stays to be seen: to purge it would take {string.Join(", ", target.OthersToPurge())} away too; if that may be: echo purge > {IgnoredDevices.List(target.Roots)}"
            : null;
    }

    private static void Nothing(string word, bool dryRun, bool json, TextWriter output)
    {
        if (dryRun)
            AttachReport.PrintPlan([], $"{word} is not attached", json, output);
        else
            ImageVerbs.ReportDetached(word, null, null, null, [], json, output);
    }

    private static CommandException Missing(string word, string? name, string note) =>
        name is null ? DeviceName.IsPath(word) ? CommandException.Hinting($"{word} is in no mount{note}; see: ", "ccwfs list")
            : new($"{word} is in no mount, and it names no device: {DeviceName.Forms}{note}")
        : HostResolver.TryUuid(name, out _) ? CommandException.Hinting($"there is no mediated device {word} on this host or in a mount{note}; what was detached by its uuid is known by device or subchannel only; see: ", "ccwfs list --all")
        : CommandException.Hinting($"there is no {word} on this host or in a mount{note}; see: ", "ccwfs list --all");
}
