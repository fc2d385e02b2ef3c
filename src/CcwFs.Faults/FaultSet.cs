using CcwFs.ChannelIo;
using CcwFs.Faults.Rules;
using CcwFs.Memory;

namespace CcwFs.Faults;

/// <summary>A command of a program, as rules see it.</summary>
/// <param name="Ccw">Where its first CCW is, in the backend's terms.</param>
/// <param name="Code">Its code.</param>
/// <param name="Count">The count of that CCW.</param>
/// <param name="IsPlaced">It is known where it works.</param>
/// <param name="First">The first track or block.</param>
/// <param name="Last">The last one.</param>
internal readonly record struct Candidate(HostAddress Ccw, byte Code, ushort Count, bool IsPlaced, long First, long Last);

/// <summary>A rule of a device.</summary>
/// <param name="Number">Its number, for people.</param>
/// <param name="Rule">The rule.</param>
/// <param name="IsConfigured">The device's SPEC has it, else it was added by hand.</param>
/// <param name="Added">When, as the time provider counts.</param>
/// <param name="File">Its file; null: it has none.</param>
internal sealed record SetRule(int Number, FaultRule Rule, bool IsConfigured, long Added, WatchedFile? File);

/// <summary>The rules of a device at a time: immutable, but for what they count and the states that they have set.</summary>
/// <param name="rules">The rules, in order: the first one that acts does.</param>
/// <param name="states">The states that are set; locked by who looks at them.</param>
/// <param name="hostile">What a hostile device does where no rule acts; null: it is not hostile.</param>
/// <param name="time">What counts time.</param>
internal sealed class FaultSet(SetRule[] rules, HashSet<string> states, HostileDevice? hostile, TimeProvider time)
{
    /// <summary>The rules, in order.</summary>
    internal SetRule[] Rules => rules;

    /// <summary>What a hostile device does; null: it is not hostile.</summary>
    internal HostileDevice? Hostile => hostile;

    /// <summary>Some rule may act on a command, if the rest of it fits.</summary>
    internal bool LooksAt(in Candidate command)
    {
        if (hostile is not null)
            return true;
        foreach (SetRule rule in rules)
        {
            if (Fits(rule.Rule, command))
                return true;
        }
        return false;
    }

    /// <summary>
    /// The next rule that wants to act on a command now, from the rule of this number on, which becomes that of the one behind it; null: none does.
    /// Rules that fit count.
    /// </summary>
    internal FaultRule? Decide(in Candidate command, ref int next)
    {
        while (next < rules.Length)
        {
            SetRule rule = rules[next++];
            if (Fits(rule.Rule, command) && IsOn(rule) && rule.Rule.TakesTurn())
                return rule.Rule;
        }
        return null;
    }

    /// <summary>The same for a function.</summary>
    internal FaultRule? Decide(SubjectKind function, ref int next)
    {
        while (next < rules.Length)
        {
            SetRule rule = rules[next++];
            if (rule.Rule.Subject.Kind == function && IsOn(rule) && rule.Rule.TakesTurn())
                return rule.Rule;
        }
        return null;
    }

    /// <summary>A rule may alter the data of a command.</summary>
    internal static bool Alters(FaultRule rule, in Candidate command) => rule.Action.Kind == FaultKind.Alter && Fits(rule, command);

    private static bool Fits(FaultRule rule, in Candidate command) =>
        rule.Subject.Kind == SubjectKind.Command && rule.Subject.Has(command.Code, command.IsPlaced)
        && (rule.Trigger.Places is not { } places || (command.IsPlaced && places.Touch(command.First, command.Last)));

    private bool IsOn(SetRule rule)
    {
        FaultTrigger trigger = rule.Rule.Trigger;
        if (trigger.Lasts is { } lasts && time.GetElapsedTime(rule.Added) >= lasts)
            return false;
        if (rule.File is { Exists: false })
            return false;
        if (trigger.State is not { } state)
            return true;
        lock (states)
            return states.Contains(state) != trigger.IsWithoutState;
    }
}
