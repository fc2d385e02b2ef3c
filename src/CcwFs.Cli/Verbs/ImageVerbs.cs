using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using CcwFs.Cli.Control;
using CcwFs.Cli.Host;
using CcwFs.Cli.Qemu;

namespace CcwFs.Cli.Verbs;

/// <summary>What attach did, as JSON; <paramref name="Changed"/>: the steps that did something.</summary>
internal sealed record AttachReport(
    string State, string? Subchannel, string? Device, string? Uuid, string? Cdev, string? Group, string? Mounted, IReadOnlyList<string> Changed, string? Qemu, string? Libvirt)
{
    /// <summary>For people and scripts, not for web pages: quotes and angle brackets stand as they are.</summary>
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>As JSON.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, s_options);
}

/// <summary>attach and detach of emulated devices: an image, or a device of the mount that has one.</summary>
internal static class ImageVerbs
{
    /// <summary>Adds an image to the mount, once.</summary>
    internal static void Attach(string image, HostOptions options, string? note, bool dryRun, bool json, TextWriter output)
    {
        if (options.MountPoint is not { } mountPoint)
            throw new CommandException($"{image} can only be attached to a mounted ccwfs{(note is null ? "" : $", and {note}")}; mount one: ccwfs mount");
        string path = Path.GetFullPath(image);
        string keys = options.Keys is { } more ? "," + more : "";
        string spec = $"dasd,image={path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal)}{keys}";
        DeviceRow? row = HostMounts.FindEmulated(mountPoint, path);
        bool changed = row is null;
        if (dryRun)
        {
            output.WriteLine(changed ? $"ccwfs add {ShellText.Quote(spec)} --mount {ShellText.Quote(mountPoint)}" : "# mount: nothing to do");
            return;
        }
        if (row is null)
        {
            ControlReply reply = ControlClient.Send(mountPoint, new ControlRequest { Verb = "add", Spec = spec, Directory = Environment.CurrentDirectory });
            if (reply.Added is not [{ } id, ..])
                throw new CommandException($"{mountPoint} did not say what it added; is it this version of ccwfs?");
            row = HostMounts.Rows(mountPoint).FirstOrDefault(r => r.Subchannel == id) ?? throw new CommandException($"{id} was removed meanwhile");
        }
        if (json)
        {
            output.WriteLine(new AttachReport("attached", row.Subchannel, row.Device, row.Uuid, null, null, row.Subchannel, changed ? ["mount"] : [], null, null).ToJson());
            return;
        }
        output.WriteLine($"{(changed ? "attached" : "already attached")}: image {path}, subchannel {row.Subchannel}, device {row.Device}");
        output.WriteLine($"ccwfs:    ccwfs qemu {row.Subchannel} -- qemu-system-s390x …");
    }

    /// <summary>Removes an emulated device from the mount; false when a bus id is none of the mount's.</summary>
    internal static bool TryDetach(string word, HostOptions options, bool dryRun, bool json, TextWriter output)
    {
        bool isImage = !HostResolver.IsName(word);
        if (options.MountPoint is not { } mountPoint)
            return false;
        if (HostMounts.FindEmulated(mountPoint, word) is not { } row)
        {
            if (isImage && File.Exists(word))
                ReportDetached(word, null, null, null, [], json, output);
            return isImage && File.Exists(word);
        }
        if (dryRun)
        {
            output.WriteLine($"ccwfs remove {row.Subchannel}{(options.Force ? " --force" : "")} --mount {ShellText.Quote(mountPoint)}");
            return true;
        }
        if (row.Use && !options.Force)
            throw new CommandException($"{word} is in use: a client of the mounted ccwfs uses {row.Subchannel}; end that, or give --force");
        ControlClient.Send(mountPoint, new ControlRequest { Verb = "remove", Id = row.Subchannel, Force = options.Force });
        ReportDetached(word, row.Subchannel, row.Device, row.Uuid, ["mount"], json, output);
        return true;
    }

    /// <summary>Says what a detach did.</summary>
    internal static void ReportDetached(string word, string? subchannel, string? device, string? uuid, IReadOnlyList<string> changed, bool json, TextWriter output)
    {
        if (json)
            output.WriteLine(new AttachReport("detached", subchannel, device, uuid, null, null, null, changed, null, null).ToJson());
        else
            output.WriteLine(changed.Count == 0 ? $"{word} is not attached" : $"detached: {word} (undone: {string.Join(", ", changed)})");
    }
}
