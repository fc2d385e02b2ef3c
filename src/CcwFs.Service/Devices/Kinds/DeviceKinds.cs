using System.Text;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>The kinds of devices: one row per kind. Nobody else knows them by their names.</summary>
internal static class DeviceKinds
{
    /// <summary>All of them, in the order of help texts.</summary>
    internal static readonly DeviceKind[] All = [new DasdKind(), new FbaKind(), new ReplayKind(), new VfioKind()];

    /// <summary>Where the keys are explained, for help texts.</summary>
    internal const string WhereKeysAre = "'ccwfs config keys' names all keys";

    /// <summary>The keys of all kinds, each name once.</summary>
    internal static IEnumerable<SpecKey> Keys => All.SelectMany(kind => kind.Keys).DistinctBy(key => key.Key);

    /// <summary>A SPEC of each kind, for help texts.</summary>
    internal static string Examples { get; } = Join([.. All.Select(kind => kind.Example)]);

    /// <summary>The kind with this name; null: there is none.</summary>
    internal static DeviceKind? Find(string name) => Array.Find(All, kind => kind.Name == name);

    /// <summary>A specification without keys; <paramref name="text"/>: the whole, for the message.</summary>
    internal static DeviceSpec OfKind(string name, string text) => Find(name) is { } kind ? new DeviceSpec(kind, All)
        : throw new CommandException(
            $"device '{DeviceSpec.Shown(text)}': unknown kind '{DeviceSpec.Shown(name)}'"
                + Nearest.Hint(name, All.Select(k => k.Name), $"it is one of {string.Join(", ", All.Select(k => k.Name))}"),
            CommandException.WrongUsage);

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
                throw new CommandException($"device '{DeviceSpec.Shown(text)}': {wrong}", CommandException.WrongUsage);
        }
        return spec;
    }

    private static string Join(string[] words) => words.Length == 1 ? words[0] : string.Join(", ", words[..^1]) + " or " + words[^1];

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
