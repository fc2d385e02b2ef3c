using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.Emulation.Images;
using CcwFs.Policy;
using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Subchannel;
using CcwFs.Trace;

namespace CcwFs.Service.Devices;

/// <summary>One key of a device SPEC.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">What its value looks like, "PATH" say; null: the key stands alone.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Set">Takes the value into a specification; gives null, or what is wrong with it.</param>
internal sealed record SpecKey(string Key, string? Value, string Help, Func<DeviceSpec, string, string?> Set)
{
    /// <summary>A reload gives a running device the new value; any other key's change is another device.</summary>
    internal bool AtRunTime { get; init; }

    /// <summary>It can be given several times.</summary>
    internal bool Repeats { get; init; }
}

/// <summary>
/// A device as --device, `add` and the configuration name it: <c>dasd,image=PATH,id=0.0.0000,…</c>; a comma in a value is written <c>\,</c>.
/// </summary>
/// <param name="kind">What its first word names.</param>
/// <param name="all">All kinds there are, for messages.</param>
internal sealed class DeviceSpec(DeviceKind kind, IReadOnlyList<DeviceKind> all)
{
    /// <summary>Most devices of one SPEC: the subchannels of a set.</summary>
    internal const int MaxCount = 65_536;

    private const int MaxShown = 200; // characters of a value in a message (arbitrary)

    private readonly Dictionary<string, List<string?>> _given = []; // the values as they were given

    /// <summary>File and line that it stands in; null: it came from the command line or the control file.</summary>
    internal string? Origin { get; set; }

    internal DeviceKind Kind => kind;

    /// <summary>The values of keys that the kind alone has; the kind knows what it is.</summary>
    internal object? Values { get; } = kind.NewValues();

    internal string? Image { get; set; }

    /// <summary>What is written goes to this file, and the image is only read; null: it is written itself.</summary>
    internal string? Overlay { get; set; }

    /// <summary>What is written is gone with the device.</summary>
    internal bool IsTemporary { get; set; }

    internal SubchannelId? Id { get; set; }

    internal DeviceId? Device { get; set; }

    /// <summary>Where the device is shown; null: in its own channel subsystem.</summary>
    internal byte? Css { get; set; }

    internal byte[] ChannelPaths { get; set; } = [0x40];

    internal bool IsReadOnly => Policy.ReadOnly;

    /// <summary>What programs may do, as it is written; one for all devices of the SPEC.</summary>
    internal PolicyText Policy { get; set; } = new();

    /// <summary>What is injected, as it is written; one for all devices of the SPEC.</summary>
    internal FaultTexts Faults { get; } = new();

    /// <summary>Programs that the flight recorder keeps.</summary>
    internal int Flight { get; set; } = TraceLayer.DefaultFlight;

    /// <summary>Bytes of each command's data that it keeps.</summary>
    internal int FlightData { get; set; }

    /// <summary>When writes go to stable storage.</summary>
    internal ImageSync Sync { get; set; }

    internal int Count { get; set; } = 1;

    /// <summary>Sets a key; gives null, or what is wrong.</summary>
    internal string? Apply(string key, string? value)
    {
        if (Wrong(key, value) is { } unfit)
            return unfit;
        SpecKey row = Kind.Keys.First(k => k.Key == key);
        if (!_given.TryGetValue(key, out List<string?>? values))
            _given.Add(key, values = []);
        else if (!row.Repeats)
            return $"{key} is given twice";
        values.Add(value);
        return row.Set(this, value ?? "") is { } wrong ? $"{key}={Shown(value)}: {wrong}" : null;
    }

    /// <summary>A text of a SPEC, as far as it is shown in a message.</summary>
    internal static string? Shown(string? text) => text?.Length > MaxShown ? text[..MaxShown] + "…" : text;

    /// <summary>Why there is no such key, or none with (or without) a value; null when there is.</summary>
    internal string? Wrong(string key, string? value)
    {
        SpecKey? row = Kind.Keys.FirstOrDefault(k => k.Key == key);
        if (row is null)
        {
            string[] known = [.. Kind.Keys.Select(k => k.Key)];
            string[] others = [.. all.Where(k => k.Keys.Any(other => other.Key == key)).Select(k => k.Name)];
            return others.Length > 0
                ? $"only a {string.Join(" or ", others)} has the key '{key}'; a {Kind.Name} has {string.Join(", ", known)}"
                : $"unknown key '{key}'{Nearest.Hint(key, known, $"the keys are {string.Join(", ", known)}")}";
        }
        if (row.Value is not null != value is not null)
            return row.Value is not null ? $"{key} needs a value: {key}={row.Value}" : $"{key} takes no value";
        return null;
    }

    /// <summary>The policy of a device of this SPEC, by its family; throws where that family has no such commands or extents.</summary>
    internal DevicePolicy PolicyOf(SubchannelIdentity identity)
    {
        CommandSet commands = identity.Commands;
        if (Policy.TryResolve(commands, out DevicePolicy policy) is not { } wrong)
            return policy;
        string types = identity.DeviceType.Length == 0 ? "of unknown type" : $"a {identity.DeviceType} behind a {identity.ControlUnitType}";
        throw new CommandException($"device {identity.Device} is {types} ({commands}): {wrong}");
    }

    /// <summary>What is wrong with keys that do not go together; null when nothing is.</summary>
    internal string? Conflict => Kind.Conflict(this);

    /// <summary>The bus id of the device <paramref name="index"/> of a SPEC with an id and a count.</summary>
    internal SubchannelId IdAt(int index) => Id!.Value with { Number = Following(Id.Value.Number, index, "id") };

    /// <summary>Where a device of this SPEC with that id is shown, and known by from then on.</summary>
    internal SubchannelId Shown(SubchannelId id) => id with { CssId = Css ?? id.CssId };

    /// <summary>
    /// The image of the device <paramref name="index"/>, or the overlay of it, an absolute path; null: a volume in memory.
    /// </summary>
    internal string? ImageAt(int index, string directory) => (Overlay ?? Image) is { } path ? PathAt(path, index, directory) : null;

    /// <summary>The absolute path that a path of the SPEC is for the device <paramref name="index"/>: %d in it is that number.</summary>
    internal static string PathAt(string path, int index, string directory) =>
        Path.GetFullPath(path.Replace("%d", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), directory);

    /// <summary>The number <paramref name="index"/> steps on; <paramref name="what"/>: the key, for the message.</summary>
    internal static ushort Following(ushort first, int index, string what) => first + index <= ushort.MaxValue
        ? (ushort)(first + index)
        : throw new CommandException($"{what}: {index + 1} numbers from {first:x4} on go over ffff");

    /// <summary>The SPEC with its keys in the table's order: two of the same text are the same device.</summary>
    public override string ToString() => Text(fixedOnly: false);

    /// <summary>The SPEC without the keys that a running device takes: where this is the same, the device stays.</summary>
    internal string FixedText => Text(fixedOnly: true);

    private string Text(bool fixedOnly)
    {
        var text = new StringBuilder(Kind.Name);
        foreach (SpecKey key in Kind.Keys.Where(k => _given.ContainsKey(k.Key) && !(fixedOnly && k.AtRunTime)))
        {
            foreach (string? given in _given[key.Key])
            {
                string value = given is null ? ""
                    : "=" + given.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);
                text.Append(CultureInfo.InvariantCulture, $",{key.Key}{value}");
            }
        }
        return text.ToString();
    }
}
