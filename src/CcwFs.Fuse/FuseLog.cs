using Microsoft.Extensions.Logging;

namespace CcwFs.Fuse;

/// <summary>What a session says in the log.</summary>
internal static partial class FuseLog
{
    [LoggerMessage(1, LogLevel.Debug, "FUSE {Major}.{Minor} agreed, the kernel offered {Major}.{Offered}, flags {Flags:x8}")]
    internal static partial void Agreed(ILogger logger, uint major, uint minor, uint offered, uint flags);

    [LoggerMessage(2, LogLevel.Error, "the kernel speaks FUSE {Major}.{Minor}; 7.27 (Linux 4.18) is the oldest that is understood")]
    internal static partial void TooOld(ILogger logger, uint major, uint minor);

    [LoggerMessage(3, LogLevel.Error, "{Operation} of node {Node} gave {Result}, which is no errno that FUSE can carry: answered EIO")]
    internal static partial void ResultOutOfRange(ILogger logger, string operation, ulong node, int result);

    [LoggerMessage(4, LogLevel.Error, "{Operation} of node {Node} failed: answered EIO")]
    internal static partial void HandlerFailed(ILogger logger, string operation, ulong node, Exception exception);

    [LoggerMessage(5, LogLevel.Error, "a request of {Length} bytes with length {Stated}, operation {Operation}, is malformed: answered EIO")]
    internal static partial void Malformed(ILogger logger, int length, uint stated, string operation);

    [LoggerMessage(6, LogLevel.Error, "the kernel refused the reply to request {Unique}: errno {Errno}")]
    internal static partial void ReplyRefused(ILogger logger, ulong unique, int errno);

    [LoggerMessage(7, LogLevel.Error, "reading from the FUSE device failed: errno {Errno}; this worker ends")]
    internal static partial void DeviceFailed(ILogger logger, int errno);

    [LoggerMessage(8, LogLevel.Error, "a callback after {Operation} failed")]
    internal static partial void CallbackFailed(ILogger logger, string operation, Exception exception);

    [LoggerMessage(9, LogLevel.Debug, "FUSE over io_uring is not used: {Reason}")]
    internal static partial void NoRings(ILogger logger, string reason);

    [LoggerMessage(10, LogLevel.Debug, "FUSE over io_uring is used; queues: {Queues}, threads at the start: {Threads}")]
    internal static partial void Rings(ILogger logger, int queues, int threads);

    [LoggerMessage(11, LogLevel.Error, "a queue of FUSE over io_uring broke: {Problem}; the session ends")]
    internal static partial void RingBroke(ILogger logger, string problem);

    [LoggerMessage(12, LogLevel.Debug, "a queue of FUSE over io_uring gets no further thread: {Problem}")]
    internal static partial void NoMoreWorkers(ILogger logger, string problem);
}
