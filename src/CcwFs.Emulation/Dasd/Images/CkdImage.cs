using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// A volume in CKD_P370 files: its slots (<see cref="ImageSlots"/>), what an open makes of a redo file that was left behind (<see
/// cref="ImageRecovery"/>), and who writes (<see cref="ImageWriter"/>). Tracks are read and written with pread and pwrite, never mapped: a file that
/// shrinks would kill us.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed class CkdImage : ITrackStore
{
    /// <summary>
    /// Most bytes of memory that opening takes for the moment, beside <see cref="KeptBytes"/> and whatever a redo file says: its longest table, as it
    /// is and as it is understood, 2 MiB each, and two tracks and what holds the parts together (rounded up).
    /// </summary>
    public const int OpeningBytes = (4 << 20) + (384 << 10);

    private readonly ImageSlots _slots;
    private readonly ImageWriter? _writer; // null: read-only
    private readonly ImageLines _lines;
    private readonly Lock _gate = new(); // before the writer's
    private bool _disposed;  // guarded by _gate

    private CkdImage(IImageFiles files, string path, ImageOptions options, bool asIs, ImageSeries series)
    {
        _slots = new ImageSlots(path, series);
        _lines = new ImageLines(path, options.Say);
        IRedoPlace place = files.RedoOf(series.Parts[0].File);
        var recovery = new ImageRecovery(files, _slots, options, asIs, _lines);
        try
        {
            recovery.Run(place);
            if (!options.ReadOnly)
                files.TakeMemory(WriterBytes(Geometry));
        }
        catch
        {
            place.Dispose();
            _lines.Dispose();
            throw;
        }
        (PendingTracks, RedoProblem, RedoNote) = (recovery.PendingTracks, recovery.Fault, recovery.Note);
        if (options.ReadOnly)
        {
            place.Dispose();
            return;
        }
        var redo = new RedoFile(place, new RedoHead(RedoState.Ordered, _slots.Binding, 0, files.BootId, RandomNumbers.Next()));
        _writer = new ImageWriter(_slots, redo, _lines, options.Sync);
    }

    /// <inheritdoc/>
    public CkdGeometry Geometry => _slots.Geometry;

    /// <inheritdoc/>
    public bool IsReadOnly => _writer is null;

    /// <inheritdoc/>
    public string Name => _slots.Name;

    /// <inheritdoc/>
    public ImageSync? SyncPolicy => _writer?.SyncPolicy;

    /// <summary>The files, first to last.</summary>
    public IEnumerable<string> Files => _slots.Parts.Select(static part => part.Path);

    /// <summary>Bytes of all files.</summary>
    public long TotalLength => _slots.Binding.TotalLength;

    /// <summary>
    /// Tracks of the change that a redo file held at open: now in place, or with a read-only open still pending; after <see
    /// cref="OpenAsIs"/> the tracks that were being written when ccwfs stopped.
    /// </summary>
    public IReadOnlyList<int> PendingTracks { get; }

    /// <summary>After <see cref="OpenAsIs"/>: why an open to write would be refused, one line; null when it would not.</summary>
    public string? RedoProblem { get; }

    /// <summary>After <see cref="OpenAsIs"/>: what an open to write would do or say, one line; null when nothing.</summary>
    public string? RedoNote { get; }

    /// <inheritdoc/>
    public string? CloseFault { get; private set; }

    /// <inheritdoc/>
    public long AllocatedBytes => _slots.Parts.Sum(static part =>
        part.File.Status(out FileStatus status) < 0 ? part.Length : (long)status.Blocks * FileStatus.BlockSize);

    /// <summary>
    /// Bytes of memory that the image may take for itself: what it knows of its tracks and one to compare with, or, open to read alone, the tracks of
    /// a change that stays pending.
    /// </summary>
    public long KeptBytes => IsReadOnly ? (long)_slots.Shown * Geometry.TrackSize : WriterBytes(Geometry);

    /// <summary>Opens the image <paramref name="path"/> (of a series: its first file) in this process, locked while open.</summary>
    public static CkdImage Open(string path, bool readOnly = false, ImageSync sync = default) =>
        Open(HostImageFiles.Instance, path, new ImageOptions(readOnly, sync));

    /// <summary>
    /// Opens through <paramref name="files"/>, which must stay usable until the image is disposed. A corrupt image, a missing file, an image in use
    /// or a redo file that is not this image's is an <see cref="ImageException"/>; nothing is left open then. A change that was cut short is put in
    /// place first.
    /// </summary>
    public static CkdImage Open(IImageFiles files, string path, ImageOptions options) => Open(files, path, options, asIs: false);

    /// <summary>
    /// Opens to read the files as they are, whatever a redo file holds: what an open to write would refuse is in <see cref="RedoProblem"/>, what it
    /// would do in <see cref="RedoNote"/>.
    /// </summary>
    public static CkdImage OpenAsIs(IImageFiles files, string path) => Open(files, path, new ImageOptions(ReadOnly: true), asIs: true);

    private static CkdImage Open(IImageFiles files, string path, ImageOptions options, bool asIs)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ImageSeries series = ImageSeries.Open(files, path, options.ReadOnly);
        try
        {
            return new CkdImage(files, path, options, asIs, series);
        }
        catch (ImageException error) when (!error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            series.Dispose();
            throw new ImageException($"{path}: cannot be opened: {error.Message}", error);
        }
        catch
        {
            series.Dispose();
            throw;
        }
    }

    /// <summary>The file and the offset in it of a track's slot, for messages.</summary>
    public (string Path, long Offset) Where(int track) => _slots.Where(track);

    /// <summary>True when the slot holds no track (zeros where home address and record 0 would be). Reads a few bytes only.</summary>
    public bool IsEmpty(int track)
    {
        Span<byte> start = stackalloc byte[CkdTrack.HomeAddressSize + 2 * CkdTrack.CountSize];
        ReadStart(track, start);
        return start.IndexOfAnyExcept((byte)0) < 0;
    }

    /// <inheritdoc/>
    /// <remarks>The file system tells it, by the holes of the files.</remarks>
    public int NextWithData(int track) => _slots.NextWithData(track);

    /// <summary>Reads the first bytes of a slot: enough for a track that ends there.</summary>
    internal void ReadStart(int track, Span<byte> bytes) => _slots.Read(track, bytes);

    /// <inheritdoc/>
    public void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        _slots.Read(track, slot);
    }

    /// <inheritdoc/>
    /// <remarks>A call of up to 1,024 tracks is applied whole or not at all; a longer one in pieces of as many.</remarks>
    public void Write(ReadOnlySpan<TrackImage> tracks)
    {
        ImageWriter writer = Writer();
        foreach (TrackImage track in tracks)
        {
            _ = _slots.Checked(track.Track);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(track.Slot.Length, Geometry.TrackSize, nameof(tracks));
        }
        writer.Write(tracks);
    }

    /// <summary>
    /// Formats an empty slot. A track within the slot's first sector is written whole or not at all: it needs no redo
    /// file and no space but its own block. Others go the usual way.
    /// </summary>
    internal void WriteEmpty(TrackImage track)
    {
        if (_writer is null || track.Slot.Length > RedoFile.SectorSize)
        {
            Write([track]);
            return;
        }
        _ = _slots.Checked(track.Track);
        _writer.WriteEmpty(track);
    }

    /// <inheritdoc/>
    /// <remarks>As <see cref="Write"/>, in pieces of 220 tracks.</remarks>
    public void Release(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ImageWriter writer = Writer();
        if (count == 0)
            return;
        _ = _slots.Checked(first);
        _ = _slots.Checked(first + count - 1);
        writer.Release(first, count);
    }

    /// <inheritdoc/>
    public void SetSync(ImageSync sync) => _writer?.SetSync(sync);

    /// <summary>
    /// Brings everything to stable storage, removes the redo file unless a change in it is still pending, and closes the files. What went wrong is in
    /// <see cref="CloseFault"/>.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            CloseFault = _writer?.Close();
            _slots.Dispose();
        }
        _lines.Dispose();
    }

    private static long WriterBytes(CkdGeometry geometry) => AllocatedTracks.MostBytes(geometry.Tracks) + geometry.TrackSize;

    /// <summary>Throws <see cref="ImageException"/> where there is none.</summary>
    private ImageWriter Writer() => _writer ?? throw new ImageException($"{Name}: opened read-only");
}
