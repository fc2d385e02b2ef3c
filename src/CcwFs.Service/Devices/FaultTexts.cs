using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Faults;
using CcwFs.Faults.Rules;
using CcwFs.Linux;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices;

/// <summary>The rules and the seed of a SPEC, as they are written: what a rule's words mean, the device's family says.</summary>
internal sealed class FaultTexts
{
    private readonly List<string> _rules = [];

    /// <summary>The seed of a hostile device; null: it is none.</summary>
    internal ulong? Hostile { get; set; }

    /// <summary>Nothing is injected.</summary>
    internal bool IsEmpty => _rules.Count == 0 && Hostile is null;

    /// <summary>A rule looks for a file.</summary>
    internal bool WatchesFiles { get; private set; }

    /// <summary>All rules in a line.</summary>
    internal string Line => _rules.Count == 0 ? "none" : string.Join("; ", _rules);

    /// <summary>Adds a rule that was read as <paramref name="rules"/>; gives null, or what is wrong.</summary>
    internal string? Add(string text, IReadOnlyList<FaultRule> rules)
    {
        if (_rules.Count == FaultLayer.MaxRules)
            return $"a device has at most {FaultLayer.MaxRules} rules";
        if (rules.Any(rule => rule.IsForNow))
            return "it acts when it is added, and a device that is made has nobody yet who could see it; take: ccwfs fault add";
        WatchesFiles |= rules.Any(rule => rule.File is not null);
        _rules.Add(text);
        return WrongFile(rules);
    }

    /// <summary>The rules of a device, which count for it alone; throws where it has nothing that a rule of them could act on.</summary>
    internal IReadOnlyList<FaultRule> Of(ISubchannel subchannel, SubchannelId shown)
    {
        if (_rules.Count == 0)
            return [];
        (SubchannelIdentity identity, FaultTarget target) = (subchannel.Identity, FaultLayer.TargetOf(subchannel, shown));
        List<FaultRule> all = [];
        foreach (string text in _rules)
        {
            if (FaultRule.TryParse(text, target, out IReadOnlyList<FaultRule> rules) is { } wrong)
                throw new CommandException($"device {identity.Device} ({identity.Commands}): fault={text}: {wrong}");
            all.AddRange(rules);
        }
        return all.Count <= FaultLayer.MaxRules ? all : throw new CommandException($"a device has at most {FaultLayer.MaxRules} rules");
    }

    /// <summary>
    /// Why <paramref name="caller"/> may not have these rules: they tell whether files exist that ccwfs can see. Null: he may; or he is ccwfs itself.
    /// </summary>
    internal static string? NotFor(CallerIdentity? caller, bool watchesFiles) =>
        caller is null || !watchesFiles ? null : "while= is for the user who mounted this ccwfs; leave it out";

    /// <summary>What is wrong with the files of rules; null when nothing is.</summary>
    internal static string? WrongFile(IReadOnlyList<FaultRule> rules) =>
        rules.Select(rule => rule.File).FirstOrDefault(path => path is not null && OwnMounts.IsInside(path)) is { } inside
            ? $"{inside} is inside a mounted ccwfs; take a file that is not" : null;
}
