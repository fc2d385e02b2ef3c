using System.Runtime.InteropServices;
using CcwFs.Fuse;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>
/// irq/io, irq/crw, irq/req: an interrupt line as an eventfd. Reads that find nothing are held and answered by the next signal; no thread
/// waits. Lock order: our gate, then the line's and the device's (taking the count may bring the next interrupt forward).
/// </summary>
internal sealed class InterruptFile
{
    /// <summary>Most files of one user that poll one interrupt: each is told of every one of them (arbitrary); then polls fail, ENOMEM.</summary>
    internal const int MaxPolls = 128;

    private const int CountSize = sizeof(ulong);
    private const uint PollIn = 0x001, PollOut = 0x004, PollError = 0x008, PollHangUp = 0x010;

    private readonly Lock _gate = new();
    private readonly InterruptLine _line;
    private readonly Action<ulong> _notifyPoll;

    // Guarded by _gate; with the line's takes when they came.
    private readonly LinkedList<(DeferredReply Reply, long Takes, ClientAccount Account)> _waiting = [];
    private readonly Dictionary<(object File, ulong Poll), uint> _polls = []; // guarded by _gate; with the user
    private readonly Action<DeferredReply> _interrupted;

    internal InterruptFile(InterruptLine line, Action<ulong> notifyPoll)
    {
        (_line, _notifyPoll, _interrupted) = (line, notifyPoll, Forget);
        line.Changed += OnChanged;
    }

    /// <summary>read(2); one that has to wait is counted on <paramref name="account"/>, -ENOMEM.</summary>
    internal int Read(in FuseRequest request, ClientAccount account, bool nonBlocking, Span<byte> buffer)
    {
        if (buffer.Length < CountSize)
            return -(int)Errno.EINVAL;
        lock (_gate)
        {
            if (_line.TryTake(out ulong count))
            {
                MemoryMarshal.Write(buffer, count);
                return CountSize;
            }
            if (_line.IsClosed)
                return -(int)Errno.ENODEV;
            if (nonBlocking)
                return -(int)Errno.EAGAIN;
            int refusal = account.TryTake(Resource.Waiting);
            if (refusal < 0)
                return refusal;
            _waiting.AddLast((request.Defer(_interrupted), _line.Takes, account));
            return FuseHandlers.Later;
        }
    }

    internal int Write(ReadOnlySpan<byte> data)
    {
        if (data.Length < CountSize)
            return -(int)Errno.EINVAL;
        ulong number = MemoryMarshal.Read<ulong>(data);
        if (number == ulong.MaxValue)
            return -(int)Errno.EINVAL;
        return _line.TryAdd(number) ? CountSize : -(int)Errno.EAGAIN;
    }

    internal int Poll(object file, ClientAccount account, ulong pollHandle, bool notify, out uint events)
    {
        lock (_gate)
        {
            uint closed = _line.IsClosed ? PollIn | PollError | PollHangUp : 0;
            events = PollOut | closed | (_line.IsReady ? PollIn : 0);
            if (!notify || _polls.ContainsKey((file, pollHandle)))
                return 0;
            if (_polls.Values.Count(user => user == account.User) >= MaxPolls)
                return -(int)Errno.ENOMEM;
            _polls.Add((file, pollHandle), account.User); // every change is told, until the file is released
            return 0;
        }
    }

    internal void Release(object file)
    {
        lock (_gate)
        {
            foreach ((object File, ulong Poll) key in _polls.Keys.Where(p => p.File == file).ToArray())
                _polls.Remove(key);
        }
    }

    private void Forget(DeferredReply reply)
    {
        lock (_gate)
        {
            for (LinkedListNode<(DeferredReply Reply, long Takes, ClientAccount Account)>? at = _waiting.First; at is not null; at = at.Next)
            {
                if (at.Value.Reply != reply)
                    continue;
                Remove(at);
                return;
            }
        }
    }

    // Guarded by _gate. What was signalled is for who has waited longest; what only waits after the last interrupt is for who came when that one had
    // been taken.
    private bool TakeForWaiting(out DeferredReply reader, out ulong count)
    {
        LinkedListNode<(DeferredReply Reply, long Takes, ClientAccount Account)>? node = _waiting.First;
        bool taken = _line.TryTakeSignalled(out count);
        if (!taken && _waiting.Last!.Value.Takes == _line.Takes)
        {
            node = _waiting.Last;
            taken = _line.TryTake(out count); // may come back to OnChanged, and serve some of those who wait
        }
        reader = taken ? node!.Value.Reply : default;
        if (taken && node!.List == _waiting)
            Remove(node);
        return taken;
    }

    // Guarded by _gate.
    private void Remove(LinkedListNode<(DeferredReply Reply, long Takes, ClientAccount Account)> node)
    {
        _waiting.Remove(node);
        node.Value.Account.Give(Resource.Waiting);
    }

    private void OnChanged()
    {
        ulong[] polls;
        lock (_gate)
        {
            while (_waiting.Count > 0 && (TakeForWaiting(out DeferredReply reader, out ulong count) || _line.IsClosed))
            {
                if (count == 0)
                {
                    if (_waiting.First is not { } first)
                        break; // all were served on the way
                    Remove(first);
                    first.Value.Reply.TryFail(Errno.ENODEV);
                }
                else if (!reader.TryData(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in count))))
                {
                    _line.GiveBack(count); // interrupted in the meantime
                }
            }
            polls = _polls.Count == 0 ? [] : [.. _polls.Keys.Select(p => p.Poll)];
        }
        foreach (ulong poll in polls)
            _notifyPoll(poll);
    }
}
