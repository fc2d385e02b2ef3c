using CcwFs.ChannelIo;
using CcwFs.Service.Devices;
using CcwFs.Subchannel;

namespace CcwFs.Service.Reload;

/// <summary>What options or configuration asked for by one SPEC, and got.</summary>
/// <param name="Spec">As it was asked for.</param>
/// <param name="Devices">What was made of it.</param>
/// <param name="MadeReadOnly">They were made for reading alone, not only policed so since.</param>
internal sealed record ConfiguredDevice(DeviceSpec Spec, IReadOnlyList<OpenDevice> Devices, bool MadeReadOnly)
{
    /// <summary>
    /// Whether the devices must be made again for a SPEC of which only keys differ that a running device takes: a volume that was made for reading
    /// alone cannot be written.
    /// </summary>
    internal bool MustBeMadeAgain(DeviceSpec spec) => MadeReadOnly && !spec.IsReadOnly && !spec.Kind.IsReal;

    /// <summary>Those of its devices whose place another SPEC is to take.</summary>
    internal IEnumerable<SubchannelId> ReplacedBy(DeviceSpec spec) => Devices.Where(device => IsReplaced(device, spec)).Select(device => device.Id);

    private bool IsReplaced(OpenDevice device, DeviceSpec by) => by.Id is { } id
        ? device.Id.CssId == by.Shown(id).CssId && device.Id.SetId == id.SetId && device.Id.Number >= id.Number && device.Id.Number < id.Number
            + by.Count
        : Spec.Id is null;
}
