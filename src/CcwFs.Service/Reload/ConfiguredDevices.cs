using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Service.Devices;
using CcwFs.Subchannel;

namespace CcwFs.Service.Reload;

/// <summary>
/// The devices that options and configuration asked for, by their SPECs. What `ccwfs add` made is not among them. Not thread-safe: the mount adds
/// them, then reloads follow one another.
/// </summary>
internal sealed class ConfiguredDevices(DeviceFactory factory, SubchannelTable table, string directory)
{
    private List<ConfiguredDevice> _entries = [];

    /// <summary>Adds the devices of a SPEC; throws where that fails.</summary>
    internal void Add(DeviceSpec spec)
    {
        using OpenDevices opened = factory.Open(spec, directory, caller: null, new HashSet<OpenDevice>());
        Show(spec, opened);
    }

    /// <summary>
    /// How to make the devices those of <paramref name="wanted"/>. Files are looked at where a device keeps one; nothing is changed.
    /// </summary>
    internal ReloadPlan Plan(IReadOnlyList<DeviceSpec> wanted) => ReloadPlan.Of(_entries.Where(IsThere), wanted, InTheWay);

    /// <summary>
    /// Carries a plan out, all or nothing: what is new is opened first, and only when all of it is there the old goes. Says what
    /// <paramref name="changed"/> of devices that stay, and gives a line for each SPEC that cannot be had.
    /// </summary>
    internal IReadOnlyList<string> CarryOut(ReloadPlan plan, Action<string> changed)
    {
        List<(DeviceSpec Spec, OpenDevices Opened)> coming = [];
        List<string> failures = [];
        try
        {
            foreach (Arrival arrival in plan.Coming)
            {
                if (arrival.Problem is { } problem)
                    failures.Add(Failure(arrival.Spec, problem, arrival.Stays));
                else if (arrival.After.Count == 0)
                    Try(arrival.Spec, failures, arrival.Stays, () => coming.Add(Open(arrival.Spec, plan)));
            }
            foreach (KeyChange change in plan.Altered)
                Try(change.Spec, failures, stays: "nothing is changed", () =>
                    change.Entry.Devices.ToList().ForEach(device =>
                    {
                        change.Spec.PolicyOf(device.Identity);
                        if (!change.Spec.Faults.IsEmpty && (device.Made is not null || device == change.Entry.Devices[0])) // the others are like it
                            change.Spec.Faults.Of(device.Device.Subchannel, device.Id);
                    }));
            if (failures.Count > 0 || !TryHandOver(plan, coming, failures))
                return failures;

            _entries = [.. plan.Kept, .. plan.Altered.Select(change => change.Entry)]; // these to be altered by the next reload, unless this one does
            factory.Replace(plan.LeavingDevices, () =>
            {
                foreach ((DeviceSpec spec, OpenDevices opened) in coming)
                    Try(spec, failures, stays: "it is left out", () => Show(spec, opened));
            });
            foreach (KeyChange change in plan.Altered)
                Try(change.Spec, failures, stays: "the rest is changed", () => Alter(change, changed));
            return failures;
        }
        finally
        {
            foreach ((_, OpenDevices opened) in coming)
                opened.Dispose();
        }
    }

    private static void Try(DeviceSpec spec, List<string> failures, string stays, Action action)
    {
        try
        {
            action();
        }
        catch (Exception wrong) when (Expected.Is(wrong))
        {
            failures.Add(Failure(spec, wrong.Message, stays));
        }
    }

    private static string Failure(DeviceSpec spec, string problem, string stays) => $"{spec.Origin ?? $"device '{spec}'"}: {problem}; {stays}";

    /// <summary>
    /// What must be closed before a SPEC's devices can be opened; throws where those cannot be had, before anything is closed for them.
    /// </summary>
    private IReadOnlyList<OpenDevice> InTheWay(DeviceSpec spec, IReadOnlySet<OpenDevice> leaving)
    {
        IReadOnlyList<OpenDevice> keepers = factory.InTheWay(spec, directory, leaving);
        if (keepers.FirstOrDefault(device => device.Made is { IsTaken: true }) is { } taken)
            throw new CommandException($"a VFIO client (QEMU) has {taken.Id}, which must be closed first; end that client and reload again");
        if (keepers.Count > 0)
            DeviceCheck.RefuseWrongFiles(spec, directory);
        return keepers;
    }

    /// <summary>
    /// Closes what is in the way, and opens what comes after that. When it cannot be opened then either, all of that is opened again as before.
    /// </summary>
    private bool TryHandOver(ReloadPlan plan, List<(DeviceSpec Spec, OpenDevices Opened)> coming, List<string> failures)
    {
        IReadOnlyList<ConfiguredDevice> inTheWay = plan.InTheWay;
        OpenDevice[] closed = [.. inTheWay.SelectMany(entry => entry.Devices).Where(IsThere)];
        foreach (OpenDevice device in closed)
            factory.Remove(device.Id, force: false, out _);
        string stays = closed.Length == 0 ? "nothing is changed"
            : $"{string.Join(", ", closed.Select(device => device.Id))} was closed for it and is opened again as before, nothing is changed";
        foreach (Arrival arrival in plan.Coming.Where(arrival => arrival.After.Count > 0))
            Try(arrival.Spec, failures, stays, () => coming.Add(Open(arrival.Spec, plan)));
        foreach ((DeviceSpec spec, OpenDevices opened) in coming)
            Try(spec, failures, stays, opened.RefuseGone);
        if (failures.Count == 0)
            return true;

        foreach ((_, OpenDevices opened) in coming)
            opened.Dispose();
        _entries.RemoveAll(inTheWay.Contains);
        foreach (ConfiguredDevice old in inTheWay)
        {
            Try(old.Spec, failures, stays: "it is gone until the next reload", () =>
            {
                using OpenDevices opened = factory.Open(
                    old.Spec, directory, caller: null, new HashSet<OpenDevice>(), [.. old.Devices.Select(device => device.HostId)]);
                Show(old.Spec, opened);
            });
        }
        return false;
    }

    private (DeviceSpec Spec, OpenDevices Opened) Open(DeviceSpec spec, ReloadPlan plan) =>
        (spec, factory.Open(spec, directory, caller: null, plan.LeavingDevices));

    private void Show(DeviceSpec spec, OpenDevices opened) => _entries.Add(new ConfiguredDevice(spec, factory.Show(opened), spec.IsReadOnly));

    /// <summary>One of whose devices nothing is left was removed by hand: it is added anew.</summary>
    private bool IsThere(ConfiguredDevice entry) => entry.Devices.Any(IsThere);

    private bool IsThere(OpenDevice device) => table.Find(device.Id) == device;

    private void Alter(KeyChange change, Action<string> changed)
    {
        IReadOnlyList<string> exceptions = factory.Alter(change.Entry.Devices, change.Spec, change.Entry.MadeReadOnly);
        _entries[_entries.IndexOf(change.Entry)] = change.Entry with { Spec = change.Spec };
        foreach (string line in change.Lines.Concat(exceptions))
            changed(line);
    }
}
