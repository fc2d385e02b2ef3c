using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Host;

/// <summary>
/// The systemd unit that attaches a subchannel at boot, where mdevctl and driverctl cannot. It is enabled by its link; systemd reads both at the next
/// boot.
/// </summary>
internal static class AttachUnit
{
    private const string WantedBy = "multi-user.target.wants";

    /// <summary>Whether the unit is installed as it should be.</summary>
    internal static bool IsThere(HostTarget target) => HostFiles.Read(PathOf(target)) == Text(target) && HostFiles.Link(LinkOf(target)) is not null;

    /// <summary>Whether nothing of it is there; in a roll-back a unit that was there before stays.</summary>
    internal static bool IsGone(HostTarget target) =>
        (target.IsRollback && target.Recorded?.Persist == true) || (!HostFiles.Exists(PathOf(target)) && HostFiles.Link(LinkOf(target)) is null);

    /// <summary>Writes and enables it.</summary>
    internal static IEnumerable<HostAction> Install(HostTarget target) =>
        [new SaveFile(PathOf(target), Text(target)), new SaveLink(LinkOf(target), $"../{Name(target)}")];

    /// <summary>Takes it away.</summary>
    internal static IEnumerable<HostAction> Remove(HostTarget target) => [new DeleteFile(LinkOf(target)), new DeleteFile(PathOf(target))];

    private static string Name(HostTarget target) =>
        $"ccwfs-attach-{AttachRecord.NameOf(target.Device, target.Device is null ? target.Id : null)}.service";

    private static string PathOf(HostTarget target) => $"{target.Roots.Root}/etc/systemd/system/{Name(target)}";

    private static string LinkOf(HostTarget target) => $"{target.Roots.Root}/etc/systemd/system/{WantedBy}/{Name(target)}";

    private static string Text(HostTarget target)
    {
        // By device number: a hidden device has no subchannel before it is freed.
        string name = target.Before.Device is { } device ? HostResolver.DevicePrefix + device : HostResolver.SubchannelPrefix + target.Id;
        List<string> words = [.. OwnProgram.Words, "attach", name, "--uuid", target.Uuid];

        // The default mount is used when it is there: a boot without it passes the device through all the same.
        if (target.Options.MountPoint is not { } mountPoint)
            words.Add("--no-mount");
        else if (mountPoint != Places.MountPoint)
            words.AddRange(["--mount", mountPoint]);
        foreach ((string option, string place, string usual) in target.Roots.Named())
        {
            if (place != usual)
                words.AddRange([option, place]);
        }
        if (target.Options.Keys is { } keys)
            words.AddRange(["--keys", keys]);
        return $"""
            [Unit]
            Description=Pass subchannel {target.Id} through (ccwfs attach)
            After=ccwfs.service
            Before=libvirtd.service virtqemud.service

            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart={string.Join(' ', words.Select(Word))}

            [Install]
            WantedBy=multi-user.target

            """;
    }

    /// <summary>
    /// A word of ExecStart= (systemd.service(5), "Command lines"): % and $ are written twice, quotes and backslashes with a backslash.
    /// </summary>
    private static string Word(string word)
    {
        string plain = word.Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal);
        return ShellText.Quote(word) == word ? plain
            : $"\"{plain.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }
}
