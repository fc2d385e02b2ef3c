using System.Diagnostics;

namespace CcwFs.Emulation.Channel;

/// <summary>How long programs of emulated subchannels run on one thread, and how long others wait for them.</summary>
internal static class ChannelLimits
{
    /// <summary>CCWs of a slice on the executor, before the others get their turn (arbitrary).</summary>
    internal const int LongSlice = 512;

    /// <summary>
    /// CCWs that may run on the thread that took the start (arbitrary: more than Linux's longest request, 190 blocks by one CCW each).
    /// </summary>
    internal const int ShortSlice = 256;

    /// <summary>
    /// How long a reset waits for memory that its owner holds back (arbitrary: longer than memory takes that was swapped out); then the transfer is
    /// given up, and harms that owner alone.
    /// </summary>
    internal static readonly TimeSpan ResetPatience = TimeSpan.FromSeconds(1);

    /// <summary>As <see cref="ResetPatience"/>, where others wait too (arbitrary).</summary>
    internal static readonly TimeSpan UnplugPatience = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Transfers that may be given up and still under way (arbitrary: each holds a thread); then programs that may wait are refused as busy.
    /// </summary>
    internal const int MaxGivenUp = 8;

    /// <summary>Milliseconds between two looks at a transfer that is waited for (arbitrary).</summary>
    internal const int Look = 10;

    /// <summary>
    /// Longest time on the thread that took the start, in ticks of <see cref="Stopwatch"/> (arbitrary: a megabyte written; a hand-over wakes a thread
    /// on a cold processor).
    /// </summary>
    internal static readonly long ShortTicks = Stopwatch.Frequency / 500;
}
