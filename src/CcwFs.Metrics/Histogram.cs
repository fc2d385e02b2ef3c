using System.Diagnostics;

namespace CcwFs.Metrics;

/// <summary>
/// How long things took: how many of them lasted at most so long, in buckets that are always the same. One thread at a time adds; others may read
/// meanwhile, and see what they see. Adding allocates nothing.
/// </summary>
public sealed class Histogram
{
    /// <summary>
    /// The upper bounds in seconds, rising, as OpenMetrics wants them written (1, 2, 5 from 10 microseconds to 10 seconds, arbitrary); one more
    /// bucket has what lasted longer.
    /// </summary>
    private static readonly (string Text, double Seconds)[] s_bounds =
    [
        ("1e-05", 1e-5), ("2e-05", 2e-5), ("5e-05", 5e-5), ("0.0001", 1e-4), ("0.0002", 2e-4), ("0.0005", 5e-4), ("0.001", 1e-3), ("0.002", 2e-3),
        ("0.005", 5e-3), ("0.01", 1e-2), ("0.02", 2e-2), ("0.05", 5e-2), ("0.1", 0.1), ("0.2", 0.2), ("0.5", 0.5), ("1.0", 1), ("2.0", 2),
        ("5.0", 5), ("10.0", 10),
    ];

    private static readonly long[] s_ticks = [.. s_bounds.Select(bound => (long)(bound.Seconds * Stopwatch.Frequency))];

    private readonly long[] _counts = new long[s_bounds.Length + 1];
    private long _sum; // ticks of the stopwatch

    /// <summary>Names of the bounds, in order; the last bucket's is +Inf.</summary>
    internal static IEnumerable<string> BoundTexts => s_bounds.Select(bound => bound.Text).Append("+Inf");

    /// <summary>Seconds in all.</summary>
    internal double Sum => (double)Volatile.Read(ref _sum) / Stopwatch.Frequency;

    /// <summary>How many there were, bucket by bucket, each with those below it: the last one is all of them.</summary>
    internal long[] Cumulated()
    {
        long[] counts = [.. _counts];
        for (int i = 1; i < counts.Length; i++)
            counts[i] += counts[i - 1];
        return counts;
    }

    /// <summary>The bound of the bucket that a part of all is in or below, in seconds; infinite beyond the last bound, and 0 of nothing.</summary>
    internal double AtMost(double part)
    {
        long[] counts = Cumulated();
        if (counts[^1] == 0)
            return 0;
        int bucket = Array.FindIndex(counts, count => count >= part * counts[^1]);
        return bucket < s_bounds.Length ? s_bounds[bucket].Seconds : double.PositiveInfinity;
    }

    /// <summary>Adds one that took so many ticks of the stopwatch.</summary>
    internal void Add(long ticks)
    {
        int bucket = 0;
        while (bucket < s_ticks.Length && ticks > s_ticks[bucket])
            bucket++;
        _counts[bucket]++;
        Volatile.Write(ref _sum, _sum + ticks);
    }
}
