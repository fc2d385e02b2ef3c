using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>poll(2) and the descriptors that are not files: eventfd, socketpair, pidfd. Each call gives 0 or a count, or a negative errno.</summary>
public static unsafe class Descriptors
{
    /// <summary>POLLIN.</summary>
    public const short PollIn = 1;

    /// <summary>POLLPRI.</summary>
    public const short PollUrgent = 2;

    /// <summary>POLLOUT.</summary>
    public const short PollOut = 4;

    /// <summary>POLLERR.</summary>
    public const short PollError = 8;

    /// <summary>POLLHUP.</summary>
    public const short PollHangUp = 16;

    private const int FewPolled = 8; // without an allocation, arbitrary

    private const int CloseOnExec = 0x80000; // SOCK_CLOEXEC, EFD_CLOEXEC
    private const int NonBlocking = 0x800; // EFD_NONBLOCK
    private const int SetDescriptorFlags = 2; // F_SETFD
    private const int ControlRoom = 64; // CMSG_SPACE of one descriptor is 24

    /// <summary>The process's effective user.</summary>
    public static uint EffectiveUser => LibC.EffectiveUser();

    /// <summary>The process's effective group.</summary>
    public static uint EffectiveGroup => LibC.EffectiveGroup();

    /// <summary>poll(2) of one descriptor: POLL* bits, 0 after the timeout (-1: none), or a negative errno. EINTR is not retried.</summary>
    public static int Poll(SafeHandle descriptor, short events, int timeoutMilliseconds)
    {
        using var held = new HeldHandle(descriptor);
        PollEntry entry = new() { Descriptor = held.Number, Events = events };

        // SAFETY: one entry is passed and it is a local; the descriptor is held open by the reference above.
        int result = Result.Of(LibC.Poll(&entry, 1, timeoutMilliseconds));
        return result > 0 ? (ushort)entry.ReturnedEvents : result;
    }

    /// <summary>
    /// poll(2) of several descriptors for the same events: how many have some (0 after the timeout), with the POLL* bits of each in
    /// <paramref name="returned"/>, or a negative errno. EINTR is not retried. The caller keeps the descriptors open.
    /// </summary>
    public static int Poll(ReadOnlySpan<FileDescriptor> descriptors, short events, Span<short> returned, int timeoutMilliseconds)
    {
        returned.Fill(events);
        return Poll(descriptors, returned, timeoutMilliseconds);
    }

    /// <summary>As above, with events for each descriptor: those to wait for, which are replaced by those that came.</summary>
    public static int Poll(ReadOnlySpan<FileDescriptor> descriptors, Span<short> returned, int timeoutMilliseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(returned.Length, descriptors.Length);
        Span<PollEntry> entries = descriptors.Length <= FewPolled ? stackalloc PollEntry[descriptors.Length] : new PollEntry[descriptors.Length];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new PollEntry { Descriptor = descriptors[i].Number, Events = returned[i] };
        fixed (PollEntry* start = entries)
        {
            // SAFETY: the span is pinned for the call and its own length is passed.
            int result = Result.Of(LibC.Poll(start, (nuint)entries.Length, timeoutMilliseconds));
            for (int i = 0; i < entries.Length; i++)
                returned[i] = entries[i].ReturnedEvents;
            return result;
        }
    }

    /// <summary>eventfd(2); <paramref name="created"/> belongs to the caller.</summary>
    public static int EventFd(uint initial, bool nonBlocking, out FileDescriptor created) =>
        FileDescriptor.Of(LibC.EventFd(initial, CloseOnExec | (nonBlocking ? NonBlocking : 0)), out created);

    /// <summary>Adds to an eventfd's count.</summary>
    public static int Signal(FileDescriptor eventFd, ulong count) =>
        Math.Min(eventFd.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in count))), 0);

    /// <summary>A pair of connected stream sockets; both belong to the caller. <paramref name="inherited"/> survives an exec.</summary>
    public static int SocketPair(out FileDescriptor kept, out FileDescriptor inherited)
    {
        const int Unix = 1, Stream = 1;
        int* pair = stackalloc int[2] { -1, -1 };

        // SAFETY: socketpair writes two ints, for which there is room.
        int result = Result.Of(LibC.SocketPair(Unix, Stream | CloseOnExec, 0, pair));
        kept = new FileDescriptor(pair[0]);
        inherited = new FileDescriptor(pair[1]);
        return result < 0 ? result : Result.Of(LibC.Fcntl(inherited, SetDescriptorFlags, 0));
    }

    /// <summary>
    /// Receives one descriptor sent with SCM_RIGHTS, without waiting: 0, -EAGAIN when nothing is there, -ENODATA when a message came without
    /// one. <paramref name="received"/> belongs to the caller.
    /// </summary>
    public static int ReceiveDescriptor(FileDescriptor socket, out FileDescriptor received)
    {
        const int DoNotWait = 0x40, CloseOnExecReceived = 0x40000000, SocketLevel = 1, Rights = 1, Header = 16;
        byte data = 0;
        IoVector vector = new() { Base = &data, Length = 1 };
        byte* control = stackalloc byte[ControlRoom];
        new Span<byte>(control, ControlRoom).Clear();
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlRoom };
        received = new FileDescriptor(-1);

        // SAFETY: every pointer in the header is to a local that outlives the call, with its own length.
        int result = Result.Of(LibC.ReceiveMessage(socket, &message, DoNotWait | CloseOnExecReceived));
        if (result < 0)
            return result;

        // struct cmsghdr: size_t cmsg_len, int cmsg_level, int cmsg_type, then the descriptor.
        ReadOnlySpan<byte> header = new(control, ControlRoom);
        if (message.ControlLength < Header + sizeof(int) || MemoryMarshal.Read<ulong>(header) < Header + sizeof(int)
            || MemoryMarshal.Read<int>(header[8..]) != SocketLevel || MemoryMarshal.Read<int>(header[12..]) != Rights)
            return -(int)Errno.ENODATA;
        received = new FileDescriptor(MemoryMarshal.Read<int>(header[Header..]));
        return 0;
    }

    /// <summary>
    /// ioctl(2) with an argument that is a plain number to the file; its result or a negative errno. May wait as long as that file likes.
    /// </summary>
    public static int Control(FileDescriptor file, uint command, ulong argument) =>

        // SAFETY: the argument is never memory of ours: a file that takes it for an address writes nowhere that is mapped, or fails with EFAULT.
        Result.Of(LibC.Ioctl(file, command, (void*)argument));

    /// <summary>
    /// ioctl(2) with a structure, which the file reads and may write, in place; its result or a negative errno. EINTR is not retried.
    /// </summary>
    public static int Control(FileDescriptor file, uint command, Span<byte> structure)
    {
        fixed (byte* start = structure)
        {
            // SAFETY: the span is pinned for the call; the caller's structure is as long as the command, or its own first word, says.
            return Result.Of(LibC.Ioctl(file, command, start));
        }
    }

    /// <summary>pidfd_open(2); <paramref name="opened"/> belongs to the caller.</summary>
    public static int OpenProcess(int pid, out FileDescriptor opened) =>
        FileDescriptor.Of((int)LibC.SystemCall(KernelNumbers.PidFdOpen, pid), out opened);

    /// <summary>pidfd_getfd(2): our own descriptor of another process's open file; belongs to the caller.</summary>
    public static int TakeFromProcess(FileDescriptor process, int number, out FileDescriptor taken)
    {
        using var held = new HeldHandle(process);
        return FileDescriptor.Of((int)LibC.SystemCall(KernelNumbers.PidFdGetFd, held.Number, number), out taken);
    }
}
