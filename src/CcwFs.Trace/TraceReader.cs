using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.Trace;

/// <summary>One who reads the events of a subchannel, at its own speed. One thread at a time, but <see cref="IsReady"/>.</summary>
public sealed class TraceReader : IDisposable, IThreadPoolWorkItem
{
    private const int FirstSize = 1 << 10; // arbitrary: events without data

    private readonly TraceLayer _layer;
    private readonly TraceRing _ring;
    private byte[] _record = new byte[FirstSize];
    private RingPlace _place;
    private int _waits;      // 1: who reads wants to be told of the next event
    private bool _disposed;

    internal TraceReader(TraceLayer layer, TraceRing ring, int? lastPrograms)
    {
        (_layer, _ring) = (layer, ring);
        _place = ring.Join(this, lastPrograms);
    }

    /// <summary>
    /// There is something to read, or the end, once after <see cref="Wait"/> has said that there is nothing. On a thread of the pool, without locks.
    /// </summary>
    public event Action? Ready;

    /// <summary>There is something to read, or the end.</summary>
    public bool IsReady => IsReadable || _ring.IsClosed;

    /// <summary>There is something to read.</summary>
    public bool IsReadable => _ring.HasMore(_place);

    /// <summary>No event comes any more; those that are there can still be read.</summary>
    public bool IsClosed => _ring.IsClosed;

    /// <summary>The subchannel as clients find it.</summary>
    public SubchannelId Id => _layer.Id;

    /// <summary>How many of the first bytes of each command's data are traced for this reader, from the next program on.</summary>
    public int DataWanted
    {
        get;
        set
        {
            field = Math.Clamp(value, 0, TraceLayer.MaxData);
            _layer.CountReaders();
        }
    }

    /// <summary>The next event; false: there is none yet. It is void at the next call.</summary>
    public bool TryRead(out TraceRecord record)
    {
        int length = _ring.Read(ref _place, ref _record, out long time, out long lost);
        if (lost > 0)
        {
            BinaryPrimitives.WriteInt64BigEndian(_record, lost);
            record = new TraceRecord(TraceClock.Now, new TraceHeader(TraceEvent.Lost, TraceFlags.None, Id, 0), _record.AsSpan(0, sizeof(long)));
            return true;
        }
        bool isThere = TraceHeader.TryRead(_record.AsSpan(0, length), out TraceHeader header);
        record = isThere ? new TraceRecord(time, header, _record.AsSpan(TraceHeader.Size, length - TraceHeader.Size)) : default;
        return isThere;
    }

    /// <summary>False: there is something to read. True: there is not, and <see cref="Ready"/> will tell.</summary>
    public bool Wait()
    {
        Volatile.Write(ref _waits, 1);
        if (!IsReady)
            return true;
        Interlocked.Exchange(ref _waits, 0);
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _ring.Leave(this);
        _layer.Left(this);
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => Ready?.Invoke();

    /// <summary>Under the ring's gate: something was added.</summary>
    internal void Wake()
    {
        if (Volatile.Read(ref _waits) != 0 && Interlocked.Exchange(ref _waits, 0) != 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
