using System.CommandLine.Completions;
using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;

namespace CcwFs.Cli.Docs;

/// <summary>What a shell is offered for a word that is begun; an error is no offer.</summary>
internal static class Completion
{
    /// <summary>The ids of a mount's subchannels.</summary>
    internal static IEnumerable<CompletionItem> DeviceIds(string? mountPoint)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(mountPoint ?? Places.MountPoint).Select(path => Path.GetFileName(path))
                .Where(name => SubchannelId.TryParse(name, out _)).Order(StringComparer.Ordinal).Select(name => new CompletionItem(name))];
        }
        catch (Exception error) when (Expected.Is(error))
        {
            return [];
        }
    }

    /// <summary>How a SPEC goes on: the kinds, then the keys that it does not have yet.</summary>
    internal static IEnumerable<CompletionItem> Spec(string word)
    {
        if (!word.Contains(',', StringComparison.Ordinal))
            return DeviceKinds.All.Select(kind => new CompletionItem(kind.Name + ","));
        return DeviceKinds.Find(word.Split(',')[0]) is { } kind ? Keys(word, kind.Keys) : [];
    }

    /// <summary>How the keys of a SPEC go on, of <paramref name="keys"/>.</summary>
    internal static IEnumerable<CompletionItem> Keys(string word, IEnumerable<SpecKey> keys)
    {
        string before = word[..(word.LastIndexOf(',') + 1)];
        HashSet<string> given = [.. before.Split(',').Select(part => part.Split('=')[0])];
        return keys.Where(key => !given.Contains(key.Key))
            .SelectMany(key => key.Value is null ? [key.Key]
                : Words(key.Value).Select(value => $"{key.Key}={value.Label}").DefaultIfEmpty($"{key.Key}="))
            .Select(text => new CompletionItem(before + text));
    }

    /// <summary>The words of a value that is written "one|two|0-3": those in lower case stand for themselves, and a range for its digits.</summary>
    internal static IEnumerable<CompletionItem> Words(string value) =>
        value.Split('|').SelectMany(Alternatives).Select(word => new CompletionItem(word));

    private static IEnumerable<string> Alternatives(string word) => word switch
    {
        [>= '0' and <= '9' and var first, '-', >= '0' and <= '9' and var last] =>
            Enumerable.Range(first - '0', last - first + 1).Select(digit => digit.ToString(CultureInfo.InvariantCulture)),
        { Length: > 0 } when word.All(c => char.IsAsciiLetterLower(c) || c == '-') => [word],
        _ => [],
    };
}
