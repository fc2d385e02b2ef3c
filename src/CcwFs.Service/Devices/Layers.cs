using CcwFs.ChannelIo;
using CcwFs.Faults;
using CcwFs.Metrics;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Trace;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>
/// The layers between the regions of a device and its backend, in their one order. The trace is the first, so that it sees what a guest sends and
/// what it gets; then the metrics, for the same reason; then the policy, so that nothing below it sees a program that it refuses; then the faults,
/// so that all of them see what a guest gets.
/// </summary>
internal static class Layers
{
    /// <summary>All layers over a backend, which they take over; <paramref name="shown"/>: the subchannel's id for people.</summary>
    internal static ISubchannel Over(ISubchannel backend, SubchannelId shown, DevicePolicy policy, FaultHub hub, DeviceSpec spec, ILogger log)
    {
        var faults = new FaultLayer(backend, shown, log, hub);
        var metrics = new MetricsLayer(new PolicyLayer(faults, log, shown) { Policy = policy }, () => faults.InjectedFaults);
        return new TraceLayer(metrics, shown, spec.Flight, spec.FlightData, log);
    }

    /// <summary>The faults of a device that was made over these layers.</summary>
    internal static FaultLayer FaultsOf(VfioCcwDevice device) => SubchannelLayer.Find<FaultLayer>(device.Subchannel)!;

    /// <summary>The policy of a device that was made over these layers.</summary>
    internal static PolicyLayer PolicyOf(VfioCcwDevice device) => SubchannelLayer.Find<PolicyLayer>(device.Subchannel)!;
}
