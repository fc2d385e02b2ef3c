using System.Collections.Concurrent;
using CcwFs.ChannelIo;
using CcwFs.FileSystem.Files;
using CcwFs.Fuse;
using CcwFs.Subchannel;
using CcwFs.Trace;

namespace CcwFs.FileSystem;

/// <summary>One subchannel's place in the tree.</summary>
internal sealed class SubchannelEntry(ulong slot, VfioCcwDevice device) : IAfterReply
{
    private readonly InterruptFile?[] _interrupts = new InterruptFile?[3];

    internal ulong Slot { get; } = slot;

    internal VfioCcwDevice Device { get; } = device;

    /// <summary>Sees all that passes; null: the device has no such layer.</summary>
    internal TraceLayer? Trace { get; } = SubchannelLayer.Find<TraceLayer>(device.Subchannel);

    /// <summary>What a write has begun, if it has begun anything, goes on when the write has been answered. Gives the write's result.</summary>
    internal int GoOnAfter(in FuseRequest write, int result)
    {
        if (result >= 0 && Device.HasWork)
            write.AfterReply(this);
        return result;
    }

    /// <summary>
    /// A short program runs on the worker that has just answered the write: a hand-over to another thread costs more than all the rest. Only while
    /// another worker is waiting for requests.
    /// </summary>
    void IAfterReply.Run(bool mayStay) => Device.GoOn(mayStay ? WorkThread.Caller : WorkThread.Own);

    /// <summary>The uuid of its mediated device.</summary>
    internal string Uuid => field ??= SubchannelUuid.Of(Device.Id);

    /// <summary>The file of an interrupt, made at its first use: thousands of idle subchannels cost nothing.</summary>
    internal InterruptFile Interrupt(DeviceInterrupt interrupt, Action<ulong> notifyPoll)
    {
        int index = (int)interrupt;
        if (_interrupts[index] is { } file)
            return file;
        lock (_interrupts)
            return _interrupts[index] ??= new InterruptFile(Device.Line(interrupt), notifyPoll);
    }
}

/// <summary>The mounted subchannels, by name and by slot. Thread-safe.</summary>
public sealed class SubchannelTable
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<SubchannelId, SubchannelEntry> _byId = new();
    private readonly ConcurrentDictionary<ulong, SubchannelEntry> _bySlot = new();
    private readonly ConcurrentDictionary<SubchannelId, SubchannelEntry> _byHostId = new();
    private readonly ConcurrentDictionary<DeviceId, SubchannelEntry> _byDevice = new();
    private SubchannelEntry[]? _sorted; // guarded by _gate; null when out of date
    private ulong _lastSlot;

    /// <summary>The devices, in the order of their ids.</summary>
    public IReadOnlyList<VfioCcwDevice> Devices => Array.ConvertAll(Sorted(), e => e.Device);

    /// <summary>The device with an id.</summary>
    public VfioCcwDevice? Find(SubchannelId id) => _byId.TryGetValue(id, out SubchannelEntry? entry) ? entry.Device : null;

    /// <summary>The device with an id on the host, whatever it is shown as.</summary>
    public VfioCcwDevice? FindHost(SubchannelId id) => _byHostId.TryGetValue(id, out SubchannelEntry? entry) ? entry.Device : null;

    /// <summary>The device that is shown with a device number.</summary>
    public VfioCcwDevice? FindDevice(DeviceId id) => _byDevice.TryGetValue(id, out SubchannelEntry? entry) ? entry.Device : null;

    /// <summary>Puts a device into the tree; false when its id, its id on the host or its device number is taken.</summary>
    public bool TryAdd(VfioCcwDevice device)
    {
        lock (_gate)
        {
            var entry = new SubchannelEntry(_lastSlot + 1, device);
            if (_byHostId.ContainsKey(device.HostId) || _byDevice.ContainsKey(device.Device) || !_byId.TryAdd(device.Id, entry))
                return false;
            _byHostId[device.HostId] = entry;
            _byDevice[device.Device] = entry;
            _lastSlot++;
            _bySlot[entry.Slot] = entry;
            _sorted = null;
            return true;
        }
    }

    /// <summary>Takes a device out of the tree; open files keep it.</summary>
    public VfioCcwDevice? Remove(SubchannelId id)
    {
        lock (_gate)
        {
            if (!_byId.TryRemove(id, out SubchannelEntry? entry))
                return null;
            _bySlot.TryRemove(entry.Slot, out _);
            _byDevice.TryRemove(entry.Device.Device, out _);
            _byHostId.TryRemove(entry.Device.HostId, out _);
            _sorted = null;
            return entry.Device;
        }
    }

    internal SubchannelEntry? Entry(SubchannelId id) => _byId.GetValueOrDefault(id);

    internal SubchannelEntry? Entry(ulong slot) => _bySlot.GetValueOrDefault(slot);

    internal SubchannelEntry[] Sorted()
    {
        lock (_gate)
            return _sorted ??= [.. _byId.Values.OrderBy(e => e.Device.Id)];
    }
}
