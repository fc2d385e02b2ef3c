using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>What ties a redo file to its volume: size, headers, and the start of track 0 (where the volume's label is).</summary>
internal readonly record struct RedoBinding(long TotalLength, uint HeaderSum, uint LabelSum);

/// <summary>
/// The redo file beside an image: a change as a whole, before it goes in place. Numbers little-endian: 0 "CCWFSRDO", 8 version u32 (1),
/// 12 tracks u32 (0: nothing pending), 16 bytes of the image u64, 24 checksum of its headers u32, 28 of track 0's first bytes u32, 32 flags u32
/// (1: track 0 is among the tracks, so its checksum says nothing), 36 checksum of bytes 0 to 35 and of the entries u32; from 64 an entry a track:
/// number u32, length u32, checksum u32; from 16,384 the tracks, one behind the other.
/// Order makes it safe against a kill: tracks, then the entries, then the image, then tracks = 0. Guarded by the image's write lock.
/// </summary>
internal sealed class RedoFile(IImageFiles files, string path) : IDisposable
{
    /// <summary>Most tracks of one change (arbitrary: 68 cylinders).</summary>
    public const int MaxTracks = 1_024;

    /// <summary>
    /// Tracks whose entries lie in the file's first 4,096 bytes: where the file is there, a change of so many tracks without bytes needs no space.
    /// </summary>
    public const int TracksInFirstPage = (4_096 - EntriesAt) / EntrySize;

    private const int EntriesAt = 64;
    private const int EntrySize = 12;
    private const int TracksAt = 16_384;
    private const int SummedHead = 36;
    private const uint Version = 1;
    private byte[]? _head;
    private SafeFileHandle? _handle;

    private static ReadOnlySpan<byte> Magic => "CCWFSRDO"u8;

    public string Path => path;

    /// <summary>Makes the change durable against a kill of the process. The file is made by the first call.</summary>
    public void Put(ReadOnlySpan<TrackImage> tracks, RedoBinding binding, bool flush)
    {
        _handle ??= files.Open(path, ImageFileUse.WriteRedo) ?? throw new IOException("it is gone");
        _head ??= new byte[EntriesAt + MaxTracks * EntrySize];
        Span<byte> head = _head.AsSpan(0, EntriesAt + tracks.Length * EntrySize);
        head[..EntriesAt].Clear();
        long offset = TracksAt;
        uint flags = 0;
        for (int index = 0; index < tracks.Length; index++)
        {
            int track = tracks[index].Track;
            ReadOnlySpan<byte> bytes = tracks[index].Slot.Span;
            RandomAccess.Write(_handle, bytes, offset);
            offset += bytes.Length;
            Span<byte> entry = head.Slice(EntriesAt + index * EntrySize, EntrySize);
            BinaryPrimitives.WriteInt32LittleEndian(entry, track);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], bytes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], Crc32C.Of(bytes));
            if (track == 0)
                flags = 1;
        }
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], tracks.Length);
        BinaryPrimitives.WriteInt64LittleEndian(head[16..], binding.TotalLength);
        BinaryPrimitives.WriteUInt32LittleEndian(head[24..], binding.HeaderSum);
        BinaryPrimitives.WriteUInt32LittleEndian(head[28..], binding.LabelSum);
        BinaryPrimitives.WriteUInt32LittleEndian(head[32..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(head[36..], Sum(head));
        RandomAccess.Write(_handle, head, 0);
        if (flush)
            RandomAccess.FlushToDisk(_handle);
    }

    /// <summary>The change is in place: nothing is pending.</summary>
    public void Void()
    {
        _handle ??= files.Open(path, ImageFileUse.WriteRedo) ?? throw new IOException("it is gone");
        ReadOnlySpan<byte> none = [0, 0, 0, 0];
        RandomAccess.Write(_handle, none, 12);
    }

    public void Remove()
    {
        files.DeleteRedo(path);
        Dispose();
    }

    public void Dispose()
    {
        _handle?.Dispose();
        _handle = null;
    }

    /// <summary>
    /// The pending change; none when there is no redo file, nothing is pending, or its writing was cut short (then nothing was
    /// acknowledged). A file that is not a redo file, or belongs to another image, is refused. <paramref name="exists"/>: there is a file to remove.
    /// </summary>
    public static List<TrackImage> Load(IImageFiles files, string path, RedoBinding binding, CkdGeometry geometry, out bool exists)
    {
        exists = false;
        try
        {
            using SafeFileHandle? handle = files.Open(path, ImageFileUse.ReadRedo);
            exists = handle is not null;
            return handle is null ? [] : Load(handle, path, binding, geometry);
        }
        catch (Exception error) when (error is (IOException or UnauthorizedAccessException or NotSupportedException) and not ImageException)
        {
            throw new ImageException($"{path}: cannot be read: {ImageSeries.Reason(error)}", error);
        }
    }

    private static List<TrackImage> Load(SafeFileHandle handle, string path, RedoBinding binding, CkdGeometry geometry)
    {
        byte[] head = new byte[EntriesAt + MaxTracks * EntrySize];
        long length = RandomAccess.GetLength(handle);
        if (length == 0)
            return [];
        if (!ImageSeries.ReadFully(handle, head.AsSpan(0, (int)Math.Min(length, head.Length)), 0))
            throw new ImageException($"{path}: offset 0: cannot be read");
        if (head.AsSpan(0, 8).IndexOfAnyExcept((byte)0) < 0)
            return [];
        if (!head.AsSpan(0, 8).SequenceEqual(Magic))
            throw new ImageException($"{path}: offset 0: not a redo file of ccwfs; move it away");
        if (length < EntriesAt)
            return [];
        if (BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(8)) is uint version && version != Version)
            throw new ImageException($"{path}: offset 8: redo file of version {version}; this program knows {Version}");
        int count = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(12));
        if (count == 0)
            return [];
        // The entries are the last to be written: when they do not hold, the change was never acknowledged.
        if (count is < 0 or > MaxTracks || BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(36)) != Sum(head.AsSpan(0, EntriesAt + count * EntrySize)))
            return [];
        bool labelCounts = (BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(32)) & 1) == 0;
        if (BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(16)) != binding.TotalLength
            || BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(24)) != binding.HeaderSum
            || (labelCounts && BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(28)) != binding.LabelSum))
            throw new ImageException($"{path}: offset 16: a pending change of {count} tracks belongs to another image; move it away or put that image back");
        return LoadTracks(handle, head.AsSpan(EntriesAt, count * EntrySize), geometry);
    }

    private static List<TrackImage> LoadTracks(SafeFileHandle handle, ReadOnlySpan<byte> entries, CkdGeometry geometry)
    {
        var tracks = new List<TrackImage>();
        long offset = TracksAt;
        for (; !entries.IsEmpty; entries = entries[EntrySize..])
        {
            int track = BinaryPrimitives.ReadInt32LittleEndian(entries);
            int length = BinaryPrimitives.ReadInt32LittleEndian(entries[4..]);
            if ((uint)track >= (uint)geometry.Tracks || (uint)length > (uint)geometry.TrackSize)
                return [];
            byte[] bytes = new byte[length];
            if (!ImageSeries.ReadFully(handle, bytes, offset) || Crc32C.Of(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(entries[8..]))
                return [];
            tracks.Add(new TrackImage(track, bytes));
            offset += length;
        }
        return tracks;
    }

    private static uint Sum(ReadOnlySpan<byte> head) => Crc32C.Of(head[EntriesAt..], Crc32C.Of(head[..SummedHead]));
}
