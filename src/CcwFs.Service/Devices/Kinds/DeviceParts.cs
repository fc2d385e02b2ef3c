using CcwFs.Emulation.Channel;
using CcwFs.Faults;
using CcwFs.Faults.Rules;
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
/// <param name="Hub">Tells devices of each other's programs.</param>
/// <param name="Leave">Takes a device away that has left by itself; true: suddenly.</param>
internal sealed record DeviceParts(AddressSpace Space, ChannelExecutor Executor, Volumes Volumes, Func<ulong?> OwnMount, FaultHub Hub,
    Action<OpenDevice, bool> Leave)
{
    /// <summary>
    /// The device over a subchannel, which it owns from now on, with all layers, and the faults of the SPEC; also its policy, where none is
    /// <paramref name="given"/>.
    /// </summary>
    internal VfioCcwDevice Make(ISubchannel subchannel, DeviceSpec spec, ILogger log, DevicePolicy? given = null)
    {
        DevicePolicy policy;
        IReadOnlyList<FaultRule> faults;
        try
        {
            policy = given ?? spec.PolicyOf(subchannel.Identity);
            faults = spec.Faults.Of(subchannel, spec.Shown(subchannel.Identity.Id));
        }
        catch
        {
            subchannel.Dispose();
            throw;
        }
        ISubchannel layers = Layers.Over(subchannel, spec.Shown(subchannel.Identity.Id), policy, Hub, spec, log);
        var device = new VfioCcwDevice(layers, Space, log, spec.Css);
        Layers.FaultsOf(device).Configure(faults, spec.Faults.Hostile);
        return device;
    }

    /// <summary>As <see cref="Make"/>, over an emulated subchannel with this control unit and device.</summary>
    internal VfioCcwDevice Emulate(IChannelDevice device, in DeviceOpening opening) => Make(
        new EmulatedSubchannel(opening.Place.Id, opening.Place.Number, opening.Spec.ChannelPaths, device, Executor), opening.Spec,
            opening.Logs.Device, opening.Policy);
}
