using CcwFs.Service.Logs;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Service.Reload;

/// <summary>
/// Where reloads tell what they do: all lines of one, or none, for a signal that comes again and again must not fill the log. Thread-safe.
/// </summary>
internal sealed class ReloadLog(ILogger log) : IDisposable
{
    private readonly LogLimit _limit = new(TimeProvider.System, count => ServiceLog.LeftOut(log, count));

    /// <summary>For what the next SIGHUP causes.</summary>
    internal ILogger Next() => _limit.May() ? log : NullLogger.Instance;

    /// <summary>Says what was left out so far.</summary>
    public void Dispose() => _limit.Dispose();
}
