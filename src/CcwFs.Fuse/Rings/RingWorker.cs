using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// A worker with a ring of its own, by which it gets requests of its queues and commits replies. It has one entry in each queue that waits for a
/// request, and one more for each request that is held: the kernel gives a request to the worker that has ended one last, and to another while that
/// one is busy.
/// </summary>
/// <remarks>
/// Once every queue is registered the kernel sends requests to queues alone, for as long as the connection lives, and a queue whose ring was closed
/// keeps those that were on it. So a ring that works no more ends the session, and who owns the mount aborts it. What fails for the moment, for the
/// kernel has no memory, is tried again.
/// </remarks>
internal sealed class RingWorker : FuseWorker
{
    /// <summary>Most entries of a worker, and so of requests that it holds (arbitrary).</summary>
    private const int EntryLimit = 1024;

    private const uint RingEntries = 64; // submissions at once, arbitrary

    /// <summary>How often in a row the ring may fail for the moment, and the pause after each time: for half a second (arbitrary).</summary>
    private const int MostFailures = 50, FailurePause = 10;

    private const ulong WakeTag = 0, TestTag = 1, FirstTag = 2;
    private const int SmallRoom = 32 << 10; // of a reply to a request that has a payload: an IOCTL's 16 KiB (_IOC_SIZEBITS is 14) and its header

    // What the kernel tells by this number and its even followers is the answer to a kick. Its own numbers count up from 0.
    private const ulong FirstKick = 1UL << 62;
    private static long s_kicks;

    private readonly RingContext _context;
    private readonly IRingQueues _queues;
    private readonly RingReturns _returns;
    private readonly bool _isFirst;
    private readonly byte[] _small = new byte[SmallRoom];
    private readonly List<RingEntry> _entries = [];
    private readonly int[] _waiting; // entries of each queue that the kernel has
    private readonly TaskCompletionSource<int> _prepared = new(), _registered = new();
    private readonly TaskCompletionSource _go = new();
    private Thread? _thread;
    private CommandRing? _ring;
    private RingEntry _entry = null!; // of the request being handled
    private bool _replied;
    private bool _wakeIsMissing = true;
    private int _failures; // of the ring, in a row
    private volatile bool _ended;

    private RingWorker(RingContext context, IRingQueues queues, RingReturns returns, bool isFirst)
        : base(context.Session, context.Handlers)
    {
        (_context, _queues, _returns, _isFirst) = (context, queues, returns, isFirst);
        _waiting = new int[queues.Numbers.Count];
    }

    /// <summary>Ends when the ring is made and tried: 0, or a negative errno and the worker is gone.</summary>
    internal Task<int> Prepared => _prepared.Task;

    /// <summary>Ends when the kernel knows the entries: 0, or a negative errno and the worker is gone.</summary>
    internal Task<int> Registered => _registered.Task;

    /// <inheritdoc/>
    internal override ReadOnlySpan<byte> Body => _entry.Body;

    /// <inheritdoc/>
    /// <remarks>In place, but where the request's own payload would be overwritten.</remarks>
    internal override Span<byte> Payload => _entry.PayloadLength == 0 ? _entry.Payload : _small;

    /// <inheritdoc/>
    private protected override IReplyWay LateWay => _entry;

    /// <inheritdoc/>
    private protected override bool OthersWait => _queues.Idle > 0;

    /// <summary>Starts one: 0, or a negative errno and none. It makes its ring, and waits for <see cref="Go"/>.</summary>
    /// <exception cref="OutOfMemoryException">The system has no thread to give.</exception>
    internal static int Start(RingContext context, IRingQueues queues, bool isFirst, out RingWorker? worker)
    {
        worker = null;
        int result = Descriptors.EventFd(0, nonBlocking: false, out FileDescriptor wake);
        if (result < 0)
            return result;
        var made = new RingWorker(context, queues, new RingReturns(wake), isFirst);
        made._thread = new Thread(made.Run) { IsBackground = true, Name = $"fuse queue {queues.Numbers[0]}" };
        try
        {
            made._thread.Start();
        }
        catch
        {
            wake.Dispose();
            throw;
        }
        worker = made;
        return 0;
    }

    /// <summary>INIT was answered: entries may be registered.</summary>
    internal void Go() => _go.TrySetResult();

    /// <summary>Has the worker end when it has handled what it is at.</summary>
    internal void End()
    {
        _ended = true;
        _go.TrySetResult();
        _returns.Signal();
    }

    /// <summary>Waits until it has ended.</summary>
    internal void Join() => _thread?.Join();

    /// <inheritdoc/>
    private protected override bool WasInterrupted(ulong unique) => _context.Early.Take(unique);

    /// <inheritdoc/>
    /// <remarks>
    /// The kernel sends no INTERRUPT for a signal that comes between its putting a request in the queue and our getting it; that signal still waits.
    /// A WRITE or an IOCTL ends by itself.
    /// </remarks>
    private protected override bool HasSignal() => (FuseOpcode)Header.Opcode == FuseOpcode.Read && PendingSignals.Has(Header.Pid);

    /// <inheritdoc/>
    private protected override void Reply(ulong unique, int result)
    {
        if (result > 0 && _entry.PayloadLength != 0)
            _small.AsSpan(0, result).CopyTo(_entry.Payload);
        _entry.Finish(unique, result);
        _replied = true;
        Commit(_entry);
    }

    /// <inheritdoc/>
    private protected override void Flush() => Enter(wait: false);

    private void Run()
    {
        _returns.Own();
        try
        {
            int result = Prepare();
            _prepared.SetResult(result);
            if (result < 0)
                return;
            _go.Task.Wait();
            if (_ended)
                return;
            List<(ulong Tag, int Result)> early = [];
            result = RegisterAll(early);
            _registered.SetResult(result);
            if (result < 0)
                return;
            foreach ((ulong tag, int first) in early)
                Complete(tag, first);
            foreach (ushort queue in _isFirst ? [] : _queues.Numbers)
                Kick(queue);
            while (!_ended)
                ServeNext();
        }
        finally
        {
            _ring?.Dispose();
            foreach (RingEntry entry in _entries)
                entry.Dispose();
            _returns.Dispose();
            _prepared.TrySetResult(-(int)Errno.ENOMEM);
            _registered.TrySetResult(-(int)Errno.ENOTCONN);
        }
    }

    // Makes the ring and its first entries and tries the ring, so that what forbids it shows before the kernel is promised anything.
    private int Prepare()
    {
        if (_queues.Processor is { } processor)
            _ = Processors.Pin(processor); // where that is not permitted it serves from elsewhere
        int result = CommandRing.Create(RingEntries, out _ring);
        if (result < 0)
            return result;
        foreach (ushort queue in _queues.Numbers)
        {
            if ((result = AddEntry(queue, out _)) < 0)
                return result;
        }
        _ring!.Keep(_context.Device);
        result = _ring.AddNothing(TestTag);
        if (result == 0)
            result = _ring.Enter(wait: true);
        return result < 0 ? result : _ring.TryTake(out _, out int done) ? done : -(int)Errno.EIO;
    }

    private int RegisterAll(List<(ulong Tag, int Result)> early)
    {
        foreach (RingEntry entry in _entries.ToArray())
        {
            if (Register(entry) is < 0 and var refused)
                return refused;
        }
        int result = _ring!.Enter(wait: false);
        while (_ring.TryTake(out ulong tag, out int done))
        {
            if (done < 0)
                result = done;
            early.Add((tag, done));
        }
        return result;
    }

    private void ServeNext()
    {
        for (RingEntry? returned = _returns.TakeAll(); returned is not null;)
        {
            RingEntry? next = returned.Next;
            Commit(returned);
            returned = next;
        }
        if (_wakeIsMissing && _ring!.AddWait(_returns.Wake, WakeTag) == 0)
            _wakeIsMissing = false;
        _queues.Waits();
        Enter(wait: true);
        bool some = _ring!.TryTake(out ulong tag, out int done);
        _queues.Woke();
        if (!some && _failures > 0)
            Thread.Sleep(FailurePause);
        for (; some && !_ended; some = _ring.TryTake(out tag, out done))
            Complete(tag, done);
    }

    private void Enter(bool wait)
    {
        int result = _ring!.Enter(wait);
        if (result >= 0)
            _failures = 0;
        else if (result != -(int)Errno.EINTR
            && (result is not (-(int)Errno.EAGAIN or -(int)Errno.EBUSY or -(int)Errno.ENOMEM) || ++_failures > MostFailures))
            Break(result);
    }

    private void Complete(ulong tag, int result)
    {
        if (tag < FirstTag)
        {
            _wakeIsMissing |= tag == WakeTag;
            return;
        }
        RingEntry entry = _entries[(int)(tag - FirstTag)];
        _waiting[IndexOf(entry)]--;
        if (result == 0)
            Handle(entry);
        else
            Break(result); // ENOTCONN as a rule: unmounted or aborted
    }

    private void Handle(RingEntry entry)
    {
        (_entry, _replied) = (entry, false);
        bool isWhole = entry.Take(out FuseInHeader header);
        if (isWhole && header.Opcode == (uint)FuseOpcode.NotifyReply)
        {
            Reply(header.Unique, 0);
            return;
        }
        if (!isWhole || FuseOperationTable.Find(header.Opcode) is { Reply: FuseReplyKind.None })
        {
            FuseLog.Malformed(Session.Replies.Logger, entry.PayloadLength, header.Len, ((FuseOpcode)header.Opcode).ToString());
            Reply(header.Unique, -(int)Errno.EIO);
            return;
        }
        _queues.Works(MayBeHeld((FuseOpcode)header.Opcode) ? header.Nodeid : 0);
        Serve(header, (int)header.Len);
        if (!_replied) // it is held, or was answered by another thread already
            GoOnWithout(entry);
    }

    private static bool MayBeHeld(FuseOpcode operation) => operation is FuseOpcode.Read or FuseOpcode.Write or FuseOpcode.Ioctl;

    // Its entry may be away for long: another one waits.
    private void GoOnWithout(RingEntry entry)
    {
        if (_waiting[IndexOf(entry)] == 0 && _entries.Count < EntryLimit && AddEntry(entry.Queue, out RingEntry? another) == 0
            && Register(another!) is < 0 and var error)
            Break(error);
        Flush();
        Kick(entry.Queue);
    }

    /// <summary>
    /// Requests that came while no entry waited are queued, and the kernel looks at that queue when a reply is committed alone, not when an entry is
    /// registered. So it is made to send one more request there, for nothing that it has cached of the file that held us up.
    /// </summary>
    private void Kick(ushort queue)
    {
        Span<byte> saved = stackalloc byte[Processors.MaskLength];
        if (Processors.MoveTo(queue, saved) < 0)
            return; // a processor that is not there, or not ours: nobody who may be held up runs there
        ulong unique = FirstKick + ((ulong)Interlocked.Increment(ref s_kicks) << 1);
        _ = Session.Replies.Notify(
            FuseConstants.FUSE_NOTIFY_RETRIEVE, new FuseNotifyRetrieveOut { NotifyUnique = unique, Nodeid = _queues.File });
        Processors.Restore(saved);
    }

    private int AddEntry(ushort queue, out RingEntry? entry)
    {
        // The kernel refuses an entry that has not room for a page.
        int room = Math.Max(Session.Options.MaxWrite, Math.Max(Session.Options.PageSize, (int)FuseConstants.FUSE_MIN_READ_BUFFER));
        int result = RingEntry.Create(_returns, room, queue, (ulong)_entries.Count + FirstTag, out entry);
        if (result == 0)
            _entries.Add(entry!);
        return result;
    }

    private int Register(RingEntry entry) => Submit(entry, RingProtocol.Register, entry.Address, RingEntry.Vectors, 0);

    private void Commit(RingEntry entry)
    {
        if (Submit(entry, RingProtocol.CommitAndFetch, 0, 0, entry.CommitId) is < 0 and var error)
            Break(error);
    }

    private int Submit(RingEntry entry, uint command, ulong vectors, uint count, ulong commitId)
    {
        RingCommand operands = new() { CommitId = commitId, Queue = entry.Queue };
        int result = _ring!.AddCommand(
            _context.Device, command, vectors, count, entry.Tag, MemoryMarshal.AsBytes(new ReadOnlySpan<RingCommand>(in operands)));
        if (result == 0)
            _waiting[IndexOf(entry)]++;
        return result;
    }

    private int IndexOf(RingEntry entry)
    {
        for (int i = 0; i < _waiting.Length; i++)
        {
            if (_queues.Numbers[i] == entry.Queue)
                return i;
        }
        throw new InvalidOperationException($"queue {entry.Queue} is another worker's");
    }

    private void Break(int error)
    {
        _ended = true;
        if ((Descriptors.Poll(_context.Device, Descriptors.PollIn, 0) & Descriptors.PollError) == 0) // else it is the connection that has ended
            _context.Broke(Problem.Of(error));
    }
}
