using Microsoft.Extensions.Logging;

namespace CcwFs.Subchannel;

/// <summary>
/// Keeps a client from filling the log: so many lines in a <see cref="Period"/>, then none until it is over; then one says how many were left out.
/// One object per kind of line and subchannel, small until its first line. Thread-safe; what was left out is told without locks, on a timer's thread
/// or by Dispose.
/// </summary>
public sealed partial class LogLimit : IDisposable
{
    /// <summary>Lines in a period (arbitrary: enough to see what is going on).</summary>
    public const int Lines = 10;

    private readonly ILogger? _logger; // null: _leftOut is called
    private readonly object? _whoseOrTeller;
    private readonly string _what;
    private readonly TimeProvider _time;
    private readonly int _most;
    private Count? _count; // made by the first line
    private volatile bool _isDisposed;

    /// <summary>A limit of <paramref name="lines"/> lines; <paramref name="leftOut"/> is told how many were left out.</summary>
    public LogLimit(TimeProvider time, Action<int> leftOut, int lines = Lines) => (_time, _whoseOrTeller, _what, _most) = (time, leftOut, "", lines);

    private LogLimit(ILogger logger, string what, object? subject, TimeProvider time, int lines) =>
        (_logger, _what, _whoseOrTeller, _time, _most) = (logger, what, subject, time, lines);

    /// <summary>A period, which begins with its first line (arbitrary).</summary>
    public static TimeSpan Period { get; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A limit of the lines about <paramref name="what"/>, which says in a log how many were left out; <paramref name="subject"/>: whose lines they
    /// are, as each of them begins; null: they begin with no name. <paramref name="time"/>: null: the system's.
    /// </summary>
    public static LogLimit Of(ILogger logger, string what, object? subject = null, TimeProvider? time = null, int lines = Lines) =>
        new(logger, what, subject, time ?? TimeProvider.System, lines);

    /// <summary>Counts a line; true: it may be written.</summary>
    public bool May()
    {
        Count count = LazyInitializer.EnsureInitialized(ref _count)!;
        lock (count)
        {
            if (count.LeftOut == 0 && count.Lines > 0 && _time.GetElapsedTime(count.Begin) >= Period)
                count.Lines = 0;
            if (count.Lines == 0)
                count.Begin = _time.GetTimestamp();
            if (count.Lines < _most || _isDisposed)
            {
                count.Lines++;
                return true;
            }
            if (count.LeftOut++ == 0)
            {
                count.Timer ??= _time.CreateTimer(_ => End(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                count.Timer.Change(Period - _time.GetElapsedTime(count.Begin), Timeout.InfiniteTimeSpan);
            }
            return false;
        }
    }

    /// <summary>Says what was left out so far; later lines are not limited.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        if (Volatile.Read(ref _count) is not { } count)
            return;
        lock (count)
            count.Timer?.Dispose();
        End();
    }

    [LoggerMessage(1, LogLevel.Warning, "{Subject}{Count} more lines about {What} were left out")]
    private static partial void LeftOut(ILogger logger, string subject, int count, string what);

    private void End()
    {
        int leftOut;
        lock (_count!)
            (leftOut, _count.LeftOut, _count.Lines) = (_count.LeftOut, 0, 0);
        if (leftOut == 0)
            return;
        if (_logger is not null)
            LeftOut(_logger, _whoseOrTeller is null ? "" : $"{_whoseOrTeller}: ", leftOut, _what);
        else
            ((Action<int>)_whoseOrTeller!)(leftOut);
    }

    /// <summary>Of a period; locked by who looks at it.</summary>
    private sealed class Count
    {
        internal ITimer? Timer { get; set; }

        /// <summary>Of the period, as the time provider counts.</summary>
        internal long Begin { get; set; }

        /// <summary>Lines of the period.</summary>
        internal int Lines { get; set; }

        /// <summary>Lines of the period that were left out; while there are any, the timer ends it.</summary>
        internal int LeftOut { get; set; }
    }
}
