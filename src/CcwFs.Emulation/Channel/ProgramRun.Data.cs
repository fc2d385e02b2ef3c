using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <content>The data phase of the current command: bytes between the device and the places that CCWs and IDAWs name.</content>
internal sealed partial class ProgramRun
{
    /// <inheritdoc/>
    public int Receive(Span<byte> buffer)
    {
        int received = ReceiveAvailable(buffer);
        _wantedMore |= received < buffer.Length;
        return received;
    }

    /// <inheritdoc/>
    public int ReceiveAvailable(Span<byte> buffer)
    {
        _dataPhase = true;
        int done = 0;
        while (done < buffer.Length && NextPiece(buffer.Length - done, out IMemoryStore store, out long offset, out int length))
        {
            Span<byte> piece = buffer.Slice(done, length);
            if (!(_staged?.TryTake(piece) ?? store.Read(offset, piece)))
            {
                _fault |= SubchannelStatus.ProgramCheck;
                break;
            }
            Advance(length);
            done += length;
        }
        return done;
    }

    /// <inheritdoc/>
    public int Send(ReadOnlySpan<byte> bytes)
    {
        _dataPhase = true;
        int done = 0;
        while (done < bytes.Length)
        {
            int skipped = SkipPiece(bytes.Length - done);
            if (skipped > 0)
            {
                done += skipped;
                continue;
            }
            if (!NextPiece(bytes.Length - done, out IMemoryStore store, out long offset, out int length))
                break;
            if (!PutPiece(store, offset, bytes.Slice(done, length)))
            {
                _fault |= SubchannelStatus.ProgramCheck;
                break;
            }
            Advance(length);
            done += length;
        }
        _wantedMore |= done < bytes.Length;
        return done;
    }

    /// <summary>Puts bytes into storage, now or when they may be seen. False: it is gone.</summary>
    private bool PutPiece(IMemoryStore store, long offset, ReadOnlySpan<byte> bytes)
    {
        bool isCode = store.CodeAt(offset, out _) is not null && (_staged is not null || store.MayHoldCode(offset, bytes.Length));
        if (isCode || (IsOwed && (_staged is not null || _owed!.HasPageOf(store, offset)))) // what is owed may be for the same bytes
        {
            Owe(store, offset, bytes);
            return true;
        }
        if (_staged is { } staged)
        {
            staged.Add(store, offset, bytes);
            return true;
        }
        if (!store.Write(offset, bytes))
            return false;
        if (store.CodeCount(offset) != 0)
            Owe(store, offset, bytes); // it has become code meanwhile
        return true;
    }

    private void BeginCount() => (_remaining, _idaw, _blockLeft, _firstIdaw) = (_ccw.Count, _ccw.DataAddress, 0, true);

    /// <summary>Bytes that a skipping CCW swallows; 0 when the current one does not skip.</summary>
    private int SkipPiece(int wanted)
    {
        if (_remaining == 0 && !ChainData())
            return 0;
        if (!_ccw.Has(CcwFlags.Skip) || !CommandCode.MovesToStorage(_command))
            return 0;
        int length = Math.Min(wanted, _remaining);
        _remaining -= length;
        return length;
    }

    /// <summary>The next run of bytes that lie together in guest memory.</summary>
    private bool NextPiece(int wanted, out IMemoryStore store, out long offset, out int length)
    {
        (store, offset, length) = (null!, 0, 0);
        if (!IsGood || (_remaining == 0 && !ChainData()))
            return false;
        if (_blockLeft == 0 && !NextBlock())
            return false;
        if (!TryResolve(out store, out offset, out int inPage))
            return Check();
        length = Math.Min(Math.Min(wanted, _remaining), Math.Min(_blockLeft, inPage));
        return true;
    }

    private bool TryResolve(out IMemoryStore store, out long offset, out int inPage) => _live is null
        ? _program.Pins.TryResolve(_data, out store, out offset, out inPage) || _program.TryResolveArgument(_data, out store, out offset, out inPage)
        : TryResolveLive(_data, CommandCode.MovesToStorage(_command) ? MemoryRights.Write : MemoryRights.Read, out store, out offset, out inPage);

    /// <summary>The next IDAW; all but the first lie on a block boundary.</summary>
    private bool NextBlock()
    {
        int block = _orb.Format2Idaws && !_orb.TwoKIdaws ? 4096 : 2048;
        if (_live is not null)
            return NextLiveBlock(block);
        if (!_ccw.Has(CcwFlags.IndirectData) || !_program.TryFetchIdaw(_idaw, out _data))
            return Check();
        int into = (int)(_data & (ulong)(block - 1));
        if (into != 0 && !_firstIdaw)
            return Check();
        _idaw += IdawSize;
        _blockLeft = block - into;
        _firstIdaw = false;
        return true;
    }

    private void Advance(int length)
    {
        _remaining -= length;
        _blockLeft -= length;
        _data += (ulong)length;
    }
}
