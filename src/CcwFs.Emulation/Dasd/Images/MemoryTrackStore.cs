using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// A volume in this process's memory, gone with it. A track's bytes exist from its first write; until then it reads as its layout
/// would format it, or as zeros (unformatted) where there is no layout.
/// </summary>
/// <param name="geometry">Size.</param>
/// <param name="layout">What tracks hold before they are written; null: nothing.</param>
/// <param name="isReadOnly">Refuse writes.</param>
public sealed class MemoryTrackStore(CkdGeometry geometry, VolumeLayout? layout = null, bool isReadOnly = false) : ITrackStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, byte[]> _tracks = [];
    private CkdTrack? _template;
    private bool _disposed; // guarded by _gate

    /// <inheritdoc/>
    public CkdGeometry Geometry => geometry;

    /// <inheritdoc/>
    public bool IsReadOnly => isReadOnly;

    /// <inheritdoc/>
    public string Name => "memory";

    /// <inheritdoc/>
    public long AllocatedBytes
    {
        get
        {
            lock (_gate)
                return _tracks.Values.Sum(static bytes => (long)bytes.Length);
        }
    }

    /// <inheritdoc/>
    public void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, geometry.TrackSize);
        Check(track);
        lock (_gate)
        {
            ReadOnlySpan<byte> bytes = [];
            if (_tracks.TryGetValue(track, out byte[]? written))
            {
                bytes = written;
            }
            else if (layout is not null)
            {
                _template ??= new CkdTrack(geometry);
                layout.Format(track, _template);
                bytes = _template.Image.Span;
            }
            bytes.CopyTo(slot);
            slot[bytes.Length..].Clear();
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<TrackImage> tracks)
    {
        if (isReadOnly)
            throw new ImageException("memory: the volume is read-only");
        foreach (TrackImage image in tracks)
        {
            Check(image.Track);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(image.Slot.Length, geometry.TrackSize, nameof(tracks));
        }
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            foreach (TrackImage image in tracks)
            {
                // Rewriting a track of the same size is the common case and must not allocate.
                if (!_tracks.TryGetValue(image.Track, out byte[]? bytes) || bytes.Length != image.Slot.Length)
                    _tracks[image.Track] = bytes = new byte[image.Slot.Length];
                image.Slot.Span.CopyTo(bytes);
            }
        }
    }

    /// <inheritdoc/>
    public void Release(int first, int count)
    {
        if (isReadOnly)
            throw new ImageException("memory: the volume is read-only");
        lock (_gate)
        {
            for (int track = first; track < first + count; track++)
            {
                Check(track);
                if (layout is null)
                    _tracks.Remove(track);
                else
                    _tracks[track] = [];
            }
        }
    }

    /// <summary>The volume is gone with all that was written, also where a file of its device is still open.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _tracks.Clear();
            _tracks.TrimExcess();
        }
    }

    private void Check(int track)
    {
        if ((uint)track >= (uint)geometry.Tracks)
            throw new ArgumentOutOfRangeException(nameof(track), track, "no such track");
    }
}
