using System.Globalization;
using System.Text.RegularExpressions;
using CcwFs.ChannelIo;
using CcwFs.Control;

namespace CcwFs.Host;

/// <summary>The word that attach and detach are given: a device of the host, in the forms of s390-tools too, or an image.</summary>
internal static partial class DeviceName
{
    /// <summary>The forms, for messages.</summary>
    internal const string Forms =
        "a device is named 0.0.2b09 or 2b09, a subchannel 0.0.0313 or sch:0.0.0313, a mediated device by its uuid, an image by its path (./NAME)";

    /// <summary>
    /// The word as <see cref="HostResolver"/> takes it; null: it can only be an image. chzdev, chccwdev and cio_ignore take 2b09 for device 0.0.2b09,
    /// and so it is here, unless a file has that name.
    /// </summary>
    internal static string? OnHost(string word)
    {
        if (HostResolver.IsName(word))
            return word;
        string prefix =
            new[] { HostResolver.SubchannelPrefix, HostResolver.DevicePrefix }.FirstOrDefault(p => word.StartsWith(p, StringComparison.Ordinal))
            ?? "";
        Match number = BareNumber().Match(word[prefix.Length..]);
        if (!number.Success)
            return prefix.Length == 0 ? null : throw new CommandException($"'{word}' names nothing: {Forms}", CommandException.WrongUsage);
        var device = new DeviceId(0, 0, ushort.Parse(number.Groups[1].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        if (prefix.Length == 0 && Path.Exists(word))
            throw new CommandException($"'{word}' is a file here, and a device number; write ./{word} or {device}", CommandException.WrongUsage);
        return (prefix.Length == 0 ? HostResolver.DevicePrefix : prefix) + device;
    }

    /// <summary>Whether a word that is no name on the host can be meant as a path.</summary>
    internal static bool IsPath(string word) => word.Contains('/', StringComparison.Ordinal) || Path.Exists(word);

    /// <summary>The bus id of a name; false for a uuid.</summary>
    internal static bool TryBusId(string name, out DeviceId id) =>
        DeviceId.TryParse(MaySubchannel(name) && MayDevice(name) ? name : name[HostResolver.DevicePrefix.Length..], out id);

    /// <summary>Whether a name can be a subchannel's.</summary>
    internal static bool MaySubchannel(string name) => !name.StartsWith(HostResolver.DevicePrefix, StringComparison.Ordinal);

    /// <summary>Whether a name can be a device's.</summary>
    internal static bool MayDevice(string name) => !name.StartsWith(HostResolver.SubchannelPrefix, StringComparison.Ordinal);

    [GeneratedRegex("^(?:0x)?([0-9a-fA-F]{1,4})$")]
    private static partial Regex BareNumber();
}
