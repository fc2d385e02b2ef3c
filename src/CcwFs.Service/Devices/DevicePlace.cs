using CcwFs.ChannelIo;

namespace CcwFs.Service.Devices;

/// <summary>Where a device stands, or will stand as soon as it is open.</summary>
/// <param name="Id">Its subchannel where it comes from.</param>
/// <param name="Shown">Its subchannel in the tree.</param>
/// <param name="Css">The channel subsystem that it is shown in; null: its own.</param>
internal sealed record DevicePlace(SubchannelId Id, SubchannelId Shown, byte? Css)
{
    /// <summary>Its device number where it comes from; a real device's is known once it is open.</summary>
    internal DeviceId Number { get; set; }

    /// <summary>As which device it is shown.</summary>
    internal DeviceId ShownNumber => Number with { CssId = Css ?? Number.CssId };
}
