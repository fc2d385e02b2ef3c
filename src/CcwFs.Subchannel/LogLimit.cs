namespace CcwFs.Subchannel;

/// <summary>
/// Keeps a client from filling the log: <paramref name="lines"/> lines in a <see cref="Period"/>, then none until it is over; then one says how many
/// were left out. One object per kind of line and subchannel. Thread-safe; <paramref name="leftOut"/> is called without locks, on a timer's thread or
/// by Dispose.
/// </summary>
public sealed class LogLimit(TimeProvider time, Action<int> leftOut, int lines = LogLimit.Lines) : IDisposable
{
    /// <summary>Lines in a period (arbitrary: enough to see what is going on).</summary>
    public const int Lines = 10;

    private readonly Lock _gate = new();
    private ITimer? _timer;   // all fields: guarded by _gate
    private long _begin;      // of the period, as the time provider counts
    private int _lines;       // of the period
    private int _leftOut;     // lines of the period; while there are any, the timer ends it
    private bool _isDisposed;

    /// <summary>A period, which begins with its first line (arbitrary).</summary>
    public static TimeSpan Period { get; } = TimeSpan.FromMinutes(1);

    /// <summary>Counts a line; true: it may be written.</summary>
    public bool May()
    {
        lock (_gate)
        {
            if (_leftOut == 0 && _lines > 0 && time.GetElapsedTime(_begin) >= Period)
                _lines = 0;
            if (_lines == 0)
                _begin = time.GetTimestamp();
            if (_lines < lines || _isDisposed)
            {
                _lines++;
                return true;
            }
            if (_leftOut++ == 0)
            {
                _timer ??= time.CreateTimer(_ => End(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _timer.Change(Period - time.GetElapsedTime(_begin), Timeout.InfiniteTimeSpan);
            }
            return false;
        }
    }

    /// <summary>Says what was left out so far; later lines are not limited.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
        End();
    }

    private void End()
    {
        int count;
        lock (_gate)
            (count, _leftOut, _lines) = (_leftOut, 0, 0);
        if (count > 0)
            leftOut(count);
    }
}
