using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Fuzz;

/// <summary>Tracks as bytes up to their end mark, and which of them have been written. Not thread-safe.</summary>
internal sealed class ModelStore(CkdGeometry geometry, IEnumerable<byte[]> tracks) : ITrackStore
{
    private readonly byte[][] _tracks = [.. tracks];

    internal ISet<int> Written { get; } = new HashSet<int>();

    public CkdGeometry Geometry => geometry;

    public bool IsReadOnly => false;

    public string Name => "model";

    public long AllocatedBytes => _tracks.Sum(static t => (long)t.Length);

    public void Read(int track, Span<byte> slot)
    {
        _tracks[track].CopyTo(slot);
        slot[_tracks[track].Length..].Clear();
    }

    public void Write(ReadOnlySpan<TrackImage> tracks)
    {
        foreach (TrackImage track in tracks)
        {
            _tracks[track.Track] = track.Slot.ToArray();
            Written.Add(track.Track);
        }
    }

    public void Release(int first, int count) => throw new InvalidOperationException("no program releases tracks");

    public void Dispose()
    {
    }

    /// <summary>The track holds these bytes, and nothing behind them.</summary>
    internal bool Holds(int track, ReadOnlySpan<byte> image) =>
        _tracks[track].AsSpan().StartsWith(image) && _tracks[track].AsSpan(image.Length).IndexOfAnyExcept((byte)0) < 0;

    internal string Hex(int track, int length) => Convert.ToHexString(_tracks[track], 0, Math.Min(_tracks[track].Length, length));
}
