using System.Buffers;
using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// One open file of a compressed volume: its headers and its first table are read when it is opened, a few of its second tables are kept. Whatever
/// the bytes say is looked at on a copy before it is used: no offset leads out of the file or into a table, no track becomes longer than a slot.
/// Faults are <see cref="ImageException"/> "path: offset: reason". Owns the file. Thread-safe.
/// </summary>
internal sealed class CompressedFile : IDisposable
{
    /// <summary>Second tables that are kept (arbitrary: 16 KB, or 32 of a wide image, for 2,048 tracks).</summary>
    public const int KeptTables = 8;

    private const long Below = -1; // an offset of ones
    private readonly IImageFile _file;
    private readonly long _length;
    private readonly long[] _first; // the first table: offsets of second ones; 0: all tracks are null tracks
    private readonly Lock _gate = new(); // nothing else is taken under it
    private readonly (int Number, byte[] Table)[] _kept; // guarded by _gate; the one that was used last comes first
    private int _keptCount; // guarded by _gate

    private CompressedFile(IImageFile file, CompressedHeader header, long length, long[] first)
    {
        (_file, Header, _length, _first) = (file, header, length, first);
        _kept = new (int, byte[])[Math.Min(KeptTables, first.Length)];
    }

    /// <summary>Where a track is: its offset and length, or offset 0 and the format of a null track.</summary>
    internal readonly record struct Place(long Offset, int Length);

    /// <summary>It is a null track of the volume's format.</summary>
    internal static Place AsHeaderSays => new(0, -1);

    /// <summary>What the headers say.</summary>
    public CompressedHeader Header { get; }

    /// <summary>Its path.</summary>
    public string Path => _file.Path;

    /// <summary>Bytes of the disk that it takes.</summary>
    public long AllocatedBytes => _file.Status(out FileStatus status) < 0 ? _length : (long)status.Blocks * FileStatus.BlockSize;

    /// <summary>Bytes of memory that it may keep: its tables.</summary>
    public long KeptBytes => BytesOf(Header);

    /// <summary>
    /// Takes an open file, and closes it where it is refused. <paramref name="takeMemory"/> is asked for the bytes that are kept, before they are
    /// there.
    /// </summary>
    public static CompressedFile Open(IImageFile file, Action<long> takeMemory)
    {
        try
        {
            ImageException.Check(file.Status(out FileStatus status), $"{file.Path}: ");
            Span<byte> bytes = stackalloc byte[CompressedHeader.Size];
            ReadFully(file, 0, bytes, $"offset {status.Size}: too short for a compressed image");
            if (CompressedHeader.Parse(bytes, out CompressedHeader header) is string fault)
                throw new ImageException($"{file.Path}: {fault}");
            if (header.TablesEnd > status.Size)
                throw new ImageException($"{file.Path}: offset {status.Size}: the first table is to end at {header.TablesEnd}: truncated?");
            // Where Hercules did not close it, the header is older than the file.
            if (header.FileSize > status.Size && !header.IsOpen)
                throw new ImageException($"{file.Path}: offset {status.Size}: the file is to have {header.FileSize} bytes: truncated?");
            takeMemory(BytesOf(header));
            return new CompressedFile(file, header, status.Size, ReadFirst(file, header, status.Size));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Where a track is; false: in a file below this one.</summary>
    public bool TryFind(int track, out Place place)
    {
        (int number, int index) = Math.DivRem(track, CompressedHeader.TracksPerTable);
        place = AsHeaderSays;
        if (_first[number] is 0 or Below)
            return _first[number] == 0;
        long at = _first[number] + index * Header.PlaceSize;
        Span<byte> entry = stackalloc byte[Header.PlaceSize];
        lock (_gate)
            Table(number).AsSpan(index * Header.PlaceSize, Header.PlaceSize).CopyTo(entry);
        place = new Place(Offset(entry, Header), Half(entry[Header.EntrySize..]));
        if (place.Offset == Below)
            return false;
        if (place.Offset == 0 && place.Length > NullTrack.Blocks)
            throw Fault(at, track, $"a track that is not there has length {place.Length}, which is no format of one");
        if (place.Offset == 0)
            return true;
        if ((ulong)place.Offset > (ulong)_length || place.Length > _length - place.Offset)
            throw Fault(at, track, $"its {place.Length} bytes are to be at {(ulong)place.Offset}, and the file has {_length}");
        if (place.Offset < Header.TablesEnd || InTable(place.Offset, place.Length))
            throw Fault(at, track, $"its {place.Length} bytes are to be at {place.Offset}, in a table");
        return place.Length > PackedTrack.HeadSize ? true : throw Fault(at, track, $"it has {place.Length} bytes, which is too short");
    }

    /// <summary>Reads a track that <see cref="TryFind"/> found, into a whole slot.</summary>
    public void Read(int track, Place place, Span<byte> slot)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(place.Length);
        try
        {
            int read = _file.ReadAt(place.Offset, packed.AsSpan(0, place.Length));
            if (read < place.Length)
                throw Fault(place.Offset, track, read < 0 ? $"it cannot be read: {Problem.Of(read)}" : "the file has been truncated");
            if (PackedTrack.Unpack(packed, place.Length, Header.Geometry, track, slot) is string fault)
                throw Fault(place.Offset, track, fault);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    /// <summary>A fault of a track, for a person.</summary>
    public ImageException Fault(long offset, int track, string reason) =>
        new($"{Path}: offset {offset}: {Header.Geometry.At(track)}: {reason}");

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static long BytesOf(in CompressedHeader header) =>
        (long)header.UsedEntries * sizeof(long) + (long)Math.Min(KeptTables, header.UsedEntries) * header.TableSize;

    /// <summary>Reads the first table: each of its offsets is that of a whole second one, and no two of them overlap.</summary>
    private static long[] ReadFirst(IImageFile file, in CompressedHeader header, long length)
    {
        byte[] bytes = new byte[header.UsedEntries * header.EntrySize];
        ReadFully(file, CompressedHeader.Size, bytes, $"offset {length}: the first table is cut off");
        long[] first = new long[header.UsedEntries];
        long most = length - header.TableSize;
        for (int number = 0; number < first.Length; number++)
        {
            long offset = first[number] = Offset(bytes.AsSpan(number * header.EntrySize), header);
            if (offset is not (0 or Below) && ((ulong)offset > (ulong)Math.Max(most, 0) || offset < header.TablesEnd))
            {
                throw new ImageException($"{file.Path}: offset {CompressedHeader.Size + number * header.EntrySize}: "
                    + $"a table is to be at {(ulong)offset}, which is not between {header.TablesEnd} and {most}");
            }
        }
        long[] sorted = [.. first.Where(static offset => offset > 0)];
        Array.Sort(sorted);
        for (int number = 1; number < sorted.Length; number++)
        {
            if (sorted[number] - sorted[number - 1] < header.TableSize)
                throw new ImageException($"{file.Path}: offset {sorted[number]}: two tables overlap");
        }
        return first;
    }

    private static long Offset(ReadOnlySpan<byte> bytes, in CompressedHeader header)
    {
        if (header.IsWide)
            return header.IsBigEndian ? BinaryPrimitives.ReadInt64BigEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes);
        uint offset = header.IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return offset == uint.MaxValue ? Below : offset;
    }

    private static void ReadFully(IImageFile file, long offset, Span<byte> bytes, string tooShort)
    {
        if (ImageException.Check(file.ReadAt(offset, bytes), $"{file.Path}: cannot be read: ") < bytes.Length)
            throw new ImageException($"{file.Path}: {tooShort}");
    }

    private int Half(ReadOnlySpan<byte> bytes) =>
        Header.IsBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private bool InTable(long offset, int length)
    {
        foreach (long table in _first)
        {
            if (table > 0 && offset < table + Header.TableSize && table < offset + length)
                return true;
        }
        return false;
    }

    /// <summary>A second table. Under the gate.</summary>
    private byte[] Table(int number)
    {
        int at = 0;
        while (at < _keptCount && _kept[at].Number != number)
            at++;
        byte[] table;
        if (at < _keptCount)
        {
            table = _kept[at].Table;
        }
        else
        {
            // A table is there for others only once it is whole: the oldest one's bytes are gone from here on.
            table = _keptCount < _kept.Length ? new byte[Header.TableSize] : _kept[--_keptCount].Table;
            ReadFully(_file, _first[number], table, $"offset {_first[number]}: a table is cut off: the file has been truncated");
            at = _keptCount++;
        }
        Array.Copy(_kept, 0, _kept, 1, at);
        _kept[0] = (number, table);
        return table;
    }
}
