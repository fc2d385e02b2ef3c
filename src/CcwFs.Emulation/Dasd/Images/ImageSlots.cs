using CcwFs.Emulation.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The track slots of an image in its files, which it owns. Readers lock a stripe (one track's bytes) and get what a change that is not in place has
/// for them; who writes in place locks the stripes of what he writes.
/// </summary>
internal sealed class ImageSlots : IDisposable
{
    private const int MostNamed = 8; // tracks in a line (arbitrary)

    // Readers of different tracks rarely meet (arbitrary).
    private const int StripeCount = 16;
    private readonly SlotFiles _files;
    private readonly Lock[] _stripes = new Lock[StripeCount];
    private readonly Dictionary<int, byte[]> _pending = []; // slots that readers get in place of the file's; written under all stripes
    private readonly Lock _syncing = new(); // alone, or inside the image's write lock
    private int _syncResult; // guarded by _syncing

    /// <summary>The slots of <paramref name="files"/>; <paramref name="name"/>: the image's, for messages.</summary>
    internal ImageSlots(string name, SlotFiles files)
    {
        (Name, _files) = (name, files);
        for (int index = 0; index < StripeCount; index++)
            _stripes[index] = new Lock();
    }

    /// <summary>The image's name.</summary>
    internal string Name { get; }

    internal CkdGeometry Geometry => _files.Geometry;

    /// <summary>The files, first to last.</summary>
    internal IReadOnlyList<SlotPart> Parts => _files.Parts;

    /// <summary>What tells the image from others.</summary>
    internal RedoBinding Binding => _files.Binding;

    /// <summary>Bytes of a slot.</summary>
    internal int SlotSize => _files.SlotSize;

    /// <summary>Tracks that readers get in place of the file's.</summary>
    internal int Shown => _pending.Count;

    /// <summary>The file and the offset in it of a track's slot, for messages.</summary>
    internal (string Path, long Offset) Where(int track) => (Locate(Checked(track), out long offset).Path, offset);

    /// <summary>The file of a track's slot, and its offset there.</summary>
    internal SlotPart Locate(int track, out long offset) => _files.Locate(track, out offset);

    /// <summary>The track, if it is on the volume.</summary>
    internal int Checked(int track) =>
        (uint)track < (uint)Geometry.Tracks ? track : throw new ArgumentOutOfRangeException(nameof(track), track, "no such track");

    /// <summary>The track, for messages.</summary>
    internal string At(int track) => Geometry.At(track);

    /// <summary>Tracks, for messages.</summary>
    internal string Named(int[] tracks)
    {
        IEnumerable<string> first = tracks.Take(MostNamed).Select(track => $"{track / Geometry.Heads}/{track % Geometry.Heads}");
        int more = tracks.Length - MostNamed;
        return $"track{(tracks.Length == 1 ? "" : "s")} {string.Join(" ", first)}{(more > 0 ? $" and {more} more" : "")}";
    }

    /// <summary>
    /// The first track from <paramref name="track"/> on whose slot may hold a byte other than zero, as the file system tells it without reading; the
    /// number of tracks when there is none.
    /// </summary>
    internal int NextWithData(int track)
    {
        while (track < Geometry.Tracks)
        {
            SlotPart part = _files.Locate(track, out long offset);
            long data = part.File.NextData(offset);
            int end = part.FirstTrack + part.Tracks;
            if (data >= 0)
                return Math.Min(end, track + (int)((data - offset) / SlotSize));
            if (data != -(long)Errno.ENXIO)
                return track; // it cannot be told: look
            track = end;
        }
        return Geometry.Tracks;
    }

    /// <summary>Reads the first bytes of a slot, as readers see it.</summary>
    internal void Read(int track, Span<byte> bytes)
    {
        lock (_stripes[Checked(track) % StripeCount])
        {
            if (_pending.TryGetValue(track, out byte[]? pending))
                pending.AsSpan(0, bytes.Length).CopyTo(bytes);
            else
                ReadInPlace(track, bytes);
        }
    }

    /// <summary>Reads a slot, as readers see it; of one that begins with a zero only the first sector.</summary>
    internal void ReadUnlessZero(int track, Span<byte> slot)
    {
        lock (_stripes[Checked(track) % StripeCount])
        {
            if (_pending.TryGetValue(track, out byte[]? pending))
            {
                pending.AsSpan(0, slot.Length).CopyTo(slot);
                return;
            }
            ReadInPlace(track, slot[..RedoFile.SectorSize]);
            if (slot[0] != 0)
                ReadInPlace(track, slot);
        }
    }

    /// <summary>Reads the first bytes of a slot, as they are in the file.</summary>
    internal void ReadInPlace(int track, Span<byte> bytes)
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
    internal int TryReadInPlace(int track, Span<byte> bytes)
    {
        int read = _files.Locate(track, out long offset).File.ReadAt(offset, bytes);
        return read < 0 ? read : read < bytes.Length ? -(int)Errno.ENODATA : 0;
    }

    /// <summary>What is locked by who reads or writes a track's bytes.</summary>
    internal Lock StripeOf(int track) => _stripes[track % StripeCount];

    /// <summary>Locks all tracks, until <see cref="ExitStripes"/>.</summary>
    internal void EnterStripes()
    {
        foreach (Lock stripe in _stripes)
            stripe.Enter();
    }

    /// <summary>Unlocks all tracks.</summary>
    internal void ExitStripes()
    {
        foreach (Lock stripe in _stripes)
            stripe.Exit();
    }

    /// <summary>Readers get this slot in place of the file's. Under all stripes, or before the image is anybody's.</summary>
    internal void Show(int track, byte[] slot) => _pending[track] = slot;

    /// <summary>Readers get the files again. Under all stripes.</summary>
    internal void ShowFiles() => _pending.Clear();

    /// <summary>Makes a range a hole, or where the file system has none, zeros; 0 or a negative errno.</summary>
    internal static int Empty(IImageFile file, long offset, long length)
    {
        int result = file.Discard(offset, length);
        if (result is not (-(int)Errno.EOPNOTSUPP or -(int)Errno.ENOSYS or -(int)Errno.EINVAL)) // of a device whose blocks are larger than sectors
            return result;
        byte[] zeros = new byte[Math.Min(length, 1 << 20)];
        for (result = 0; result == 0 && length > 0; length -= zeros.Length, offset += zeros.Length)
            result = file.WriteAt(offset, zeros.AsSpan(0, (int)Math.Min(length, zeros.Length)));
        return result;
    }

    /// <summary>0 or a negative errno, the first one for ever: the kernel tells it once, to the first who syncs.</summary>
    internal int SyncParts(out string path)
    {
        lock (_syncing)
        {
            path = Name;
            foreach (SlotPart part in Parts)
            {
                path = part.Path;
                _syncResult = _syncResult < 0 ? _syncResult : part.File.Sync();
                if (_syncResult < 0)
                    return _syncResult;
            }
            return 0;
        }
    }

    /// <summary>Time of the last change of the image files (ctime in ns); null where it cannot be told.</summary>
    internal long? LatestChange()
    {
        long latest = long.MinValue;
        foreach (SlotPart part in Parts)
        {
            if (part.File.Status(out FileStatus status) < 0 || status.Type == FileStatus.TypeBlockDevice)
                return null; // of a device it is the node's
            latest = Math.Max(latest, status.ChangedAt);
        }
        return latest;
    }

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();
}
