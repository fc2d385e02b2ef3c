using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Subchannel;

/// <summary>The log messages of this room; subchannel first.</summary>
internal static partial class DeviceLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Id}: the ORB does not allow prefetching (P bit off); the whole program is prefetched all the same")]
    internal static partial void PrefetchNotAllowed(ILogger logger, SubchannelId id);

    [LoggerMessage(2, LogLevel.Warning, "{Id}: more than {Limit} interrupts wait unread; the newest was dropped")]
    internal static partial void InterruptLost(ILogger logger, SubchannelId id, int limit);

    [LoggerMessage(3, LogLevel.Warning, "{Id}: channel report {Crw:x8} was lost, nobody reads crw")]
    internal static partial void ReportLost(ILogger logger, SubchannelId id, uint crw);

    [LoggerMessage(4, LogLevel.Information, "{Id}: unplugged")]
    internal static partial void Unplugged(ILogger logger, SubchannelId id);

    [LoggerMessage(6, LogLevel.Error, "{Id}: a program failed in a way that it should not, and was ended; please report this")]
    internal static partial void Failed(ILogger logger, SubchannelId id, Exception failure);

    [LoggerMessage(8, LogLevel.Warning, "{Id}: a program was not started, for its CCW at {Address:X8} cannot be translated: {Reason}")]
    internal static partial void NotTranslated(ILogger logger, SubchannelId id, uint address, string reason);

    [LoggerMessage(9, LogLevel.Warning, "{Id}: a program ended with program check at its CCW at {Address:X8}, which was not prefetched: it stands behind a TIC that leads out of its chain; the ORB's P bit off has each CCW fetched at its turn")]
    internal static partial void Unfetched(ILogger logger, SubchannelId id, uint address);
}
