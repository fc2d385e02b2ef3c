using System.Diagnostics;

namespace CcwFs.Linux;

/// <summary>What a signal that asks for the end means.</summary>
public enum SignalMeaning
{
    /// <summary>The first: end in order.</summary>
    End,

    /// <summary>The first once more: its sender sent it to the process and to its group, as timeout(1) does.</summary>
    Same,

    /// <summary>A second one: wait for nothing any more.</summary>
    AtOnce,
}

/// <summary>Tells the first signal, and those that come with it, from a second one. Thread-safe.</summary>
public sealed class SignalWatch
{
    /// <summary>A signal is a second one when it comes so long after the first (arbitrary: longer than a sender needs for both).</summary>
    public static readonly TimeSpan Apart = TimeSpan.FromSeconds(1);

    private long _first; // as Stopwatch counts; 0: none came yet

    /// <summary>A signal came.</summary>
    public SignalMeaning Take()
    {
        long now = Stopwatch.GetTimestamp();
        long first = Interlocked.CompareExchange(ref _first, now, 0);
        return first == 0 ? SignalMeaning.End : Stopwatch.GetElapsedTime(first, now) < Apart ? SignalMeaning.Same : SignalMeaning.AtOnce;
    }
}
