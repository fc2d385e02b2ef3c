using System.Text.Json;
using System.Text.Json.Serialization;
using CcwFs.ChannelIo;
using CcwFs.Control;

namespace CcwFs.Host;

/// <summary>
/// How a subchannel was before attach: what detach brings back. A file in /var/lib/ccwfs/attached, written before anything is changed, so that a
/// half-done attach can be undone too.
/// </summary>
internal sealed record AttachRecord
{
    /// <summary>The device's bus id; null when it was unknown.</summary>
    public string? Device { get; init; }

    /// <summary>Linux used the device.</summary>
    public bool Online { get; init; }

    /// <summary>The device was on the list of ignored ones.</summary>
    public bool Hidden { get; init; }

    /// <summary>The subchannel's driver; null when it had none.</summary>
    public string? Driver { get; init; } = HostDevice.IoDriver;

    /// <summary>The driver that was chosen for the subchannel.</summary>
    public string? Override { get; init; }

    /// <summary>mdevctl and driverctl, or systemd, were told of it.</summary>
    public bool Persist { get; init; }

    /// <summary>The subchannel; null while it is not known yet.</summary>
    public string? Subchannel { get; init; }

    /// <summary>The mediated device's name; null with <see cref="Subchannel"/>.</summary>
    public string? Uuid { get; init; }

    /// <summary>The boot that it tells of (/proc/sys/kernel/random/boot_id); null when that was unknown.</summary>
    public string? Boot { get; init; }

    /// <summary>
    /// The name of this record's file and others': the device's, which keeps its number when its subchannel is hidden; else the subchannel's.
    /// </summary>
    internal static string NameOf(DeviceId? device, SubchannelId? id) => device?.ToString() ?? $"{HostResolver.SubchannelPrefix}{id}";

    /// <summary>The file.</summary>
    internal static string PathOf(HostRoots roots, DeviceId? device, SubchannelId? id) => $"{DirectoryOf(roots)}/{NameOf(device, id)}.json";

    /// <summary>The boot that the host is in.</summary>
    internal static string? BootOf(HostRoots roots) => HostFiles.ReadLine($"{roots.Proc}/sys/kernel/random/boot_id");

    /// <summary>The record of what a name of attach and detach means; null without one. For devices that the host does not show.</summary>
    internal static AttachRecord? Find(HostRoots roots, string name)
    {
        bool isBusId = DeviceName.TryBusId(name, out DeviceId number);
        string wanted = isBusId ? number.ToString() : name.ToLowerInvariant();
        return All(roots).FirstOrDefault(record => isBusId
            ? (DeviceName.MayDevice(name) && record.Device == wanted) || (DeviceName.MaySubchannel(name) && record.Subchannel == wanted)
            : record.Uuid == wanted);
    }

    /// <summary>A reboot brings the host back to what it was, so only what is to survive one is still true after it.</summary>
    internal bool IsOf(string? boot) => Persist || Boot is null || Boot == boot;

    /// <summary>The record in a file; null without one.</summary>
    internal static AttachRecord? Load(string path)
    {
        if (HostFiles.Read(path) is not { } text)
            return null;
        try
        {
            return JsonSerializer.Deserialize(text, AttachJson.Default.AttachRecord) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new CommandException($"{path} is not understood; delete it: the device's earlier state is then not known, and it stays offline");
        }
    }

    /// <summary>What the device was before this attach and those before: once online or hidden counts.</summary>
    internal static AttachRecord Of(HostDevice now, bool persist, AttachRecord? earlier) => new()
    {
        Device = now.Device?.ToString(),
        Online = now.IsOnline == true || earlier?.Online == true,
        Hidden = earlier?.Hidden == true,
        Driver = earlier is not null ? earlier.Driver : now.Driver == HostDevice.VfioDriver ? HostDevice.IoDriver : now.Driver,
        Override = earlier is not null ? earlier.Override : now.Override == HostDevice.VfioDriver ? null : now.Override,
        Persist = persist || earlier?.Persist == true,
    };

    /// <summary>The records that can be read: what is wrong with another device's is told when that is attached or detached.</summary>
    private static IEnumerable<AttachRecord> All(HostRoots roots)
    {
        IReadOnlyList<string> files = [];
        try
        {
            files = HostFiles.Names(DirectoryOf(roots));
        }
        catch (UnauthorizedAccessException)
        {
            // An ordinary user, of whose devices none is there.
        }
        foreach (string file in files.Where(file => file.EndsWith(".json", StringComparison.Ordinal)))
        {
            AttachRecord? record = null;
            try
            {
                record = Load($"{DirectoryOf(roots)}/{file}");
            }
            catch (CommandException)
            {
            }
            if (record is not null)
                yield return record;
        }
    }

    private static string DirectoryOf(HostRoots roots) => $"{roots.Root}/var/lib/ccwfs/attached";

    /// <summary>The file's text.</summary>
    internal string ToText() => JsonSerializer.Serialize(this, AttachJson.Default.AttachRecord) + "\n";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AttachRecord))]
internal sealed partial class AttachJson : JsonSerializerContext;
