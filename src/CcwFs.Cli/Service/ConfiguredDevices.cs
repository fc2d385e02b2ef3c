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
        using OpenDevices opened = factory.Open(spec, directory, caller: null, new HashSet<VfioCcwDevice>());
        Show(spec, opened);
    }

    /// <summary>
    /// Makes the devices those of <paramref name="wanted"/>, all or nothing: what is new is opened first, and only when all of it is there the old goes. An
    /// unchanged SPEC's are not touched. Gives a line for each SPEC that cannot be had.
    /// </summary>
    internal IReadOnlyList<string> Change(IReadOnlyList<DeviceSpec> wanted, Action<string> changed)
    {
        List<Entry> kept = [], left = [.. _entries.Where(IsThere)];
        List<(Entry Entry, DeviceSpec Spec)> altered = [];
        List<DeviceSpec> added = Match(wanted, left, s => s.ToString(), (_, _) => true, (entry, _) => kept.Add(entry));
        added = Match(added, left, s => s.FixedText, (entry, spec) => !entry.MustBeMadeAgain(spec), (entry, spec) => altered.Add((entry, spec)));

        HashSet<VfioCcwDevice> leaving = [.. left.SelectMany(e => e.Devices)];
        List<(DeviceSpec Spec, OpenDevices Opened)> coming = [];
        List<DeviceSpec> later = [];
        HashSet<Entry> inTheWay = [];
        List<string> failures = [];
        try
        {
            foreach (DeviceSpec spec in added)
            {
                Try(spec, failures, stays: Stays(spec, left), () =>
                {
                    IReadOnlyList<VfioCcwDevice> keepers = factory.InTheWay(spec, directory, leaving);
                    if (keepers.Count == 0)
                    {
                        coming.Add((spec, factory.Open(spec, directory, caller: null, leaving)));
                        return;
                    }
                    if (keepers.FirstOrDefault(d => d.IsTaken) is { } taken)
                        throw new CommandException($"a VFIO client (QEMU) has {taken.Id}, which must be closed first; end that client and reload again");
                    DeviceCheck.RefuseWrongFiles(spec, directory); // before those are closed
                    inTheWay.UnionWith(left.Where(entry => entry.Devices.Any(keepers.Contains)));
                    later.Add(spec);
                });
            }
            foreach ((Entry entry, DeviceSpec spec) in altered)
                Try(spec, failures, stays: "nothing is changed", () => entry.Devices.ToList().ForEach(device => spec.PolicyOf(device.Subchannel)));
            if (failures.Count > 0 || !TryHandOver(later, inTheWay, leaving, coming, failures))
                return failures;

            _entries = kept;
            factory.Replace(leaving, () =>
            {
                foreach ((DeviceSpec spec, OpenDevices opened) in coming)
                    Try(spec, failures, stays: "it is left out", () => Show(spec, opened));
            });
            foreach ((Entry entry, DeviceSpec spec) in altered)
                Alter(entry, spec, changed);
            return failures;
        }
        finally
        {
            foreach ((_, OpenDevices opened) in coming)
                opened.Dispose();
        }
    }

    /// <summary>
    /// Pairs SPECs with entries of the same text that <paramref name="may"/> be paired; takes those out of <paramref name="left"/> and gives the SPECs that are
    /// over.
    /// </summary>
    private static List<DeviceSpec> Match(
        IEnumerable<DeviceSpec> specs, List<Entry> left, Func<DeviceSpec, string> text, Func<Entry, DeviceSpec, bool> may, Action<Entry, DeviceSpec> pair)
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

    private static void Try(DeviceSpec spec, List<string> failures, string stays, Action action)
    {
        try
        {
            action();
        }
        catch (Exception wrong) when (Program.IsExpected(wrong))
        {
            failures.Add($"{spec.Origin ?? $"device '{spec}'"}: {wrong.Message}; {stays}");
        }
    }

    /// <summary>What goes on as before when a SPEC cannot be had: the devices that it was to take the place of.</summary>
    private static string Stays(DeviceSpec spec, List<Entry> left)
    {
        SubchannelId[] old = [.. left.SelectMany(e => e.Devices.Where(d => IsReplaced(e, d, spec))).Select(d => d.Id)];
        return old.Length == 0 ? "nothing is changed" : $"{old[0]}{(old.Length > 1 ? $" and {old.Length - 1} more stay as they are" : " stays as it is")}, nothing is changed";
    }

    private static bool IsReplaced(Entry entry, VfioCcwDevice device, DeviceSpec by) => by.Id is { } id
        ? device.Id.CssId == by.Shown(id).CssId && device.Id.SetId == id.SetId && device.Id.Number >= id.Number && device.Id.Number < id.Number + by.Count
        : entry.Spec.Id is null;

    /// <summary>
    /// Opens what can only be opened when those <paramref name="inTheWay"/> are closed. When it cannot be opened then either, they are opened again.
    /// </summary>
    private bool TryHandOver(
        List<DeviceSpec> specs, HashSet<Entry> inTheWay, HashSet<VfioCcwDevice> leaving, List<(DeviceSpec Spec, OpenDevices Opened)> coming, List<string> failures)
    {
        VfioCcwDevice[] closed = [.. inTheWay.SelectMany(e => e.Devices).Where(IsThere)];
        foreach (VfioCcwDevice device in closed)
            factory.Remove(device.Id, force: false, out _);
        string stays = closed.Length == 0 ? "nothing is changed" : $"{string.Join(", ", closed.Select(d => d.Id))} was closed for it and is opened again as before, nothing is changed";
        foreach (DeviceSpec spec in specs)
            Try(spec, failures, stays, () => coming.Add((spec, factory.Open(spec, directory, caller: null, leaving))));
        foreach ((DeviceSpec spec, OpenDevices opened) in coming)
            Try(spec, failures, stays, opened.RefuseGone);
        if (failures.Count == 0)
            return true;

        foreach ((_, OpenDevices opened) in coming)
            opened.Dispose();
        _entries.RemoveAll(inTheWay.Contains);
        foreach (Entry old in inTheWay)
        {
            Try(old.Spec, failures, stays: "it is gone until the next reload", () =>
            {
                using OpenDevices opened = factory.Open(old.Spec, directory, caller: null, new HashSet<VfioCcwDevice>(), [.. old.Devices.Select(d => d.HostId)]);
                Show(old.Spec, opened);
            });
        }
        return false;
    }

    private void Show(DeviceSpec spec, OpenDevices opened) => _entries.Add(new Entry(spec, factory.Show(opened), spec.IsReadOnly));

    /// <summary>One of whose devices nothing is left was removed by hand: it is added anew.</summary>
    private bool IsThere(Entry entry) => entry.Devices.Any(IsThere);

    private bool IsThere(VfioCcwDevice device) => table.Find(device.Id) == device;

    /// <summary>Devices of which only the policy differs.</summary>
    private void Alter(Entry entry, DeviceSpec spec, Action<string> changed)
    {
        _entries.Add(entry with { Spec = spec });
        foreach (VfioCcwDevice device in entry.Devices)
        {
            device.SetPolicy(spec.PolicyOf(device.Subchannel));
            changed($"{device.Id}: policy {device.Policy?.ToString() ?? "none"}");
        }
    }

    /// <param name="Spec">As it was asked for.</param>
    /// <param name="Devices">What was made of it.</param>
    /// <param name="MadeReadOnly">They were made for reading alone, not only policed so since.</param>
    private sealed record Entry(DeviceSpec Spec, IReadOnlyList<VfioCcwDevice> Devices, bool MadeReadOnly)
    {
        /// <summary>A volume that was made for reading alone takes no other policy.</summary>
        internal bool MustBeMadeAgain(DeviceSpec spec) => MadeReadOnly && !spec.IsReadOnly && spec.Kind == DeviceKinds.Dasd;
    }
}
