using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Logs;

/// <summary>The log messages of a mount and of its devices.</summary>
internal static partial class MountLog
{
    [LoggerMessage(1, LogLevel.Information, "ccwfs {Version} mounted {MountPoint}; devices: {Count}; requests over {Way}")]
    internal static partial void Mounted(ILogger logger, string version, string mountPoint, int count, string way);

    [LoggerMessage(2, LogLevel.Information, "unmounted {MountPoint}")]
    internal static partial void Unmounted(ILogger logger, string mountPoint);

    [LoggerMessage(3, LogLevel.Information, "{Id} added: {What}")]
    internal static partial void Added(ILogger logger, SubchannelId id, string what);

    [LoggerMessage(8, LogLevel.Error, "{Problem}")]
    internal static partial void NotClosed(ILogger logger, string problem);

    [LoggerMessage(9, LogLevel.Warning, "{MountPoint} was unmounted, but is still in use by {Users}; it goes on for them and ends with the last one")]
    internal static partial void StillUsed(ILogger logger, string mountPoint, string users);

    [LoggerMessage(10, LogLevel.Warning, "{MountPoint} was unmounted, and nobody uses it where it is left: {Places}; it ends")]
    internal static partial void LeftBehind(ILogger logger, string mountPoint, string places);

    [LoggerMessage(12, LogLevel.Error, "ended by a second signal; not closed: {Devices}")]
    internal static partial void EndedAtOnce(ILogger logger, string devices);

    [LoggerMessage(4, LogLevel.Information, "{Id} removed: {What}")]
    internal static partial void Removed(ILogger logger, SubchannelId id, string what);

    [LoggerMessage(14, LogLevel.Warning, "{MountPoint} is in use by {Users}; detaching it lazily")]
    internal static partial void Busy(ILogger logger, string mountPoint, string users);

    [LoggerMessage(11, LogLevel.Warning, "{What}")]
    internal static partial void Image(ILogger logger, string what);
}
