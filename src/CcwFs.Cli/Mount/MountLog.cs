using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Cli.Mount;

/// <summary>The log messages of a mount and of its devices.</summary>
internal static partial class MountLog
{
    [LoggerMessage(1, LogLevel.Information, "ccwfs {Version} mounted {MountPoint}; devices: {Count}")]
    internal static partial void Mounted(ILogger logger, string version, string mountPoint, int count);

    [LoggerMessage(2, LogLevel.Information, "unmounted {MountPoint}")]
    internal static partial void Unmounted(ILogger logger, string mountPoint);

    [LoggerMessage(3, LogLevel.Information, "{Id} added: {What}")]
    internal static partial void Added(ILogger logger, SubchannelId id, string what);

    [LoggerMessage(4, LogLevel.Information, "{Id} removed: {What}")]
    internal static partial void Removed(ILogger logger, SubchannelId id, string what);

    [LoggerMessage(5, LogLevel.Warning, "{What}")]
    internal static partial void Image(ILogger logger, string what);
}
