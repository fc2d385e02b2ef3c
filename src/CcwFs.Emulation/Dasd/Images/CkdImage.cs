using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>How an image is opened.</summary>
/// <param name="ReadOnly">No writes; others may read too. A pending change is shown as if in place, and stays pending.</param>
/// <param name="Sync">When writes go to stable storage.</param>
/// <param name="IgnoreRedo">
/// With ReadOnly: show the files as they are (for checks); what would be refused is in <see cref="CkdImage.RedoProblem"/>, what would be done in
/// <see cref="CkdImage.RedoNote"/>.
/// </param>
/// <param name="Say">
/// Takes lines for people about what is done or found beside a call: changes put in place or dropped, a redo file that went. Of each kind that can come again
/// and again they are limited (<see cref="Subchannel.LogLimit"/>). Null: nobody wants them.
/// </param>
public readonly record struct ImageOptions(bool ReadOnly = false, ImageSync Sync = default, bool IgnoreRedo = false, Action<string>? Say = null);

/// <summary>
/// A volume in CKD_P370 files. Tracks are read and written with pread and pwrite, never mapped: a file that shrinks would kill us. A write goes to the redo
/// file (<see cref="RedoFile"/>), then in place; the space of every slot is allocated before, so that a full disk cannot stop halfway. Only the sectors that
/// change are written. Locks: _writing (redo file, buffers, bitmap) before a stripe (one track's bytes); readers take a stripe only.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed partial class CkdImage : ITrackStore
{
    /// <summary>
    /// Most bytes of memory that opening takes for the moment, beside <see cref="KeptBytes"/> and whatever a redo file says: its longest table, as it is and as
    /// it is understood, 2 MiB each, and two tracks and what holds the parts together (rounded up).
    /// </summary>
    public const int OpeningBytes = (4 << 20) + (384 << 10);

    // Readers of different tracks rarely meet (arbitrary).
    private const int StripeCount = 16;
    private readonly IImageFiles _files;
    private readonly ImageSeries _series;
    private readonly RedoFile? _redo; // null: read-only
    private readonly ImageOptions _options;
    private readonly ImageLines _lines;
    private readonly Lock _writing = new();
    private readonly Lock[] _stripes = new Lock[StripeCount];
    private readonly Dictionary<int, byte[]> _pending = []; // slots that readers get in place of the file's; written under _writing and all stripes
    // Made by the first write: thousands of volumes may be open that are only read.
    private byte[]? _old;
    private AllocatedTracks? _allocated;
    private string? _fault;
    private bool _disposed;

    private CkdImage(IImageFiles files, string path, ImageOptions options, ImageSeries series)
    {
        (_files, _series, _options, Name, SyncPolicy) = (files, series, options, path, options.Sync);
        _lines = new ImageLines(path, options.Say);
        for (int index = 0; index < StripeCount; index++)
            _stripes[index] = new Lock();
        IRedoPlace place = files.RedoOf(series.Parts[0].File);
        try
        {
            Recover(place);
            if (!options.ReadOnly)
                files.TakeMemory(KeptBytes);
        }
        catch
        {
            place.Dispose();
            _lines.Dispose();
            throw;
        }
        if (options.ReadOnly)
            place.Dispose();
        else
            _redo = new RedoFile(place, new RedoHead(RedoState.Ordered, Binding, 0, files.BootId, NewSession()));
    }

    /// <summary>What a redo file's name adds to the (first) image file's.</summary>
    public static string RedoSuffix => ".redo";

    /// <inheritdoc/>
    public CkdGeometry Geometry => _series.Geometry;

    /// <inheritdoc/>
    public bool IsReadOnly => _options.ReadOnly;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>When writes go to stable storage.</summary>
    public ImageSync SyncPolicy { get; private set; } // set under _writing

    /// <summary>The files, first to last.</summary>
    public IEnumerable<string> Files => _series.Parts.Select(static part => part.Path);

    /// <summary>Bytes of all files.</summary>
    public long TotalLength => _series.TotalLength;

    /// <summary>
    /// Tracks of the change that a redo file held at open: now in place, or with a read-only open still pending; with <see cref="ImageOptions.IgnoreRedo"/> the
    /// tracks that were being written when ccwfs stopped.
    /// </summary>
    public IReadOnlyList<int> PendingTracks { get; private set; } = [];

    /// <summary>With <see cref="ImageOptions.IgnoreRedo"/>: why an open to write would be refused, one line; null when it would not.</summary>
    public string? RedoProblem { get; private set; }

    /// <summary>With <see cref="ImageOptions.IgnoreRedo"/>: what an open to write would do or say, one line; null when nothing.</summary>
    public string? RedoNote { get; private set; }

    /// <inheritdoc/>
    public string? CloseFault { get; private set; }

    /// <inheritdoc/>
    public long AllocatedBytes => _series.Parts.Sum(static part =>
        part.File.Status(out FileStatus status) < 0 ? part.Length : (long)status.Blocks * FileStatus.BlockSize);

    /// <summary>
    /// Bytes of memory that the image may take for itself: what it knows of its tracks and one to compare with, or, open to read alone, the tracks of a change
    /// that stays pending.
    /// </summary>
    public long KeptBytes => IsReadOnly ? (long)_pending.Count * Geometry.TrackSize : AllocatedTracks.MostBytes(Geometry.Tracks) + Geometry.TrackSize;

    private RedoBinding Binding => new(_series.TotalLength, _series.HeaderSum, _series.Inode);

    /// <summary>Opens the image <paramref name="path"/> (of a series: its first file) in this process, locked while open.</summary>
    public static CkdImage Open(string path, bool readOnly = false, ImageSync sync = default) =>
        Open(HostImageFiles.Instance, path, new ImageOptions(readOnly, sync));

    /// <summary>
    /// Opens through <paramref name="files"/>, which must stay usable until the image is disposed. A corrupt image, a missing file, an image in use or a
    /// redo file that is not this image's is an <see cref="ImageException"/>; nothing is left open then. A change that was cut short is put in place first.
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
    public (string Path, long Offset) Where(int track) => (_series.Locate(Checked(track), out long offset).Path, offset);

    /// <summary>True when the slot holds no track (zeros where home address and record 0 would be). Reads a few bytes only.</summary>
    public bool IsEmpty(int track)
    {
        Span<byte> start = stackalloc byte[CkdTrack.HomeAddressSize + 2 * CkdTrack.CountSize];
        ReadStart(track, start);
        return start.IndexOfAnyExcept((byte)0) < 0;
    }

    /// <summary>
    /// The first track from <paramref name="track"/> on whose slot may hold a byte other than zero, as the file system tells it without reading; the number of
    /// tracks when there is none.
    /// </summary>
    public int NextWithData(int track)
    {
        while (track < Geometry.Tracks)
        {
            ImageSeries.Part part = _series.Locate(track, out long offset);
            long data = part.File.NextData(offset);
            int end = part.FirstTrack + part.Tracks;
            if (data >= 0)
                return Math.Min(end, track + (int)((data - offset) / Geometry.TrackSize));
            if (data != -(long)Errno.ENXIO)
                return track; // it cannot be told: look
            track = end;
        }
        return Geometry.Tracks;
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
        RefuseReadOnly();
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

    /// <inheritdoc/>
    public void Sync()
    {
        if (IsReadOnly)
            return;
        lock (_writing)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            SyncAll();
        }
    }

    /// <summary>
    /// Brings everything to stable storage, removes the redo file unless a change in it is still pending, and closes the files. What went wrong is in
    /// <see cref="CloseFault"/>.
    /// </summary>
    public void Dispose()
    {
        StopTimer();
        lock (_writing)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_redo is not null)
            {
                CloseFault = Finish();
                _redo.Dispose();
            }
            _series.Dispose();
        }
        _lines.Dispose();
    }

    private static ulong NewSession()
    {
        Span<ulong> number = stackalloc ulong[1];
        RandomNumberGenerator.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(number));
        return number[0];
    }

    private void RefuseReadOnly()
    {
        if (IsReadOnly)
            throw new ImageException($"{Name}: opened read-only");
    }

    private int Checked(int track) =>
        (uint)track < (uint)Geometry.Tracks ? track : throw new ArgumentOutOfRangeException(nameof(track), track, "no such track");

    private string At(int track) => $"cylinder {track / Geometry.Heads} head {track % Geometry.Heads}";

    private void ReadSlot(int track, Span<byte> bytes)
    {
        if (_pending.TryGetValue(track, out byte[]? pending))
            pending.AsSpan(0, bytes.Length).CopyTo(bytes);
        else
            ReadInPlace(track, bytes);
    }

    private void ReadInPlace(int track, Span<byte> bytes)
    {
        int result = TryReadInPlace(track, bytes);
        if (result == 0)
            return;
        (string path, long offset) = Where(track);
        throw new ImageException(result == -(int)Errno.ENODATA
            ? $"{path}: offset {offset}: {At(track)}: the file has been truncated"
            : $"{path}: offset {offset}: {At(track)} cannot be read: {Problem.Of(result)}", -result);
    }

    /// <summary>0, a negative errno, or -ENODATA for a file that has become too short.</summary>
    private int TryReadInPlace(int track, Span<byte> bytes)
    {
        int read = _series.Locate(track, out long offset).File.ReadAt(offset, bytes);
        return read < 0 ? read : read < bytes.Length ? -(int)Errno.ENODATA : 0;
    }
}
