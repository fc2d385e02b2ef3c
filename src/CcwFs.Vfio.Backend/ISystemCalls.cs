using CcwFs.Linux;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// The system calls by which the kernel's VFIO is reached; tests stand in for the kernel here. Each gives a count or 0, or a negative errno.
/// Structures are in host byte order.
/// </summary>
public interface ISystemCalls
{
    /// <summary>open(2) for reading and writing; <paramref name="opened"/> belongs to the caller when the result is 0.</summary>
    int Open(string path, out FileDescriptor opened);

    /// <summary>ioctl(2) with a number.</summary>
    int Control(FileDescriptor file, uint command, ulong number);

    /// <summary>ioctl(2) with a structure, which may be written.</summary>
    int Control(FileDescriptor file, uint command, Span<byte> structure);

    /// <summary>pread(2).</summary>
    int ReadAt(FileDescriptor file, long offset, Span<byte> buffer);

    /// <summary>pwrite(2).</summary>
    int WriteAt(FileDescriptor file, long offset, ReadOnlySpan<byte> data);

    /// <summary>eventfd(2), non-blocking; <paramref name="created"/> belongs to the caller.</summary>
    int EventFd(out FileDescriptor created);

    /// <summary>read(2) of an eventfd: 8 bytes, the count in host order.</summary>
    int Read(FileDescriptor file, Span<byte> buffer);

    /// <summary>write(2) of an eventfd: adds 1.</summary>
    int Signal(FileDescriptor file);

    /// <summary>poll(2) for input: how many are ready, 0 after the timeout.</summary>
    int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds);
}

/// <summary>The kernel's own.</summary>
public sealed class LinuxCalls : ISystemCalls
{
    /// <summary>The one there is.</summary>
    public static LinuxCalls Instance { get; } = new();

    /// <inheritdoc/>
    public int Open(string path, out FileDescriptor opened) => FileDescriptor.Open(path, OpenOptions.ReadWrite, 0, out opened);

    /// <inheritdoc/>
    public int Control(FileDescriptor file, uint command, ulong number) => Descriptors.Control(file, command, number);

    /// <inheritdoc/>
    public int Control(FileDescriptor file, uint command, Span<byte> structure) => Descriptors.Control(file, command, structure);

    /// <inheritdoc/>
    public int ReadAt(FileDescriptor file, long offset, Span<byte> buffer) => file.ReadAt(offset, buffer);

    /// <inheritdoc/>
    public int WriteAt(FileDescriptor file, long offset, ReadOnlySpan<byte> data) => file.WriteAt(offset, data);

    /// <inheritdoc/>
    public int EventFd(out FileDescriptor created) => Descriptors.EventFd(0, nonBlocking: true, out created);

    /// <inheritdoc/>
    public int Read(FileDescriptor file, Span<byte> buffer) => file.Read(buffer);

    /// <inheritdoc/>
    public int Signal(FileDescriptor file) => Descriptors.Signal(file, 1);

    /// <inheritdoc/>
    public int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds) =>
        Descriptors.Poll(files, Descriptors.PollIn, ready, timeoutMilliseconds);
}
