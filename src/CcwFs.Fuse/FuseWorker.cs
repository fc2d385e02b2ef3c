using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// One thread of a session that handles requests, one at a time: passes each through the gate and the row's handler, and sees to it that it gets one
/// reply. How requests come and replies go is for those derived from it.
/// </summary>
internal abstract class FuseWorker : IRequestHolder
{
    private const int NotDeferrable = -1;
    private const ulong InterruptedMark = 1UL << 63; // the kernel counts unique numbers up from 0: never this far

    private int _maxData = NotDeferrable;
    private bool _held;
    private IAfterReply? _after; // of the request being handled
    private ulong _current; // the unique number being handled, with InterruptedMark when INTERRUPT met it there; 0 when none

    private protected FuseWorker(IFuseSession session, FuseHandlers handlers)
    {
        Session = session;
        Handlers = handlers;
    }

    internal IFuseSession Session { get; }

    internal FuseHandlers Handlers { get; }

    internal FuseInHeader Header { get; private set; }

    /// <summary>What follows the header of the request.</summary>
    internal abstract ReadOnlySpan<byte> Body { get; }

    /// <summary>Room for what follows the header of the reply.</summary>
    internal abstract Span<byte> Payload { get; }

    internal FuseRequest Request => new(this, Header.Nodeid, Header.Uid, Header.Gid, Header.Pid);

    /// <summary>Where a late reply to the request being handled goes.</summary>
    private protected abstract IReplyWay LateWay { get; }

    /// <summary>Another worker would take a request that comes now.</summary>
    private protected abstract bool OthersWait { get; }

    /// <summary>A handler's count, where more than there was room for is a fault of the handler: EIO, logged.</summary>
    internal static int Within(int result, int most) => result <= most ? result : int.MaxValue;

    internal T Get<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(Body);

    internal int Put<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(Payload, in value);
        return Unsafe.SizeOf<T>();
    }

    internal void AllowDefer(int maxData) => _maxData = maxData;

    /// <inheritdoc/>
    public DeferredReply Hold(Action<DeferredReply>? interrupted, Func<bool>? mayEnd)
    {
        if (_maxData == NotDeferrable)
            throw new InvalidOperationException("only a READ, WRITE or IOCTL can be answered later");
        DeferredReply reply = Session.Held.Add(LateWay, Header.Unique, (FuseOpcode)Header.Opcode, _maxData, interrupted, mayEnd);
        _held = true;
        return reply;
    }

    /// <inheritdoc/>
    public void After(IAfterReply work) => _after = work;

    /// <summary>
    /// Marks the request if it is the one being handled here: should it be held, it is ended when its handler has returned, never before, so that the
    /// handler has taken note of what it holds.
    /// </summary>
    internal bool TryMark(ulong unique)
    {
        ulong seen = Interlocked.CompareExchange(ref _current, unique | InterruptedMark, unique);
        return seen == unique || seen == (unique | InterruptedMark);
    }

    /// <summary>Replies to the request being handled: a payload of so many bytes that stands in <see cref="Payload"/>, or a negative errno.</summary>
    private protected abstract void Reply(ulong unique, int result);

    /// <summary>Replies go out now, those too that could wait for the next call of the kernel.</summary>
    private protected virtual void Flush()
    {
    }

    /// <summary>INTERRUPT has come before its request, which begins now.</summary>
    private protected virtual bool WasInterrupted(ulong unique) => false;

    /// <summary>The caller of a request that is held now has got a signal that no INTERRUPT tells of.</summary>
    private protected virtual bool HasSignal() => false;

    /// <summary>Handles a request of so many bytes, with its header.</summary>
    private protected void Serve(in FuseInHeader header, int length)
    {
        Header = header;
        FuseOperation? row = FuseOperationTable.Find(header.Opcode);
        if (row is null)
        {
            Reply(header.Unique, -(int)Errno.ENOSYS);
            return;
        }
        int body = length - Unsafe.SizeOf<FuseInHeader>();
        if (header.Len != (uint)length || body < row.MinimalBody || (!Session.Initialized && row.Code != FuseOpcode.Init))
        {
            FuseLog.Malformed(Session.Replies.Logger, length, header.Len, row.Name);
            if (row.Reply != FuseReplyKind.None)
                Reply(header.Unique, -(int)Errno.EIO);
            return;
        }
        Handle(row);
    }

    private void Handle(FuseOperation row)
    {
        ulong unique = Header.Unique;
        Session.Counters.Count(row.Code);
        Volatile.Write(ref _current, unique);
        bool interrupted = WasInterrupted(unique);
        int result;
        try
        {
            result = row.Run(this);
        }
        catch (Exception exception)
        {
            FuseLog.HandlerFailed(Session.Replies.Logger, row.Name, Header.Nodeid, exception);
            result = -(int)Errno.EIO;
        }
        if (row.Reply != FuseReplyKind.None)
            Answer(row, unique, result);
        interrupted |= (Interlocked.Exchange(ref _current, 0) & InterruptedMark) != 0;
        if (_held && (interrupted || Session.Held.Stopped || HasSignal()))
            Session.Held.Interrupt(unique);
        _held = false;
        _maxData = NotDeferrable;
        if (_after is { } work)
            RunAfter(row, work);
    }

    // The one reply point of requests that are answered by their worker.
    private void Answer(FuseOperation row, ulong unique, int result)
    {
        if (_held && result == FuseHandlers.Later)
            return;

        // A handler that deferred and then failed takes the request back, unless it was answered.
        if (_held && !Session.Held.TryTakeBack(unique))
            return;
        if (result > Payload.Length || (result < 0 && !FuseReplies.IsErrno(result)))
        {
            FuseLog.ResultOutOfRange(Session.Replies.Logger, row.Name, Header.Nodeid, result);
            result = -(int)Errno.EIO;
        }
        if (result < 0)
            Session.Counters.CountError(row.Code);
        Reply(unique, result);
    }

    private void RunAfter(FuseOperation row, IAfterReply work)
    {
        _after = null;
        Flush();
        try
        {
            work.Run(mayStay: OthersWait);
        }
        catch (Exception exception)
        {
            FuseLog.CallbackFailed(Session.Replies.Logger, row.Name, exception);
        }
    }
}
