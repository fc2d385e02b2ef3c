using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Vfio.Backend;

/// <summary>The log messages of this room; subchannel first.</summary>
internal static partial class BackendLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Id}: the device behind it, {Path}, is gone")]
    internal static partial void Gone(ILogger logger, SubchannelId id, string path);

    [LoggerMessage(2, LogLevel.Warning, "{Id}: the kernel asks for {Path} back")]
    internal static partial void Asked(ILogger logger, SubchannelId id, string path);

    [LoggerMessage(3, LogLevel.Warning,
        "{Id}: no interrupt within {Seconds} s; the device was reset and the program ended with interface-control check")]
    internal static partial void TimedOut(ILogger logger, SubchannelId id, double seconds);

    [LoggerMessage(4, LogLevel.Warning, "{Id}: the kernel refuses {What}: {Problem}")]
    internal static partial void Refused(ILogger logger, SubchannelId id, string what, string problem);

    [LoggerMessage(5, LogLevel.Error, "{Id}: the kernel does not let go of memory ({Problem}); the device is closed")]
    internal static partial void Holds(ILogger logger, SubchannelId id, string problem);

    [LoggerMessage(6, LogLevel.Error, "{Id}: waiting for interrupts failed in a way that it should not; the device is given up, please report this")]
    internal static partial void Failed(ILogger logger, SubchannelId id, Exception failure);

    [LoggerMessage(7, LogLevel.Warning, "{Id}: the kernel takes no IDAWs of 2K blocks (Linux before 6.3), and a program's blocks cannot be joined: use format-2 IDAWs of 4K (ORB H on, T off)")]
    internal static partial void NoSmallBlocks(ILogger logger, SubchannelId id);

    [LoggerMessage(8, LogLevel.Information, "{Id}: the device did not say what it is: {Problem}")]
    internal static partial void Unidentified(ILogger logger, SubchannelId id, string problem);

    [LoggerMessage(10, LogLevel.Warning, "{Id}: the kernel refuses a program whose TICs link {Chains} chains; kernels from 2026 on take at most {Most}: link fewer, or put the CCWs one after the other")]
    internal static partial void ManyChains(ILogger logger, SubchannelId id, int chains, int most);
}

/// <summary>
/// Where the lines about a device go: those that a program can cause as often as it is started have a limit for each kind. Thread-safe.
/// </summary>
internal sealed class DeviceLoggers(ILogger logger, SubchannelId id) : IDisposable
{
    /// <summary>Without a limit.</summary>
    internal ILogger Device => logger;

    internal LimitedLogger Refusals { get; } = new(logger, "what the kernel refuses", id);

    internal LimitedLogger Programs { get; } = new(logger, "programs that the kernel does not take", id);

    internal LimitedLogger Timeouts { get; } = new(logger, "interrupts that did not come", id);

    /// <summary>Says what was left out so far.</summary>
    public void Dispose()
    {
        Refusals.Dispose();
        Programs.Dispose();
        Timeouts.Dispose();
    }
}
