using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using Microsoft.Extensions.Logging;

namespace CcwFs.Subchannel;

/// <summary>
/// What a device says of its programs; each kind of line that a program can cause as often as it is started has a limit of its own. Thread-safe.
/// </summary>
internal sealed class ProgramLog : IDisposable
{
    private readonly ILogger _logger;
    private readonly SubchannelId _id;
    private readonly LogLimit _programs, _failures;
    private int _warnedPrefetch; // 1: said so

    internal ProgramLog(ILogger logger, SubchannelId id, TimeProvider time)
    {
        (_logger, _id) = (logger, id);
        _programs = LogLimit.Of(logger, "programs that could not be translated or prefetched", id, time);
        _failures = LogLimit.Of(logger, "programs that failed", id, time);
    }

    internal void PrefetchNotAllowed()
    {
        if (Interlocked.Exchange(ref _warnedPrefetch, 1) == 0)
            DeviceLog.PrefetchNotAllowed(_logger, _id);
    }

    internal void NotTranslated(TranslationFault fault)
    {
        if (_programs.May())
            DeviceLog.NotTranslated(_logger, _id, fault.CcwAddress.Value, fault.Reason);
    }

    internal void Unfetched(uint address)
    {
        if (_programs.May())
            DeviceLog.Unfetched(_logger, _id, address);
    }

    internal void Failed(Exception failure)
    {
        if (_failures.May())
            DeviceLog.Failed(_logger, _id, failure);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _programs.Dispose();
        _failures.Dispose();
    }
}
