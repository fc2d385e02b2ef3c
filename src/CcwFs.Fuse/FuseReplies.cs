using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using CcwFs.Linux;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>The one way out to the kernel: a message is one write(2), so any thread may send at any time.</summary>
internal sealed class FuseReplies(FileDescriptor device, ILogger logger) : IReplyWay
{
    internal const int HeaderLength = 16; // struct fuse_out_header

    // fs/fuse/dev.c: a reply with an error beyond this is refused, and its caller waits for ever.
    private const int LargestErrno = 511;

    internal ILogger Logger { get; } = new GuardedLogger(logger);

    /// <summary>A negative errno, or 0, that the kernel accepts.</summary>
    internal static bool IsErrno(int error) => error is <= 0 and >= -LargestErrno;

    /// <summary>A reply from a payload elsewhere.</summary>
    public void Send(ulong unique, int error, ReadOnlySpan<byte> payload) => Judge(unique, Write(unique, error, payload));

    /// <summary>A reply whose payload already stands after the room for the header.</summary>
    internal void SendInPlace(ulong unique, Span<byte> message)
    {
        MemoryMarshal.Write(message, new FuseOutHeader { Len = (uint)message.Length, Unique = unique });
        Judge(unique, Write(message, default));
    }

    /// <summary>A reply that the kernel may have no use for any more.</summary>
    internal void SendUnasked(ulong unique, int error) => Write(unique, error, default);

    /// <summary>A notification: its code stands where a reply has the error, and unique is 0. 0 or a negative errno.</summary>
    internal int Notify<T>(int code, in T body)
        where T : unmanaged
    {
        Span<byte> message = stackalloc byte[HeaderLength + Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(message, new FuseOutHeader { Len = (uint)message.Length, Error = code });
        MemoryMarshal.Write(message[HeaderLength..], in body);
        return Math.Min(Write(message, default), 0);
    }

    private int Write(ulong unique, int error, ReadOnlySpan<byte> payload)
    {
        FuseOutHeader header = new() { Len = (uint)(HeaderLength + payload.Length), Error = error, Unique = unique };
        return Write(MemoryMarshal.AsBytes(new ReadOnlySpan<FuseOutHeader>(in header)), payload);
    }

    // A thread that answers or notifies may come after the session's end.
    private int Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        try
        {
            return second.IsEmpty ? device.Write(first) : device.Write(first, second);
        }
        catch (ObjectDisposedException)
        {
            return -(int)Errno.ENODEV;
        }
    }

    // ENOENT: the caller was killed meanwhile. ENODEV: unmounted. Anything else would leave a caller waiting.
    private void Judge(ulong unique, int result)
    {
        if (result >= 0 || result == -(int)Errno.ENOENT || result == -(int)Errno.ENODEV)
            return;
        FuseLog.ReplyRefused(Logger, unique, -result);
        SendUnasked(unique, -(int)Errno.EIO);
    }
}
