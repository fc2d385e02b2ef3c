using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Host;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;

namespace CcwFs.Cli.Verbs;

/// <summary>What attach or detach did, as JSON.</summary>
internal sealed record AttachReport(string State)
{
    public string? Subchannel { get; init; }

    public string? Device { get; init; }

    public string? Uuid { get; init; }

    /// <summary>The device node of the cdev interface.</summary>
    public string? Cdev { get; init; }

    /// <summary>The device node of the group interface.</summary>
    public string? Group { get; init; }

    /// <summary>Its subchannel in the mount.</summary>
    public string? Mounted { get; init; }

    /// <summary>The steps that did something.</summary>
    public IReadOnlyList<string>? Changed { get; init; }

    /// <summary>Of a dry run: every step, those that are done already without commands.</summary>
    public IReadOnlyList<PlannedStep>? Steps { get; init; }

    public string? Qemu { get; init; }

    public string? Libvirt { get; init; }

    /// <summary>What more there is to say.</summary>
    public string? Note { get; init; }

    /// <summary>As JSON, with the end of its last line.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, CliJson.Short.AttachReport) + "\n";

    /// <summary>Prints what a dry run found.</summary>
    internal static void PrintPlan(IReadOnlyList<PlannedStep> steps, string? note, bool json, TextWriter output)
    {
        if (json)
        {
            output.Write(new AttachReport("planned") { Steps = steps, Note = note }.ToJson());
            return;
        }
        foreach (PlannedStep step in steps)
        {
            output.WriteLine(step.Commands.Count == 0 ? $"# {step.Step}: nothing to do" : $"# {step.Step}");
            foreach (string command in step.Commands)
                output.WriteLine(command);
        }
        if (note is not null)
            output.WriteLine($"# {note}");
    }
}

/// <summary>attach and detach of emulated devices: an image, or a device of the mount that has one.</summary>
internal static class ImageVerbs
{
    private const string Step = "mount";

    /// <summary>Adds an image to the mount, once. Gives the note that goes with it.</summary>
    internal static string? Attach(string image, HostOptions options, string? noMount, bool dryRun, bool json, TextWriter output)
    {
        if (options.Persist || options.Uuid is not null)
            throw new CommandException($"{image} is an image, and {(options.Persist ? "--persist" : "--uuid")} is for devices of the host; an image stays with a mount that has it in its configuration", CommandException.WrongUsage);
        string path = Path.GetFullPath(image);
        string escaped = path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);
        string text = $"dasd,image={escaped}{(options.Keys is { Length: > 0 } keys ? "," + keys : "")}";
        DeviceSpec spec = DeviceKinds.Parse(text);
        if (options.MountPoint is not { } mountPoint)
            throw new CommandException($"{image} can only be attached to a mounted ccwfs{(noMount is null ? "" : $", and {noMount}")}; mount one: ccwfs mount");
        using HostLock? held = dryRun ? null : HostLock.OfImages($"attach {image}", options.Patience);
        DeviceRow? row = HostMounts.FindImage(mountPoint, path);
        bool changed = row is null;
        if (dryRun)
        {
            if (changed && DeviceCheck.Problems([spec], "/").FirstOrDefault() is { } wrong)
                throw new CommandException(wrong);
            if (changed)
                RefuseTaken(mountPoint, spec, null, null);
            AttachReport.PrintPlan([new PlannedStep(Step, changed ? [$"ccwfs add {ShellText.Quote(text)} --mount {ShellText.Quote(mountPoint)}"]
                : [])], null, json, output);
            return null;
        }
        if (row is null)
        {
            ControlReply reply = ControlClient.Send(mountPoint, new ControlRequest
            {
                Verb = "add",
                Spec = text,
                Directory = Environment.CurrentDirectory,
            });
            if (reply.Added is not [{ } id, ..])
                throw new CommandException($"{mountPoint} did not say what it added; is it this version of ccwfs?");
            row = HostMounts.Rows(mountPoint).FirstOrDefault(r => r.Subchannel == id) ?? throw new CommandException($"{id} was removed meanwhile");
        }
        if (json)
        {
            output.Write(new AttachReport("attached")
            {
                Subchannel = row.Subchannel, Device = row.Device, Uuid = row.Uuid, Mounted = row.Subchannel, Changed = changed ? [Step] : [],
            }.ToJson());
        }
        else
        {
            output.WriteLine($"{(changed ? "attached" : "already attached")}: image {path}, subchannel {row.Subchannel}, device {row.Device}");
            output.WriteLine($"ccwfs:    ccwfs qemu {row.Subchannel}{ControlClient.Mounted(mountPoint)} -- qemu-system-s390x …");
        }
        return changed ? null : KeysLeft(options, row);
    }

    /// <summary>
    /// Removes an emulated device from the mount: an image's, or the one with that <paramref name="name"/>. False when the mount has none.
    /// </summary>
    internal static bool TryDetach(string word, string? name, HostOptions options, bool dryRun, bool json, TextWriter output)
    {
        if (options.MountPoint is not { } mountPoint)
            return false;
        using HostLock? held = dryRun ? null : HostLock.OfImages($"detach {word}", options.Patience);
        DeviceRow? row = name is null ? HostMounts.FindImage(mountPoint, word) : HostMounts.FindEmulated(mountPoint, name);
        if (row is null && (name is not null || !File.Exists(word)))
            return false;
        if (row is { Use: true } && !options.Force)
            throw new CommandException($"{word} is in use: a client of the mounted ccwfs uses {row.Subchannel}; end that, or give --force");
        if (dryRun)
        {
            AttachReport.PrintPlan([new PlannedStep(Step, row is null ? []
                : [$"ccwfs remove {row.Subchannel}{(options.Force ? " --force" : "")} --mount {ShellText.Quote(mountPoint)}"])], null, json, output);
            return true;
        }
        if (row is not null)
            ControlClient.Send(mountPoint, new ControlRequest { Verb = "remove", Id = row.Subchannel, Force = options.Force });
        ReportDetached(word, row?.Subchannel, row?.Device, row?.Uuid, row is null ? [] : [Step], json, output);
        return true;
    }

    /// <summary>
    /// Refuses a device whose ids another device of the mount has. <paramref name="own"/> and <paramref name="ownNumber"/>: its own, where
    /// <paramref name="spec"/> does not say others; null: the mount finds free ones.
    /// </summary>
    internal static void RefuseTaken(string mountPoint, DeviceSpec spec, SubchannelId? own, DeviceId? ownNumber) => HostMounts.RefuseTaken(
        mountPoint, (spec.Id ?? own) is { } id ? spec.Shown(id) : null, (spec.Device ?? ownNumber) is { } number
            ? number with { CssId = spec.Css ?? number.CssId } : null);

    /// <summary>What is to be said of keys for a device that is in the mount already; null when nothing is.</summary>
    internal static string? KeysLeft(HostOptions options, DeviceRow row) => options.Keys is { Length: > 0 } keys
        ? $"{row.Subchannel} was there already, with the keys that it was added with; for --keys {keys}, if they differ, first: ccwfs remove {row.Subchannel}"
        : null;

    /// <summary>Says what a detach did.</summary>
    internal static void ReportDetached(string word, string? subchannel, string? device, string? uuid, IReadOnlyList<string> changed, bool json,
        TextWriter output)
    {
        if (json)
            output.Write(new AttachReport("detached") { Subchannel = subchannel, Device = device, Uuid = uuid, Changed = changed }.ToJson());
        else
            output.WriteLine(changed.Count == 0 ? $"{word} is not attached" : $"detached: {word} (undone: {string.Join(", ", changed)})");
    }
}
