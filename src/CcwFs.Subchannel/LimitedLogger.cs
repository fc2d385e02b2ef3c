using Microsoft.Extensions.Logging;

namespace CcwFs.Subchannel;

/// <summary>A logger whose lines count against a limit, which stays the caller's; those over it are left out.</summary>
public sealed class LimitedLogger(ILogger inner, LogLimit limit) : ILogger
{
    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (inner.IsEnabled(logLevel) && limit.May())
            inner.Log(logLevel, eventId, state, exception, formatter);
    }
}
