using CcwFs.ChannelIo;
using CcwFs.Cli.Mount;
using CcwFs.FileSystem;
using CcwFs.Subchannel;

namespace CcwFs.Cli.Service;

/// <summary>
/// The devices that options and configuration asked for, by their SPECs. What `ccwfs add` made is not among them. Not thread-safe: the mount adds them,
/// then reloads follow one another.
/// </summary>
internal sealed class ConfiguredDevices(DeviceFactory factory, SubchannelTable table, string directory)
{
    private List<Entry> _entries = [];

    /// <summary>Adds the devices of a SPEC; throws where that fails.</summary>
    internal void Add(DeviceSpec spec)
    {
        IReadOnlyList<SubchannelId> ids = factory.Add(spec, directory, caller: null);
        _entries.Add(new Entry(spec, [.. ids.Select(id => table.Find(id)).OfType<VfioCcwDevice>()], spec.IsReadOnly));
    }

    /// <summary>
    /// Makes the devices those of <paramref name="wanted"/>. An unchanged SPEC's are not touched. Nothing is changed when something is found wrong beforehand;
    /// what then fails still is told, and tried again by the next call. Gives a line for each.
    /// </summary>
    internal IReadOnlyList<string> Change(IReadOnlyList<DeviceSpec> wanted, Action<string> changed)
    {
        List<Entry> kept = [], left = [.. _entries.Where(IsThere)];
        List<(Entry Entry, DeviceSpec Spec)> altered = [];
        List<DeviceSpec> added = Match(wanted, left, s => s.ToString(), (entry, _) => kept.Add(entry));
        added = Match(added, left, s => s.FixedText, (entry, spec) => altered.Add((entry, spec)));

        HashSet<VfioCcwDevice> leaving = [.. left.SelectMany(e => e.Devices)];
        IReadOnlyList<string> problems = DeviceCheck.Problems(added, id => table.Find(id) is { } other && !leaving.Contains(other), directory);
        if (problems.Count > 0)
            return problems;

        _entries = kept;
        foreach (Entry entry in left)
            Remove(entry, changed);
        List<string> failures = [];
        foreach ((Entry entry, DeviceSpec spec) in altered)
            Try(spec, failures, () => Alter(entry, spec, changed));
        foreach (DeviceSpec spec in added)
            Try(spec, failures, () => AddLater(spec, changed));
        return failures;
    }

    /// <summary>Pairs SPECs with entries of the same text; takes those out of <paramref name="left"/> and gives the SPECs that are over.</summary>
    private static List<DeviceSpec> Match(IEnumerable<DeviceSpec> specs, List<Entry> left, Func<DeviceSpec, string> text, Action<Entry, DeviceSpec> pair)
    {
        List<DeviceSpec> over = [];
        foreach (DeviceSpec spec in specs)
        {
            int at = left.FindIndex(entry => text(entry.Spec) == text(spec));
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

    private static void Try(DeviceSpec spec, List<string> failures, Action action)
    {
        try
        {
            action();
        }
        catch (Exception wrong) when (Program.IsExpected(wrong))
        {
            failures.Add($"{spec.Origin ?? $"device '{spec}'"}: {wrong.Message}");
        }
    }

    /// <summary>One of whose devices nothing is left was removed by hand: it is added anew.</summary>
    private bool IsThere(Entry entry) => entry.Devices.Any(device => table.Find(device.Id) == device);

    private void Remove(Entry entry, Action<string> changed)
    {
        foreach (VfioCcwDevice device in entry.Devices.Where(device => table.Find(device.Id) == device))
        {
            factory.Remove(device.Id, force: false);
            changed($"{device.Id} removed");
        }
    }

    private void AddLater(DeviceSpec spec, Action<string> changed)
    {
        Add(spec);
        foreach (VfioCcwDevice device in _entries[^1].Devices)
            changed($"{device.Id} added");
    }

    /// <summary>Devices of which only the policy differs. A volume that was made for reading alone is made again.</summary>
    private void Alter(Entry entry, DeviceSpec spec, Action<string> changed)
    {
        if (entry.MadeReadOnly && !spec.IsReadOnly && spec.Kind == DeviceKinds.Dasd)
        {
            Remove(entry, changed);
            AddLater(spec, changed);
            return;
        }
        _entries.Add(entry with { Spec = spec });
        foreach (VfioCcwDevice device in entry.Devices)
        {
            device.SetPolicy(spec.Policy);
            changed($"{device.Id}: policy {spec.Policy}");
        }
    }

    /// <param name="Spec">As it was asked for.</param>
    /// <param name="Devices">What was made of it.</param>
    /// <param name="MadeReadOnly">They were made for reading alone, not only policed so since.</param>
    private sealed record Entry(DeviceSpec Spec, IReadOnlyList<VfioCcwDevice> Devices, bool MadeReadOnly);
}
