using Microsoft.Extensions.Logging;

namespace CcwFs.Fuse;

/// <summary>
/// A logger that never throws. What failed may have been memory, which a line needs too, and an exception on a thread of a session would end the
/// process: the line is lost, the request is answered.
/// </summary>
public sealed class GuardedLogger(ILogger inner) : ILogger
{
    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // There is no one left to tell.
        }
    }
}
