using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Endpoint;

/// <summary>The log messages of the device files.</summary>
internal static partial class EndpointLog
{
    [LoggerMessage(11, LogLevel.Warning, "a client's {Interrupt} eventfd could not be signalled: {Problem}")]
    internal static partial void SignalLost(ILogger logger, DeviceInterrupt interrupt, string problem);

    [LoggerMessage(12, LogLevel.Error, "{File}: a client's request failed in a way that it should not; please report this")]
    internal static partial void RequestFailed(ILogger logger, string file, Exception exception);
}
