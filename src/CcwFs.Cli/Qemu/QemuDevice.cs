using CcwFs.ChannelIo;
using CcwFs.Control;

namespace CcwFs.Cli.Qemu;

/// <summary>One subchannel as a guest will see it.</summary>
/// <param name="Id">The subchannel.</param>
/// <param name="Uuid">Its mediated device.</param>
/// <param name="Guest">The device number in the guest.</param>
/// <param name="Properties">Further properties of the vfio-ccw device, as QEMU takes them: "bootindex=1".</param>
/// <param name="IsOnHost">The host knows it by the same id (unless it is emulated); off where it is shown in another channel subsystem.</param>
internal sealed record QemuDevice(SubchannelId Id, string Uuid, DeviceId Guest, IReadOnlyList<string> Properties, bool IsOnHost)
{
    /// <summary>QEMU's default channel subsystem: its devices are those that a guest sees as 0.</summary>
    internal const byte GuestCss = 0xFE;

    private static readonly string[] s_ours = ["fd", "iommufd", "sysfsdev"];

    /// <summary>
    /// The devices that words like "0.0.0000,devno=fe.0.1234" ask for, all when there are none. <paramref name="command"/>: QEMU's own arguments,
    /// whose device numbers are taken.
    /// </summary>
    internal static IReadOnlyList<QemuDevice> Choose(IReadOnlyList<string> words, IReadOnlyList<DeviceRow> rows, IReadOnlyList<string> command)
    {
        if (rows.Count == 0)
            throw CommandException.Hinting("no subchannel is mounted; add one: ", "ccwfs add dasd,image=PATH");
        QemuDevice[] devices = words.Count == 0 ? [.. rows.Select(row => Of(row, []))] : [.. words.Select(word => Parse(word, rows))];
        Dictionary<DeviceId, string> taken = [];
        foreach (DeviceId number in GivenIn(command))
            taken.TryAdd(number, "a device in QEMU's own arguments");
        HashSet<SubchannelId> seen = [];
        foreach (QemuDevice device in devices)
        {
            if (!seen.Add(device.Id))
                throw new CommandException($"{device.Id} is named twice", CommandException.WrongUsage);
            if (!taken.TryAdd(device.Guest, device.Id.ToString()))
                throw new CommandException($"{device.Id} and {taken[device.Guest]} would both be {device.Guest} in the guest; give another number: {device.Id},devno=fe.0.DDDD");
        }
        return devices;
    }

    private static QemuDevice Parse(string word, IReadOnlyList<DeviceRow> rows)
    {
        string[] parts = word.Split(',');
        if (!SubchannelId.TryParse(parts[0], out SubchannelId id))
            throw new CommandException($"'{parts[0]}' is no subchannel id; it is written like 0.0.0000", CommandException.WrongUsage);
        string name = id.ToString();
        DeviceRow row = rows.FirstOrDefault(r => r.Subchannel == name)
            ?? throw CommandException.Hinting($"there is no subchannel {id}; see: ", "ccwfs list");
        return Of(row, parts[1..]);
    }

    private static QemuDevice Of(DeviceRow row, string[] properties)
    {
        if (!SubchannelId.TryParse(row.Subchannel, out SubchannelId id) || !DeviceId.TryParse(row.Device, out DeviceId guest))
            throw new CommandException($"the mounted ccwfs lists a subchannel that is not understood: {row.Subchannel} {row.Device}");
        guest = guest with { CssId = GuestCss };
        List<string> others = [];
        foreach (string property in properties)
        {
            string key = property.Split('=')[0];
            if (key == "devno")
                guest = DeviceNumber(property["devno".Length..].TrimStart('='));
            else if (!property.Contains('=', StringComparison.Ordinal) || key.Length == 0 || s_ours.Contains(key))
                throw new CommandException($"{id},{property}: a property is KEY=VALUE, like devno=fe.0.1234 or bootindex=1, and {string.Join(", ", s_ours)} are set here", CommandException.WrongUsage);
            else
                others.Add(property);
        }
        return new QemuDevice(id, row.Uuid, guest, others, row.HostSubchannel is null);
    }

    private static DeviceId DeviceNumber(string text) => DeviceId.TryParse(text, out DeviceId number)
        ? number
        : throw new CommandException($"devno={text}: a guest's device number is written like fe.0.1234", CommandException.WrongUsage);

    /// <summary>The device numbers in -device options.</summary>
    private static IEnumerable<DeviceId> GivenIn(IReadOnlyList<string> command)
    {
        for (int i = 0; i + 1 < command.Count; i++)
        {
            if (command[i] is not ("-device" or "--device"))
                continue;
            foreach (string property in command[i + 1].Split(','))
            {
                if (property.StartsWith("devno=", StringComparison.Ordinal) && DeviceId.TryParse(property["devno=".Length..], out DeviceId number))
                    yield return number;
            }
        }
    }
}
