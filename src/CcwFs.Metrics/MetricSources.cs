using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Metrics;

/// <summary>Where the numbers of a mount are.</summary>
/// <param name="Version">Of ccwfs.</param>
/// <param name="Started">When the mount began, in seconds since 1970.</param>
/// <param name="Devices">The devices, in the order of their ids.</param>
/// <param name="Requests">What the kernel asked of the file system.</param>
/// <param name="Clients">What clients have of what they can use up.</param>
/// <param name="UsesRings">Requests come over io_uring.</param>
public sealed record MetricSources(
    string Version, double Started, IReadOnlyList<MetricDevice> Devices, IReadOnlyList<RequestCount> Requests, IReadOnlyList<ResourceUse> Clients,
    bool UsesRings);

/// <summary>One device.</summary>
/// <param name="Id">Its subchannel, as it is shown.</param>
/// <param name="Number">Its device number, as it is shown.</param>
/// <param name="Identity">What it is.</param>
/// <param name="IsTaken">A VFIO client has it.</param>
/// <param name="Layer">Its counters; null: nobody has used it so far, or nothing counts.</param>
/// <param name="Volume">What its volume has; null: there is none.</param>
public readonly record struct MetricDevice(
    SubchannelId Id, DeviceId Number, SubchannelIdentity Identity, bool IsTaken, MetricsLayer? Layer, VolumeFigures? Volume)
{
    /// <summary>The device with its numbers.</summary>
    public static MetricDevice Of(VfioCcwDevice device) => new(
        device.Id, device.Device, device.Subchannel.Identity, device.IsTaken, SubchannelLayer.Find<MetricsLayer>(device.Subchannel),
        device.Subchannel.Volume);
}

/// <summary>Requests of one kind.</summary>
/// <param name="Operation">Its word.</param>
/// <param name="Requests">How many there were.</param>
/// <param name="Errors">How many of them were answered with an error.</param>
public readonly record struct RequestCount(string Operation, long Requests, long Errors);

/// <summary>Something that clients can use up.</summary>
/// <param name="Resource">Its word.</param>
/// <param name="Used">What all clients have of it.</param>
/// <param name="Limit">What all clients may have of it.</param>
public readonly record struct ResourceUse(string Resource, long Used, long Limit);
