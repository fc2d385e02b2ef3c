using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>
/// One entry of a queue of io_uring: memory that the kernel writes a request to and reads its reply from. From the request's arrival to the commit of
/// its reply it is ours, else the kernel's.
/// </summary>
internal sealed class RingEntry : IReplyWay, IDisposable
{
    /// <summary>How many vectors tell the kernel of the memory: headers and payload.</summary>
    internal const int Vectors = 2;

    // The vectors, then the headers, then the payload: what a request has in the last header but one is moved to stand before its payload, over the
    // last one, and is whole again.
    private const int PayloadAt = 4096; // arbitrary: room for what stands before it
    private const int LastAt = PayloadAt - 32, ArgumentAt = LastAt - RingProtocol.ArgumentRoom, HeaderAt = ArgumentAt - RingProtocol.HeaderRoom;

    private readonly PrivateMemory _memory;
    private readonly RingReturns _returns;
    private readonly int _room;
    private int _argument; // bytes of the request's first argument

    private RingEntry(PrivateMemory memory, RingReturns returns, int room, ushort queue, ulong tag)
    {
        (_memory, _returns, _room, Queue, Tag) = (memory, returns, room, queue, tag);
        RingVector headers = new() { Address = memory.Address + HeaderAt, Length = PayloadAt - HeaderAt };
        RingVector payload = new() { Address = memory.Address + PayloadAt, Length = (ulong)room };
        MemoryMarshal.Write(memory.Span(0, Unsafe.SizeOf<RingVector>()), headers);
        MemoryMarshal.Write(memory.Span(Unsafe.SizeOf<RingVector>(), Unsafe.SizeOf<RingVector>()), payload);
    }

    /// <summary>The queue that it belongs to, which is the number of a processor.</summary>
    internal ushort Queue { get; }

    /// <summary>Names it in its worker's completions.</summary>
    internal ulong Tag { get; }

    /// <summary>The next one that is handed over with it.</summary>
    internal RingEntry? Next { get; set; }

    /// <summary>Names the request to the kernel.</summary>
    internal ulong CommitId { get; private set; }

    /// <summary>Bytes of payload that came with the request.</summary>
    internal int PayloadLength { get; private set; }

    /// <summary>Where the vectors are.</summary>
    internal ulong Address => _memory.Address;

    /// <summary>The request's arguments.</summary>
    internal ReadOnlySpan<byte> Body => _memory.Span(PayloadAt - _argument, _argument + PayloadLength);

    /// <summary>Room for a reply, where the request has its payload.</summary>
    internal Span<byte> Payload => _memory.Span(PayloadAt, _room);

    /// <summary>Makes one with room for so much payload: 0, or a negative errno and none.</summary>
    internal static int Create(RingReturns returns, int room, ushort queue, ulong tag, out RingEntry? entry)
    {
        int result = PrivateMemory.Create(PayloadAt + room, out PrivateMemory? memory);
        entry = result < 0 ? null : new RingEntry(memory!, returns, room, queue, tag);
        return result;
    }

    /// <summary>Looks at a request that has come; false: it makes no sense, and is to be answered with an error.</summary>
    internal bool Take(out FuseInHeader header)
    {
        header = MemoryMarshal.Read<FuseInHeader>(_memory.Span(HeaderAt, Unsafe.SizeOf<FuseInHeader>()));
        RingEntryInOut rest = MemoryMarshal.Read<RingEntryInOut>(_memory.Span(LastAt, Unsafe.SizeOf<RingEntryInOut>()));
        CommitId = rest.CommitId;
        PayloadLength = (int)Math.Min(rest.PayloadSize, (uint)_room);
        long argument = (long)header.Len - Unsafe.SizeOf<FuseInHeader>() - PayloadLength;
        bool isWhole = argument is >= 0 and <= RingProtocol.ArgumentRoom && rest.PayloadSize <= (uint)_room;
        _argument = isWhole ? (int)argument : 0;
        _memory.Span(ArgumentAt, _argument).CopyTo(_memory.Span(PayloadAt - _argument, _argument));
        return isWhole;
    }

    /// <summary>Completes the reply, whose payload of so many bytes is in place, or a negative errno.</summary>
    internal void Finish(ulong unique, int result)
    {
        int length = Math.Max(result, 0);
        MemoryMarshal.Write(_memory.Span(HeaderAt, Unsafe.SizeOf<FuseOutHeader>()), Header(unique, Math.Min(result, 0), length));
        MemoryMarshal.Write(_memory.Span(LastAt, Unsafe.SizeOf<RingEntryInOut>()), Rest(length));
    }

    /// <inheritdoc/>
    public void Send(ulong unique, int error, ReadOnlySpan<byte> payload)
    {
        int length = Math.Min(payload.Length, _room);
        FuseOutHeader header = Header(unique, error, length);
        RingEntryInOut rest = Rest(length);
        try
        {
            _memory.Write(PayloadAt, payload[..length]);
            _memory.Write(HeaderAt, MemoryMarshal.AsBytes(new ReadOnlySpan<FuseOutHeader>(in header)));
            _memory.Write(LastAt, MemoryMarshal.AsBytes(new ReadOnlySpan<RingEntryInOut>(in rest)));
        }
        catch (ObjectDisposedException)
        {
            return; // the session is over, and nobody waits
        }
        _returns.Push(this);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private static FuseOutHeader Header(ulong unique, int error, int length) =>
        new() { Len = (uint)(FuseReplies.HeaderLength + length), Error = error, Unique = unique };

    private RingEntryInOut Rest(int length) => new() { CommitId = CommitId, PayloadSize = (uint)length };
}
