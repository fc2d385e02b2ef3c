using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Policy;

/// <summary>The log messages of this room; subchannel first.</summary>
internal static partial class PolicyLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Id}: the policy refused a program because of {Ccw} at {Address:X8}: {Rule}")]
    internal static partial void Refused(ILogger logger, SubchannelId id, uint address, string ccw, string rule);
}
