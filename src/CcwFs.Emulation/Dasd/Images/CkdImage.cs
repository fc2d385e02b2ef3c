using System.Diagnostics.CodeAnalysis;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>When writes go to the disk itself, beyond the kernel's cache. A kill of the process needs neither.</summary>
public enum ImageSync
{
    /// <summary>When the kernel likes, and at <see cref="CkdImage.Sync"/>.</summary>
    None,

    /// <summary>Before <see cref="CkdImage.Write"/> returns (power loss).</summary>
    EndOfWrite,
}

/// <summary>How an image is opened.</summary>
/// <param name="ReadOnly">No writes; others may read too. A pending change is shown as if in place, and stays pending.</param>
/// <param name="Sync">When writes go to the disk.</param>
/// <param name="IgnoreRedo">With ReadOnly: show the files as they are (for checks).</param>
public readonly record struct ImageOptions(bool ReadOnly = false, ImageSync Sync = ImageSync.None, bool IgnoreRedo = false);

/// <summary>
/// A volume in CKD_P370 files. Tracks are read and written with pread and pwrite, never mapped: a file that shrinks would kill us.
/// A write goes to the redo file (<see cref="RedoFile"/>), then in place; the space of every slot is allocated before, so that a full disk cannot stop
/// halfway. Locks: _writing (redo file, buffers, bitmap, label) before a stripe (one track's bytes); readers take a stripe only.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed partial class CkdImage : ITrackStore
{
    // Readers of different tracks rarely meet (arbitrary).
    private const int StripeCount = 16;
    private const int LabelBytes = 512;
    private readonly IImageFiles _files;
    private readonly ImageSeries _series;
    private readonly RedoFile _redo;
    private readonly ImageOptions _options;
    private readonly Lock _writing = new();
    private readonly Lock[] _stripes = new Lock[StripeCount];
    private readonly Dictionary<int, ReadOnlyMemory<byte>> _pending = [];
    // Made by the first write: thousands of volumes may be open that are only read.
    private byte[]? _old;
    private ushort[]? _allocated;
    private readonly byte[] _label = new byte[LabelBytes];
    private bool _redoExists;
    private string? _fault;
    private bool _disposed;

    private CkdImage(IImageFiles files, string path, ImageOptions options, ImageSeries series)
    {
        (_files, _series, _options, Name) = (files, series, options, path);
        _redo = new RedoFile(files, path + RedoSuffix);
        for (int index = 0; index < StripeCount; index++)
            _stripes[index] = new Lock();
        if (!ImageSeries.ReadFully(series.Parts[0].Handle, _label, CkdHeader.Size))
            throw new ImageException($"{path}: offset {CkdHeader.Size}: truncated");
        List<TrackImage> pending = RedoFile.Load(files, _redo.Path, Binding, Geometry, out _redoExists);
        PendingTracks = [.. pending.Select(static track => track.Track)];
        if (options.ReadOnly && !options.IgnoreRedo)
            pending.ForEach(track => _pending[track.Track] = track.Slot);
        else if (!options.ReadOnly && pending.Count > 0)
            Replay(pending);
    }

    /// <summary>What a redo file's name adds to the (first) image file's.</summary>
    public static string RedoSuffix => ".redo";

    /// <inheritdoc/>
    public CkdGeometry Geometry => _series.Geometry;

    /// <inheritdoc/>
    public bool IsReadOnly => _options.ReadOnly;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The files, first to last.</summary>
    public IEnumerable<string> Files => _series.Parts.Select(static part => part.Path);

    /// <summary>Bytes of all files.</summary>
    public long TotalLength => _series.TotalLength;

    /// <summary>Tracks that a redo file held at open: now in place, or with a read-only open still pending.</summary>
    public IReadOnlyList<int> PendingTracks { get; }

    private RedoBinding Binding => new(_series.TotalLength, _series.HeaderSum, Crc32C.Of(_label));

    /// <summary>Opens the image <paramref name="path"/> (of a series: its first file) in this process, locked while open.</summary>
    public static CkdImage Open(string path, bool readOnly = false, ImageSync sync = ImageSync.None) =>
        Open(HostImageFiles.Instance, path, new ImageOptions(readOnly, sync));

    /// <summary>
    /// Opens through <paramref name="files"/>, which must stay usable until the image is disposed. A corrupt image, a missing file, an image in use or a
    /// foreign redo file is an <see cref="ImageException"/>; no handle is left open then. A pending change is put in place first.
    /// </summary>
    public static CkdImage Open(IImageFiles files, string path, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ImageSeries series = ImageSeries.Open(files, path, options.ReadOnly);
        try
        {
            return new CkdImage(files, path, options, series);
        }
        catch (Exception error) when (error is (IOException or UnauthorizedAccessException) and not ImageException)
        {
            series.Dispose();
            throw new ImageException($"{path}: cannot be opened: {ImageSeries.Reason(error)}", error);
        }
        catch
        {
            series.Dispose();
            throw;
        }
    }

    /// <summary>The file and the offset in it of a track's slot, for messages.</summary>
    public (string Path, long Offset) Where(int track) => (_series.Locate(Checked(track), out long offset).Path, offset);

    /// <summary>True when the slot holds no track (zeros where home address and record 0 would be). Reads a few bytes only.</summary>
    public bool IsEmpty(int track)
    {
        Span<byte> start = stackalloc byte[CkdTrack.HomeAddressSize + 2 * CkdTrack.CountSize];
        ReadStart(track, start);
        return start.IndexOfAnyExcept((byte)0) < 0;
    }

    /// <summary>Reads the first bytes of a slot: enough for a track that ends there.</summary>
    internal void ReadStart(int track, Span<byte> bytes)
    {
        lock (_stripes[Checked(track) % StripeCount])
            ReadSlot(track, bytes);
    }

    /// <inheritdoc/>
    public void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        lock (_stripes[Checked(track) % StripeCount])
            ReadSlot(track, slot);
    }

    /// <inheritdoc/>
    /// <remarks>A call of up to 1,024 tracks is applied whole or not at all; a longer one in pieces of as many.</remarks>
    public void Write(ReadOnlySpan<TrackImage> tracks)
    {
        if (IsReadOnly)
            throw new ImageException($"{Name}: opened read-only");
        foreach (TrackImage track in tracks)
        {
            _ = Checked(track.Track);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(track.Slot.Length, Geometry.TrackSize, nameof(tracks));
        }
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (; tracks.Length > RedoFile.MaxTracks; tracks = tracks[RedoFile.MaxTracks..])
                WriteWhole(tracks[..RedoFile.MaxTracks]);
            WriteWhole(tracks);
        }
    }

    /// <summary>
    /// Formats an empty slot. A track within the slot's first sector lies in one page, which is written whole or not at all: it needs no redo
    /// file and no space but its own block. Others go the usual way.
    /// </summary>
    internal void WriteEmpty(TrackImage track)
    {
        if (IsReadOnly || track.Slot.Length > CkdHeader.Size)
        {
            Write([track]);
            return;
        }
        ImageSeries.Part part = _series.Locate(Checked(track.Track), out long offset);
        try
        {
            lock (_writing)
            {
                lock (_stripes[track.Track % StripeCount])
                    RandomAccess.Write(part.Handle, track.Slot.Span, offset);
                NoteLabel(track);
            }
        }
        catch (IOException error)
        {
            throw new ImageException($"{part.Path}: offset {offset}: {At(track.Track)} is not written: {ImageSeries.Reason(error)}", error);
        }
    }

    /// <inheritdoc/>
    public void Sync()
    {
        try
        {
            foreach (ImageSeries.Part part in _series.Parts)
                RandomAccess.FlushToDisk(part.Handle);
        }
        catch (IOException error)
        {
            throw new ImageException($"{Name}: cannot be brought to the disk: {ImageSeries.Reason(error)}", error);
        }
    }

    /// <summary>Closes the files, and removes the redo file unless a change in it is still pending.</summary>
    public void Dispose()
    {
        lock (_writing)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (!IsReadOnly && _redoExists && _fault is null)
                _redo.Remove();
            _redo.Dispose();
            _series.Dispose();
        }
    }

    private int Checked(int track) =>
        (uint)track < (uint)Geometry.Tracks ? track : throw new ArgumentOutOfRangeException(nameof(track), track, "no such track");

    private string At(int track) => $"cylinder {track / Geometry.Heads} head {track % Geometry.Heads}";

    private void ReadSlot(int track, Span<byte> bytes)
    {
        if (_pending.TryGetValue(track, out ReadOnlyMemory<byte> pending))
        {
            pending.Span[..Math.Min(pending.Length, bytes.Length)].CopyTo(bytes);
            bytes[Math.Min(pending.Length, bytes.Length)..].Clear();
            return;
        }
        ImageSeries.Part part = _series.Locate(track, out long offset);
        try
        {
            if (!ImageSeries.ReadFully(part.Handle, bytes, offset))
                throw new ImageException($"{part.Path}: offset {offset}: {At(track)}: the file has been truncated");
        }
        catch (IOException error) when (error is not ImageException)
        {
            throw new ImageException($"{part.Path}: offset {offset}: {At(track)} cannot be read: {ImageSeries.Reason(error)}", error);
        }
    }
}
