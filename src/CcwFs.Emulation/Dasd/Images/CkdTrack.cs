using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// One track as CKD images hold it, parsed and editable: home address 5 (flag 0, <see cref="TrackAddress"/> 4), then records,
/// each a count field 8 (CCHHR 5, key length 1, data length 2, big-endian), key and data, then eight FF. Record 0 comes first with no key and 8 bytes
/// of data. A slot of zeros is a track never formatted: it gets its home address and a standard record 0. The layout is the one of Hercules' images
/// (README.md). One object is one buffer of slot size, reused from track to track. Not thread-safe.
/// </summary>
public sealed class CkdTrack
{
    /// <summary>Bytes of the home address.</summary>
    public const int HomeAddressSize = 5;

    /// <summary>Bytes of a count field.</summary>
    public const int CountSize = 8;

    /// <summary>
    /// Most records a 3390 track holds: 8-byte slots of the smallest record give fewer; a bound for the parser (arbitrary, above any real track).
    /// </summary>
    public const int MaxRecords = 256;

    private const int EndMarkSize = 8;
    private readonly byte[] _slot;
    private readonly int[] _offsets = new int[MaxRecords];
    private int _end;

    /// <summary>A buffer for tracks of <paramref name="geometry"/>.</summary>
    public CkdTrack(CkdGeometry geometry)
    {
        Geometry = geometry;
        _slot = new byte[geometry.TrackSize];
    }

    /// <summary>The volume's geometry.</summary>
    public CkdGeometry Geometry { get; }

    /// <summary>The track's number; -1 before the first load.</summary>
    public int Number { get; private set; } = -1;

    /// <summary>Cylinder.</summary>
    public int Cylinder => Number / Geometry.Heads;

    /// <summary>Head.</summary>
    public int Head => Number % Geometry.Heads;

    private TrackAddress Address => new(Cylinder, Head);

    /// <summary>Records on the track, record 0 included.</summary>
    public int RecordCount { get; private set; }

    /// <summary>The slot was all zeros in the image; the content is what a formatter would find (home address and record 0).</summary>
    public bool WasUnformatted { get; private set; }

    /// <summary>The used bytes: home address to end mark.</summary>
    public ReadOnlyMemory<byte> Image => _slot.AsMemory(0, _end + EndMarkSize);

    /// <summary>Five bytes: flag, cylinder, head.</summary>
    public ReadOnlySpan<byte> HomeAddress => _slot.AsSpan(0, HomeAddressSize);

    /// <summary>
    /// Loads track <paramref name="number"/> from <paramref name="store"/>.
    /// Gives null, or one line that says what is torn or impossible about it (offset in the slot and reason); then the track holds no record.
    /// </summary>
    public string? Load(ITrackStore store, int number)
    {
        ArgumentNullException.ThrowIfNull(store);
        Number = -1;
        store.Read(number, _slot);
        return Parse(number);
    }

    /// <summary>Takes a slot's bytes (for checks of foreign images); as the other overload.</summary>
    public string? Load(ReadOnlySpan<byte> slot, int number)
    {
        slot.CopyTo(_slot);
        _slot.AsSpan(slot.Length).Clear();
        return Parse(number);
    }

    /// <summary>The eight bytes of record <paramref name="index"/>'s count field (index 0 = record 0).</summary>
    public ReadOnlySpan<byte> Count(int index) => _slot.AsSpan(Offset(index), CountSize);

    /// <summary>Key length.</summary>
    public int KeyLength(int index) => _slot[Offset(index) + 5];

    /// <summary>Data length.</summary>
    public int DataLength(int index) => BinaryPrimitives.ReadUInt16BigEndian(_slot.AsSpan(Offset(index) + 6));

    /// <summary>The key, in place: what is written here is the track's.</summary>
    public Span<byte> Key(int index) => _slot.AsSpan(Offset(index) + CountSize, KeyLength(index));

    /// <summary>The data, in place.</summary>
    public Span<byte> Data(int index) => _slot.AsSpan(Offset(index) + CountSize + KeyLength(index), DataLength(index));

    /// <summary>Key and data, in place.</summary>
    public Span<byte> KeyAndData(int index) => _slot.AsSpan(Offset(index) + CountSize, KeyLength(index) + DataLength(index));

    /// <summary>Records <paramref name="index"/> to the last one as they lie: count, key and data each, no end mark.</summary>
    public ReadOnlySpan<byte> RecordsFrom(int index) => _slot.AsSpan(Offset(index).._end);

    /// <summary>
    /// Records <paramref name="index"/> to the last one, none when there is no such record, and the end mark: the track as READ TRACK gives it.
    /// </summary>
    public ReadOnlySpan<byte> RecordsAndEndMark(int index) => _slot.AsSpan((index < RecordCount ? Offset(index) : _end)..(_end + EndMarkSize));

    /// <summary>
    /// Replaces all records by these (count, key and data each, record 0 first, no end mark). False when they are no whole records, the first is no
    /// record 0, or they do not fit the slot; then nothing is changed.
    /// </summary>
    public bool Replace(ReadOnlySpan<byte> records)
    {
        int count = 0;
        int at = 0;
        while (records.Length - at >= CountSize && count < MaxRecords)
        {
            at += CountSize + records[at + 5] + BinaryPrimitives.ReadUInt16BigEndian(records[(at + 6)..]);
            count++;
        }
        if (count == 0 || at != records.Length || records[4] != 0 || records[5] != 0 || HomeAddressSize + at + EndMarkSize > _slot.Length)
            return false;
        records.CopyTo(_slot.AsSpan(HomeAddressSize));
        SetEnd(HomeAddressSize + at);
        (RecordCount, WasUnformatted) = (count, false);
        _offsets[0] = HomeAddressSize;
        for (int i = 1; i < count; i++)
            _offsets[i] = End(i - 1);
        return true;
    }

    /// <summary>
    /// Formats a new record after record <paramref name="after"/> (-1: as record 0); all that followed is erased. Key and data are
    /// zero until written. False when the record does not fit into the slot or the parser's bounds (a record 0 has R 0 and no key);
    /// then nothing is changed.
    /// Whether it fits a real track is the control unit's business.
    /// </summary>
    public bool Append(int after, ReadOnlySpan<byte> count, out int index)
    {
        index = after + 1;
        int offset = after < 0 ? HomeAddressSize : End(after);
        int length = CountSize + count[5] + BinaryPrimitives.ReadUInt16BigEndian(count[6..]);
        if (after < 0 && (count[4] != 0 || count[5] != 0))
            return false;
        if (index >= MaxRecords || offset + length + EndMarkSize > _slot.Length || count[..CountSize].IndexOfAnyExcept((byte)0xFF) < 0)
            return false;
        count[..CountSize].CopyTo(_slot.AsSpan(offset));
        _offsets[index] = offset;
        RecordCount = index + 1;
        _slot.AsSpan(offset + CountSize, length - CountSize).Clear();
        SetEnd(offset + length);
        return true;
    }

    /// <summary>Erases every record after record <paramref name="after"/> (0 keeps record 0 alone).</summary>
    public void EraseAfter(int after)
    {
        RecordCount = after + 1;
        SetEnd(after < 0 ? HomeAddressSize : End(after));
    }

    /// <summary>Makes the track what a formatter leaves: home address and a standard record 0 (no key, 8 zero bytes).</summary>
    public void Initialize(int number)
    {
        Number = number;
        _slot[0] = 0;
        Address.Write(_slot.AsSpan(1));
        Span<byte> count = stackalloc byte[CountSize];
        _slot.AsSpan(1, 4).CopyTo(count);
        count[4..].Clear();
        count[7] = 8;
        SetEnd(HomeAddressSize);
        _ = Append(-1, count, out _);
    }

    /// <summary>Turns the track, as loaded or built, into the same track at another place: home address and the CCHH of every count field.</summary>
    public void Renumber(int number)
    {
        Number = number;
        Address.Write(_slot.AsSpan(1));
        for (int index = 0; index < RecordCount; index++)
            _slot.AsSpan(1, 4).CopyTo(_slot.AsSpan(_offsets[index]));
    }

    private int Offset(int index) => (uint)index < (uint)RecordCount ? _offsets[index] : throw new ArgumentOutOfRangeException(nameof(index));

    private int End(int index)
    {
        int offset = Offset(index);
        return offset + CountSize + _slot[offset + 5] + BinaryPrimitives.ReadUInt16BigEndian(_slot.AsSpan(offset + 6));
    }

    private void SetEnd(int end)
    {
        _end = end;
        _slot.AsSpan(end, EndMarkSize).Fill(0xFF);
        _slot.AsSpan(end + EndMarkSize).Clear();
    }

    private string? Parse(int number)
    {
        (Number, RecordCount, _end, WasUnformatted) = (number, 0, HomeAddressSize, false);
        if (_slot.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            Initialize(number);
            WasUnformatted = true;
            return null;
        }
        string? fault = ParseRecords();
        if (fault is not null)
            RecordCount = 0;
        return fault;
    }

    private string? ParseRecords()
    {
        if (_slot[0] != 0)
            return $"offset 0: home address flag {_slot[0]:X2}";
        if (TrackAddress.Read(_slot.AsSpan(1)) != Address)
            return $"offset 1: home address {Convert.ToHexString(_slot, 1, 4)} is not cylinder {Cylinder} head {Head}";
        int offset = HomeAddressSize;
        while (true)
        {
            if (offset + EndMarkSize > _slot.Length)
                return $"offset {offset}: no end mark";
            if (_slot.AsSpan(offset, EndMarkSize).IndexOfAnyExcept((byte)0xFF) < 0)
                break;
            int length = CountSize + _slot[offset + 5] + BinaryPrimitives.ReadUInt16BigEndian(_slot.AsSpan(offset + 6));
            if (RecordCount == MaxRecords)
                return $"offset {offset}: more than {MaxRecords} records";
            if (offset + length + EndMarkSize > _slot.Length)
                return $"offset {offset}: record of {length} bytes runs over the track's end";
            if (RecordCount == 0 && (_slot[offset + 4] != 0 || _slot[offset + 5] != 0))
                return $"offset {offset}: the first record is not record 0 (R {_slot[offset + 4]:X2}, key length {_slot[offset + 5]})";
            _offsets[RecordCount++] = offset;
            offset += length;
        }
        _end = offset;
        return RecordCount == 0 ? $"offset {offset}: no record 0" : null;
    }
}
