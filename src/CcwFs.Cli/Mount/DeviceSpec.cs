using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Cli.Mount;

/// <summary>One key of a device SPEC.</summary>
/// <param name="Key">The key.</param>
/// <param name="TakesValue">key=value; otherwise the key alone.</param>
/// <param name="Set">Takes the value into a specification; gives null, or what is wrong with it.</param>
internal sealed record SpecKey(string Key, bool TakesValue, Func<DeviceSpec, string, string?> Set);

/// <summary>
/// A device as --device, `add` and the configuration name it: <c>dasd,image=PATH,id=0.0.0000,…</c>; a comma in a value is written <c>\,</c>.
/// </summary>
internal sealed class DeviceSpec
{
    /// <summary>Most devices of one SPEC: the subchannels of a set.</summary>
    internal const int MaxCount = 65_536;

    private const int MaxPaths = 8; // SA22-7832: the path masks have eight bits

    /// <summary>The keys of a dasd.</summary>
    internal static readonly SpecKey[] DasdKeys =
    [
        new("image", TakesValue: true, (s, v) => { s.Image = v; return v.Length == 0 ? "a path is missing" : null; }),
        new("id", TakesValue: true, (s, v) => SubchannelId.TryParse(v, out SubchannelId id) ? Assign(s.Id = id) : "it is written like 0.0.0000"),
        new("devno", TakesValue: true, (s, v) => DeviceId.TryParse(v, out DeviceId id) ? Assign(s.Device = id) : "it is written like 0.0.0150"),
        new("chpids", TakesValue: true, SetPaths),
        new("readonly", TakesValue: false, (s, _) => Assign(s.IsReadOnly = true)),
        new("profile", TakesValue: true, SetProfile),
        new("ese", TakesValue: false, (s, _) => Assign(s.IsSpaceEfficient = true)),
        new("count", TakesValue: true, SetCount),
    ];

    internal string? Image { get; set; }

    internal SubchannelId? Id { get; private set; }

    internal DeviceId? Device { get; private set; }

    internal byte[] ChannelPaths { get; private set; } = [0x40];

    internal bool IsReadOnly { get; private set; }

    internal EckdProfile Profile { get; private set; } = EckdProfile.Linux;

    internal bool IsSpaceEfficient { get; private set; }

    internal int Count { get; private set; } = 1;

    /// <summary>Parses a SPEC; throws <see cref="CommandException"/>.</summary>
    internal static DeviceSpec Parse(string text)
    {
        List<string> parts = Split(text);
        CheckKind(parts[0], text);
        var spec = new DeviceSpec();
        HashSet<string> seen = [];
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=');
            string key = equals < 0 ? part : part[..equals];
            if (!seen.Add(key))
                throw new CommandException($"device '{text}': {key} is given twice", CommandException.WrongUsage);
            if (spec.Apply(key, equals < 0 ? null : part[(equals + 1)..]) is { } wrong)
                throw new CommandException($"device '{text}': {wrong}", CommandException.WrongUsage);
        }
        return spec;
    }

    /// <summary>Sets a key; gives null, or what is wrong.</summary>
    internal string? Apply(string key, string? value)
    {
        SpecKey? row = Array.Find(DasdKeys, k => k.Key == key);
        if (row is null)
            return $"unknown key '{key}': the keys are {string.Join(", ", DasdKeys.Select(k => k.Key))}";
        if (row.TakesValue != value is not null)
            return row.TakesValue ? $"{key} needs a value: {key}=…" : $"{key} takes no value";
        return row.Set(this, value ?? "") is { } wrong ? $"{key}={value}: {wrong}" : null;
    }

    internal static void CheckKind(string kind, string text)
    {
        if (kind == "vfio")
            throw new CommandException($"device '{text}': real devices are not supported yet; use dasd,image=PATH");
        if (kind != "dasd")
            throw new CommandException($"device '{text}': unknown kind '{kind}', it is dasd", CommandException.WrongUsage);
    }

    private static string? Assign(object? _) => null;

    private static string? SetCount(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is < 1 or > MaxCount)
            return $"it is a number from 1 to {MaxCount}";
        spec.Count = count;
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
