using System.Buffers.Binary;

namespace CcwFs.Trace;

/// <summary>
/// The events of one subchannel, the newest ones, for the flight recorder and for readers: who writes never waits for who reads. The oldest ones are
/// overwritten; the ring grows to its limit before it loses an event that is to be kept. An event: its length (4), the number of its program (8), its
/// time (8), its bytes. Thread-safe; writing allocates nothing but when the ring grows.
/// </summary>
internal sealed class TraceRing
{
    /// <summary>Longest event, header and payload (arbitrary: the data of a chain of sixteen CCWs, and its heads).</summary>
    internal const int MaxRecord = (1 << 20) + (1 << 10);

    private const int EntryHead = 20;
    private const int FirstSize = 8 << 10; // arbitrary: a few dozen programs of a guest

    private readonly Lock _gate = new();
    private int _limit;
    private readonly HashSet<TraceReader> _readers = [];
    private byte[] _bytes = new byte[FirstSize]; // its size is a power of two
    private long _first, _end;                   // where the oldest event begins, and where the next one will; counted from the beginning of time
    private long _firstNumber, _count;           // the number of the oldest event, and of all that there were
    private ulong _lastProgram;

    /// <summary>
    /// A ring that keeps the events of <paramref name="programs"/> programs as far as <paramref name="limit"/> bytes, a power of two, hold them.
    /// </summary>
    internal TraceRing(int programs, int limit) => (Programs, _limit) = (programs, limit);

    /// <summary>How many programs are to be kept.</summary>
    internal int Programs { get; }

    /// <summary>
    /// Most bytes that it holds, a power of two. Where there are to be fewer, the oldest events go.
    /// </summary>
    internal int Limit
    {
        get => _limit;
        set
        {
            lock (_gate)
            {
                _limit = value;
                if (_bytes.Length > value)
                    Resize(value);
            }
        }
    }

    /// <summary>The device has gone.</summary>
    internal bool IsClosed { get; private set; }

    /// <summary>Adds an event, but to a ring that is closed. What does not fit is cut by the caller.</summary>
    internal void Add(long time, in TraceHeader header, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> rest = default)
    {
        Span<byte> head = stackalloc byte[EntryHead + TraceHeader.Size];
        int length = TraceHeader.Size + payload.Length + rest.Length;
        BinaryPrimitives.WriteInt32BigEndian(head, length);
        BinaryPrimitives.WriteUInt64BigEndian(head[4..], header.Program);
        BinaryPrimitives.WriteInt64BigEndian(head[12..], time);
        header.Write(head[EntryHead..]);
        lock (_gate)
        {
            if (IsClosed)
                return;
            _lastProgram = Math.Max(_lastProgram, header.Program);
            if (EntryHead + length > _limit)
            {
                (_first, _firstNumber) = (_end, ++_count); // lost, with all before it
                return;
            }
            MakeRoom(EntryHead + length);
            Append(head);
            Append(payload);
            Append(rest);
            _count++;
            foreach (TraceReader reader in _readers)
                reader.Wake();
        }
    }

    /// <summary>No event comes any more: readers end when they have read the last one.</summary>
    internal void Close()
    {
        lock (_gate)
        {
            IsClosed = true;
            foreach (TraceReader reader in _readers)
                reader.Wake();
        }
    }

    /// <summary>Where a reader begins: at the next event, or at the oldest one of the last so many programs.</summary>
    internal RingPlace Join(TraceReader reader, int? lastPrograms)
    {
        lock (_gate)
        {
            _readers.Add(reader);
            if (lastPrograms is not { } wanted)
                return new RingPlace(_end, _count);
            var place = new RingPlace(_first, _firstNumber);
            ulong from = _lastProgram >= (ulong)wanted ? _lastProgram - (ulong)wanted + 1 : 1;
            while (place.Position < _end && ProgramAt(place.Position) < from)
                place = new RingPlace(place.Position + EntryHead + LengthAt(place.Position), place.Number + 1);
            return place;
        }
    }

    internal void Leave(TraceReader reader)
    {
        lock (_gate)
            _readers.Remove(reader);
    }

    /// <summary>There is an event at a place, or after it.</summary>
    internal bool HasMore(RingPlace place)
    {
        lock (_gate)
            return place.Position < _end;
    }

    /// <summary>
    /// Copies the event at <paramref name="place"/>, header and payload, into <paramref name="destination"/>, which grows to its size, and goes on
    /// to the next one. 0: there is none, or <paramref name="lost"/> events are gone; then the place is that of the oldest one that is left.
    /// </summary>
    internal int Read(ref RingPlace place, ref byte[] destination, out long time, out long lost)
    {
        Span<byte> head = stackalloc byte[EntryHead];
        lock (_gate)
        {
            lost = Math.Max(0, _firstNumber - place.Number);
            time = 0;
            if (lost > 0)
                place = new RingPlace(_first, _firstNumber);
            if (lost > 0 || place.Position == _end)
                return 0;
            Copy(place.Position, head);
            int length = BinaryPrimitives.ReadInt32BigEndian(head);
            time = BinaryPrimitives.ReadInt64BigEndian(head[12..]);
            if (destination.Length < length)
                destination = new byte[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length)];
            Copy(place.Position + EntryHead, destination.AsSpan(0, length));
            place = new RingPlace(place.Position + EntryHead + length, place.Number + 1);
            return length;
        }
    }

    /// <summary>Overwrites the oldest events, or grows where one of them is to be kept. Under the gate.</summary>
    private void MakeRoom(int size)
    {
        while (_bytes.Length - (_end - _first) < size)
        {
            bool isToBeKept = _first == _end || ProgramAt(_first) + (ulong)Programs > _lastProgram || _readers.Count > 0;
            if (isToBeKept && _bytes.Length < _limit)
            {
                Resize(_bytes.Length * 2);
                continue;
            }
            DropOldest();
        }
    }

    private void DropOldest()
    {
        _first += EntryHead + LengthAt(_first);
        _firstNumber++;
    }

    private void Resize(int size)
    {
        while (_end - _first > size)
            DropOldest();
        byte[] other = new byte[size];
        for (long at = _first; at < _end;)
        {
            int length = (int)Math.Min(_end - at, _bytes.Length - (at & (_bytes.Length - 1)));
            for (int done = 0, part; done < length; done += part)
            {
                int to = (int)((at + done) & (other.Length - 1));
                part = Math.Min(length - done, other.Length - to);
                _bytes.AsSpan((int)((at + done) & (_bytes.Length - 1)), part).CopyTo(other.AsSpan(to));
            }
            at += length;
        }
        _bytes = other;
    }

    private void Append(ReadOnlySpan<byte> source)
    {
        int at = (int)(_end & (_bytes.Length - 1));
        int first = Math.Min(source.Length, _bytes.Length - at);
        source[..first].CopyTo(_bytes.AsSpan(at));
        source[first..].CopyTo(_bytes);
        _end += source.Length;
    }

    private void Copy(long from, Span<byte> destination)
    {
        int at = (int)(from & (_bytes.Length - 1));
        int first = Math.Min(destination.Length, _bytes.Length - at);
        _bytes.AsSpan(at, first).CopyTo(destination);
        _bytes.AsSpan(0, destination.Length - first).CopyTo(destination[first..]);
    }

    private int LengthAt(long position)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        Copy(position, length);
        return BinaryPrimitives.ReadInt32BigEndian(length);
    }

    private ulong ProgramAt(long position)
    {
        Span<byte> program = stackalloc byte[sizeof(ulong)];
        Copy(position + sizeof(int), program);
        return BinaryPrimitives.ReadUInt64BigEndian(program);
    }
}

/// <summary>A place in a ring: where an event begins, and which one it is.</summary>
internal readonly record struct RingPlace(long Position, long Number);
