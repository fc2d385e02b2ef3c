using CcwFs.Emulation.Channel;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Service.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>What a mount has for its devices, of whatever kind. Thread-safe.</summary>
/// <param name="Space">Guest storage.</param>
/// <param name="Executor">Runs the programs of emulated devices.</param>
/// <param name="Volumes">The open images.</param>
/// <param name="OwnMount">The device number of our own mount, where no device is looked for; null: there is none yet.</param>
/// <param name="Leave">Takes a device away that has left by itself; true: suddenly.</param>
internal sealed record DeviceParts(AddressSpace Space, ChannelExecutor Executor, Volumes Volumes, Func<ulong?> OwnMount, Action<OpenDevice,
    bool> Leave)
{
    /// <summary>The device over a subchannel, which it owns from now on, with all layers and the policy of the SPEC.</summary>
    internal VfioCcwDevice Make(ISubchannel subchannel, DeviceSpec spec, ILogger log)
    {
        DevicePolicy policy;
        try
        {
            policy = spec.PolicyOf(subchannel.Identity);
        }
        catch
        {
            subchannel.Dispose();
            throw;
        }
        return new VfioCcwDevice(Layers.Over(subchannel, spec.Shown(subchannel.Identity.Id), policy, log), Space, log, spec.Css);
    }

    /// <summary>As <see cref="Make"/>, over a subchannel that is emulated for a device behind a control unit.</summary>
    internal VfioCcwDevice Emulate(IChannelDevice behind, in DeviceOpening opening) => Make(
        new EmulatedSubchannel(opening.Place.Id, opening.Place.Number, opening.Spec.ChannelPaths, behind, Executor), opening.Spec,
            opening.Logs.Device);
}
