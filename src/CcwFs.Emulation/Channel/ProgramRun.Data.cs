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
            _at.Advance(length);
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
            _at.Advance(length);
            done += length;
        }
        _wantedMore |= done < bytes.Length;
        return done;
    }

    /// <summary>Puts bytes into storage, now or when they may be seen. False: it is gone, or they are too many to wait.</summary>
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
            if (staged.Length + bytes.Length > StagedData.MaxBytes)
                return false;
            staged.Add(store, offset, bytes);
            return true;
        }
        if (!store.Write(offset, bytes))
            return false;
        if (store.CodeCount(offset) != 0)
            Owe(store, offset, bytes); // it has become code meanwhile
        return true;
    }

    /// <summary>Bytes of the blocks into which IDAWs cut the data.</summary>
    internal static int IdawBlock(in Orb orb) => orb.Format2Idaws && !orb.TwoKIdaws ? 4096 : 2048;

    /// <summary>Bytes that a skipping CCW swallows; 0 when the current one does not skip.</summary>
    private int SkipPiece(int wanted)
    {
        if (_at.Remaining == 0 && !ChainData())
            return 0;
        if (!_at.Ccw.Has(CcwFlags.Skip) || !CommandCode.MovesToStorage(_command))
            return 0;
        int length = Math.Min(wanted, _at.Remaining);
        _at.Remaining -= length;
        return length;
    }

    /// <summary>The next run of bytes that lie together in guest memory.</summary>
    private bool NextPiece(int wanted, out IMemoryStore store, out long offset, out int length)
    {
        (store, offset, length) = (null!, 0, 0);
        if (!IsGood || (_at.Remaining == 0 && !ChainData()))
            return false;
        if (_at.BlockLeft == 0)
            _fault |= _source.NextBlock(ref _at);
        if (IsGood)
            _fault |= _source.Resolve(_at.Data, CommandCode.MovesToStorage(_command), out store, out offset, out length);
        length = Math.Min(Math.Min(wanted, _at.Remaining), Math.Min(_at.BlockLeft, length));
        return IsGood;
    }

    /// <summary>A CCW or an IDAW of a program that is fetched at its turn, from memory that may have to be waited for. False: it is gone, or the run was abandoned.</summary>
    internal bool TryReadWord(IMemoryStore store, long offset, Span<byte> word)
    {
        if (!ReadStore(store, offset, word))
            return false;
        if (IsOwed)
            _owed!.Overlay(store, offset, word); // this command has read it
        return true;
    }

    private bool ReadStore(IMemoryStore store, long offset, Span<byte> bytes)
    {
        if (!store.MayWait)
            return store.Read(offset, bytes);
        lock (gate)
            _isCopying = true;
        bool good = store.Read(offset, bytes);
        lock (gate)
        {
            _isCopying = false;
            return good && !_abandoned;
        }
    }
}
