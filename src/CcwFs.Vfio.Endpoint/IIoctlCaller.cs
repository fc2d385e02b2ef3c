using CcwFs.Linux;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// The thread that is blocked in an ioctl on one of our files: its memory and its descriptors, reachable only until the ioctl is answered. Calls may
/// wait for ever (memory of a hostile client), so they are made on a thread of that client's own, never on one that serves others.
/// </summary>
public interface IIoctlCaller
{
    /// <summary>Its thread id, as /proc knows it.</summary>
    uint ThreadId { get; }

    /// <summary>The process (thread group) of the thread.</summary>
    int ProcessId { get; }

    /// <summary>Copies out of its memory: 0, -EFAULT, or -EINTR when the ioctl was answered meanwhile.</summary>
    int Read(ulong address, Span<byte> destination);

    /// <summary>Copies into its memory: 0 or a negative errno as for <see cref="Read"/>.</summary>
    int Write(ulong address, ReadOnlySpan<byte> source);

    /// <summary>A copy of one of its descriptors, which the caller of this then owns: 0, -EBADF, -EINTR.</summary>
    int TakeDescriptor(int number, out FileDescriptor taken);
}
