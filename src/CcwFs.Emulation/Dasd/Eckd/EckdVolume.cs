using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>A track of the image is torn or impossible; becomes a data check.</summary>
internal sealed class TornTrackException(int track, string reason) : Exception(reason)
{
    public int Track { get; } = track;
}

/// <summary>
/// One image as the devices on it share it: its tracks behind a small cache, and who has reserved it. One object an image; each
/// <see cref="EckdDevice"/> attaches itself. The last device that is disposed disposes the volume, and the volume disposes its store.
/// Everything is guarded by <see cref="Gate"/>, which a device holds during one command, data transfer included. Lock order: a channel's own
/// locks, then the gate; nothing calls out to a channel with the gate held except through the running command's data transfer, and to present status of
/// the device's own, for which the channel locks nothing.
/// </summary>
public sealed partial class EckdVolume : IDisposable
{
    /// <summary>Tracks cached a volume (arbitrary; buffers are made when first needed, so an idle volume has none).</summary>
    public const int CacheTracks = 32;

    /// <summary>Changed tracks at which they are written before the program ends (arbitrary, under <see cref="CacheTracks"/>).</summary>
    public const int DirtyLimit = 16;

    private readonly ITrackStore _store;
    private readonly List<EckdDevice> _devices = [];
    private Slot[]? _slots;
    private TrackImage[]? _batch;
    private byte[]? _scratch;
    private Slot? _latest;
    private int _slotCount;
    private int _dirtyCount;
    private long _clock;
    private bool _disposed;

    /// <summary>A volume over <paramref name="store"/>, which it owns from now on.</summary>
    public EckdVolume(ITrackStore store) => _store = store;

    /// <summary>Size and model.</summary>
    public CkdGeometry Geometry => _store.Geometry;

    /// <summary>The store refuses writes.</summary>
    public bool IsReadOnly => _store.IsReadOnly;

    /// <summary>Where the tracks are, for a person.</summary>
    public string Name => _store.Name;

    /// <summary>After the last device went: why what was written may not be on stable storage, one line; null when it is.</summary>
    public string? CloseFault => _store.CloseFault;

    /// <summary>When writes go to stable storage, for a person; null: the store has none.</summary>
    internal ImageSync? SyncPolicy => (_store as CkdImage)?.SyncPolicy;

    /// <summary>From now on writes go to stable storage as <paramref name="sync"/> says, or sooner as they did before.</summary>
    public void SyncAtLeast(ImageSync sync) => (_store as CkdImage)?.SyncAtLeast(sync);

    /// <summary>Track buffers made so far; 0 until the first command that touches a track.</summary>
    public int BuffersInUse => _slotCount;

    internal Lock Gate { get; } = new();

    /// <summary>The devices on the volume; under the gate.</summary>
    internal IReadOnlyList<EckdDevice> Devices => _devices;

    /// <summary>What was asked of the volume so far.</summary>
    internal VolumeStatistics Statistics { get; } = new();

    /// <summary>The device that has reserved the volume, if any.</summary>
    internal EckdDevice? ReservedBy { get; set; }

    /// <summary>
    /// How often changed tracks of several programs were lost to a failed write. A device compares it with the value at its program's first write:
    /// another device's end of program may have been the one that failed to write this program's tracks.
    /// </summary>
    internal int LostWrites { get; private set; }

    /// <summary>At <see cref="DirtyLimit"/>: the tracks are to be written before another is changed.</summary>
    internal bool MustCommit => _dirtyCount >= DirtyLimit;

    /// <summary>The store is gone: commands get intervention required.</summary>
    internal bool IsDisposed => _disposed;

    /// <summary>Room for one track's bytes while a program's are judged; its content is nobody's between two commands.</summary>
    internal byte[] Scratch => _scratch ??= new byte[Geometry.TrackSize];

    /// <summary>
    /// Writes what is changed and disposes the store, the latter also when the write fails (<see cref="ImageException"/>). Devices that are
    /// still attached report intervention required from then on.
    /// </summary>
    public void Dispose()
    {
        lock (Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            EndProbe();
            try
            {
                Commit();
            }
            finally
            {
                _store.Dispose();
                (_slots, _slotCount, _latest, _batch, _scratch) = (null, 0, null, null, null); // whoever still holds a file of the device keeps no tracks
            }
        }
    }

    internal void Attach(EckdDevice device)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _devices.Add(device);
        }
    }

    internal void Detach(EckdDevice device)
    {
        bool last;
        lock (Gate)
            last = _devices.Remove(device) && _devices.Count == 0;
        if (last)
            Dispose();
    }

    /// <summary>Tells the devices that were busy that the volume is free. Called without the gate.</summary>
    internal void AnnounceFree()
    {
        EckdDevice[] waiting;
        lock (Gate)
            waiting = [.. _devices.Where(d => d.TakeOwedDeviceEnd())];
        foreach (EckdDevice device in waiting)
            device.NoLongerBusy?.Invoke();
    }

    /// <summary>A program has begun on another device and has not ended.</summary>
    internal bool IsInUseBeside(EckdDevice device)
    {
        foreach (EckdDevice other in _devices)
        {
            if (other != device && other.IsInProgram)
                return true;
        }
        return false;
    }

    /// <summary>Tells the drivers of all devices but one to look at the volume again. Called without the gate.</summary>
    public void RaiseStateChange(EckdDevice? except)
    {
        EckdDevice[] devices;
        lock (Gate)
            devices = [.. _devices.Where(d => d != except)];
        foreach (EckdDevice device in devices)
            device.RaiseStateChange();
    }

    /// <summary>
    /// The track, from the cache or the store; valid until the next call, under the gate.
    /// Throws <see cref="ImageException"/> or <see cref="TornTrackException"/>.
    /// </summary>
    internal CkdTrack Track(int number)
    {
        if (_latest is { } latest && latest.Number == number)
            return latest.Track;
        _slots ??= new Slot[CacheTracks];
        for (int i = 0; i < _slotCount; i++)
        {
            if (_slots[i].Number == number)
                return Use(_slots[i]);
        }
        Slot slot = FreeSlot();
        slot.Number = Slot.Empty;
        if (slot.Track.Load(_store, number) is { } fault)
            throw new TornTrackException(number, fault);
        slot.Number = number;
        Statistics.Loads++;
        return Use(slot);
    }

    /// <summary>The track that <see cref="Track"/> gave last is about to be changed by a device's program.</summary>
    internal void MarkChanged(EckdDevice device)
    {
        if (_latest is not { } slot)
            return;
        if (!slot.Changed)
        {
            slot.KeepOld();
            (slot.Changed, slot.ChangedBy, _dirtyCount) = (true, device, _dirtyCount + 1);
        }
        else if (slot.ChangedBy != device)
        {
            slot.ChangedBy = null;
        }
    }

    /// <summary>
    /// Writes the tracks that a device's program has changed, in one call, and those of others that it changed too; without a device, all. What other programs
    /// have changed stays, so that it is written when it is whole. On <see cref="ImageException"/> they are dropped from the cache, so that the old
    /// content is what is read again.
    /// </summary>
    internal void Commit(EckdDevice? device = null)
    {
        if (_dirtyCount == 0)
            return;
        _batch ??= new TrackImage[CacheTracks];
        int count = 0;
        for (int i = 0; i < _slotCount; i++)
        {
            if (_slots![i].GoesWith(device))
                _batch[count++] = new TrackImage(_slots[i].Number, _slots[i].Track.Image, _slots[i].Old);
        }
        if (count == 0)
            return;
        bool written = false;
        try
        {
            _store.Write(_batch.AsSpan(0, count));
            written = true;
            Statistics.Stores += (uint)count;
            if (_probe is null)
                NoteSpace(isThere: true); // else the probe finds out: this write may have needed none
        }
        catch (ImageException e) when (e.IsOutOfSpace)
        {
            _refused.Clear();
            for (int i = 0; i < count; i++)
                _refused.Add(_batch[i].Track);
            NoteSpace(isThere: false);
            throw;
        }
        finally
        {
            Settle(device, written);
        }
    }

    private void Settle(EckdDevice? device, bool written)
    {
        bool lostOthers = false;
        for (int i = 0; i < _slotCount; i++)
        {
            Slot slot = _slots![i];
            if (!slot.GoesWith(device))
                continue;
            if (!written)
                slot.Number = Slot.Empty;
            lostOthers |= !written && (device is null || slot.ChangedBy != device);
            slot.Changed = false;
            _dirtyCount--;
        }
        if (lostOthers)
            LostWrites++;
        if (!written)
            _latest = null;
    }

    private CkdTrack Use(Slot slot)
    {
        slot.LastUse = ++_clock;
        _latest = slot;
        return slot.Track;
    }

    /// <summary>A new slot, an empty one, or the unchanged one not used for longest; one exists because DirtyLimit is under CacheTracks.</summary>
    private Slot FreeSlot()
    {
        Slot? oldest = null;
        for (int i = 0; i < _slotCount; i++)
        {
            Slot slot = _slots![i];
            if (slot.Number == Slot.Empty)
                return slot;
            if (!slot.Changed && (oldest is null || slot.LastUse < oldest.LastUse))
                oldest = slot;
        }
        return _slotCount < CacheTracks ? _slots![_slotCount++] = new Slot(Geometry) : oldest!;
    }

    private sealed class Slot(CkdGeometry geometry)
    {
        public const int Empty = -1;

        private byte[]? _old;

        public CkdTrack Track { get; } = new(geometry);

        public int Number { get; set; } = Empty;

        public bool Changed { get; set; }

        /// <summary>While it is changed: by which device's program; null: by several.</summary>
        public EckdDevice? ChangedBy { get; set; }

        public long LastUse { get; set; }

        /// <summary>It is changed, and written when a device's program ends; null: when everything is.</summary>
        public bool GoesWith(EckdDevice? device) => Changed && (device is null || ChangedBy is null || ChangedBy == device);

        /// <summary>The track's bytes in the store when it was changed first; none for one that was not there.</summary>
        public ReadOnlyMemory<byte> Old { get; private set; }

        public void KeepOld()
        {
            ReadOnlySpan<byte> bytes = Track.Image.Span;
            if (Track.WasUnformatted)
            {
                Old = default;
                return;
            }
            _old ??= new byte[geometry.TrackSize];
            bytes.CopyTo(_old);
            Old = _old.AsMemory(0, bytes.Length);
        }
    }
}
