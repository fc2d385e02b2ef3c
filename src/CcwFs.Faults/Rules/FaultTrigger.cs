using System.Globalization;
using CcwFs.CommandSets;

namespace CcwFs.Faults.Rules;

/// <summary>When a rule acts on what its subject names. Words that are not there say nothing.</summary>
internal sealed class FaultTrigger
{
    private const int MaxCount = 1_000_000_000; // arbitrary

    /// <summary>One row per word.</summary>
    private static readonly TriggerRow[] s_rows =
    [
        new("at", "RANGES", "Only for these tracks (C/H-C/H, or cylinders C-C) or blocks (N-N), with dots between ranges.", SetPlaces),
        new("nth", "N", "Only the N-th time.", static (t, v, _) => SetCount(v, n => t.Nth = n)),
        new("every", "N", "Every N-th time.", static (t, v, _) => SetCount(v, n => t.Every = n)),
        new("from", "N", "The N-th time, and from then on.", static (t, v, _) => SetCount(v, n => t.From = n)),
        new("once", null, "One time, and then no more.", static (t, _, _) => SetCount("1", n => t.Times = n)),
        new("times", "N", "N times, and then no more.", static (t, v, _) => SetCount(v, n => t.Times = n)),
        new("chance", "P%", "With this probability.", SetChance),
        new("seed", "N", "The seed of chance=; the same seed gives the same choices. The default is 1.",
            static (t, v, _) => WordHints.TryNumber(v, 0, long.MaxValue, out long seed) ?? Assign(t.Seed = (ulong)seed)),
        new("for", "TIME", "For so long after the rule was added.",
            static (t, v, _) => WordHints.TryTime(v, out TimeSpan time) ?? Assign(t.Lasts = time)),
        new("while", "PATH", "While a file exists. It is looked for ten times a second.",
            static (t, v, _) => v.StartsWith('/') ? Assign(t.File = v) : $"{WordHints.Shown(v)} is no absolute path"),
        new("state", "NAME", "While a rule of the device has set this state; state=!NAME: while none has.", SetState),
    ];

    internal static IEnumerable<FaultWord> Words => s_rows.Select(row => new FaultWord(row.Word, row.Value, row.Help));

    internal ExtentRanges? Places { get; private set; }

    internal long Nth { get; private set; }

    internal long Every { get; private set; }

    internal long From { get; private set; }

    internal long Times { get; private set; } = long.MaxValue;

    /// <summary>Of 1; 1: always.</summary>
    internal double Chance { get; private set; } = 1;

    internal ulong Seed { get; private set; } = 1;

    internal TimeSpan? Lasts { get; private set; }

    internal string? File { get; private set; }

    internal string? State { get; private set; }

    internal bool IsWithoutState { get; private set; }

    /// <summary>Takes a word in; gives null, or what is wrong with it.</summary>
    internal string? TryAdd(string text, FaultTarget target)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string word = equals < 0 ? text : text[..equals];
        TriggerRow? row = Array.Find(s_rows, r => r.Word == word);
        if (row is null)
            return WordHints.Unknown("trigger", word, s_rows.Select(r => r.Word));
        if (row.Value is null != equals < 0)
            return row.Value is null ? $"{word} takes no value" : $"{word} needs a value: {word}={row.Value}";
        return row.Set(this, text[(equals + 1)..], target) is { } wrong ? $"{word}: {wrong}" : null;
    }

    /// <summary>The count of matches is one at which the rule acts.</summary>
    internal bool IsTurn(long count) => (Nth == 0 || count == Nth) && (Every == 0 || count % Every == 0) && count >= From;

    private static string? Assign(object? _) => null;

    private static string? SetCount(string text, Action<long> set)
    {
        if (WordHints.TryNumber(text, 1, MaxCount, out long number) is { } wrong)
            return wrong;
        set(number);
        return null;
    }

    private static string? SetPlaces(FaultTrigger trigger, string text, FaultTarget target)
    {
        string? wrong = ExtentRanges.TryParse(text, target.Commands, out ExtentRanges? places);
        trigger.Places = places;
        return wrong;
    }

    private static string? SetChance(FaultTrigger trigger, string text, FaultTarget target)
    {
        bool good = text.EndsWith('%')
            & double.TryParse(
                text.AsSpan(0, Math.Max(text.Length - 1, 0)), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent)
            && percent is > 0 and <= 100;
        trigger.Chance = percent / 100;
        return good ? null : $"{WordHints.Shown(text)} is no probability over 0% and up to 100%";
    }

    private static string? SetState(FaultTrigger trigger, string text, FaultTarget target)
    {
        trigger.IsWithoutState = text.StartsWith('!');
        trigger.State = text.TrimStart('!');
        return WordHints.WrongName(trigger.State);
    }

    private sealed record TriggerRow(string Word, string? Value, string Help, Func<FaultTrigger, string, FaultTarget, string?> Set);
}
