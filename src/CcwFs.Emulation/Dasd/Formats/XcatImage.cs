using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>
/// An image that xCAT or feilong captured (<see cref="XcatHeader"/>, <see cref="XcatTracks"/>). It is only read, and has no index: tracks are to be
/// read in order; one that lies before the last one read is reached from the front again. Thread-safe.
/// </summary>
public sealed class XcatImage : ITrackStore
{
    private readonly IImageFile _file;
    private readonly XcatHeader _header;
    private readonly Lock _gate = new();
    private readonly byte[] _slot; // the track before the next one of _tracks; guarded by _gate
    private XcatTracks? _tracks;   // guarded by _gate

    private XcatImage(IImageFile file, XcatHeader header)
    {
        (_file, _header, Geometry) = (file, header, CkdGeometry.Model3390(header.Cylinders));
        _slot = new byte[Geometry.TrackSize];
    }

    /// <inheritdoc/>
    public CkdGeometry Geometry { get; }

    /// <inheritdoc/>
    public bool IsReadOnly => true;

    /// <inheritdoc/>
    public string Name => _file.Path;

    /// <inheritdoc/>
    public long AllocatedBytes => _file.Status(out FileStatus status) < 0 ? _file.Length() : (long)status.Blocks * FileStatus.BlockSize;

    /// <summary>Opens a file to read it, locked against writers; one without such a header is an <see cref="ImageException"/>.</summary>
    public static XcatImage Open(IImageFiles files, string path)
    {
        IImageFile file = SourceFile.Open(files, path);
        try
        {
            byte[] start = new byte[XcatHeader.MostBytes];
            int read = ImageException.Check(file.ReadAt(0, start), $"{path}: cannot be read: ");
            return XcatHeader.Parse(start.AsSpan(0, read), out XcatHeader header) is { } wrong ? throw new ImageException($"{path}: {wrong}")
                : new XcatImage(file, header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)track, (uint)Geometry.Tracks, nameof(track));
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        lock (_gate)
        {
            if (_tracks is null || track < _tracks.Next - 1)
            {
                _tracks?.Dispose();
                _tracks = new XcatTracks(_file, _header);
            }
            try
            {
                while (_tracks.Next <= track)
                    _tracks.Read(_slot);
            }
            catch
            {
                _tracks.Dispose(); // what follows cannot be told
                _tracks = null;
                throw;
            }
            _slot.CopyTo(slot);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<TrackImage> tracks) => throw SourceFile.OnlyRead(Name);

    /// <inheritdoc/>
    public void Release(int first, int count) => throw SourceFile.OnlyRead(Name);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _tracks?.Dispose();
            _tracks = null;
            _file.Dispose();
        }
    }
}
