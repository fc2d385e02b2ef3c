using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Eckd;

/// <summary>Tracks in arrays, made when written; can be told to fail.</summary>
internal sealed class FakeStore(int cylinders, bool readOnly = false) : ITrackStore
{
    private readonly Dictionary<int, byte[]> _slots = [];

    public CkdGeometry Geometry { get; } = CkdGeometry.Model3390(cylinders);

    public bool IsReadOnly => readOnly;

    public string Name => "fake";

    public bool FailWrites { get; set; }

    /// <summary>Writes are accepted and forgotten, without allocating.</summary>
    public bool DropWrites { get; set; }

    /// <summary>The runtime has no memory for what a write needs.</summary>
    public bool HaveNoMemory { get; set; }

    public bool FailReads { get; set; }

    public bool FailReleases { get; set; }

    public bool Disposed { get; private set; }

    public List<int[]> Writes { get; } = [];

    public int Reads { get; private set; }

    public byte[] Slot(int track) => _slots.TryGetValue(track, out byte[]? slot) ? slot : _slots[track] = new byte[Geometry.TrackSize];

    public void Read(int track, Span<byte> slot)
    {
        Assert.InRange(track, 0, Geometry.Tracks - 1);
        Reads++;
        if (FailReads)
            throw new ImageException($"fake: track {track}: read failed");
        if (_slots.TryGetValue(track, out byte[]? bytes))
            bytes.CopyTo(slot);
        else
            slot.Clear();
    }

    public void Write(ReadOnlySpan<TrackImage> tracks)
    {
        Assert.False(readOnly);
        if (FailWrites)
            throw new ImageException("fake: disk full");
        if (HaveNoMemory)
            throw new OutOfMemoryException();
        if (DropWrites)
            return;
        var numbers = new int[tracks.Length];
        for (int i = 0; i < tracks.Length; i++)
        {
            numbers[i] = tracks[i].Track;
            byte[] slot = new byte[Geometry.TrackSize];
            tracks[i].Slot.CopyTo(slot);
            _slots[numbers[i]] = slot;
        }
        Writes.Add(numbers);
    }

    public void Release(int first, int count)
    {
        Assert.False(readOnly);
        if (FailReleases)
            throw new ImageException("fake: release failed");
        for (int track = first; track < first + count; track++)
            _slots.Remove(track);
        Released.Add((first, count));
    }

    public List<(int First, int Count)> Released { get; } = [];

    public long AllocatedBytes => (long)_slots.Count * Geometry.TrackSize;

    public void Dispose() => Disposed = true;
}
