using Microsoft.Extensions.Logging;

namespace CcwFs.Replay;

/// <summary>Log lines of devices that replay a recording.</summary>
internal static partial class ReplayLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Device}: a program was not recorded: {What}")]
    internal static partial void Diverged(ILogger logger, string device, string what);
}
