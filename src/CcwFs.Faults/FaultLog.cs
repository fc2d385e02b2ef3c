using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Faults;

/// <summary>The log messages of this room; subchannel first.</summary>
internal static partial class FaultLog
{
    [LoggerMessage(1, LogLevel.Information, "{Id}: injected: {Rule}")]
    internal static partial void Injected(ILogger logger, SubchannelId id, string rule);
}
