using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Service.Devices;
using CcwFs.Subchannel;

namespace CcwFs.Service.Reload;

/// <summary>
/// What a reload is to do with the devices of the configuration. Made of those that are there and the SPECs that are wanted; to make one changes
/// nothing, and to carry it out decides nothing any more.
/// </summary>
/// <param name="Kept">Their SPEC is wanted as it is: they are not touched.</param>
/// <param name="Altered">Only keys of their SPEC differ that a running device takes: they get the new values and go on.</param>
/// <param name="Leaving">No SPEC wants them as they are.</param>
/// <param name="Coming">What is to be made, in the order of the configuration.</param>
internal sealed record ReloadPlan(
    IReadOnlyList<ConfiguredDevice> Kept, IReadOnlyList<KeyChange> Altered, IReadOnlyList<ConfiguredDevice> Leaving, IReadOnlyList<Arrival> Coming)
{
    /// <summary>The devices of those that leave.</summary>
    internal IReadOnlySet<OpenDevice> LeavingDevices { get; } = DevicesOf(Leaving);

    /// <summary>Those that leave first, because something that comes cannot be opened beside them.</summary>
    internal IReadOnlyList<ConfiguredDevice> InTheWay => [.. Coming.SelectMany(arrival => arrival.After).Distinct()];

    /// <summary>One line per change, for people.</summary>
    internal IEnumerable<string> Lines =>
    [
        .. Leaving.Select(entry => $"remove {Ids(entry)}: {entry.Spec}"),
        .. Altered.SelectMany(change => change.Lines),
        .. Coming.Select(arrival => arrival.Line),
    ];

    /// <summary>
    /// The plan from the devices <paramref name="now"/> to those <paramref name="wanted"/>. <paramref name="inTheWay"/>: which of the devices that
    /// leave must be closed before those of a SPEC can be opened; it throws an <see cref="Expected"/> error where the SPEC cannot be had.
    /// </summary>
    internal static ReloadPlan Of(
        IEnumerable<ConfiguredDevice> now, IReadOnlyList<DeviceSpec> wanted, Func<DeviceSpec, IReadOnlySet<OpenDevice>,
            IReadOnlyList<OpenDevice>> inTheWay)
    {
        List<ConfiguredDevice> kept = [], left = [.. now];
        List<KeyChange> altered = [];
        List<DeviceSpec> added = Match(wanted, left, spec => spec.ToString(), (_, _) => true, (entry, _) => kept.Add(entry));
        added = Match(added, left, spec => spec.FixedText, (entry, spec) => !entry.MustBeMadeAgain(spec), (entry, spec) =>
            altered.Add(new KeyChange(entry, spec)));
        IReadOnlySet<OpenDevice> leaving = DevicesOf(left);
        return new ReloadPlan(kept, altered, left, [.. added.Select(spec => Plan(spec, left, () => inTheWay(spec, leaving)))]);
    }

    private static HashSet<OpenDevice> DevicesOf(IEnumerable<ConfiguredDevice> entries) => [.. entries.SelectMany(entry => entry.Devices)];

    private static string Ids(ConfiguredDevice entry) => string.Join(", ", entry.Devices.Select(device => device.Id));

    /// <summary>
    /// Pairs SPECs with entries of the same text that <paramref name="may"/> be paired; takes those out of <paramref name="left"/> and gives the
    /// SPECs that are over.
    /// </summary>
    private static List<DeviceSpec> Match(
        IEnumerable<DeviceSpec> specs, List<ConfiguredDevice> left, Func<DeviceSpec, string> text, Func<ConfiguredDevice, DeviceSpec, bool> may,
        Action<ConfiguredDevice, DeviceSpec> pair)
    {
        List<DeviceSpec> over = [];
        foreach (DeviceSpec spec in specs)
        {
            int at = left.FindIndex(entry => text(entry.Spec) == text(spec) && may(entry, spec));
            if (at < 0)
            {
                over.Add(spec);
                continue;
            }
            pair(left[at], spec);
            left.RemoveAt(at);
        }
        return over;
    }

    private static Arrival Plan(DeviceSpec spec, List<ConfiguredDevice> leaving, Func<IReadOnlyList<OpenDevice>> inTheWay)
    {
        SubchannelId[] old = [.. leaving.SelectMany(entry => entry.ReplacedBy(spec))];
        string stays = old.Length == 0 ? "nothing is changed"
            : $"{old[0]}{(old.Length > 1 ? $" and {old.Length - 1} more stay as they are" : " stays as it is")}, nothing is changed";
        try
        {
            IReadOnlyList<OpenDevice> keepers = inTheWay();
            return new Arrival(spec, [.. leaving.Where(entry => entry.Devices.Any(keepers.Contains))], stays, Problem: null);
        }
        catch (Exception wrong) when (Expected.Is(wrong))
        {
            return new Arrival(spec, [], stays, wrong.Message);
        }
    }
}

/// <summary>Devices that go on with other values of keys that a running device takes.</summary>
/// <param name="Entry">As they are.</param>
/// <param name="Spec">As they are wanted.</param>
internal sealed record KeyChange(ConfiguredDevice Entry, DeviceSpec Spec)
{
    /// <summary>A line per device and change.</summary>
    internal IEnumerable<string> Lines => Entry.Devices.SelectMany(device => Changes(device).Select(change => $"{device.Id}: {change}"));

    private IEnumerable<string> Changes(OpenDevice device)
    {
        if (Entry.Spec.Policy != Spec.Policy)
            yield return $"policy {Spec.PolicyOf(device.Identity)}";
        if (Entry.Spec.Faults.Line != Spec.Faults.Line)
            yield return $"fault {Spec.Faults.Line}";
        if (Entry.Spec.Faults.Hostile != Spec.Faults.Hostile)
            yield return $"hostile {Spec.Faults.Hostile?.ToString(CultureInfo.InvariantCulture) ?? "none"}";
        if (Entry.Spec.Sync != Spec.Sync)
            yield return $"sync {Spec.Sync}";
    }
}

/// <summary>Devices that are to be made.</summary>
/// <param name="Spec">As they are wanted.</param>
/// <param name="After">What must be closed before they can be opened; nothing: they are opened beside all that is there.</param>
/// <param name="Stays">What goes on as before when they cannot be had, in words.</param>
/// <param name="Problem">Why they cannot be had, as far as that shows before they are opened; null: nothing speaks against them.</param>
internal sealed record Arrival(DeviceSpec Spec, IReadOnlyList<ConfiguredDevice> After, string Stays, string? Problem)
{
    /// <summary>For people.</summary>
    internal string Line => Problem is not null ? $"cannot add {Spec}: {Problem}"
        : After.Count == 0 ? $"add {Spec}"
        : $"add {Spec} after closing {string.Join(", ", After.SelectMany(entry => entry.Devices).Select(device => device.Id))}";
}
