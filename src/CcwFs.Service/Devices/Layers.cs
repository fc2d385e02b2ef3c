using CcwFs.ChannelIo;
using CcwFs.Policy;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>
/// The layers between the regions of a device and its backend, in their one order: the policy is the first, so that nothing below it sees a program
/// that it refuses.
/// </summary>
internal static class Layers
{
    /// <summary>All layers over a backend, which they take over; <paramref name="shown"/>: the subchannel's id for people.</summary>
    internal static ISubchannel Over(ISubchannel backend, SubchannelId shown, DevicePolicy policy, ILogger log) =>
        new PolicyLayer(backend, log, shown) { Policy = policy };

    /// <summary>The policy of a device that was made over these layers.</summary>
    internal static PolicyLayer PolicyOf(VfioCcwDevice device) => SubchannelLayer.Find<PolicyLayer>(device.Subchannel)!;
}
