using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// One thread of a session with its two buffers: reads a request, passes it through the gate and the row's handler, sends one reply.
/// </summary>
internal sealed class FuseWorker : IRequestHolder
{
    // Before FUSE_MAX_PAGES (7.28) a READ was 32 pages at most, whatever max_write said.
    private const int SmallestRead = 32 * 4096;

    private const int NotDeferrable = -1;
    private const ulong InterruptedMark = 1UL << 63; // the kernel counts unique numbers up from 0: never this far

    private readonly byte[] _in, _out;
    private int _length;
    private int _maxData = NotDeferrable;
    private bool _held;
    private IAfterReply? _after; // of the request being handled
    private ulong _current; // the unique number being handled, with InterruptedMark when INTERRUPT met it there; 0 when none

    internal FuseWorker(FuseSession session, FuseHandlers handlers)
    {
        Session = session;
        Handlers = handlers;
        int head = Unsafe.SizeOf<FuseInHeader>() + Unsafe.SizeOf<FuseWriteIn>();
        int room = Math.Max(head + session.Options.MaxWrite, (int)FuseConstants.FUSE_MIN_READ_BUFFER);

        // Pinned, so that no collection moves or copies a megabyte; pages are touched only as far as requests need them.
        _in = GC.AllocateUninitializedArray<byte>(room, pinned: true);
        _out = GC.AllocateUninitializedArray<byte>(FuseReplies.HeaderLength + Math.Max(session.Options.MaxWrite, SmallestRead), pinned: true);
    }

    internal FuseSession Session { get; }

    internal FuseHandlers Handlers { get; }

    internal FuseInHeader Header { get; private set; }

    internal ReadOnlySpan<byte> Body => _in.AsSpan(Unsafe.SizeOf<FuseInHeader>(), _length - Unsafe.SizeOf<FuseInHeader>());

    internal Span<byte> Payload => _out.AsSpan(FuseReplies.HeaderLength);

    internal FuseRequest Request => new(this, Header.Nodeid, Header.Uid, Header.Gid, Header.Pid);

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
        DeferredReply reply = Session.Held.Add(Header.Unique, (FuseOpcode)Header.Opcode, _maxData, interrupted, mayEnd);
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

    internal void Run()
    {
        while (true)
        {
            int result = Session.ReadRequest(this, _in);
            if (result >= 0)
                Process(result);
            else if (result is not (-(int)Errno.EINTR or -(int)Errno.ENOENT or -(int)Errno.EAGAIN))
            {
                // ENODEV: unmounted; ECONNABORTED: aborted.
                if (result is not (-(int)Errno.ENODEV or -(int)Errno.ECONNABORTED))
                    FuseLog.DeviceFailed(Session.Replies.Logger, -result);
                return;
            }
        }
    }

    private void Process(int length)
    {
        int head = Unsafe.SizeOf<FuseInHeader>();
        if (length < head)
        {
            FuseLog.Malformed(Session.Replies.Logger, length, 0, "?");
            return;
        }
        _length = length;
        Header = MemoryMarshal.Read<FuseInHeader>(_in);
        Session.SoleReader.AfterRead(this, Header.Pid);
        FuseOperation? row = FuseOperationTable.Find(Header.Opcode);
        if (row is null)
        {
            Session.Replies.Send(Header.Unique, -(int)Errno.ENOSYS, default);
            return;
        }
        if (Header.Len != (uint)length || length - head < row.MinimalBody || (!Session.Initialized && row.Code != FuseOpcode.Init))
        {
            FuseLog.Malformed(Session.Replies.Logger, length, Header.Len, row.Name);
            if (row.Reply != FuseReplyKind.None)
                Session.Replies.Send(Header.Unique, -(int)Errno.EIO, default);
            return;
        }
        Handle(row);
    }

    private void Handle(FuseOperation row)
    {
        ulong unique = Header.Unique;
        Volatile.Write(ref _current, unique);
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
        bool interrupted = (Interlocked.Exchange(ref _current, 0) & InterruptedMark) != 0;
        if (_held && (interrupted || Session.Held.Stopped))
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
            Session.Replies.Send(unique, result, default);
        else
            Session.Replies.SendInPlace(unique, _out.AsSpan(0, FuseReplies.HeaderLength + result));
    }

    private void RunAfter(FuseOperation row, IAfterReply work)
    {
        _after = null;
        try
        {
            work.Run(mayStay: Session.IdleWorkers > 0);
        }
        catch (Exception exception)
        {
            FuseLog.CallbackFailed(Session.Replies.Logger, row.Name, exception);
        }
    }
}
