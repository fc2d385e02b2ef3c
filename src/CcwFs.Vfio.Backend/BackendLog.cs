using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Backend;

/// <summary>The log messages of this room; subchannel first.</summary>
internal static partial class BackendLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Id}: the device behind it, {Path}, is gone")]
    internal static partial void Gone(ILogger logger, SubchannelId id, string path);

    [LoggerMessage(2, LogLevel.Warning, "{Id}: the kernel asks for {Path} back")]
    internal static partial void Asked(ILogger logger, SubchannelId id, string path);

    [LoggerMessage(3, LogLevel.Warning, "{Id}: no interrupt within {Seconds} s; the device was reset and the program ended with interface-control check")]
    internal static partial void TimedOut(ILogger logger, SubchannelId id, double seconds);

    [LoggerMessage(4, LogLevel.Warning, "{Id}: the kernel refuses {What}: {Problem}")]
    internal static partial void Refused(ILogger logger, SubchannelId id, string what, string problem);

    [LoggerMessage(5, LogLevel.Error, "{Id}: the kernel does not let go of memory ({Problem}); the device is closed")]
    internal static partial void Holds(ILogger logger, SubchannelId id, string problem);
}
