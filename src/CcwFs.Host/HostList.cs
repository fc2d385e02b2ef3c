using CcwFs.Control;

namespace CcwFs.Host;

/// <summary>The host's subchannels as rows of `ccwfs list`.</summary>
internal static class HostList
{
    /// <summary>The backend of a row that is in no mount.</summary>
    private const string Backend = "host";

    /// <summary>The mounted rows, and those of the host's I/O subchannels with a device that are not among them, under whichever id.</summary>
    internal static IReadOnlyList<DeviceRow> With(IReadOnlyList<DeviceRow> mounted, string? mountPoint, HostResolver resolver)
    {
        HashSet<string> shown = [.. mounted.Where(row => row.Backend == DeviceRow.RealBackend).Select(row => row.HostSubchannel ?? row.Subchannel)];
        return [.. mounted,
            .. resolver.All().Where(d => d is { IsIo: true, Device: not null } && !shown.Contains(d.Id.ToString()) && !IsShown(d)).Select(Row)];

        bool IsShown(HostDevice device) =>
            device.Mdev is not null && shown.Count > 0 && HostMounts.Find(mountPoint!, device.Id, device.Mdev, resolver.Roots) is not null;
    }

    private static DeviceRow Row(HostDevice device) => new(
        device.Id.ToString(), device.Device.ToString()!, device.DeviceType, device.ControlUnitType, device.IsOnline == true,
        Mask(device, 0), Mask(device, 1), Mask(device, 2), device.Chpids, Backend, State(device), device.Mdev?.Uuid ?? "")
    {
        Driver = device.DeviceDriver ?? device.Driver ?? "",
    };

    private static string Mask(HostDevice device, int index) => device.Masks.Count > index ? device.Masks[index] : "";

    private static string State(HostDevice device) => device switch
    {
        { Mdev: not null } => "attached",
        { Driver: HostDevice.VfioDriver } => "bound",
        { IsOnline: true } => "online",
        { IsOnline: false } => "offline",
        _ => "unknown",
    };
}
