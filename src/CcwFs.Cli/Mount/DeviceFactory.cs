using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.FileSystem;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio.Backend;
using Microsoft.Extensions.Logging;

namespace CcwFs.Cli.Mount;

/// <summary>Makes devices from SPECs and puts them into the table; the one place that knows the kinds of devices. Thread-safe.</summary>
internal sealed class DeviceFactory(SubchannelTable table, AddressSpace space, ChannelExecutor executor, ILoggerFactory loggers)
{
    /// <summary>The device number of subchannel 0 where nobody names one (arbitrary: an address that DASDs often have).</summary>
    internal const int FirstDeviceNumber = 0x0150;

    private readonly Lock _gate = new();
    private readonly Volumes _volumes = new();
    private readonly Dictionary<SubchannelId, Action> _closed = []; // what to do when a device is gone; guarded by _gate

    /// <summary>Where our own tree is mounted, once it is: no device is looked for there.</summary>
    internal string? MountPoint { get; set; }

    /// <summary>
    /// Adds the devices of a SPEC, all or none. <paramref name="directory"/>: what a relative image path starts from; <paramref name="caller"/>: whose rights
    /// open it (null: ours).
    /// </summary>
    internal IReadOnlyList<SubchannelId> Add(DeviceSpec spec, string directory, CallerIdentity? caller)
    {
        lock (_gate)
        {
            List<SubchannelId> added = [];
            try
            {
                for (int i = 0; i < spec.Count; i++)
                    added.Add(spec.Kind == DeviceKinds.Vfio ? AddReal(spec, directory, caller) : AddOne(spec, i, directory, caller));
                return added;
            }
            catch
            {
                foreach (SubchannelId id in added)
                    Remove(id, force: true);
                throw;
            }
        }
    }

    /// <summary>
    /// Takes a device away: out of the tree at once, then unplugged. A VFIO client is asked to let go first, and works on until it has, unless <paramref name="force"/>.
    /// False when there is none.
    /// </summary>
    internal bool Remove(SubchannelId id, bool force)
    {
        lock (_gate)
        {
            VfioCcwDevice? device = table.Remove(id);
            if (device is null)
                return false;
            _closed.Remove(id, out Action? closed);
            if (force || !device.RequestReturn(() => End(device, closed)))
                End(device, closed);
            return true;
        }
    }

    /// <summary>Takes every device away.</summary>
    internal void RemoveAll()
    {
        foreach (VfioCcwDevice device in table.Devices)
            Remove(device.Id, force: true);
    }

    /// <summary>A real device leaves: without a client, or when it is no more, at once.</summary>
    private void Leave(VfioCcwDevice device, bool sudden)
    {
        lock (_gate)
        {
            if (table.Find(device.Id) == device)
                Remove(device.Id, force: sudden);
        }
    }

    private SubchannelId AddReal(DeviceSpec spec, string directory, CallerIdentity? caller)
    {
        ILogger log = loggers.CreateLogger("device");
        if (!IovaMap.HaveAddresses(space.Map.Snapshot()))
            throw new CommandException("a real device needs guest storage that ccwfs maps itself, which --memory PATH is not; mount with --memory SIZE");
        VfioSubchannel subchannel = RealDevices.Open(spec, directory, caller, MountPoint, own => ChooseId(spec, 0, own), log);
        var device = new VfioCcwDevice(subchannel, space, log, spec.Css);
        try
        {
            RefuseTakenNumber(subchannel.Device, spec);
            device.SetPolicy(spec.Policy);
            device.Leaving += sudden => Leave(device, sudden);
            return table.TryAdd(device) ? device.Id : throw Exists(device.Id);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    private static void End(VfioCcwDevice device, Action? closed)
    {
        device.Dispose();
        closed?.Invoke();
    }

    private SubchannelId AddOne(DeviceSpec spec, int index, string directory, CallerIdentity? caller)
    {
        SubchannelId id = ChooseId(spec, index), shown = spec.Shown(id);
        DeviceId number = spec.Device is { } given
            ? given with { Number = DeviceSpec.Following(given.Number, index, "devno") }
            : new DeviceId(id.CssId, id.SetId, DeviceSpec.Following(FirstDeviceNumber, id.Number, "devno"));
        RefuseTakenNumber(number, spec);
        if (spec.Conflict is { } conflict)
            throw new CommandException(conflict);
        ILogger log = loggers.CreateLogger("device");
        EckdDevice Make(EckdVolume volume) => new(volume, new EckdOptions(
            number, ReadOnly: spec.IsReadOnly, Profile: spec.Profile, SpaceEfficient: spec.IsSpaceEfficient), log);
        EckdDevice dasd;
        if (spec.ImageAt(index, directory) is { } path)
        {
            OwnMounts.Refuse(path);
            (dasd, _closed[shown]) = _volumes.OpenImage(path, spec.IsReadOnly, caller, Make);
        }
        else
        {
            dasd = Make(Volumes.InMemory());
        }
        var subchannel = new EmulatedSubchannel(id, number, spec.ChannelPaths, dasd, executor);
        var device = new VfioCcwDevice(subchannel, space, log, spec.Css);
        device.SetPolicy(spec.Policy);
        if (!table.TryAdd(device))
            throw Exists(shown);
        return shown;
    }

    private bool IsFree(SubchannelId id, DeviceSpec spec) => table.Find(spec.Shown(id)) is null && table.FindHost(id) is null;

    private void RefuseTakenNumber(DeviceId number, DeviceSpec spec)
    {
        DeviceId shown = number with { CssId = spec.Css ?? number.CssId };
        if (table.HasDevice(shown, maps: spec.Css is not null))
            throw new CommandException($"device {number} would be shown as {shown}, which another device is; give another devno= or css=");
    }

    private static CommandException Exists(SubchannelId shown) => new($"{shown} exists already; give another id, or remove it first: ccwfs remove {shown}");

    /// <summary>The id that was given, or the device's own where it has one, or the first free one.</summary>
    private SubchannelId ChooseId(DeviceSpec spec, int index, SubchannelId? own = null)
    {
        if ((spec.Id is null ? own : spec.IdAt(index)) is { } id)
            return IsFree(id, spec) ? id : throw Exists(table.FindHost(id)?.Id ?? spec.Shown(id));
        for (int number = 0; number <= ushort.MaxValue; number++)
        {
            var free = new SubchannelId(0, 0, (ushort)number);
            if (IsFree(free, spec))
                return free;
        }
        throw new CommandException("all 65,536 subchannels of set 0 are in use; give an id like 0.1.0000");
    }
}
