using Microsoft.Extensions.Logging;

namespace CcwFs.Subchannel;

/// <summary>A logger whose lines count against a limit; those over it are left out.</summary>
public sealed class LimitedLogger(ILogger inner, LogLimit limit) : ILogger, IDisposable
{
    /// <summary>A logger with a limit of its own, <see cref="LogLimit.Of"/> the same log.</summary>
    public LimitedLogger(ILogger inner, string what, object? subject = null)
        : this(inner, LogLimit.Of(inner, what, subject))
    {
    }

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

    /// <summary>Ends the limit, which says what was left out so far.</summary>
    public void Dispose() => limit.Dispose();
}
