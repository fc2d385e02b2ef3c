using CcwFs.ChannelIo;

namespace CcwFs.Host;

/// <summary>
/// The device numbers that Linux was told not to look at (/proc/cio_ignore; drivers/s390/cio/blacklist.c): ids, and ranges of them, one per line.
/// </summary>
internal static class IgnoredDevices
{
    /// <summary>Where the list is read and changed.</summary>
    internal static string List(HostRoots roots) => $"{roots.Proc}/cio_ignore";

    /// <summary>A write here ends when every change of devices that is under way has been dealt with.</summary>
    internal static string Settle(HostRoots roots) => $"{roots.Proc}/cio_settle";

    /// <summary>Whether a device is on the list.</summary>
    internal static bool Contains(HostRoots roots, DeviceId device) =>
        (HostFiles.Read(List(roots)) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Any(line => Covers(line, device));

    private static bool Covers(string line, DeviceId device)
    {
        string[] ends = line.Split('-');
        return ends.Length is 1 or 2 && DeviceId.TryParse(ends[0], out DeviceId first) && DeviceId.TryParse(ends[^1], out DeviceId last)
            && (first.CssId, first.SetId) == (device.CssId, device.SetId) && (last.CssId, last.SetId) == (device.CssId, device.SetId)
            && device.Number >= first.Number && device.Number <= last.Number;
    }
}
