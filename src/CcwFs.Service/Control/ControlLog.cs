using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Control;

/// <summary>The log messages of the control file.</summary>
internal static partial class ControlLog
{
    [LoggerMessage(1, LogLevel.Error, "a control request failed")]
    internal static partial void Failed(ILogger logger, Exception error);
}
