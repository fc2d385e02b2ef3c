using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>The data phase of the current command: bytes between the device and the places that CCWs and IDAWs name.</summary>
internal sealed class DataPhase(ProgramFetch fetch, ProgramMemory memory) : IDataTransfer
{
    private bool _wantedMore; // the device had, or wanted, more than the counts allow
    private byte[] _watched = []; // the first bytes of the command, for those who watch
    private int _wanted, _seen;

    /// <inheritdoc/>
    public bool IsGood => fetch.IsGood;

    /// <summary>The device asked for a transfer.</summary>
    internal bool HasBegun { get; private set; }

    /// <summary>Bytes of the command that moved.</summary>
    internal long Moved { get; private set; }

    /// <summary>The first bytes that moved, as many as <see cref="Watch"/> wanted.</summary>
    internal ReadOnlySpan<byte> Watched => _watched.AsSpan(0, _seen);

    /// <summary>A new command.</summary>
    internal void BeginCommand() => (HasBegun, _wantedMore, Moved) = (false, false, 0);

    /// <summary>So many of the first bytes of the command are to be kept.</summary>
    internal void Watch(int wanted)
    {
        (_wanted, _seen) = (wanted, 0);
        if (_watched.Length != wanted)
            _watched = new byte[wanted];
    }

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
        HasBegun = true;
        int done = 0;
        while (done < buffer.Length && fetch.NextPiece(buffer.Length - done, out IMemoryStore store, out long offset, out int length))
        {
            if (!memory.Take(store, offset, buffer.Slice(done, length)))
            {
                fetch.Fault |= SubchannelStatus.ProgramCheck;
                break;
            }
            Keep(buffer.Slice(done, length));
            fetch.At.Advance(length);
            done += length;
        }
        return done;
    }

    /// <inheritdoc/>
    public int Send(ReadOnlySpan<byte> bytes)
    {
        HasBegun = true;
        int done = 0;
        while (done < bytes.Length)
        {
            int skipped = fetch.SkipPiece(bytes.Length - done);
            if (skipped > 0)
            {
                done += skipped;
                continue;
            }
            if (!fetch.NextPiece(bytes.Length - done, out IMemoryStore store, out long offset, out int length))
                break;
            if (!memory.Put(store, offset, bytes.Slice(done, length)))
            {
                fetch.Fault |= SubchannelStatus.ProgramCheck;
                break;
            }
            Keep(bytes.Slice(done, length));
            fetch.At.Advance(length);
            done += length;
        }
        _wantedMore |= done < bytes.Length;
        return done;
    }

    /// <summary>
    /// Fetches what a command that is staged may take, as the count, the chain and the IDAWs will give it again; of a program that is not prefetched
    /// also those. False: abandoned.
    /// </summary>
    internal bool FetchAhead()
    {
        memory.BeginAhead();
        bool toStorage = CommandCode.MovesToStorage(fetch.Command);
        if (toStorage && !fetch.IsLive)
            return true;
        var before = (fetch.At, fetch.IsInterruptPending, fetch.Fault);
        fetch.BeginAhead();
        for (int room = StagedData.MaxBytes; room > 0;)
        {
            int length = fetch.SkipPiece(room);
            if (length == 0)
            {
                if (!fetch.NextPiece(room, out IMemoryStore store, out long offset, out length))
                    break;
                if (!toStorage)
                    memory.Want(store, offset, length);
                fetch.At.Advance(length);
            }
            room -= length;
        }
        if (memory.Wait.IsAbandoned)
            return false;
        (fetch.At, fetch.IsInterruptPending, fetch.Fault) = before;
        fetch.EndAhead();
        return toStorage || memory.Fetch();
    }

    /// <summary>Puts what the device sent for a command that is staged into place. False: abandoned.</summary>
    internal bool PutBehind() => !CommandCode.MovesToStorage(fetch.Command) || memory.PutStaged(ref fetch.Fault);

    /// <summary>
    /// Incorrect length (SA22-7832, chapter 16): suppressed by SLI unless data is chained; an immediate operation with a count shows it unless
    /// the ORB's L bit is on; none with unit check when nothing was transferred.
    /// </summary>
    internal void CheckLength(DeviceStatus status)
    {
        bool chained = fetch.Ccw.Has(CcwFlags.ChainData);
        bool incorrect = _wantedMore || fetch.At.Remaining > 0 || chained;
        bool refused = !HasBegun && (status & (DeviceStatus.UnitCheck | DeviceStatus.Busy)) != 0;
        bool immediate = !HasBegun && (fetch.Orb.LengthSuppression || fetch.Ccw.Count == 0 || !fetch.Orb.Format1);
        bool suppressed = fetch.Ccw.Has(CcwFlags.SuppressLength) && !chained;
        if (incorrect && IsGood && !refused && !immediate && !suppressed)
            fetch.Fault |= SubchannelStatus.IncorrectLength;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        Moved += bytes.Length;
        if (_seen == _wanted)
            return;
        bytes = bytes[..Math.Min(bytes.Length, _wanted - _seen)];
        bytes.CopyTo(_watched.AsSpan(_seen));
        _seen += bytes.Length;
    }
}
