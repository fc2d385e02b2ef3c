using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Who is told when a volume without space has some again.</summary>
internal interface ISpaceWatcher
{
    /// <summary>There is space. Under the gate.</summary>
    void OnSpaceAgain();
}

/// <content>
/// Space of an ESE volume. When a write finds none, sense says so, and drivers wait: they would not notice that there is
/// space again. So the volume asks the store from time to time, by writing the old bytes of the tracks it could not write, which changes nothing, and
/// its devices tell the drivers.
/// </content>
public sealed partial class EckdVolume
{
    /// <summary>How often a volume without space looks for some (arbitrary).</summary>
    private static readonly TimeSpan s_probeInterval = TimeSpan.FromSeconds(1);

    private readonly List<int> _refused = []; // tracks of the last write that found no space
    private List<ISpaceWatcher>? _watchers; // the devices that wait for space; made by the first: most volumes have none
    private Timer? _probe;

    /// <summary>The last write failed for want of space.</summary>
    internal bool IsOutOfSpace { get; private set; }

    /// <summary>Takes in who waits for space.</summary>
    internal void Watch(ISpaceWatcher watcher)
    {
        lock (Unit.Gate)
            (_watchers ??= []).Add(watcher);
    }

    /// <summary>Lets it go, if it was there.</summary>
    internal void Unwatch(ISpaceWatcher watcher)
    {
        lock (Unit.Gate)
            _watchers?.Remove(watcher);
    }

    /// <summary>Its size and space, and what was asked of it. Under the gate.</summary>
    internal VolumeFigures Figures => new(
        (long)Geometry.Tracks * Geometry.TrackSize, _store.AllocatedBytes, Geometry.Tracks, Statistics.Reads + Statistics.Writes, Statistics.Hits);

    /// <summary>Cylinders that take space on the store, rounded up.</summary>
    internal int AllocatedCylinders()
    {
        if (Unit.IsGone)
            return 0;
        long cylinder = (long)Geometry.Heads * Geometry.TrackSize;
        return (int)Math.Min(Geometry.Cylinders, (_store.AllocatedBytes + cylinder - 1) / cylinder);
    }

    /// <summary>
    /// Makes tracks empty for a program and gives their space back; what is cached of them is forgotten, with what other programs have
    /// changed there before. What those have changed elsewhere stays, so that it is written when it is whole. Throws <see cref="ImageException"/>.
    /// Under the gate.
    /// </summary>
    internal void Release(object program, int first, int count)
    {
        Commit(program);
        bool dropped = false;
        for (int i = 0; i < _slotCount; i++)
        {
            Slot slot = _slots![i];
            if (slot.Number < first || slot.Number >= first + count)
                continue;
            dropped |= slot.Changed;
            _dirtyCount -= slot.Changed ? 1 : 0;
            (slot.Changed, slot.Number, _latest) = (false, Slot.Empty, null);
        }
        try
        {
            _store.Release(first, count);
        }
        catch
        {
            LostWrites += dropped ? 1 : 0;
            throw;
        }
        NoteSpace(isThere: true);
    }

    /// <summary>A write found no space, or there is some again. Under the gate.</summary>
    private void NoteSpace(bool isThere)
    {
        if (IsOutOfSpace != isThere)
            return;
        IsOutOfSpace = !isThere;
        EndProbe();
        if (isThere)
        {
            foreach (ISpaceWatcher watcher in _watchers ?? [])
                watcher.OnSpaceAgain();
        }
        else if (_watchers is { Count: > 0 })
        {
            _probe = new Timer(static volume => ((EckdVolume)volume!).Probe(), this, s_probeInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Probe()
    {
        lock (Unit.Gate)
        {
            if (Unit.IsGone || !IsOutOfSpace)
                return;
            try
            {
                foreach (int track in _refused)
                {
                    _store.Read(track, Scratch);
                    _store.Write([new TrackImage(track, Scratch)]);
                }
                NoteSpace(isThere: true);
            }
            catch (ImageException e) when (e.IsOutOfSpace)
            {
                _probe?.Change(s_probeInterval, Timeout.InfiniteTimeSpan);
            }
            catch (ImageException)
            {
                NoteSpace(isThere: true); // not for want of space: the drivers' next try tells them
            }
        }
    }

    private void EndProbe()
    {
        _probe?.Dispose();
        _probe = null;
    }
}
