using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>A track of the image is torn or impossible; becomes a data check.</summary>
internal sealed class TornTrackException(int track, string reason) : Exception(reason)
{
    public int Track { get; } = track;
}

/// <summary>
/// One image as the devices on it share it: its tracks behind a small cache. One object an image. The last device that is disposed disposes the
/// volume, and the volume disposes its store. Everything is under the gate of <see cref="Unit"/>, which a device holds during one command. Who
/// changes tracks is known by its program, an object that is compared by identity alone.
/// </summary>
public sealed partial class EckdVolume : ISharedVolume
{
    /// <summary>Tracks cached per volume (arbitrary; buffers are made when first needed, so an idle volume has none).</summary>
    public const int CacheTracks = 32;

    /// <summary>Changed tracks kept until the program ends; with one more they are written (arbitrary, under <see cref="CacheTracks"/>).</summary>
    public const int DirtyLimit = 16;

    private readonly ITrackStore _store;
    private Slot[]? _slots;
    private TrackImage[]? _batch;
    private byte[]? _scratch;
    private Slot? _latest;
    private int _slotCount;
    private int _dirtyCount;
    private long _clock;

    /// <summary>A volume over <paramref name="store"/>, which it owns from now on.</summary>
    public EckdVolume(ITrackStore store) => _store = store;

    /// <summary>Size and model.</summary>
    public CkdGeometry Geometry => _store.Geometry;

    /// <summary>What its file is.</summary>
    public VolumeFile File => _store.File;

    /// <summary>As <see cref="ITrackStore.Describe"/>.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Describe() => _store.Describe();

    /// <summary>The store refuses writes.</summary>
    public bool IsReadOnly => _store.IsReadOnly;

    /// <summary>Where the tracks are, for a person.</summary>
    public string Name => _store.Name;

    /// <summary>After the last device went: why what was written may not be on stable storage, one line; null when it is.</summary>
    public string? CloseFault => _store.CloseFault;

    /// <summary>When writes go to stable storage, for a person; null: the store has none.</summary>
    internal ImageSync? SyncPolicy => _store.SyncPolicy;

    /// <inheritdoc/>
    public void SetSync(ImageSync sync) => _store.SetSync(sync);

    /// <inheritdoc/>
    public long BufferBytes => (long)_slotCount * Geometry.TrackSize;

    /// <summary>The gate, the devices, and who has reserved the volume; gone with the store.</summary>
    internal SharedUnit Unit { get; } = new();

    /// <summary>What was asked of the volume so far.</summary>
    internal VolumeStatistics Statistics { get; } = new();

    /// <summary>
    /// How often changed tracks of several programs were lost to a failed write. A device compares it with the value at its program's first write:
    /// another device's end of program may have been the one that failed to write this program's tracks.
    /// </summary>
    internal int LostWrites { get; private set; }

    /// <summary>Over <see cref="DirtyLimit"/>: the tracks but the last are to be written before another is changed.</summary>
    internal bool MustCommit => _dirtyCount > DirtyLimit;

    /// <summary>Room for one track's bytes while a program's are judged; its content means nothing between two commands.</summary>
    internal byte[] Scratch => _scratch ??= new byte[Geometry.TrackSize];

    /// <summary>
    /// Writes what is changed and disposes the store, the latter also when the write fails (<see cref="ImageException"/>). Devices that are
    /// still attached report intervention required from then on.
    /// </summary>
    public void Dispose()
    {
        lock (Unit.Gate)
        {
            if (Unit.IsGone)
                return;
            Unit.IsGone = true;
            EndProbe();
            try
            {
                Commit();
            }
            finally
            {
                _store.Dispose();
                (_slots, _slotCount, _latest, _batch, _scratch) = (null, 0, null, null, null); // an open file of the device keeps no tracks
            }
        }
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

    /// <summary>The track that <see cref="Track"/> gave last is about to be changed by a program.</summary>
    internal void MarkChanged(object program)
    {
        if (_latest is not { } slot)
            return;
        if (!slot.Changed)
        {
            slot.KeepOld();
            (slot.Changed, slot.ChangedBy, _dirtyCount) = (true, program, _dirtyCount + 1);
        }
        else if (slot.ChangedBy != program)
        {
            slot.ChangedBy = null;
        }
    }

    /// <summary>
    /// Writes the tracks that a program has changed, in one call, and those of others that it changed too; without one, all. What
    /// other programs have changed stays, so that it is written when it is whole. On <see cref="ImageException"/> they are dropped from the cache, so
    /// that the old content is what is read again.
    /// </summary>
    internal void Commit(object? program = null) => Commit(program, but: null);

    /// <summary>
    /// As <see cref="Commit(object?)"/>, before the program has ended: without the track that it is at, which it may have formatted in part.
    /// </summary>
    internal void CommitEarly(object program) => Commit(program, _latest);

    private void Commit(object? program, Slot? but)
    {
        if (_dirtyCount == 0)
            return;
        _batch ??= new TrackImage[CacheTracks];
        int count = 0;
        for (int i = 0; i < _slotCount; i++)
        {
            if (_slots![i] != but && _slots[i].GoesWith(program))
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
            Settle(program, but, written);
        }
    }

    private void Settle(object? program, Slot? but, bool written)
    {
        bool lostOthers = false;
        for (int i = 0; i < _slotCount; i++)
        {
            Slot slot = _slots![i];
            if (slot == but || !slot.GoesWith(program))
                continue;
            if (!written)
                slot.Number = Slot.Empty;
            lostOthers |= !written && (program is null || slot.ChangedBy != program);
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

        /// <summary>While it is changed: by which program; null: by several.</summary>
        public object? ChangedBy { get; set; }

        public long LastUse { get; set; }

        /// <summary>It is changed, and written when a program ends; null: when everything is.</summary>
        public bool GoesWith(object? program) => Changed && (program is null || ChangedBy is null || ChangedBy == program);

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
