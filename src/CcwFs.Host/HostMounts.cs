using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Host;

/// <summary>The mounted ccwfs beside the host: which of its subchannels are the host's.</summary>
internal static class HostMounts
{
    /// <summary>The mount point to use: the one asked for, or the default one when a ccwfs is mounted there; else null, and why.</summary>
    internal static string? Choose(string? asked, bool none, out string? note)
    {
        note = null;
        if (none)
            return null;
        string mountPoint = Path.GetFullPath(asked ?? Places.MountPoint);
        if (MountTable.Find(mountPoint)?.Type == "fuse.ccwfs")
            return mountPoint;
        if (asked is not null)
            throw new CommandException($"no ccwfs is mounted at {mountPoint}; mount one: ccwfs mount {mountPoint}, or leave it out with --no-mount");
        note = $"no ccwfs is mounted at {mountPoint}";
        return null;
    }

    /// <summary>Whether a ccwfs answers there: one that has died shows nothing any more.</summary>
    internal static bool IsAlive(string mountPoint)
    {
        using FileDescriptor? control = ControlClient.TryOpen(mountPoint);
        return control is not null;
    }

    /// <summary>The mounted rows; none without a mount.</summary>
    internal static IReadOnlyList<DeviceRow> Rows(string? mountPoint) =>
        mountPoint is null ? [] : ControlClient.Send(mountPoint, new ControlRequest { Verb = "list" }).Devices ?? [];

    /// <summary>
    /// Refuses a device whose ids another device of the mount has: <paramref name="shown"/> and <paramref name="shownNumber"/>, as the mount is to
    /// show them; null: the mount finds free ones.
    /// </summary>
    internal static void RefuseTaken(string mountPoint, SubchannelId? shown, DeviceId? shownNumber)
    {
        IReadOnlyList<DeviceRow> rows = Rows(mountPoint);
        if (shown is { } id && rows.FirstOrDefault(row => row.Subchannel == id.ToString()) is { } other)
            throw CommandException.Hinting($"{other.Subchannel} exists already in {mountPoint}; give another id: --keys id=0.0.NNNN, or remove it first: ", $"ccwfs remove {other.Subchannel}");
        if (shownNumber is { } number && rows.FirstOrDefault(row => row.Device == number.ToString()) is { } same)
        {
            throw CommandException.Hinting(
                $"device {same.Device} exists already in {mountPoint}, on subchannel {same.Subchannel}; give another number: --keys devno=0.0.NNNN, or remove it first: ", $"ccwfs remove {same.Subchannel}");
        }
    }

    /// <summary>The mounted subchannel that a host's one is: by its id, or by a mediated device that its facts name.</summary>
    internal static DeviceRow? Find(string mountPoint, SubchannelId id, HostMdev? mdev, HostRoots roots)
    {
        string name = id.ToString();
        string[] names = mdev is null ? [] : [.. new[] { mdev.Uuid, mdev.CdevPath(roots), mdev.GroupPath(roots) }.OfType<string>()];
        return Rows(mountPoint).Where(row => row.Backend == DeviceRow.RealBackend)
            .FirstOrDefault(row => (row.HostSubchannel ?? row.Subchannel) == name
            || (names.Length > 0
                && (Facts(mountPoint, row.Subchannel)?.Any(fact => fact.Key != "uuid" && fact.Value.Split(' ').Any(names.Contains)) ?? false)));
    }

    /// <summary>The emulated device with an image.</summary>
    internal static DeviceRow? FindImage(string mountPoint, string path)
    {
        string image = Path.GetFullPath(path);
        return Rows(mountPoint).Where(row => row.Backend != DeviceRow.RealBackend)
            .FirstOrDefault(row => Facts(mountPoint, row.Subchannel)?.Any(fact => fact.Key == "image" && fact.Value == image) ?? false);
    }

    /// <summary>The emulated device with a bus id or uuid; throws when a bus id is two devices'.</summary>
    internal static DeviceRow? FindEmulated(string mountPoint, string name)
    {
        bool isBusId = DeviceName.TryBusId(name, out DeviceId number);
        string wanted = isBusId ? number.ToString() : name.ToLowerInvariant();
        DeviceRow[] rows = [.. Rows(mountPoint).Where(row => row.Backend != DeviceRow.RealBackend).Where(row =>
            isBusId ? (DeviceName.MaySubchannel(name) && row.Subchannel == wanted) || (DeviceName.MayDevice(name) && row.Device == wanted)
                : row.Uuid == wanted)];
        return rows.Length < 2 ? rows.FirstOrDefault()
            : throw new CommandException($"{wanted} is a subchannel and another one's device; write {HostResolver.SubchannelPrefix}{wanted} or {HostResolver.DevicePrefix}{wanted}");
    }

    /// <summary>What `info` tells; null when the device has left the mount meanwhile.</summary>
    private static IReadOnlyList<KeyValuePair<string, string>>? Facts(string mountPoint, string id)
    {
        try
        {
            return ControlClient.Send(mountPoint, new ControlRequest { Verb = "info", Id = id }).Facts;
        }
        catch (CommandException)
        {
            return null;
        }
    }
}
