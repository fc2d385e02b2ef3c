using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Emulation.Channel;
using CcwFs.Faults;
using CcwFs.FileSystem;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Images;
using CcwFs.Service.Logs;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>
/// Makes devices from SPECs, each by its kind, and puts them into the table. Thread-safe. A path that is given may hang for
/// ever, and so may a device that is closed: both are done without the gate, the ids of a device being opened are kept for it.
/// </summary>
internal sealed class DeviceFactory : IDisposable
{
    private static readonly HashSet<OpenDevice> s_none = [];

    private readonly Lock _gate = new();
    private readonly SubchannelTable _table;
    private readonly DevicePlaces _places; // guarded by _gate
    private readonly DeviceQuota _quota;
    private readonly UserLogs _logs;
    private readonly DeviceParts _parts;
    private readonly DeviceEnd _end;
    private ulong? _ownDevice; // of our own mount
    private bool _ended; // guarded by _gate: the mount ends, nothing is opened or shown any more

    /// <summary><paramref name="owner"/>: the mount's; null: us.</summary>
    internal DeviceFactory(SubchannelTable table, AddressSpace space, ChannelExecutor executor, ILoggerFactory loggers, uint? owner)
    {
        (_table, _places) = (table, new DevicePlaces(table));
        _quota = new DeviceQuota(Descriptors.EffectiveUser, owner, SystemLimits.Read());
        _logs = new UserLogs(loggers, _quota);
        _parts = new DeviceParts(space, executor, new Volumes(_quota, new GarbageTrim()), () => _ownDevice, new FaultHub(), Leave);
        _end = new DeviceEnd(_logs.Ours.Device);
    }

    /// <summary>Where our own tree is mounted, once it is: no device is looked for there.</summary>
    internal string? MountPoint
    {
        get;
        set => (field, _ownDevice) = (value, value is null ? null : OwnMounts.DeviceAt(value));
    }

    /// <summary>
    /// Adds the devices of a SPEC, all or none. <paramref name="directory"/>: what a relative image path starts from; <paramref name="caller"/>:
    /// whose rights open it (null: ours).
    /// </summary>
    internal IReadOnlyList<OpenDevice> Add(DeviceSpec spec, string directory, CallerIdentity? caller)
    {
        using OpenDevices opened = Open(spec, directory, caller, s_none);
        return Show(opened);
    }

    /// <summary>
    /// Opens the devices of a SPEC, all or none, for <see cref="Show"/>. <paramref name="leaving"/>: who will have left the table by then;
    /// <paramref name="before"/>: the ids to have where the SPEC names none.
    /// </summary>
    internal OpenDevices Open(
        DeviceSpec spec, string directory, CallerIdentity? caller, IReadOnlySet<OpenDevice> leaving, IReadOnlyList<SubchannelId>? before = null)
    {
        if (spec.Conflict is { } conflict)
            throw new CommandException(conflict, CommandException.WrongUsage);
        Queue<DeviceCharge> charges = Charge(spec, caller);
        var opened = new OpenDevices(GiveUp);
        try
        {
            LaterDevices? later = null;
            for (int i = 0; i < spec.Count; i++)
            {
                var request = new Request(
                    spec, i, directory, caller, leaving, i < before?.Count ? before[i] : null, i > 0 ? opened.Devices[i - 1].Place.Id.Number + 1 : 0,
                        charges.Peek());
                opened.Devices.Add(later is null ? Open(request) : Open(request, later));
                charges.Dequeue(); // it is the device's now
                if (i == 0)
                    later = LikeThe(opened.Devices[0], request);
            }
            return opened;
        }
        catch
        {
            GiveBack(charges);
            opened.Dispose(); // these give their own back
            throw;
        }
    }

    /// <summary>Puts devices into the table; throws, and shows none, when one of them is gone by now.</summary>
    internal IReadOnlyList<OpenDevice> Show(OpenDevices opened)
    {
        lock (_gate)
        {
            RefuseEnded();

            // What leaves from here on waits in Leave for the gate, and is in the table by then.
            opened.RefuseGone();
            foreach (OpenDevice device in opened.Devices)
            {
                _places.Settle(device.Place);
                if (!_table.TryAdd(device))
                    throw new InvalidOperationException($"{device.Id} had no place");
                device.IsShown = true;
            }
            opened.AreShown = true;
        }
        foreach (OpenDevice device in opened.Devices)
            MountLog.Added(device.Log, device.Id, device.What);
        return opened.Devices;
    }

    /// <summary>
    /// Takes a device away: out of the tree at once, then unplugged. A VFIO client is asked to let go first, and works on until it has, unless
    /// <paramref name="force"/>. False when there is none.
    /// </summary>
    internal bool Remove(SubchannelId id, bool force, out string? fault)
    {
        fault = null;
        if (_table.Find(id) is not OpenDevice device || !TakeOut(device))
            return false;
        fault = Retire(device, force);
        return true;
    }

    /// <summary>
    /// As <see cref="Remove"/> for several, with others in their places before any of them is closed: <paramref name="show"/> puts those there.
    /// </summary>
    internal void Replace(IEnumerable<OpenDevice> leaving, Action show)
    {
        OpenDevice[] removed = [.. leaving.Where(TakeOut)];
        try
        {
            show();
        }
        finally
        {
            foreach (OpenDevice device in removed)
                Retire(device, force: false);
        }
    }

    /// <summary>The mount ends: from now on nothing is opened, also of a SPEC that is being opened.</summary>
    internal void Stop()
    {
        lock (_gate)
            _ended = true;
    }

    /// <summary>Takes every device away, for good. Gives what went wrong when they were closed, a line each; the log has it already.</summary>
    internal IReadOnlyList<string> RemoveAll()
    {
        Stop();
        return _end.Close([.. Shown().Where(TakeOut)]);
    }

    /// <summary>The devices with a file that are not closed yet, in words.</summary>
    internal IReadOnlyList<string> NotClosed()
    {
        return [.. Shown().Where(device => device.File is not null).Concat(_end.Left).Distinct().Select(device => $"{device.Id} ({device.What})")];
    }

    /// <summary>
    /// Those of <paramref name="leaving"/> that must be closed before the devices of a SPEC can be opened: the same real device, or an image that is
    /// open in another way. Throws when a device that stays keeps such a file. Where no device has a file none is looked at, for a path may hang.
    /// </summary>
    internal IReadOnlyList<OpenDevice> InTheWay(DeviceSpec spec, string directory, IReadOnlySet<OpenDevice> leaving)
    {
        OpenDevice[] holders = [.. Shown().Where(device => device.File is not null)];
        if (holders.Length == 0)
            return [];
        HashSet<FileIdentity> files = [.. spec.Kind.Files(spec, directory, _ownDevice)];
        List<OpenDevice> keepers = [];
        foreach (OpenDevice holder in holders.Where(device => device.File!.All.Any(files.Contains)))
        {
            if (spec.Kind.Obstacle(spec, holder) is not { } obstacle)
                continue;
            if (!leaving.Contains(holder))
                throw new CommandException($"{holder.Id} ({holder.What}) has it open{obstacle}");
            keepers.Add(holder);
        }
        return keepers;
    }

    /// <summary>
    /// Gives the devices of a SPEC the values of another one's keys that a running device takes. <paramref name="madeReadOnly"/>: those that are made
    /// can only be read. A line tells of each whose image has a stricter sync for another device.
    /// </summary>
    internal IReadOnlyList<string> Alter(IReadOnlyList<OpenDevice> devices, DeviceSpec spec, bool madeReadOnly)
    {
        DeviceMaker? make = MakerLike(devices[0], spec, madeReadOnly);
        (LaterDevices? before, LaterDevices? now) = (null, null); // one for all that had one
        List<string> lines = [];
        foreach (OpenDevice device in devices)
        {
            if (make is not null && device.Later is { } later)
            {
                if (later != before)
                    (before, now) = (later, later with { Make = make });
                if (device.TryAlter(now!))
                    continue;
            }
            if (Alter(device, spec) is { } line)
                lines.Add(line);
        }
        return lines;
    }

    /// <summary>The same for one device that is made, or is made now.</summary>
    private string? Alter(OpenDevice device, DeviceSpec spec)
    {
        VfioCcwDevice made = device.Device;
        Layers.PolicyOf(made).Policy = spec.PolicyOf(device.Identity);
        Layers.FaultsOf(made).Configure(spec.Faults.Of(made.Subchannel, device.Id), spec.Faults.Hostile);
        bool isShown;
        lock (_gate)
            isShown = device.IsShown;
        return isShown && device.File?.SetSync?.Invoke(spec.Sync) is { } counts && counts != spec.Sync
            ? $"{device.Id}: sync stays {counts} as long as another device on its image wants that" : null;
    }

    /// <summary>Ends devices that never came into the table, and frees their places.</summary>
    private void GiveUp(IReadOnlyList<OpenDevice> devices)
    {
        foreach (OpenDevice device in devices)
        {
            device.End();
            lock (_gate)
                _places.Free(device.Place);
        }
    }

    /// <summary>A real device leaves: without a client, or when it is no more, at once.</summary>
    private void Leave(OpenDevice device, bool sudden)
    {
        device.IsLeaving = true;
        if (TakeOut(device))
            Retire(device, sudden);
    }

    /// <summary>The devices of the table, all of which were made here.</summary>
    private IEnumerable<OpenDevice> Shown() => _table.All.Cast<OpenDevice>();

    /// <summary>Takes a device out of the table; false when it is not in it.</summary>
    private bool TakeOut(OpenDevice device)
    {
        lock (_gate)
        {
            if (!device.IsShown)
                return false;
            device.IsShown = false;
            _table.Remove(device.Id);
            _places.Free(device.Place);
        }
        MountLog.Removed(device.Log, device.Id, device.What);
        return true;
    }

    /// <summary>Gives why what was written may be lost; null when it is not, or when that is not known yet.</summary>
    private static string? Retire(OpenDevice device, bool force) =>
        force || device.Made?.RequestReturn(() => device.End()) != true ? device.End() : null;

    /// <summary>Takes a place, has <paramref name="open"/> open the device for it, and frees it again when that fails.</summary>
    private OpenDevice InPlace(in Request request, SubchannelId? own, Func<DevicePlace, OpenDevice> open)
    {
        DevicePlace place;
        lock (_gate)
        {
            RefuseEnded();
            place = _places.Take(request.Spec, request.Index, own ?? request.Before, request.From, request.Leaving);
        }
        try
        {
            return open(place);
        }
        catch
        {
            lock (_gate)
                _places.Free(place);
            throw;
        }
    }

    private void RefuseEnded()
    {
        if (_ended)
            throw new CommandException("this ccwfs ends; mount it again first");
    }

    /// <summary>Takes what the devices of a SPEC need beside their images, one charge a device, all or none.</summary>
    private Queue<DeviceCharge> Charge(DeviceSpec spec, CallerIdentity? caller)
    {
        Queue<DeviceCharge> charges = [];
        try
        {
            (DeviceResource, long)[] needs =
            [
                (DeviceResource.Devices, 1),
                (DeviceResource.Memory, spec.Kind.MemoryBytes(spec)),
                (DeviceResource.Descriptors, spec.Kind.Descriptors),
            ];
            foreach ((DeviceResource resource, long amount) in needs) // before anything is made for so many
                _quota.Refuse(caller?.Uid, resource, amount * spec.Count);
            for (int i = 0; i < spec.Count; i++)
            {
                DeviceCharge charge = _quota.IsCounted(caller?.Uid) ? new DeviceCharge(_quota, caller?.Uid) : DeviceCharge.None;
                charges.Enqueue(charge);
                foreach ((DeviceResource resource, long amount) in needs)
                    charge.Take(resource, amount);
            }
            return charges;
        }
        catch
        {
            GiveBack(charges);
            throw;
        }
    }

    private static void GiveBack(IEnumerable<DeviceCharge> charges)
    {
        foreach (DeviceCharge charge in charges)
            charge.Dispose();
    }

    /// <summary>Says what was left out of the log.</summary>
    public void Dispose() => _logs.Dispose();

    private OpenDevice Open(Request request)
    {
        DeviceSpec spec = request.Spec;
        if (spec.Kind.IsReal && !IovaMap.HaveAddresses(_parts.Space.Map.Snapshot()))
            throw new CommandException("a real device needs guest storage that ccwfs maps itself, which --memory PATH is not; mount with --memory SIZE");
        KindTarget? found = spec.Kind.Find(spec, request.Directory, _ownDevice);
        return InPlace(request, found?.Id, place => spec.Kind.Open(
            Opening(spec, place, request.Caller) with
            {
                Index = request.Index, Directory = request.Directory, Found = found, TakeNumber = own => TakeNumber(request, place, own),
                Ended = request.Charge.Ended,
            },
            _parts));
    }

    /// <summary>What the devices of a SPEC after the first are made of when they are used; null: they are made at once, as the first was.</summary>
    private LaterDevices? LikeThe(OpenDevice first, in Request request)
    {
        DeviceMaker? make = request.Spec.Count == 1 ? null : MakerLike(first, request.Spec, request.Spec.IsReadOnly, request.Caller);
        if (make is null || !first.Store(out Schib schib))
            return null;
        return new LaterDevices(new RestingDevice(first.Identity, schib, first.Metrics.Volume), first.What, first.Log, make);
    }

    /// <summary>What makes devices as one of this kind, when they are used; null: a SPEC's are made at once.</summary>
    private DeviceMaker? MakerLike(OpenDevice device, DeviceSpec spec, bool isReadOnly, CallerIdentity? caller = null) => spec.Kind.Later(
        Opening(spec, device.Place, caller) with { Caller = null, IsReadOnly = isReadOnly, Policy = spec.PolicyOf(device.Identity) }, _parts);

    private OpenDevice Open(Request request, LaterDevices later) => InPlace(request, own: null, place =>
    {
        TakeNumber(request, place, own: null);
        return new OpenDevice(later, place) { Ended = request.Charge.Ended };
    });

    /// <summary>One device in a place that is its own already, and that keeps no file.</summary>
    private DeviceOpening Opening(DeviceSpec spec, DevicePlace place, CallerIdentity? caller = null) =>
        new(spec, 0, "/", caller, place, Found: null, _logs.Of(caller?.Uid), static _ => { }, Ended: null);

    private void TakeNumber(Request request, DevicePlace place, DeviceId? own)
    {
        lock (_gate)
            _places.TakeNumber(place, request.Spec, request.Index, own, request.Leaving);
    }

    /// <param name="Spec">Of these devices.</param>
    /// <param name="Index">The one of them to open.</param>
    /// <param name="Directory">What relative paths start from.</param>
    /// <param name="Caller">Whose rights open it; null: ours.</param>
    /// <param name="Leaving">Who has left the table when this one comes.</param>
    /// <param name="Before">The id to have where nobody says one; null: any.</param>
    /// <param name="From">Where to look for a free one.</param>
    /// <param name="Charge">What it takes of its user's share; it gives that back when it ends.</param>
    private readonly record struct Request(
        DeviceSpec Spec, int Index, string Directory, CallerIdentity? Caller, IReadOnlySet<OpenDevice> Leaving, SubchannelId? Before, int From,
        DeviceCharge Charge);
}
