using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// The data of commands on its way between the device and memory that may wait for its owner. The device has locks that others wait for, so it never
/// meets such memory: what goes to it is fetched before its command is executed, what comes from it is put into place after it. So is what comes from
/// it for memory of which an emulator has translated the code (<see cref="IGuestCode"/>): it drops that first, and may be waited for too. One thread
/// at a time.
/// </summary>
internal sealed class StagedData
{
    /// <summary>
    /// Most bytes of one command (arbitrary: more than a few tracks, and than the 96 blocks of 4096 bytes that Linux moves with one command of a
    /// 9336); one that moves more ends with program check.
    /// </summary>
    internal const int MaxBytes = 512 * 1024;

    /// <summary>Most bytes that are kept until they may be seen (arbitrary: more than one request of Linux), but for the last command's.</summary>
    internal const int MaxOwed = 1024 * 1024;

    private const int InitialSize = 4096; // arbitrary: a block
    private const int KeptSize = 512 * 1024; // arbitrary: as many as a command may have; larger ones are given back

    private readonly List<Piece> _pieces = [];
    private readonly StaleCode _code = new();
    private byte[] _bytes = [];
    private int _length; // bytes of the pieces
    private int _good;   // bytes fetched
    private int _taken;

    /// <summary>Bytes.</summary>
    internal int Length => _length;

    /// <summary>What was fetched.</summary>
    internal ReadOnlySpan<byte> Fetched => _bytes.AsSpan(0, _good);

    /// <summary>Nothing is to be copied.</summary>
    internal bool IsEmpty => _length == 0;

    /// <summary>A new command.</summary>
    internal void Clear()
    {
        _pieces.Clear();
        (_length, _good, _taken) = (0, 0, 0);
        if (_bytes.Length > KeptSize)
            _bytes = [];
    }

    /// <summary>Bytes to be copied after those before.</summary>
    internal void Add(IMemoryStore store, long offset, int length)
    {
        if (_length + length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(InitialSize, Math.Max(_length + length, _bytes.Length * 2)));
        if (_pieces.Count > 0 && _pieces[^1] is var last && last.Store == store && last.Offset + last.Length == offset)
            _pieces[^1] = last with { Length = last.Length + length };
        else
            _pieces.Add(new Piece(store, offset, length));
        _length += length;
    }

    /// <summary>Bytes to be put into place.</summary>
    internal void Add(IMemoryStore store, long offset, ReadOnlySpan<byte> bytes)
    {
        int at = _length;
        Add(store, offset, bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(at));
    }

    /// <summary>
    /// Fetches; what is gone, and all after it, is not there to be taken, which is no fault until it is wanted. Nothing more is touched once
    /// <paramref name="owner"/> was abandoned.
    /// </summary>
    internal void Fetch(MemoryWait owner)
    {
        foreach (Piece piece in _pieces)
        {
            if (owner.IsAbandoned || !piece.Store.Read(piece.Offset, _bytes.AsSpan(_good, piece.Length)))
                break;
            _good += piece.Length;
        }
    }

    /// <summary>
    /// Puts into place, after what was made of the code there has been dropped. Gives the check that it ends with. Nothing more is touched once
    /// <paramref name="owner"/> does not want it any more.
    /// </summary>
    internal SubchannelStatus Put(MemoryWait owner)
    {
        if (!_code.Drop(_pieces, owner))
            return SubchannelStatus.ChannelControlCheck;
        int at = 0;
        foreach (Piece piece in _pieces)
        {
            if (owner.IsOver || !piece.Store.Write(piece.Offset, _bytes.AsSpan(at, piece.Length)))
                return SubchannelStatus.ProgramCheck;
            at += piece.Length;
        }
        return _code.Confirm(_pieces, _bytes, owner) ? SubchannelStatus.None : SubchannelStatus.ChannelControlCheck;
    }

    /// <summary>Puts over <paramref name="bytes"/>, which lie at an offset of a store, what is to come there.</summary>
    internal void Overlay(IMemoryStore store, long offset, Span<byte> bytes)
    {
        int at = 0;
        foreach (Piece piece in _pieces)
        {
            long first = Math.Max(offset, piece.Offset), end = Math.Min(offset + bytes.Length, piece.Offset + piece.Length);
            if (piece.Store == store && first < end)
                _bytes.AsSpan(at + (int)(first - piece.Offset), (int)(end - first)).CopyTo(bytes[(int)(first - offset)..]);
            at += piece.Length;
        }
    }

    /// <summary>Some of the bytes are in a page of this one.</summary>
    internal bool HasPageOf(IMemoryStore store, long offset)
    {
        long page = offset / IovaMap.PageSize;
        foreach (Piece piece in _pieces)
        {
            if (piece.Store == store && piece.Offset / IovaMap.PageSize <= page && (piece.Offset + piece.Length - 1) / IovaMap.PageSize >= page)
                return true;
        }
        return false;
    }

    /// <summary>Takes the next bytes of what was fetched; false when they are not there.</summary>
    internal bool TryTake(Span<byte> destination)
    {
        if (destination.Length > _good - _taken)
            return false;
        _bytes.AsSpan(_taken, destination.Length).CopyTo(destination);
        _taken += destination.Length;
        return true;
    }
}

/// <summary>Bytes of one command that lie together in memory.</summary>
internal readonly record struct Piece(IMemoryStore Store, long Offset, int Length);
