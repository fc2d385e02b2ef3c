using System.Runtime.InteropServices;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// Sees to it that no emulator goes on with its translation of code that a device writes over: <see cref="Drop"/> before the data,
/// <see cref="Confirm"/> after.
/// </summary>
/// <remarks>
/// The bytes are dropped by writing zeros to them, which is cheap, before the data are there. A processor may translate these zeros, or a part of the
/// data, meanwhile: the page's count has changed then, and the page is written a second time, in one step with the drop. The counts are taken before
/// the drop and looked at after the data, and a processor counts after it has read: so it is seen, but where it reads before the data come and counts
/// after we have looked. For that it has to execute the very bytes that are being read into, which no program does that wants a certain result; what
/// it translated then stays.
/// </remarks>
internal sealed class StaleCode
{
    private readonly List<CodeRange> _ranges = [];
    private readonly List<(IMemoryStore Store, long Page)> _changed = [];
    private readonly List<byte> _counts = []; // of each page of the pieces, in their order; those before the drop

    /// <summary>Drops what was made of code in these bytes. False: that is not certain, and they may not be written.</summary>
    internal bool Drop(List<Piece> pieces, ICodeUser user)
    {
        _counts.Clear();
        _ranges.Clear();
        IGuestCode? owner = null;
        foreach (Piece piece in pieces)
        {
            foreach ((long offset, int length) in new PagesOf(piece))
            {
                _counts.Add(piece.Store.CodeCount(offset));
                if (!piece.Store.MayHoldCode(offset, length) || piece.Store.CodeAt(offset, out ulong address) is not { } code)
                    continue;
                if (owner is not null && code != owner && !Flush(owner, user))
                    return false;
                owner = code;
                Add(address, length);
            }
        }
        return owner is null || Flush(owner, user);
    }

    /// <summary>The data are there: what was made of a page meanwhile is dropped too. False: that is not certain.</summary>
    internal bool Confirm(List<Piece> pieces, ReadOnlySpan<byte> bytes, ICodeUser user)
    {
        int page = 0;
        _changed.Clear();
        if (user.IsOver)
            return false;
        foreach (Piece piece in pieces)
        {
            foreach ((long offset, int length) in new PagesOf(piece))
            {
                ReadOnlySpan<byte> data = bytes[..length];
                bytes = bytes[length..];
                (IMemoryStore, long) place = (piece.Store, offset / IovaMap.PageSize);
                byte before = _counts[page++];
                bool isChanged = piece.Store.CodeCount(offset) != before || _changed.Contains(place); // later data for the same page stays the last
                if (!isChanged)
                {
                    if (length == IovaMap.PageSize)
                        piece.Store.ForgetCode(offset, before);
                    continue;
                }
                _changed.Add(place);
                if (piece.Store.CodeAt(offset, out ulong address) is { } code && !code.Write(address, data, user))
                    return false;
            }
        }
        return true;
    }

    private bool Flush(IGuestCode owner, ICodeUser user)
    {
        bool good = owner.Drop(CollectionsMarshal.AsSpan(_ranges), user);
        _ranges.Clear();
        return good;
    }

    private void Add(ulong address, int length)
    {
        if (_ranges.Count > 0 && _ranges[^1] is var last && last.Address + (ulong)last.Length == address)
            _ranges[^1] = last with { Length = last.Length + length };
        else
            _ranges.Add(new CodeRange(address, length));
    }
}

/// <summary>The parts of a piece that lie in one page each.</summary>
internal ref struct PagesOf(Piece piece)
{
    private long _next = piece.Offset;
    private int _left = piece.Length;

    /// <summary>Offset in the store, and bytes.</summary>
    public (long Offset, int Length) Current { get; private set; }

    /// <summary>For foreach.</summary>
    public readonly PagesOf GetEnumerator() => this;

    /// <summary>Goes on to the next.</summary>
    public bool MoveNext()
    {
        if (_left == 0)
            return false;
        int length = Math.Min(_left, IovaMap.PageSize - (int)(_next % IovaMap.PageSize));
        Current = (_next, length);
        _next += length;
        _left -= length;
        return true;
    }
}
