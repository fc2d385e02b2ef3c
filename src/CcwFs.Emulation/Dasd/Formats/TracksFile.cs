using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>
/// A file of raw tracks (<see cref="RawTrack"/>), one behind the other, as dd copies them from a DASD with raw_track_access. Holes are tracks that
/// were never formatted. The file is only read. Thread-safe.
/// </summary>
public sealed class TracksFile : ITrackStore
{
    private readonly IImageFile _file;
    private readonly Lock _gate = new();
    private readonly byte[] _raw = new byte[RawTrack.Size]; // guarded by _gate

    private TracksFile(IImageFile file, int cylinders) => (_file, Geometry) = (file, CkdGeometry.Model3390(cylinders));

    /// <inheritdoc/>
    public CkdGeometry Geometry { get; }

    /// <inheritdoc/>
    public bool IsReadOnly => true;

    /// <inheritdoc/>
    public string Name => _file.Path;

    /// <inheritdoc/>
    public long AllocatedBytes => _file.Status(out FileStatus status) < 0 ? _file.Length() : (long)status.Blocks * FileStatus.BlockSize;

    /// <summary>Opens a file to read it, locked against writers; a file that has no whole cylinders is an <see cref="ImageException"/>.</summary>
    public static TracksFile Open(IImageFiles files, string path)
    {
        IImageFile file = SourceFile.Open(files, path);
        try
        {
            long length = SourceFile.Length(file);
            long cylinder = (long)CkdGeometry.Model3390(1).Heads * RawTrack.Size;
            if (length % cylinder != 0 || length / cylinder is < 1 or > CkdGeometry.MaxExtendedCylinders)
            {
                throw new ImageException($"{path}: {length} bytes are no tracks of 1 to {CkdGeometry.MaxExtendedCylinders} cylinders: "
                    + $"a cylinder has {cylinder} bytes");
            }
            return new TracksFile(file, (int)(length / cylinder));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public int NextFormatted(int track)
    {
        if (track >= Geometry.Tracks)
            return Geometry.Tracks;
        long data = _file.NextData((long)track * RawTrack.Size);
        return data >= 0 ? (int)Math.Min(Geometry.Tracks, data / RawTrack.Size)
            : data == -(long)Mono.Unix.Native.Errno.ENXIO ? Geometry.Tracks : track; // it cannot be told: look
    }

    /// <inheritdoc/>
    public void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)track, (uint)Geometry.Tracks, nameof(track));
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        long offset = (long)track * RawTrack.Size;
        lock (_gate)
        {
            int read = _file.ReadAt(offset, _raw);
            string? wrong = read < 0 ? $"cannot be read: {Problem.Of(read)}" : read < _raw.Length ? "the file has been truncated"
                : RawTrack.ToSlot(_raw, track, Geometry, slot);
            if (wrong is not null)
            {
                throw new ImageException(
                    $"{Name}: offset {offset}: {Geometry.At(track)}: {wrong}", Math.Max(0, -read));
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<TrackImage> tracks) => throw SourceFile.OnlyRead(Name);

    /// <inheritdoc/>
    public void Release(int first, int count) => throw SourceFile.OnlyRead(Name);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
