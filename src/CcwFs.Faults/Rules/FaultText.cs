using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Faults.Rules;

/// <summary>Reads rules: <c>WHAT [TRIGGER …] -> ACTION [VALUE] [OPTION …]</c>, or <c>PRESET [TRIGGER …]</c>.</summary>
internal static class FaultText
{
    private const string Arrow = "->";

    /// <summary>See <see cref="FaultRule.TryParse"/>.</summary>
    internal static string? TryParse(string text, FaultTarget target, out IReadOnlyList<FaultRule> rules)
    {
        rules = [];
        if (text.Length > FaultRule.MaxLength)
            return $"a rule has at most {FaultRule.MaxLength} characters, and this one {text.Length}";
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return "a rule is missing; it is like: write at=100-200 nth=3 -> check data_check";
        List<FaultRule> found = [];
        string? wrong = words.Contains(Arrow) ? TryRule(words, null, target, found) : TryPreset(words, target, found);
        rules = wrong is null ? found : [];
        return wrong;
    }

    private static string? TryPreset(string[] words, FaultTarget target, List<FaultRule> found)
    {
        if (Array.Find(FaultPreset.All, preset => preset.Name == words[0]) is not { } preset)
        {
            return words.Length == 1 ? WordHints.Unknown("preset", words[0], FaultPreset.All.Select(p => p.Name), "see: ccwfs fault presets")
                : "a rule has an arrow between when and what: write nth=3 -> check data_check";
        }
        string[] triggers = [.. words.Skip(1).Select(word => word.Split('=')[0])];
        foreach (string text in preset.Rules)
        {
            string[] own = text.Split(' ');
            int arrow = Array.IndexOf(own, Arrow);
            bool isCounted = triggers.Any(word => word is "once" or "times");
            IEnumerable<string> kept = own.Take(arrow)
                .Where(word => !triggers.Contains(word.Split('=')[0]) && !(isCounted && word.Split('=')[0] is "once" or "times"));
            if (TryRule([.. kept, .. words.Skip(1), .. own.Skip(arrow)], preset.Name, target, found) is { } wrong)
                return $"{preset.Name}: {wrong}";
        }
        return null;
    }

    private static string? TryRule(string[] words, string? preset, FaultTarget target, List<FaultRule> found)
    {
        int arrow = Array.IndexOf(words, Arrow);
        if (arrow == 0)
            return "a rule begins with what it looks at: a command, a class of commands, start, halt, clear or now";
        if (FaultSubject.TryParse(words[0], target, out FaultSubject subject) is { } unfit)
            return unfit;
        var trigger = new FaultTrigger();
        HashSet<string> given = [];
        foreach (string word in words[1..arrow])
        {
            if ((given.Add(word.Split('=')[0]) ? trigger.TryAdd(word, target) : $"{WordHints.Shown(word)} is given twice") is { } wrong)
                return wrong;
        }
        if (TryAction(words[(arrow + 1)..], target, subject, out FaultAction action) is { } bad)
            return bad;
        if ((NeverMatches(words[0], target, subject, trigger, given.Count > 0) ?? NeverActs(words[0], target, subject, action)) is { } never)
            return never;
        found.Add(new FaultRule(string.Join(' ', words), preset, subject, trigger, action));
        return null;
    }

    private static string? NeverMatches(string what, FaultTarget target, FaultSubject subject, FaultTrigger trigger, bool hasTriggers)
    {
        if (subject.Kind == SubjectKind.Now && hasTriggers)
            return "now acts at once: it takes no trigger";
        if (subject is { Kind: SubjectKind.Command, IsEmpty: true })
            return $"{target.Commands.Device} has no command of the class {what}";
        if (trigger.Places is not null && !subject.HasPlaces)
            return $"{what} has no place: leave at= out, or take read or write";
        if (target.Places is { } places && trigger.Places?.Touch(0, places - 1) == false)
            return $"at: the volume has only {places} {(target.Commands.Extents == ExtentUnit.Tracks ? "tracks" : "blocks")}";
        if (trigger.Nth > 0 && (trigger.From > trigger.Nth || (trigger.Every > 0 && trigger.Nth % trigger.Every != 0)))
            return "nth= never meets the other counts";
        return null;
    }

    private static string? NeverActs(string what, FaultTarget target, FaultSubject subject, FaultAction action) => action.Kind switch
    {
        FaultKind.Stale when !subject.HasAny(CommandCode.MovesToStorage) => $"{what} stores nothing: stale is for commands that read",
        FaultKind.Torn or FaultKind.Alter when !subject.HasAny(code => target.Commands.Find(code)?.Direction != CommandDirection.None) =>
            $"{what} moves no data that torn, flip or data could change",
        _ => null,
    };

    private static string? TryAction(string[] words, FaultTarget target, FaultSubject subject, out FaultAction action)
    {
        action = new FaultAction(FaultKind.Pass);
        if (words.Length == 0)
            return $"an action is missing behind {Arrow}; it is one of {string.Join(", ", FaultActions.All.Select(row => row.Word))}";
        if (Array.Find(FaultActions.All, r => r.Word == words[0]) is not { } row)
            return WordHints.Unknown("action", words[0], FaultActions.All.Select(r => r.Word));
        if ((row.Subjects & subject.Kind) == 0)
            return $"{row.Word} is not for {subject.Kind.ToString().ToLowerInvariant()}";
        int next = row.Value is null ? 1 : 2;
        if (words.Length < next)
            return $"{row.Word} needs a value: {row.Word} {row.Value}";
        if (row.Read(next == 2 ? words[1] : "", target, out action) is { } wrong)
            return wrong;
        foreach (string option in words[next..])
        {
            if (FaultActions.TryOption(option, row, target, ref action) is { } bad)
                return bad;
        }
        if (row.Corrupts && Array.IndexOf(words, "corrupt", next) < 0)
            return $"{row.Word} damages data: say corrupt behind it";
        return null;
    }
}
