using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// A volume in files of slots: the slots (<see cref="ImageSlots"/>), what an open makes of a redo file that was left behind (<see
/// cref="ImageRecovery"/>), and who writes (<see cref="ImageWriter"/>). What a slot holds of a track is the format's affair. Slots are read and
/// written with pread and pwrite, never mapped: a file that shrinks would kill us.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public abstract class SlotStore : ITrackStore
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

    /// <summary>Opens the slots of <paramref name="parts"/>, which it owns once it is made.</summary>
    private protected SlotStore(IImageFiles files, string path, ImageOptions options, bool asIs, SlotFiles parts)
    {
        _slots = new ImageSlots(path, parts);
        _lines = new ImageLines(path, options.Say);
        Redo = options.Redo;
        IRedoPlace place = RedoOf(files, parts.Parts[0].File, options);
        var recovery = new ImageRecovery(files, _slots, options, asIs, _lines);
        try
        {
            recovery.Run(place);
            if (!options.ReadOnly)
                files.TakeMemory(WriterBytes());
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
    public abstract VolumeFile File { get; }

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
    /// Tracks of the change that a redo file held at open: now in place, or with a read-only open still pending; after an open
    /// to look at the files as they are, the tracks that were being written when ccwfs stopped.
    /// </summary>
    public IReadOnlyList<int> PendingTracks { get; }

    /// <summary>After an open to look at the files as they are: why an open to write would be refused, one line; null when it would not.</summary>
    public string? RedoProblem { get; }

    /// <summary>After an open to look at the files as they are: what an open to write would do or say, one line; null when nothing.</summary>
    public string? RedoNote { get; }

    /// <inheritdoc/>
    public string? CloseFault { get; private set; }

    /// <inheritdoc/>
    public long AllocatedBytes => _slots.Parts.Sum(static part =>
        part.File.Status(out FileStatus status) < 0 || status.Type == FileStatus.TypeBlockDevice
            ? part.Length : (long)status.Blocks * FileStatus.BlockSize);

    /// <summary>
    /// Bytes of memory that the image may take for itself: what it knows of its tracks and one to compare with, or, open to read alone, the tracks of
    /// a change that stays pending.
    /// </summary>
    public long KeptBytes => IsReadOnly ? (long)_slots.Shown * _slots.SlotSize : WriterBytes();

    /// <summary>The path of the redo file that was asked for; null: it is beside the image.</summary>
    private protected string? Redo { get; }

    /// <inheritdoc/>
    public virtual IEnumerable<KeyValuePair<string, string>> Describe() => Redo is null ? [] : [new("redo", Redo)];

    /// <summary>The file and the offset in it of a track's slot, for messages.</summary>
    public (string Path, long Offset) Where(int track) => _slots.Where(track);

    /// <summary>
    /// The first track from <paramref name="track"/> on whose slot may hold a byte other than zero, as the file system tells it without reading; the
    /// number of tracks when there is none. There is nothing to be looked at in those before it.
    /// </summary>
    public virtual int NextWithData(int track) => _slots.NextWithData(track);

    /// <summary>True when there is no track, as before it was formatted first.</summary>
    public abstract bool IsEmpty(int track);

    /// <inheritdoc/>
    public abstract int NextFormatted(int track);

    /// <inheritdoc/>
    public abstract void Read(int track, Span<byte> slot);

    /// <inheritdoc/>
    public abstract void Write(ReadOnlySpan<TrackImage> tracks);

    /// <inheritdoc/>
    /// <remarks>As <see cref="Write"/>, in pieces of 220 tracks.</remarks>
    public virtual void Release(int first, int count)
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
    public virtual void SetSync(ImageSync sync) => _writer?.SetSync(sync);

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
        OnClosed();
        GC.SuppressFinalize(this);
    }

    /// <summary>The files are closed.</summary>
    private protected virtual void OnClosed()
    {
    }

    /// <summary>Beside a block device there is no place: /dev is gone after a restart.</summary>
    private static IRedoPlace RedoOf(IImageFiles files, IImageFile first, in ImageOptions options)
    {
        if (options is { ReadOnly: false, Redo: null } && IsBlockDevice(first))
        {
            throw new ImageException(
                "it is a block device: give redo=PATH too, a file that is there after a restart, where a change is kept until it is in place");
        }
        if (options.Redo is not null && !IsBlockDevice(first))
        {
            using IRedoPlace usual = files.RedoOf(first);
            using IImageFile? there = usual.Open();
            if (there is not null)
                throw new ImageException($"a redo file is beside it, {usual.Path}, and a change may be pending there: open it once without redo=PATH");
        }
        return files.RedoOf(first, options.Redo);
    }

    private static bool IsBlockDevice(IImageFile file) => file.Status(out FileStatus status) == 0 && status.Type == FileStatus.TypeBlockDevice;

    private long WriterBytes() => AllocatedTracks.MostBytes(Geometry.Tracks) + _slots.SlotSize;

    /// <summary>
    /// The store of the slots of <paramref name="parts"/>, which are disposed where it cannot be made: then the <see cref="ImageException"/>
    /// names the image.
    /// </summary>
    private protected static T Make<T>(string path, SlotFiles parts, Func<SlotFiles, T> make)
        where T : SlotStore
    {
        try
        {
            return make(parts);
        }
        catch (ImageException error) when (!error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            parts.Dispose();
            throw new ImageException($"{path}: cannot be opened: {error.Message}", error);
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    /// <summary>Reads the first bytes of a slot, as readers see it.</summary>
    private protected void ReadSlot(int track, Span<byte> bytes) => _slots.Read(track, bytes);

    /// <summary>Reads a slot; of one that begins with a zero, which is a hole mostly, only the first sector.</summary>
    private protected void ReadSlotUnlessZero(int track, Span<byte> slot) => _slots.ReadUnlessZero(track, slot);

    /// <summary>
    /// Writes slots: a call of up to 1,024 is applied whole or not at all; a longer one in pieces of as many. The bytes of each element are a slot's.
    /// </summary>
    private protected void WriteSlots(ReadOnlySpan<TrackImage> slots)
    {
        ImageWriter writer = Writer();
        foreach (TrackImage slot in slots)
        {
            _ = _slots.Checked(slot.Track);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(slot.Slot.Length, _slots.SlotSize, nameof(slots));
        }
        writer.Write(slots);
    }

    /// <summary>Gives the space of a slot back that holds zeros; where that cannot be, nothing is lost.</summary>
    private protected void GiveBack(int track) => Writer().GiveBack(track);

    /// <summary>
    /// Writes an empty slot, within its first sector: it is written whole or not at all, and needs no redo file and no space but its own block.
    /// </summary>
    private protected void WriteEmptySlot(TrackImage slot)
    {
        ImageWriter writer = Writer();
        _ = _slots.Checked(slot.Track);
        writer.WriteEmpty(slot);
    }

    /// <summary>Throws <see cref="ImageException"/> where there is none.</summary>
    private ImageWriter Writer() => _writer ?? throw new ImageException($"{Name}: opened read-only");
}
