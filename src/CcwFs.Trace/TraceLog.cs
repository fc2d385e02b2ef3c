using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Trace;

/// <summary>Messages of a trace; the bus id comes first.</summary>
internal static partial class TraceLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Id}: program #{Program}: {Summary} What came before it: ccwfs trace {Shown} --last 5")]
    public static partial void Serious(ILogger logger, SubchannelId id, ulong program, string summary, SubchannelId shown);
}
