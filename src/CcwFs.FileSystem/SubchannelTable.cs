using System.Collections.Concurrent;
using CcwFs.ChannelIo;

namespace CcwFs.FileSystem;

/// <summary>The mounted subchannels, by name and by slot. Thread-safe.</summary>
public sealed class SubchannelTable
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<SubchannelId, MountedSubchannel> _byId = new();
    private readonly ConcurrentDictionary<ulong, MountedSubchannel> _bySlot = new();
    private readonly ConcurrentDictionary<SubchannelId, MountedSubchannel> _byHostId = new();
    private readonly ConcurrentDictionary<DeviceId, MountedSubchannel> _byNumber = new();
    private MountedSubchannel[]? _sorted; // guarded by _gate; null when out of date
    private ulong _lastSlot;

    /// <summary>The subchannels of this moment, in the order of their ids.</summary>
    public IReadOnlyList<MountedSubchannel> All
    {
        get
        {
            lock (_gate)
                return _sorted ??= [.. _byId.Values.OrderBy(subchannel => subchannel.Id)];
        }
    }

    /// <summary>How many there are.</summary>
    public int Count => _byId.Count;

    /// <summary>The subchannel with an id.</summary>
    public MountedSubchannel? Find(SubchannelId id) => _byId.GetValueOrDefault(id);

    /// <summary>The subchannel with an id on the host, whatever it is shown as.</summary>
    public MountedSubchannel? FindHost(SubchannelId id) => _byHostId.GetValueOrDefault(id);

    /// <summary>The subchannel whose device is shown with a device number.</summary>
    public MountedSubchannel? FindDevice(DeviceId number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Puts a subchannel into the tree; false when its id, its id on the host or its device number is taken.</summary>
    public bool TryAdd(MountedSubchannel subchannel)
    {
        lock (_gate)
        {
            if (_byHostId.ContainsKey(subchannel.HostId) || _byNumber.ContainsKey(subchannel.Number) || _byId.ContainsKey(subchannel.Id))
                return false;
            subchannel.Slot = ++_lastSlot;
            _byHostId[subchannel.HostId] = _byNumber[subchannel.Number] = _bySlot[subchannel.Slot] = _byId[subchannel.Id] = subchannel;
            _sorted = null;
            return true;
        }
    }

    /// <summary>Takes a subchannel out of the tree; open files keep it.</summary>
    public MountedSubchannel? Remove(SubchannelId id)
    {
        lock (_gate)
        {
            if (!_byId.TryRemove(id, out MountedSubchannel? subchannel))
                return null;
            _bySlot.TryRemove(subchannel.Slot, out _);
            _byNumber.TryRemove(subchannel.Number, out _);
            _byHostId.TryRemove(subchannel.HostId, out _);
            _sorted = null;
            return subchannel;
        }
    }

    /// <summary>The subchannel of a slot; null: it has left the tree, or never was in it.</summary>
    internal MountedSubchannel? At(ulong slot) => _bySlot.GetValueOrDefault(slot);
}
