using System.Globalization;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;
using CcwFs.Fuse;

namespace CcwFs.Host;

/// <summary>Who uses a device now, for the refusal without --force. Best effort: what starts a moment later the kernel refuses itself.</summary>
internal static class HostUse
{
    /// <summary>Reasons against taking the device from Linux.</summary>
    internal static IEnumerable<string> OfDevice(HostDevice device, HostRoots roots)
    {
        if (device.IsOnline is null)
            yield break;
        string ccw = $"{roots.Css}/devices/{device.Id}/{device.Device}";
        if (HostFiles.LinkName($"{ccw}/group_device") is { } group)
            yield return $"it is part of the group device {group}";
        if (device.IsOnline != true)
            yield break;
        foreach (string disk in HostFiles.Names($"{ccw}/block"))
        {
            string[] names = [disk, .. HostFiles.Names($"{ccw}/block/{disk}").Where(name => name.StartsWith(disk, StringComparison.Ordinal))];
            foreach (string name in names)
            {
                string directory = name == disk ? $"{ccw}/block/{disk}" : $"{ccw}/block/{disk}/{name}";
                foreach (string reason in OfBlockDevice(name, directory, roots))
                    yield return reason;
            }
        }
    }

    /// <summary>Reasons against removing the mediated device.</summary>
    internal static IEnumerable<string> OfMdev(HostTarget target)
    {
        if (target.Now.Mdev is not { } mdev)
            yield break;
        int server = 0;
        if (target.Mounted is { } row)
        {
            server = ControlClient.Send(target.Options.MountPoint, new ControlRequest { Verb = "list" }).Pid ?? 0;
            if (row.Use)
                yield return $"a client of the mounted ccwfs uses {row.Subchannel}";
        }
        string?[] nodes = [mdev.CdevPath(target.Roots), mdev.GroupPath(target.Roots)];
        foreach (string pid in HostFiles.Names(target.Roots.Proc)
            .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number != server))
        {
            string files = $"{target.Roots.Proc}/{pid}/fd";
            if (Descriptors(files).Any(name => nodes.Contains(Target(HostFiles.Link($"{files}/{name}")))))
                yield return $"process {pid} ({VisibleText.Quoted(HostFiles.ReadLine($"{target.Roots.Proc}/{pid}/comm") ?? "")}) has it open";
        }
    }

    private static IEnumerable<string> OfBlockDevice(string name, string directory, HostRoots roots)
    {
        string? number = HostFiles.ReadLine($"{directory}/dev");
        string[] lines = (HostFiles.Read($"{roots.Proc}/self/mountinfo") ?? "").Split('\n');
        foreach (MountEntry mount in MountTable.Parse(lines).Where(mount => mount.Device == number || mount.Source == $"/dev/{name}"))
            yield return $"{name} is mounted at {mount.MountPoint}";
        foreach (string holder in HostFiles.Names($"{directory}/holders"))
            yield return $"{name} is part of {holder}";
        if ((HostFiles.Read($"{roots.Proc}/swaps") ?? "").Split('\n').Any(line => line.StartsWith($"/dev/{name} ", StringComparison.Ordinal)))
            yield return $"{name} is swap space";
    }

    /// <summary>A process's open files; none when it ended meanwhile or is not ours to look into.</summary>
    private static IReadOnlyList<string> Descriptors(string directory)
    {
        try
        {
            return HostFiles.Names(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Target(string[]? link) => link is null ? null : "/" + string.Join('/', link);
}
