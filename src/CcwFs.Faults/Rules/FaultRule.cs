namespace CcwFs.Faults.Rules;

/// <summary>
/// A rule: what it looks at, when it acts, and what it does. Its words are immutable; it counts. Rules of a device are asked by one thread at a time.
/// </summary>
public sealed class FaultRule
{
    /// <summary>Most characters of a rule (arbitrary).</summary>
    public const int MaxLength = 512;

    private readonly Lock _gate = new();
    private SeededRandom _random; // guarded by _gate, as are the counters when they change
    private long _seen, _injected;

    internal FaultRule(string text, string? preset, FaultSubject subject, FaultTrigger trigger, FaultAction action)
    {
        (Text, Preset, Subject, Trigger, Action) = (text, preset, subject, trigger, action);
        _random = new SeededRandom(trigger.Seed);
    }

    /// <summary>The rule, with one blank between its words.</summary>
    public string Text { get; }

    /// <summary>The preset that it is of; null: of none.</summary>
    public string? Preset { get; }

    /// <summary>How often what it looks at came.</summary>
    public long Seen => Interlocked.Read(ref _seen);

    /// <summary>How often it has acted.</summary>
    public long Injected => Interlocked.Read(ref _injected);

    /// <summary>The file that must exist for it to act; null: none.</summary>
    public string? File => Trigger.File;

    /// <summary>It acts once, when it is added, and is not kept.</summary>
    public bool IsForNow => Subject.Kind == SubjectKind.Now;

    /// <summary>The rule for people: with its preset, if it is of one.</summary>
    public string Title => Preset is null ? Text : $"{Preset}: {Text}";

    internal FaultSubject Subject { get; }

    internal FaultTrigger Trigger { get; }

    internal FaultAction Action { get; }

    /// <summary>
    /// Reads a rule, or a preset with further triggers, for a device; gives null, or what is wrong in one line. A preset may be several rules.
    /// </summary>
    public static string? TryParse(string text, FaultTarget target, out IReadOnlyList<FaultRule> rules) =>
        FaultText.TryParse(text, target, out rules);

    /// <summary>It would act where what it looks at came once more after so many times; with a probability: perhaps. Does not count.</summary>
    internal bool MayTakeTurn(int ahead) => Injected < Trigger.Times && Trigger.IsTurn(Seen + ahead + 1);

    /// <summary>It acts with a probability.</summary>
    internal bool IsByChance => Trigger.Chance < 1;

    /// <summary>It acts now: what it looks at is there, and so is everything else but its turn. Counts.</summary>
    internal bool TakesTurn()
    {
        lock (_gate)
        {
            _seen++;
            bool acts = _injected < Trigger.Times && Trigger.IsTurn(_seen);
            return acts && (Trigger.Chance >= 1 || _random.Happens(Trigger.Chance));
        }
    }

    /// <summary>It has acted.</summary>
    internal void Count()
    {
        lock (_gate)
            _injected++;
    }

    /// <summary>The rule.</summary>
    public override string ToString() => Text;
}
