using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.Policy;
using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices;

/// <summary>What a SPEC's first word names.</summary>
[Flags]
internal enum DeviceKinds
{
    /// <summary>An emulated DASD.</summary>
    Dasd = 1,

    /// <summary>A real subchannel behind the host's VFIO.</summary>
    Vfio = 2,

    /// <summary>Any.</summary>
    All = Dasd | Vfio,
}

/// <summary>One key of a device SPEC.</summary>
/// <param name="Key">The key.</param>
/// <param name="Kinds">The devices that have it.</param>
/// <param name="Value">What its value looks like, "PATH" say; null: the key stands alone.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Set">Takes the value into a specification; gives null, or what is wrong with it.</param>
internal sealed record SpecKey(string Key, DeviceKinds Kinds, string? Value, string Help, Func<DeviceSpec, string, string?> Set)
{
    /// <summary>A reload gives a running device the new value; any other key's change is another device.</summary>
    internal bool AtRunTime { get; init; }
}

/// <summary>
/// A device as --device, `add` and the configuration name it: <c>dasd,image=PATH,id=0.0.0000,…</c>; a comma in a value is written <c>\,</c>.
/// </summary>
internal sealed class DeviceSpec
{
    /// <summary>Most devices of one SPEC: the subchannels of a set.</summary>
    internal const int MaxCount = 65_536;

    private const byte MaxRealCss = 3;     // the machines have up to four; SA22-7832 allows 256
    private const byte VirtualCss = 0xFE;  // QEMU's (include/hw/s390x/css.h): a guest sees it as 0
    private const int MaxTimeout = 86_400; // a day, arbitrary
    private const int MaxSyncSeconds = 3_600; // an hour, arbitrary
    private const int MaxPaths = 8; // SA22-7832: the path masks have eight bits

    /// <summary>The kinds by their names.</summary>
    internal static readonly (string Name, DeviceKinds Kind)[] Kinds = [("dasd", DeviceKinds.Dasd), ("vfio", DeviceKinds.Vfio)];

    /// <summary>The keys.</summary>
    internal static readonly SpecKey[] Keys =
    [
        new("image", DeviceKinds.Dasd, "PATH", "The CKD image of the volume, made with ccwfs dasd create. The default is a small volume in memory.",
            (s, v) => { s.Image = v; return v.Length == 0 ? "a path is missing" : null; }),
        new("device", DeviceKinds.Vfio, "PATH|SCHID|DEVNO|UUID", "The real subchannel: /dev/vfio/devices/vfioN, its group /dev/vfio/N with uuid=, the file device of another ccwfs, or a name that the host has for it.",
            (s, v) => { s.Real = v; return v.Length == 0 ? "a path or an id is missing" : null; }),
        new("iommu", DeviceKinds.Vfio, "PATH", "Its iommufd or container. The default is /dev/iommu, /dev/vfio/vfio, or the file iommu of the other ccwfs.",
            (s, v) => { s.Iommu = v; return v.Length == 0 ? "a path is missing" : null; }),
        new("uuid", DeviceKinds.Vfio, "UUID", "The name of the mediated device in the group.", (s, v) => Guid.TryParseExact(v, "D", out _) ? Assign(s.Uuid = v) : "it is written like 12345678-1234-1234-1234-123456789abc"),
        new("timeout", DeviceKinds.Vfio, "SECONDS", "Reset the device when no interrupt has come for so long. The default is to wait without end.", SetTimeout),
        new("id", DeviceKinds.All, "C.S.NNNN", "The bus id of the subchannel. The default is the id that a real subchannel has, else the first free one from 0.0.0000 on.",
            (s, v) => SubchannelId.TryParse(v, out SubchannelId id) ? WrongCss(id.CssId) ?? Assign(s.Id = id) : "it is written like 0.0.0000"),
        new("devno", DeviceKinds.All, "C.S.NNNN", "The bus id of the device. The default is what a real device says, else the sum of 0150 and the subchannel number, or the next free number.",
            (s, v) => DeviceId.TryParse(v, out DeviceId id) ? WrongCss(id.CssId) ?? Assign(s.Device = id) : "it is written like 0.0.0150"),
        new("css", DeviceKinds.All, "0-3|fe", "The channel subsystem in which it is shown. The default is the one in which it is.", SetCss),
        new("chpids", DeviceKinds.Dasd, "XX.XX…", "The channel paths, one to eight. The default is 40.", SetPaths),
        new("readonly", DeviceKinds.All, null, "Nothing can be written to the volume.", (s, _) => Assign(s.Policy = s.Policy with { ReadOnly = true })) { AtRunTime = true },
        new("allow", DeviceKinds.All, "COMMAND.…", "The only commands and orders that may be used, with dots between them, like READ_DATA.86.psf:18.psf:18/0e.dso:81.",
            (s, v) => Wrong(s, set => CommandList.TryParse(v, set, out _)) ?? Assign(s.Policy = s.Policy with { Allow = v })) { AtRunTime = true },
        new("deny", DeviceKinds.All, "COMMAND.…", "The commands and orders that may not be used, written in the same way.",
            (s, v) => Wrong(s, set => CommandList.TryParse(v, set, out _)) ?? Assign(s.Policy = s.Policy with { Deny = v })) { AtRunTime = true },
        new("extents", DeviceKinds.All, "C/H-C/H.…", "The only tracks that may be written. C-C and C are whole cylinders. A disk of blocks (9336) has N-N.",
            (s, v) => Wrong(s, set => ExtentRanges.TryParse(v, set, out _)) ?? Assign(s.Policy = s.Policy with { Extents = v })) { AtRunTime = true },
        new("max-ccws", DeviceKinds.All, "N", "The largest number of CCWs in a program.",
            (s, v) => IsNumber(v, int.MaxValue, out long n) ?? Assign(s.Policy = s.Policy with { MaxCcws = (int)n })) { AtRunTime = true },
        new("max-bytes", DeviceKinds.All, "N", "The largest sum of the byte counts of all CCWs in a program.",
            (s, v) => IsNumber(v, long.MaxValue, out long n) ?? Assign(s.Policy = s.Policy with { MaxBytes = n })) { AtRunTime = true },
        new("profile", DeviceKinds.Dasd, "minimal|linux|full", "What the control unit offers. The default is linux.", SetProfile),
        new("ese", DeviceKinds.Dasd, null, "The volume takes space on demand (thin provisioning), and tells Linux so.", (s, _) => Assign(s.IsSpaceEfficient = true)),
        new("sync", DeviceKinds.Dasd, "none|program|SECONDS",
            "When writes go to stable storage: none is when the image is closed, program is at the end of every program, and SECONDS is so many seconds after a write. The default is none. "
                + "With none or SECONDS, an image that was in use at a power cut is refused until its redo file is removed.", SetSync),
        new("count", DeviceKinds.Dasd, "N", "Make N devices, with the ids that follow. image=PATH may hold %d.", SetCount),
    ];

    /// <summary>A SPEC of each kind, for help texts.</summary>
    internal const string Examples = "dasd,image=v.ckd (emulated) or vfio,device=0.0.2b09 (real)";

    /// <summary>Where the keys are explained, for help texts.</summary>
    internal const string WhereKeysAre = "'ccwfs config keys' names all keys";

    private readonly Dictionary<string, string?> _given = []; // the values as they were given

    /// <summary>File and line that it stands in; null: it came from the command line or the control file.</summary>
    internal string? Origin { get; set; }

    internal DeviceKinds Kind { get; private init; } = DeviceKinds.Dasd;

    internal string? Image { get; set; }

    /// <summary>vfio: what device= says.</summary>
    internal string? Real { get; private set; }

    /// <summary>vfio: the iommufd or container.</summary>
    internal string? Iommu { get; private set; }

    /// <summary>vfio: the device's name in its group.</summary>
    internal string? Uuid { get; private set; }

    /// <summary>vfio: how long to wait for an interrupt; null: for ever.</summary>
    internal TimeSpan? Timeout { get; private set; }

    internal SubchannelId? Id { get; private set; }

    internal DeviceId? Device { get; private set; }

    /// <summary>Where the device is shown; null: in its own channel subsystem.</summary>
    internal byte? Css { get; private set; }

    internal byte[] ChannelPaths { get; private set; } = [0x40];

    internal bool IsReadOnly => Policy.ReadOnly;

    /// <summary>What programs may do, as it is written; one for all devices of the SPEC.</summary>
    internal PolicyText Policy { get; private set; } = new();

    internal EckdProfile Profile { get; private set; } = EckdProfile.Linux;

    internal bool IsSpaceEfficient { get; private set; }

    /// <summary>When writes go to stable storage.</summary>
    internal ImageSync Sync { get; private set; }

    internal int Count { get; private set; } = 1;

    /// <summary>Parses a SPEC; throws <see cref="CommandException"/>.</summary>
    internal static DeviceSpec Parse(string text)
    {
        List<string> parts = Split(text);
        DeviceSpec spec = OfKind(parts[0], text);
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=');
            string key = equals < 0 ? part : part[..equals];
            if (spec.Apply(key, equals < 0 ? null : part[(equals + 1)..]) is { } wrong)
                throw new CommandException($"device '{text}': {wrong}", CommandException.WrongUsage);
        }
        return spec;
    }

    /// <summary>Sets a key; gives null, or what is wrong.</summary>
    internal string? Apply(string key, string? value)
    {
        if (Wrong(key, value) is { } unfit)
            return unfit;
        if (!_given.TryAdd(key, value))
            return $"{key} is given twice";
        return Array.Find(Keys, k => k.Key == key)!.Set(this, value ?? "") is { } wrong ? $"{key}={value}: {wrong}" : null;
    }

    /// <summary>Why there is no such key, or none with (or without) a value; null when there is.</summary>
    internal string? Wrong(string key, string? value)
    {
        SpecKey? row = Array.Find(Keys, k => k.Key == key && k.Kinds.HasFlag(Kind));
        if (row is null)
        {
            string[] known = [.. Keys.Where(k => k.Kinds.HasFlag(Kind)).Select(k => k.Key)];
            return Array.Find(Keys, k => k.Key == key) is { } other
                ? $"only a {NameOf(other.Kinds)} has the key '{key}'; a {NameOf(Kind)} has {string.Join(", ", known)}"
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
    internal string? Conflict => IsSpaceEfficient && Profile == EckdProfile.Minimal
        ? "ese needs orders that profile=minimal has not; use profile=linux, or leave ese out"
        : Kind == DeviceKinds.Vfio && Real is null ? "a vfio device needs device=PATH|SCHID|DEVNO|UUID"
        : null;

    /// <summary>The bus id of the device <paramref name="index"/> of a SPEC with an id and a count.</summary>
    internal SubchannelId IdAt(int index) => Id!.Value with { Number = Following(Id.Value.Number, index, "id") };

    /// <summary>Where a device of this SPEC with that id is shown, and known by from then on.</summary>
    internal SubchannelId Shown(SubchannelId id) => id with { CssId = Css ?? id.CssId };

    /// <summary>The image of the device <paramref name="index"/>, an absolute path; null: a volume in memory.</summary>
    internal string? ImageAt(int index, string directory) => Image is null ? null
        : Path.GetFullPath(Image.Replace("%d", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), directory);

    /// <summary>The images of all devices, absolute paths, each once.</summary>
    internal IEnumerable<string> Images(string directory) => Enumerable.Range(0, Count).Select(index => ImageAt(index, directory)).OfType<string>().Distinct();

    /// <summary>The number <paramref name="index"/> steps on; <paramref name="what"/>: the key, for the message.</summary>
    internal static ushort Following(ushort first, int index, string what) => first + index <= ushort.MaxValue
        ? (ushort)(first + index)
        : throw new CommandException($"{what}: {index + 1} numbers from {first:x4} on go over ffff");

    /// <summary>The SPEC with its keys in the table's order: two of the same text are the same device.</summary>
    public override string ToString() => Text(fixedOnly: false);

    /// <summary>The SPEC without the keys that a running device takes: where this is the same, the device stays.</summary>
    internal string FixedText => Text(fixedOnly: true);

    /// <summary>A specification without keys; <paramref name="text"/>: the whole, for the message.</summary>
    internal static DeviceSpec OfKind(string name, string text)
    {
        DeviceKinds kind = Array.Find(Kinds, k => k.Name == name).Kind;
        return kind != default
            ? new DeviceSpec { Kind = kind }
            : throw new CommandException(
                $"device '{text}': unknown kind '{name}'{Nearest.Hint(name, Kinds.Select(k => k.Name), $"it is one of {string.Join(", ", Kinds.Select(k => k.Name))}")}",
                CommandException.WrongUsage);
    }

    private static string NameOf(DeviceKinds kind) => Array.Find(Kinds, k => k.Kind == kind).Name;

    private string Text(bool fixedOnly)
    {
        var text = new StringBuilder(NameOf(Kind));
        foreach (SpecKey key in Keys.Where(k => _given.ContainsKey(k.Key) && !(fixedOnly && k.AtRunTime)))
        {
            string value = _given[key.Key] is { } given ? "=" + given.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal) : "";
            text.Append(CultureInfo.InvariantCulture, $",{key.Key}{value}");
        }
        return text.ToString();
    }

    private static string? Assign(object? _) => null;

    /// <summary>
    /// What is wrong with a value that means something in a family alone; null where a family that the device may be of takes it. What a real device is, is only known when
    /// it is there.
    /// </summary>
    private static string? Wrong(DeviceSpec spec, Func<CommandSet, string?> parse)
    {
        IEnumerable<string?> found = (spec.Kind == DeviceKinds.Dasd ? [Families.Eckd] : Families.All).Select(parse);
        return found.Contains(null) ? null : found.First();
    }

    private static string? IsNumber(string value, long most, out long number) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most
            ? null : "it is a number from 1 on";

    private static string? SetCount(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is < 1 or > MaxCount)
            return $"it is a number from 1 to {MaxCount}";
        spec.Count = count;
        return null;
    }

    private static string? SetSync(DeviceSpec spec, string value)
    {
        bool isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is >= 1 and <= MaxSyncSeconds;
        spec.Sync = value == "program" ? ImageSync.Program : isNumber ? new ImageSync(EveryProgram: false, seconds) : ImageSync.None;
        return isNumber || value is "none" or "program" ? null : $"it is none, program, or a number of seconds from 1 to {MaxSyncSeconds}";
    }

    private static string? SetCss(DeviceSpec spec, string value)
    {
        bool isNumber = byte.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte css);
        spec.Css = css;
        return isNumber && WrongCss(css) is null ? null : $"it is 0 to {MaxRealCss}, or {VirtualCss:x}";
    }

    private static string? WrongCss(byte css) =>
        css is <= MaxRealCss or VirtualCss ? null : $"there is no channel subsystem {css:x}: it is 0 to {MaxRealCss}, or {VirtualCss:x}";

    private static string? SetTimeout(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds is < 1 or > MaxTimeout)
            return $"it is a number of seconds from 1 to {MaxTimeout}";
        spec.Timeout = TimeSpan.FromSeconds(seconds);
        return null;
    }

    private static string? SetProfile(DeviceSpec spec, string value)
    {
        EckdProfile? profile = value switch
        {
            "minimal" => EckdProfile.Minimal,
            "linux" => EckdProfile.Linux,
            "full" => EckdProfile.Full,
            _ => null,
        };
        spec.Profile = profile ?? EckdProfile.Linux;
        return profile is null ? "it is minimal, linux or full" : null;
    }

    private static string? SetPaths(DeviceSpec spec, string value)
    {
        string[] parts = value.Split('.');
        var paths = new byte[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i].Length != 2 || !byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out paths[i]))
                return "channel-path ids are two hex digits each, with dots between: 40.41";
        }
        if (paths.Length > MaxPaths || paths.Distinct().Count() != paths.Length)
            return $"one to {MaxPaths} different channel paths";
        spec.ChannelPaths = paths;
        return null;
    }

    private static List<string> Split(string text)
    {
        List<string> parts = [];
        var part = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is (',' or '\\'))
            {
                part.Append(text[++i]);
            }
            else if (text[i] == ',')
            {
                parts.Add(part.ToString());
                part.Clear();
            }
            else
            {
                part.Append(text[i]);
            }
        }
        parts.Add(part.ToString());
        return parts;
    }
}
