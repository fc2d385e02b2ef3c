using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <content>
/// Space of an ESE volume. When a write finds none, sense says so, and drivers wait: nobody would notice that there is
/// space again. So the volume asks the store from time to time, by writing the old bytes of the tracks it could not write, which changes nothing, and
/// its devices tell the drivers.
/// </content>
public sealed partial class EckdVolume
{
    /// <summary>How often a volume without space looks for some (arbitrary).</summary>
    private static readonly TimeSpan s_probeInterval = TimeSpan.FromSeconds(1);

    private readonly List<int> _refused = []; // tracks of the last write that found no space
    private Timer? _probe;

    /// <summary>The last write failed for want of space.</summary>
    internal bool IsOutOfSpace { get; private set; }

    /// <summary>Cylinders that take space on the store, rounded up.</summary>
    internal int AllocatedCylinders()
    {
        if (_disposed)
            return 0;
        long cylinder = (long)Geometry.Heads * Geometry.TrackSize;
        return (int)Math.Min(Geometry.Cylinders, (_store.AllocatedBytes + cylinder - 1) / cylinder);
    }

    /// <summary>
    /// Makes tracks empty for a device's program and gives their space back; what is cached of them is forgotten, with what programs of other devices have
    /// changed there before. What those have changed elsewhere stays, so that it is written when it is whole. Throws <see cref="ImageException"/>. Under the
    /// gate.
    /// </summary>
    internal void Release(EckdDevice device, int first, int count)
    {
        Commit(device);
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
            foreach (EckdDevice device in _devices)
                device.AnnounceSpace();
        }
        else if (_devices.Exists(static d => d.IsSpaceEfficient))
        {
            _probe = new Timer(static volume => ((EckdVolume)volume!).Probe(), this, s_probeInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Probe()
    {
        lock (Gate)
        {
            if (_disposed || !IsOutOfSpace)
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
