using System.Collections.Concurrent;
using System.Text;
using CcwFs.Fuse;

namespace CcwFs.Tests.Fuse;

/// <summary>A small file system with one file for each thing that a session can do.</summary>
internal sealed class SampleTree : FuseHandlers, IAfterReply
{
    internal const int EchoIoctl = unchecked((int)0xC0085801); // _IOWR('X', 1, 8 bytes)

    private const uint DirectoryMode = 0x4000 | 0x1ED, FileMode = 0x8000 | 0x1B6, LinkMode = 0xA000 | 0x1FF;
    private const int BigSize = 4 << 20;

    private static readonly string[] Names = ["data", "wait", "block", "fault", "range", "link", "big"];

    private readonly Lock _gate = new();
    private readonly byte[] _data = new byte[124];
    private readonly List<DeferredReply> _waiting = []; // guarded by _gate
    private readonly Dictionary<ulong, ulong> _pollers = []; // file handle to poll handle, guarded by _gate
    private ulong _count; // guarded by _gate
    private ulong _nextHandle;

    internal FuseSession Session { get; set; } = null!;

    internal ConcurrentDictionary<string, int> Seen { get; } = new();

    internal SemaphoreSlim Deferred { get; } = new(0);

    internal ManualResetEventSlim Blocker { get; } = new(false);

    internal SemaphoreSlim Blocked { get; } = new(0);

    internal ConcurrentQueue<ulong> Interrupted { get; } = new();

    internal ConcurrentQueue<DeferredReply> Stale { get; } = new();

    internal int Destroyed;

    internal int AfterReplies;

    internal long Forgotten;

    internal long WorstAllocation;

    internal int Measured;

    internal int Round = 1;

    [ThreadStatic]
    private static int _round;

    [ThreadStatic]
    private static long _allocated;

    /// <summary>Adds to the count of <c>wait</c>: one held read is answered, pollers are woken.</summary>
    internal void Post()
    {
        ulong[] pollers;
        lock (_gate)
        {
            _count++;
            while (_waiting.Count > 0)
            {
                DeferredReply reply = _waiting[0];
                _waiting.RemoveAt(0);
                if (reply.TryData(BitConverter.GetBytes(_count)))
                {
                    _count = 0;
                    Stale.Enqueue(reply);
                    break;
                }
            }
            pollers = [.. _pollers.Values];
        }
        foreach (ulong poller in pollers)
            Session.NotifyPoll(poller);
    }

    public override int Lookup(in FuseRequest request, ReadOnlySpan<byte> name, out FuseEntry entry)
    {
        Note("LOOKUP");
        int index = Array.IndexOf(Names, Encoding.UTF8.GetString(name));
        entry = index < 0 ? default : EntryOf(index);
        return index < 0 ? -2 : 0;
    }

    public override void Forget(ulong node, ulong count) => Interlocked.Add(ref Forgotten, (long)count);

    public override int GetAttr(in FuseRequest request, out FuseAttr attr)
    {
        Note("GETATTR");
        attr = AttrOf(request.Node);
        return 0;
    }

    public override int SetAttr(in FuseRequest request, in FuseSetAttr change, out FuseAttr attr)
    {
        Note($"SETATTR {change.Valid & 15} {change.Size}");
        attr = AttrOf(request.Node);
        return (change.Valid & FuseSetAttr.ValidMode) != 0 ? -1 : 0;
    }

    public override int ReadLink(in FuseRequest request, Span<byte> target)
    {
        Note("READLINK");
        "data"u8.CopyTo(target);
        return 4;
    }

    public override int Open(in FuseRequest request, uint flags, out FuseOpened opened)
    {
        Note("OPEN");
        opened = new FuseOpened { Handle = Interlocked.Increment(ref _nextHandle), Flags = FuseOpened.DirectIo };
        if (NameOf(request.Node) == "wait")
            opened.Flags |= FuseOpened.Stream;
        return 0;
    }

    public override void Release(in FuseRequest request, ulong handle)
    {
        Note("RELEASE");
        lock (_gate)
            _pollers.Remove(handle);
    }

    public override int Read(in FuseRequest request, ulong handle, long offset, uint flags, Span<byte> buffer)
    {
        switch (NameOf(request.Node))
        {
            case "wait":
                return ReadCount(request, buffer);
            case "block":
                Blocked.Release();
                Blocker.Wait();
                return 0;
            case "fault":
                throw new InvalidOperationException("as the test wants it");
            case "range":
                return -512;
            case "big":
                int big = (int)Math.Min(buffer.Length, Math.Max(BigSize - offset, 0));
                buffer[..big].Fill((byte)(offset >> 16));
                return big;
            default:
                Measure();
                int count = (int)Math.Min(buffer.Length, Math.Max(_data.Length - offset, 0));
                _data.AsSpan((int)Math.Min(offset, _data.Length), count).CopyTo(buffer);
                return count;
        }
    }

    public override int Write(in FuseRequest request, ulong handle, long offset, uint flags, ReadOnlySpan<byte> data)
    {
        Measure();
        switch (NameOf(request.Node))
        {
            case "wait":
                Post();
                return data.Length;
            case "big":
                return data.Length;
        }
        if (offset + data.Length > _data.Length)
            return -22;
        data.CopyTo(_data.AsSpan((int)offset));
        return data.Length;
    }

    public override int OpenDir(in FuseRequest request, out FuseOpened opened)
    {
        Note("OPENDIR");
        opened = default;
        return 0;
    }

    public override int ReadDir(in FuseRequest request, ulong handle, ulong offset, ref FuseDirectoryWriter writer)
    {
        Note(writer.Plus ? "READDIRPLUS" : "READDIR");
        if (offset == 0 && !writer.TryAdd("."u8, 1, DirectoryMode, 1))
            return 0;
        if (offset <= 1 && !writer.TryAdd(".."u8, 1, DirectoryMode, 2))
            return 0;
        for (int i = (int)Math.Max(offset, 2) - 2; i < Names.Length; i++)
        {
            if (!writer.TryAdd(Encoding.UTF8.GetBytes(Names[i]), EntryOf(i), (ulong)i + 3))
                break;
        }
        return 0;
    }

    public override void ReleaseDir(in FuseRequest request, ulong handle) => Note("RELEASEDIR");

    public override int StatFs(in FuseRequest request, out FuseStatFs statFs)
    {
        Note("STATFS");
        statFs = new FuseStatFs { BlockSize = 4096, Blocks = 1000, BlocksFree = 500, Files = 7, NameLength = 255 };
        return 0;
    }

    public override int Flush(in FuseRequest request, ulong handle)
    {
        Note("FLUSH");
        return 0;
    }

    public override int Fsync(in FuseRequest request, ulong handle, bool dataOnly)
    {
        Note(dataOnly ? "FDATASYNC" : "FSYNC");
        return 0;
    }

    public override int Ioctl(
        in FuseRequest request, ulong handle, uint command, ulong argument, ReadOnlySpan<byte> input, Span<byte> output, out int result)
    {
        Note($"IOCTL {command:x} {input.Length} {output.Length}");
        request.AfterReply(this);
        result = 0;
        if (command == 0x3B64) // _IO(';', 100): no size; the raw pointer comes through
        {
            result = (int)argument;
            return 0;
        }
        if (command != unchecked((uint)EchoIoctl))
            return -25;
        for (int i = 0; i < output.Length; i++)
            output[i] = (byte)~input[i];
        result = 7;
        return 0;
    }

    public override int Poll(in FuseRequest request, ulong handle, ulong pollHandle, bool notify, out uint events)
    {
        Note(notify ? "POLL notify" : "POLL");
        lock (_gate)
        {
            if (notify)
                _pollers[handle] = pollHandle;
            events = _count > 0 ? 1u : 0u;
        }
        return 0;
    }

    void IAfterReply.Run(bool mayStay) => Interlocked.Increment(ref AfterReplies);

    public override void Destroy() => Interlocked.Increment(ref Destroyed);

    internal void ForgetMeasurements()
    {
        Round++;
        WorstAllocation = Measured = 0;
    }

    private static string NameOf(ulong node) => node == 1 ? "" : Names[(int)node - 2];

    private static FuseEntry EntryOf(int index)
    {
        ulong node = (ulong)index + 2;
        return new FuseEntry { Node = node, AttrValidNs = 0, EntryValidNs = 0, Attr = AttrOf(node) };
    }

    private static FuseAttr AttrOf(ulong node) => new()
    {
        Node = node,
        Links = 1,
        Mode = NameOf(node) switch { "" => DirectoryMode, "link" => LinkMode, _ => FileMode },
        Size = NameOf(node) switch { "data" => 124, "big" => BigSize, "link" => 4, _ => 0 },
        TimeNs = 1_000_000_000_000_000_007,
    };

    private int ReadCount(in FuseRequest request, Span<byte> buffer)
    {
        lock (_gate)
        {
            if (buffer.Length < 8)
                return -22;
            if (_count > 0)
            {
                BitConverter.TryWriteBytes(buffer, _count);
                _count = 0;
                return 8;
            }
            _waiting.Add(request.Defer(EndOfWait));
        }
        Deferred.Release();
        return Later;
    }

    private void EndOfWait(DeferredReply reply)
    {
        lock (_gate)
            _waiting.Remove(reply);
        Interrupted.Enqueue(reply.Unique);
    }

    // Bytes that this worker allocated since the last READ or WRITE it handled: the whole way of a request.
    private void Measure()
    {
        long now = GC.GetAllocatedBytesForCurrentThread();
        if (_round == Round)
        {
            WorstAllocation = Math.Max(WorstAllocation, now - _allocated);
            Interlocked.Increment(ref Measured);
        }
        (_round, _allocated) = (Round, now);
    }

    private void Note(string what) => Seen.AddOrUpdate(what, 1, (_, n) => n + 1);
}
