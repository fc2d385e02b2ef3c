using System.Runtime.CompilerServices;

namespace CcwFs.Linux;

/// <summary>Connected sockets that another process may have made. No call waits; each gives 0 or a count, or a negative errno.</summary>
public static unsafe class Sockets
{
    private const int DoNotWait = 0x40, NoSignal = 0x4000; // MSG_DONTWAIT, MSG_NOSIGNAL
    private const int SocketLevel = 1, TypeOption = 3, DomainOption = 39; // SOL_SOCKET, SO_TYPE, SO_DOMAIN
    private const int Unix = 1, Stream = 1; // AF_UNIX, SOCK_STREAM

    /// <summary>The descriptor is a stream socket of this machine (AF_UNIX).</summary>
    public static bool IsLocalStream(FileDescriptor socket) => Option(socket, DomainOption) == Unix && Option(socket, TypeOption) == Stream;

    /// <summary>Sends what there is room for: bytes sent, or -EAGAIN, -EPIPE, -ENOTSOCK and what else send(2) says. No SIGPIPE.</summary>
    public static int Send(FileDescriptor socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            // SAFETY: the span is pinned for the call and its own length is passed.
            return (int)Result.Of(LibC.Send(socket, start, (nuint)bytes.Length, DoNotWait | NoSignal));
        }
    }

    /// <summary>Receives what is there: bytes received, 0 at the other end's close, or -EAGAIN, -ENOTSOCK and what else recv(2) says.</summary>
    public static int Receive(FileDescriptor socket, Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            // SAFETY: the span is pinned for the call and its own length is passed.
            return (int)Result.Of(LibC.Receive(socket, start, (nuint)bytes.Length, DoNotWait));
        }
    }

    private static int Option(FileDescriptor socket, int name)
    {
        int value = 0;
        uint length = (uint)Unsafe.SizeOf<int>();

        // SAFETY: both pointers are to locals, and the length is that of the value.
        int result = Result.Of(LibC.SocketOption(socket, SocketLevel, name, &value, &length));
        return result < 0 ? result : value;
    }
}
