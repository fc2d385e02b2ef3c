using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Fuzz;

/// <summary>A store that sees which tracks are written. Not thread-safe beyond what its volume does.</summary>
internal sealed class WatchedStore(ITrackStore inner, int? writableCylinder) : ITrackStore
{
    /// <summary>A track outside the cylinder that was written; -1: none.</summary>
    internal int Outside { get; private set; } = -1;

    internal int Written { get; private set; }

    public CkdGeometry Geometry => inner.Geometry;

    public bool IsReadOnly => inner.IsReadOnly;

    public string Name => inner.Name;

    public long AllocatedBytes => inner.AllocatedBytes;

    public void Read(int track, Span<byte> slot) => inner.Read(track, slot);

    public void Write(ReadOnlySpan<TrackImage> tracks)
    {
        foreach (TrackImage track in tracks)
            See(track.Track);
        inner.Write(tracks);
    }

    public void Release(int first, int count)
    {
        See(first);
        See(first + count - 1);
        inner.Release(first, count);
    }

    public void Dispose() => inner.Dispose();

    private void See(int track)
    {
        Written++;
        if (writableCylinder is { } cylinder && track / Geometry.Heads != cylinder)
            Outside = track;
    }
}
