using CcwFs.ChannelIo.Text;
using CcwFs.Fuse;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Logs;

/// <summary>
/// Loggers whose lines hold no character that is not shown (<see cref="VisibleText"/>), also where a user chose the names in them, and that never
/// throw (<see cref="GuardedLogger"/>).
/// </summary>
internal sealed class VisibleLoggers(ILoggerFactory inner) : ILoggerFactory
{
    private long _lines; // Interlocked

    /// <summary>Lines that were given to the loggers so far.</summary>
    internal long Lines => Interlocked.Read(ref _lines);

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public ILogger CreateLogger(string categoryName) => new GuardedLogger(new VisibleLogger(this, inner.CreateLogger(categoryName)));

    public void Dispose() => inner.Dispose();

    private sealed class VisibleLogger(VisibleLoggers owner, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!inner.IsEnabled(logLevel))
                return;
            inner.Log(logLevel, eventId, Line(state, exception, formatter), exception: null, static (line, _) => line);
            Interlocked.Increment(ref owner._lines);
        }

        /// <summary>The exception is a part of the line: the console would write it as it is.</summary>
        private static string Line<TState>(TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            VisibleText.Of(formatter(state, exception) + (exception is null ? "" : $" {exception}".ReplaceLineEndings(" ")));
    }
}
