using CcwFs.CommandSets;
using CcwFs.Policy;
using CcwFs.Subchannel;

namespace CcwFs.Tests;

/// <summary>The policy of a device that was made with a <see cref="PolicyLayer"/>.</summary>
internal static class DevicePolicies
{
    extension(VfioCcwDevice device)
    {
        internal CommandSet Commands => device.Subchannel.Identity.Commands;

        internal DevicePolicy? Policy => Layer(device).Policy;

        internal PolicyRefusal? LastRefusal => Layer(device).LastRefusal;

        internal void SetPolicy(DevicePolicy? policy) => Layer(device).Policy = policy;
    }

    private static PolicyLayer Layer(VfioCcwDevice device) => SubchannelLayer.Find<PolicyLayer>(device.Subchannel)!;
}
