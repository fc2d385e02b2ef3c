using CcwFs.Subchannel;

namespace CcwFs.Emulation;

/// <summary>
/// Lines for people that can come again and again: each kind has its own limit (<see cref="LogLimit"/>), so that a flood of one hides no other. Not
/// thread-safe.
/// </summary>
/// <param name="limitOf">Makes the limit of a kind.</param>
internal sealed class LimitedLines(Func<string, LogLimit> limitOf) : IDisposable
{
    private readonly Dictionary<string, LogLimit> _limits = [];

    /// <summary>Counts a line about <paramref name="what"/>; true: it may be written.</summary>
    public bool May(string what)
    {
        if (!_limits.TryGetValue(what, out LogLimit? limit))
            _limits.Add(what, limit = limitOf(what));
        return limit.May();
    }

    /// <summary>Says what was left out so far.</summary>
    public void Dispose()
    {
        foreach (LogLimit limit in _limits.Values)
            limit.Dispose();
    }
}
