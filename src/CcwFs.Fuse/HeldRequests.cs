using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// The requests whose replies come later, by unique number. The thread that takes an entry out answers it; that is all there is
/// to "exactly one try succeeds". Steady state allocates nothing: the dictionary keeps its room.
/// </summary>
internal sealed class HeldRequests(ILogger logger, FuseCounters counters)
{
    /// <summary>How long an INTERRUPT leaves a held WRITE or IOCTL (arbitrary).</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    private readonly record struct Entry(
        IReplyWay Way, FuseOpcode Opcode, int MaxData, Action<DeferredReply>? Interrupted, Func<bool>? MayEnd);

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Entry> _entries = []; // guarded by _gate
    private bool _stopped; // guarded by _gate

    /// <summary>True after <see cref="Stop"/>: what is still being added is to be ended by the adder, once its handler has returned.</summary>
    internal bool Stopped
    {
        get
        {
            lock (_gate)
                return _stopped;
        }
    }

    internal DeferredReply Add(
        IReplyWay way, ulong unique, FuseOpcode opcode, int maxData, Action<DeferredReply>? interrupted, Func<bool>? mayEnd)
    {
        lock (_gate)
        {
            if (!_entries.TryAdd(unique, new Entry(way, opcode, maxData, interrupted, mayEnd)))
                throw new InvalidOperationException("the request is held already");
        }
        return new DeferredReply(this, unique);
    }

    /// <summary>Takes a request back unanswered; false when it was answered.</summary>
    internal bool TryTakeBack(ulong unique)
    {
        lock (_gate)
            return _entries.Remove(unique);
    }

    internal bool TryData(ulong unique, ReadOnlySpan<byte> data)
    {
        if (!TryRemove(unique, FuseOpcode.Read, out Entry entry))
            return false;
        entry.Way.Send(unique, 0, data[..Math.Min(data.Length, entry.MaxData)]);
        return true;
    }

    internal bool TryWritten(ulong unique, int count)
    {
        if (!TryRemove(unique, FuseOpcode.Write, out Entry entry))
            return false;
        FuseWriteOut written = new() { Size = (uint)Math.Clamp(count, 0, entry.MaxData) };
        entry.Way.Send(unique, 0, MemoryMarshal.AsBytes(new ReadOnlySpan<FuseWriteOut>(in written)));
        return true;
    }

    internal bool TryIoctl(ulong unique, int result, ReadOnlySpan<byte> output)
    {
        const int StackRoom = 16384 + 16; // _IOC_SIZEBITS is 14 (asm-generic/ioctl.h), plus struct fuse_ioctl_out
        if (!TryRemove(unique, FuseOpcode.Ioctl, out Entry entry))
            return false;
        int head = Unsafe.SizeOf<FuseIoctlOut>();
        int count = Math.Min(entry.MaxData, StackRoom - head);
        Span<byte> message = stackalloc byte[head + count];
        message.Clear();
        MemoryMarshal.Write(message, new FuseIoctlOut { Result = result });
        output[..Math.Min(output.Length, count)].CopyTo(message[head..]);
        entry.Way.Send(unique, 0, message);
        return true;
    }

    internal bool TryFail(ulong unique, int errno)
    {
        if (!TryRemove(unique, null, out Entry entry))
            return false;
        counters.CountError(entry.Opcode);
        entry.Way.Send(unique, FuseReplies.IsErrno(-errno) ? -errno : -(int)Errno.EIO, default);
        return true;
    }

    /// <summary>
    /// INTERRUPT: ends a READ. A WRITE or an IOCTL does its work and has a while to end by itself: callers do not expect EINTR where the
    /// kernel's own drivers never give it, and any work queued to the calling thread counts as a signal (io_uring's completions are). One that hangs
    /// must still let go of a caller who is being killed. False when it is not held.
    /// </summary>
    internal bool Interrupt(ulong unique)
    {
        FuseOpcode opcode;
        lock (_gate)
        {
            if (!_entries.TryGetValue(unique, out Entry entry))
                return false;
            opcode = _stopped ? FuseOpcode.Read : entry.Opcode;
        }
        if (opcode == FuseOpcode.Read)
            return End(unique);
        _ = Task.Delay(s_grace).ContinueWith(_ => End(unique), TaskScheduler.Default);
        return true;
    }

    /// <summary>Answers EINTR and tells the holder, unless that one will answer by itself; false when it is not held.</summary>
    internal bool End(ulong unique)
    {
        Entry entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(unique, out entry))
                return false;
        }
        if (entry.MayEnd?.Invoke() == false)
            return true;
        if (!TryRemove(unique, null, out entry))
            return false;
        counters.CountError(entry.Opcode);
        entry.Way.Send(unique, -(int)Errno.EINTR, default);
        try
        {
            entry.Interrupted?.Invoke(new DeferredReply(this, unique));
        }
        catch (Exception exception)
        {
            FuseLog.CallbackFailed(logger, "INTERRUPT", exception);
        }
        return true;
    }

    /// <summary>The numbers of what is held now.</summary>
    internal ulong[] Snapshot()
    {
        lock (_gate)
            return [.. _entries.Keys];
    }

    /// <summary>From now on nothing stays held.</summary>
    internal void Stop()
    {
        lock (_gate)
            _stopped = true;
    }

    private bool TryRemove(ulong unique, FuseOpcode? expected, out Entry entry)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(unique, out entry))
                return false;
            if (expected is { } opcode && entry.Opcode != opcode)
                throw new InvalidOperationException($"a held {entry.Opcode} cannot be answered as a {opcode}");
            return _entries.Remove(unique);
        }
    }
}
