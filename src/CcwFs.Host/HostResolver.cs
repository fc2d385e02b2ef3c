using System.Globalization;
using System.Text.RegularExpressions;
using CcwFs.ChannelIo;
using CcwFs.Control;

namespace CcwFs.Host;

/// <summary>
/// Finds subchannels in a host's sysfs (drivers/s390/cio/css.c, device.c; drivers/vfio/mdev; drivers/vfio/vfio_main.c make its files). Reads only;
/// the answer is of the moment.
/// </summary>
internal sealed partial class HostResolver(HostRoots roots)
{
    /// <summary>Says that the bus id which follows is a subchannel's.</summary>
    internal const string SubchannelPrefix = "sch:";

    /// <summary>Says that the bus id which follows is a device's.</summary>
    internal const string DevicePrefix = "dev:";

    /// <summary>Where it looks.</summary>
    internal HostRoots Roots { get; } = roots;

    /// <summary>Whether a word looks like what <see cref="Resolve"/> takes: a bus id, one with a prefix, or a uuid.</summary>
    internal static bool IsName(string word) => TryUuid(word, out _) || DeviceId.TryParse(WithoutPrefix(word), out _);

    /// <summary>A uuid in the form that sysfs uses.</summary>
    internal static bool TryUuid(string? word, out string uuid)
    {
        bool ok = Guid.TryParseExact(word, "D", out Guid parsed);
        uuid = parsed.ToString();
        return ok;
    }

    /// <summary>
    /// The subchannel that a word names: SCHID, DEVNO (with <c>sch:</c> or <c>dev:</c> where both exist) or the uuid of a mediated device.
    /// Throws when there is none, or it is not clear which.
    /// </summary>
    internal HostDevice Resolve(string word) =>
        Find(word) ?? throw new CommandException($"this host has no subchannel, device or mediated device {word}{NoBus()}; see: ccwfs list --all, and cio_ignore for hidden ones");

    /// <summary>As <see cref="Resolve"/>; null when there is none.</summary>
    internal HostDevice? Find(string word)
    {
        if (TryUuid(word, out string uuid))
            return FindMdev(uuid);
        if (!DeviceId.TryParse(WithoutPrefix(word), out DeviceId number))
            throw new CommandException($"'{word}' is no bus id like 0.0.2b09 and no uuid", CommandException.WrongUsage);
        var id = new SubchannelId(number.CssId, number.SetId, number.Number);
        HostDevice? bySubchannel = word.StartsWith(DevicePrefix, StringComparison.Ordinal) ? null : Read(id);
        HostDevice? byDevice = word.StartsWith(SubchannelPrefix, StringComparison.Ordinal) ? null : FindDevice(number);
        if (bySubchannel is not null && byDevice is not null && bySubchannel.Id != byDevice.Id)
        {
            throw new CommandException(
                $"{number} is a subchannel (its device is {bySubchannel.Device?.ToString() ?? "unknown"}) and a device (on subchannel {byDevice.Id}); write {SubchannelPrefix}{number} or {DevicePrefix}{number}");
        }
        return byDevice ?? bySubchannel;
    }

    /// <summary>The subchannel with an id; null when it is not there.</summary>
    internal HostDevice? Read(SubchannelId id)
    {
        string directory = $"{Roots.Css}/devices/{id}";
        if (!HostFiles.Exists(directory))
            return null;
        IReadOnlyList<string> names = HostFiles.Names(directory);
        DeviceId? device = ChildDevice(names) ?? (DeviceId.TryParse(HostFiles.ReadLine($"{directory}/dev_busid"), out DeviceId named) ? named : null);
        string ccw = $"{directory}/{device}";
        string? chosen = HostFiles.ReadLine($"{directory}/driver_override");
        return new HostDevice(
            id, device, HostFiles.ReadLine($"{directory}/type") == "0", HostFiles.LinkName($"{directory}/driver"),
            chosen is null or "" or "(null)" ? null : chosen,
            device is null ? null : HostFiles.LinkName($"{ccw}/driver"),
            device is null ? "" : TypeAndModel($"{ccw}/devtype"), device is null ? "" : TypeAndModel($"{ccw}/cutype"),
            device is null ? null : HostFiles.ReadLine($"{ccw}/online") switch { "0" => false, "1" => true, _ => null },
            HexBytes($"{directory}/pimpampom", 3), string.Concat(HexBytes($"{directory}/chpids", 8)), ChildMdev(directory, names));
    }

    /// <summary>Every subchannel, in the order of the ids. One that vanishes meanwhile is left out.</summary>
    internal IEnumerable<HostDevice> All() => Ids().Select(Read).OfType<HostDevice>();

    private IEnumerable<SubchannelId> Ids() => HostFiles.Names($"{Roots.Css}/devices")
        .Select(name => SubchannelId.TryParse(name, out SubchannelId id) ? id : (SubchannelId?)null).OfType<SubchannelId>().Order();

    /// <summary>A device that Linux knows stands on the ccw bus; one behind vfio_ccw is named by its subchannel alone.</summary>
    private HostDevice? FindDevice(DeviceId number)
    {
        string path = $"{Roots.Ccw}/devices/{number}";
        if (HostFiles.Link(path) is { } link)
        {
            if (link is not [.., { } parent, _] || !SubchannelId.TryParse(parent, out SubchannelId id))
                throw new CommandException($"device {number} is on no subchannel ({path} leads to {string.Join('/', link)}); is it disconnected?");
            return Read(id);
        }
        string name = number.ToString();
        return Ids().Where(id => HostFiles.ReadLine($"{Roots.Css}/devices/{id}/dev_busid") == name).Select(Read).FirstOrDefault();
    }

    private HostDevice? FindMdev(string uuid)
    {
        string path = $"{Roots.Mdev}/devices/{uuid}";
        if (HostFiles.Link(path) is not { } link)
            return null;
        if (link is not [.., { } parent, _] || !SubchannelId.TryParse(parent, out SubchannelId id) || Read(id) is not { } device
            || device.Mdev?.Uuid != uuid)
            throw new CommandException($"mediated device {uuid} is not that of a subchannel: {path} leads to {string.Join('/', link)}");
        return device;
    }

    private static DeviceId? ChildDevice(IReadOnlyList<string> names) =>
        names.Select(name => DeviceId.TryParse(name, out DeviceId id) ? id : (DeviceId?)null).FirstOrDefault(id => id is not null);

    private static HostMdev? ChildMdev(string directory, IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            if (!TryUuid(name, out string uuid) || uuid != name)
                continue;
            string? group = HostFiles.LinkName($"{directory}/{name}/iommu_group");
            return new HostMdev(
                uuid, int.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null,
                HostFiles.Names($"{directory}/{name}/vfio-dev").FirstOrDefault(cdev => CdevName().IsMatch(cdev)));
        }
        return null;
    }

    private static string TypeAndModel(string path) => HostFiles.ReadLine(path) is { } text && TypeModel().IsMatch(text) ? text : "";

    /// <summary>Bytes in hex with blanks between; none when it is not that many.</summary>
    private static string[] HexBytes(string path, int count)
    {
        string[] words = (HostFiles.ReadLine(path) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length == count && words.All(word => word.Length == 2 && word.All(char.IsAsciiHexDigit)) ? words : [];
    }

    private static string WithoutPrefix(string word) =>
        word.StartsWith(SubchannelPrefix, StringComparison.Ordinal) || word.StartsWith(DevicePrefix, StringComparison.Ordinal) ? word[4..] : word;

    private string NoBus() => HostFiles.Exists(Roots.Css) ? "" : $" ({Roots.Css} is not there: this is no s390x Linux)";

    [GeneratedRegex("^[0-9a-f]{4}/[0-9a-f]{2}$")]
    private static partial Regex TypeModel();

    [GeneratedRegex("^vfio[0-9]{1,9}$")]
    private static partial Regex CdevName();
}
