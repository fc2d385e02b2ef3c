using System.CommandLine.Completions;
using CcwFs.ChannelIo;
using CcwFs.Cli.Mount;

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
        catch (Exception error) when (Program.IsExpected(error))
        {
            return [];
        }
    }

    /// <summary>How a SPEC goes on: the kinds, then the keys that it does not have yet.</summary>
    internal static IEnumerable<CompletionItem> Spec(string word)
    {
        int comma = word.LastIndexOf(',');
        if (comma < 0)
            return DeviceSpec.Kinds.Select(kind => new CompletionItem(kind.Name + ","));
        string[] parts = word[..comma].Split(',');
        DeviceKinds kind = Array.Find(DeviceSpec.Kinds, k => k.Name == parts[0]).Kind;
        HashSet<string> given = [.. parts.Select(part => part.Split('=')[0])];
        return DeviceSpec.Keys.Where(key => kind != default && key.Kinds.HasFlag(kind) && !given.Contains(key.Key))
            .SelectMany(key => key.Value is null ? [key.Key] : Words(key.Value).Select(value => $"{key.Key}={value.Label}").DefaultIfEmpty($"{key.Key}="))
            .Select(text => new CompletionItem($"{word[..comma]},{text}"));
    }

    /// <summary>The words of a value that is written "one|two": those in lower case stand for themselves.</summary>
    internal static IEnumerable<CompletionItem> Words(string value) =>
        value.Split('|').Where(word => word.Length > 0 && word.All(c => char.IsAsciiLetterLower(c) || c == '-')).Select(word => new CompletionItem(word));
}
