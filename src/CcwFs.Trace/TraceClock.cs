using System.Diagnostics;

namespace CcwFs.Trace;

/// <summary>
/// The clock of all events: nanoseconds since 1970 when this process began, and from then on by the monotonic clock, so that differences are right
/// whatever happens to the time of day.
/// </summary>
public static class TraceClock
{
    private const long NanosecondsPerSecond = 1_000_000_000, NanosecondsPerTick = 100;

    private static readonly long s_offset = ((DateTime.UtcNow - DateTime.UnixEpoch).Ticks * NanosecondsPerTick) - Monotonic();

    /// <summary>The time now.</summary>
    public static long Now => Monotonic() + s_offset;

    private static long Monotonic() => Stopwatch.Frequency == NanosecondsPerSecond
        ? Stopwatch.GetTimestamp() : (long)(Stopwatch.GetTimestamp() * ((double)NanosecondsPerSecond / Stopwatch.Frequency));
}
