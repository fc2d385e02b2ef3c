using System.Globalization;
using CcwFs.ChannelIo;

namespace CcwFs.Host;

/// <summary>One subchannel of this host as its sysfs shows it; every member was checked, what did not look right is unknown.</summary>
/// <param name="Id">The subchannel.</param>
/// <param name="Device">Its device; null when the subchannel names none.</param>
/// <param name="IsIo">Whether it is an I/O subchannel (type 0), the only kind that has devices and can be passed through.</param>
/// <param name="Driver">The subchannel's driver: io_subchannel, vfio_ccw, …; null without one.</param>
/// <param name="Override">The driver that was chosen for it; null when none was, or the kernel has no such attribute.</param>
/// <param name="DeviceDriver">The ccw device's driver, "dasd-eckd" say; null without one.</param>
/// <param name="DeviceType">The device's type and model, "3390/0c"; empty when unknown.</param>
/// <param name="ControlUnitType">The control unit's, "3990/e9"; empty when unknown.</param>
/// <param name="IsOnline">Whether Linux uses the device itself; null when there is no ccw device to say so.</param>
/// <param name="Masks">PIM, PAM and POM, two hex digits each; empty when unknown.</param>
/// <param name="Chpids">Eight channel-path ids, 16 hex digits; empty when unknown.</param>
/// <param name="Mdev">Its mediated device; null when none was made.</param>
internal sealed record HostDevice(
    SubchannelId Id, DeviceId? Device, bool IsIo, string? Driver, string? Override, string? DeviceDriver, string DeviceType, string ControlUnitType,
    bool? IsOnline, IReadOnlyList<string> Masks, string Chpids, HostMdev? Mdev)
{
    /// <summary>The kernel's driver that passes subchannels through.</summary>
    internal const string VfioDriver = "vfio_ccw";

    /// <summary>The kernel's driver of I/O subchannels that Linux uses itself.</summary>
    internal const string IoDriver = "io_subchannel";

    /// <summary>The type of mediated devices that vfio_ccw offers.</summary>
    internal const string MdevType = "vfio_ccw-io";
}

/// <summary>A subchannel's mediated device.</summary>
/// <param name="Uuid">Its name: a uuid in lower case, 36 characters.</param>
/// <param name="Group">Its IOMMU group's number; null when it has none.</param>
/// <param name="Cdev">The name of its character device, "vfio0"; null where the kernel makes none.</param>
internal sealed record HostMdev(string Uuid, int? Group, string? Cdev)
{
    /// <summary>The device node of the cdev interface; null without one. It may not exist yet: udev makes it.</summary>
    internal string? CdevPath(HostRoots roots) => Cdev is null ? null : $"{roots.Dev}/vfio/devices/{Cdev}";

    /// <summary>The device node of the group interface; null without a group.</summary>
    internal string? GroupPath(HostRoots roots) =>
        Group is { } number ? string.Create(CultureInfo.InvariantCulture, $"{roots.Dev}/vfio/{number}") : null;
}
