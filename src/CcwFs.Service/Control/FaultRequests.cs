using System.Globalization;
using CcwFs.Control;
using CcwFs.Faults;
using CcwFs.Faults.Rules;
using CcwFs.Service.Devices;
using CcwFs.Subchannel;

namespace CcwFs.Service.Control;

/// <summary>Requests of the control file about the faults of a device: to add a rule, to list them, to remove one or all.</summary>
internal static class FaultRequests
{
    private static readonly Dictionary<string, Func<FaultLayer, ControlRequest, ControlCaller, ControlReply>> s_actions = new()
    {
        ["add"] = Add,
        ["list"] = (layer, _, _) => List(layer),
        ["remove"] = (layer, request, _) => Remove(layer, request),
    };

    /// <summary>Carries a request out.</summary>
    internal static ControlReply CarryOut(VfioCcwDevice device, ControlRequest request, ControlCaller caller) =>
        s_actions.TryGetValue(request.Action ?? "", out var action) ? action(Layers.FaultsOf(device), request, caller)
            : throw new CommandException($"the \"action\" of a fault is one of {string.Join(", ", s_actions.Keys)}", CommandException.WrongUsage);

    private static ControlReply Add(FaultLayer layer, ControlRequest request, ControlCaller caller)
    {
        if (FaultRule.TryParse(request.Rule ?? "", layer.Target, out IReadOnlyList<FaultRule> rules) is { } wrong)
            throw new CommandException(wrong, CommandException.WrongUsage);
        bool watches = rules.Any(rule => rule.File is not null);
        if (FaultTexts.NotFor(caller.Session.Opener is { IsOurs: false } other ? other : null, watches) is { } notHis)
            throw new CommandException(notHis);
        if (FaultTexts.WrongFile(rules) is { } inside)
            throw new CommandException(inside, CommandException.WrongUsage);
        IReadOnlyList<int> numbers = layer.Add(rules)
            ?? throw new CommandException($"a device has at most {FaultLayer.MaxRules} rules; remove some first");
        return new ControlReply { Faults = [.. Rows(layer).Where(row => numbers.Contains(row.Number))] };
    }

    private static ControlReply List(FaultLayer layer) => new() { Faults = [.. Rows(layer)], Injected = layer.InjectedFaults };

    private static ControlReply Remove(FaultLayer layer, ControlRequest request)
    {
        int? number = null;
        if (request.Rule != "all")
        {
            number = int.TryParse(request.Rule, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) ? parsed
                : throw new CommandException("which rule to remove is its number, or all", CommandException.WrongUsage);
        }
        return layer.Remove(number) ? new ControlReply() : throw new CommandException($"there is no rule {number}; see the rules with: list");
    }

    private static IEnumerable<FaultRow> Rows(FaultLayer layer) =>
        layer.Rules.Select(row => new FaultRow(row.Number, row.Rule.Text, row.Rule.Preset, row.Rule.Seen, row.Rule.Injected));
}
