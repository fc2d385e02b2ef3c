using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Endpoint;

/// <summary>The log messages of the device files.</summary>
internal static partial class EndpointLog
{
    [LoggerMessage(11, LogLevel.Warning, "a client's {Interrupt} eventfd could not be signalled: {Problem}")]
    internal static partial void SignalLost(ILogger logger, DeviceInterrupt interrupt, string problem);
}
