using CcwFs.Faults.Rules;
using CcwFs.Subchannel;

namespace CcwFs.Faults;

/// <summary>
/// What a rule does with a channel path, step by step; a rule that comes later ends what an earlier one has not done. Thread-safe; called without the
/// caller's locks. Dispose ends it.
/// </summary>
internal sealed class PathSteps(IChannelPaths paths, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(100); // arbitrary

    private readonly Lock _gate = new();
    private ITimer? _timer;
    private int _turn; // of the rule that came last
    private bool _isOver;

    /// <summary>Does the first step, and the others a tenth of a second after each other.</summary>
    internal void Begin(FaultAction action)
    {
        int turn;
        lock (_gate)
        {
            if (_isOver)
                return;
            _timer?.Dispose();
            turn = ++_turn;
        }
        Do(action, 0, turn);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _turn++;
            _isOver = true;
        }
    }

    private void Do(FaultAction action, int number, int turn)
    {
        lock (_gate)
        {
            if (turn != _turn)
                return;
            _timer?.Dispose();
            _timer = number + 1 < action.Path.Count
                ? time.CreateTimer(_ => Do(action, number + 1, turn), null, s_between, Timeout.InfiniteTimeSpan) : null;
        }
        paths.SetPath(action.Bits, action.Path[number]);
    }
}
