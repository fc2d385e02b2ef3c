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

    /// <summary>
    /// The numbers of its descriptors whose file has this inode number, as <see cref="ProcessFiles.DescriptorsOf"/>; -EINTR. They are good for
    /// <see cref="TakeDescriptor"/> alone: what they were looked up in may have become another's meanwhile, and that call finds out.
    /// </summary>
    int DescriptorsOf(ulong inode, List<int> numbers);

    /// <summary>Its areas of memory, as <see cref="ProcessFiles.Areas"/>; -EINTR.</summary>
    int Areas(ulong start, ulong end, int limit, List<MemoryArea> found);

    /// <summary>Where it has mapped a file, as <see cref="ProcessFiles.FindMapping"/>; -EINTR.</summary>
    int FindMapping(ulong device, ulong inode, long offset, ulong length, out ulong address);

    /// <summary>Its memory for good, as <see cref="ProcessFiles.OpenMemory"/>, which the caller of this then owns; -EINTR.</summary>
    int OpenMemory(out FileDescriptor memory);

    /// <summary>A descriptor of its process, which says when that has ended, and which the caller of this then owns; -EINTR.</summary>
    int OpenProcess(out FileDescriptor process);
}
