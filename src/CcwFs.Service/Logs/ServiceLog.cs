using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Logs;

/// <summary>The log messages of the service.</summary>
internal static partial class ServiceLog
{
    [LoggerMessage(1, LogLevel.Information, "{Change}")]
    internal static partial void Changed(ILogger logger, string change);

    [LoggerMessage(2, LogLevel.Error, "{Error}")]
    internal static partial void Wrong(ILogger logger, string error);

    [LoggerMessage(3, LogLevel.Warning, "{Key} changed in the configuration; only a new mount takes that")]
    internal static partial void NeedsNewMount(ILogger logger, string key);

    [LoggerMessage(4, LogLevel.Information, "reload {Result}")]
    internal static partial void Ended(ILogger logger, string result);

    [LoggerMessage(5, LogLevel.Error, "the reload failed")]
    internal static partial void Failed(ILogger logger, Exception error);

    [LoggerMessage(6, LogLevel.Warning, "SIGHUP: there is no --config to read again")]
    internal static partial void NothingToReload(ILogger logger);

    [LoggerMessage(8, LogLevel.Debug, "to do: {Change}")]
    internal static partial void Planned(ILogger logger, string change);

    [LoggerMessage(7, LogLevel.Warning, "{Count} more SIGHUPs are not logged")]
    internal static partial void LeftOut(ILogger logger, int count);
}
