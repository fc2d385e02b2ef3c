using CcwFs.Faults.Rules;

namespace CcwFs.Faults;

/// <summary>A rule of a device, for people.</summary>
/// <param name="Number">Its number, as long as it is there.</param>
/// <param name="Rule">The rule, which counts.</param>
public readonly record struct NumberedRule(int Number, FaultRule Rule);

/// <summary>The rules that a device has, which come and go while it runs. Thread-safe; Dispose ends what watches files.</summary>
internal sealed class RuleBook(TimeProvider time) : IDisposable
{
    /// <summary>Most rules of a device (arbitrary).</summary>
    internal const int MaxRules = 64;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _states = [];
    private volatile FaultSet? _set;
    private int _last; // number given
    private bool _isOver;

    /// <summary>The rules now; null: there are none.</summary>
    internal FaultSet? Set => _set;

    /// <summary>Adds rules, all or none; gives their numbers, or null where they would be too many.</summary>
    internal IReadOnlyList<int>? Add(IReadOnlyList<FaultRule> rules)
    {
        WatchedFile?[] files = Watch(rules);
        lock (_gate)
        {
            SetRule[] before = [.. Rules];
            if (!_isOver && before.Length + rules.Count <= MaxRules)
            {
                SetRule[] added = [.. rules.Zip(files, (rule, file) => Number(rule, file, isConfigured: false))];
                Replace([.. before, .. added], _set?.Hostile);
                return [.. added.Select(rule => rule.Number)];
            }
        }
        EndAll(files);
        return _isOver ? [] : null;
    }

    /// <summary>Takes the rules of a SPEC in place of those that it had before. The same ones stay, and go on counting.</summary>
    internal void Configure(IReadOnlyList<FaultRule> rules, ulong? hostile)
    {
        WatchedFile?[] files = Watch(rules), unused;
        lock (_gate)
        {
            List<SetRule> own = [.. Rules.Where(rule => rule.IsConfigured)];
            SetRule[] now = [.. rules.Zip(files, Keep)];
            unused = [.. own.Select(rule => rule.File), .. files.Except(now.Select(rule => rule.File))];
            HostileDevice? device = hostile is not { } seed ? null : _set?.Hostile is { } same && same.Seed == seed ? same : new HostileDevice(seed);
            Replace([.. now, .. Rules.Where(rule => !rule.IsConfigured)], device);

            SetRule Keep(FaultRule rule, WatchedFile? file)
            {
                int same = own.FindIndex(had => had.Rule.Title == rule.Title);
                SetRule kept = same < 0 ? Number(rule, file, isConfigured: true) : own[same];
                if (same >= 0)
                    own.RemoveAt(same);
                return kept;
            }
        }
        EndAll(unused);
    }

    /// <summary>A rule has acted: it counts, and its states are set and end.</summary>
    internal void Acted(FaultRule rule)
    {
        rule.Count();
        lock (_states)
        {
            if (rule.Action.Sets is { } set)
                _states.Add(set);
            if (rule.Action.Unsets is { } unset)
                _states.Remove(unset);
        }
    }

    /// <summary>Takes a rule away, or all of them (null). False: there is none.</summary>
    internal bool Remove(int? number)
    {
        lock (_gate)
        {
            SetRule[] gone = [.. Rules.Where(rule => number is null || rule.Number == number)];
            EndAll(gone.Select(rule => rule.File));
            Replace([.. Rules.Except(gone)], _set?.Hostile);
            return gone.Length > 0 || number is null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
            _isOver = true;
        Remove(null);
    }

    private IEnumerable<SetRule> Rules => _set?.Rules ?? [];

    /// <summary>Without the gate: who looks for a file may wait for a file system, and programs are not to wait for him.</summary>
    private WatchedFile?[] Watch(IEnumerable<FaultRule> rules) =>
        [.. rules.Select(rule => rule.File is { } path ? new WatchedFile(path, time) : null)];

    private static void EndAll(IEnumerable<WatchedFile?> files)
    {
        foreach (WatchedFile? file in files)
            file?.Dispose();
    }

    private SetRule Number(FaultRule rule, WatchedFile? file, bool isConfigured) => new(++_last, rule, isConfigured, time.GetTimestamp(), file);

    private void Replace(SetRule[] rules, HostileDevice? hostile)
    {
        lock (_states)
            _states.RemoveWhere(state => !Array.Exists(rules, rule => rule.Rule.Action.Sets == state)); // nobody is left to end it
        _set = rules.Length == 0 && hostile is null ? null : new FaultSet(rules, _states, hostile, time);
    }
}
