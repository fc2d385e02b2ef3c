using System.Globalization;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Tells which of a mount's open files a descriptor is: the descriptor itself is asked, and the answer comes to our own session, which knows the open
/// file. Thread-safe.
/// </summary>
/// <param name="recognise">For tests without a mount: tells which open file a descriptor is; null for those that are to be asked.</param>
internal sealed class Introductions(Func<FileDescriptor, EndpointFile?>? recognise)
{
    /// <summary>
    /// The ioctl by which we ask one of our own open files which one it is; its argument is a number that only we know. No driver of Linux has it
    /// (Documentation/userspace-api/ioctl/ioctl-number.rst).
    /// </summary>
    internal const uint Command = 0xFCC5;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, EndpointFile?> _asked = []; // guarded by _gate: by the number in the question

    /// <summary>
    /// Which open file that answers such questions (<see cref="EndpointFile.IsIntroduced"/>) a descriptor is: 0, or -EBADFD for anything else. On the
    /// client's thread: the descriptor may be one of another file system, which answers when it likes.
    /// </summary>
    internal int Recognise(FileDescriptor descriptor, out EndpointFile? file)
    {
        file = recognise?.Invoke(descriptor);
        if (file is not null)
            return 0;
        if (descriptor.FileSystemType(out long magic) < 0 || magic != FileSystems.Fuse)
            return -(int)Errno.EBADFD;
        ulong number = RandomNumbers.Next();
        lock (_gate)
            _asked[number] = null;
        Descriptors.Control(descriptor, Command, number);
        lock (_gate)
            _asked.Remove(number, out file);
        return file is null ? -(int)Errno.EBADFD : 0;
    }

    /// <summary>The question has come in on <paramref name="file"/>: true when it is one of ours.</summary>
    internal bool Answer(uint threadId, ulong number, EndpointFile file)
    {
        if (!Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{threadId}")))
            return false;
        lock (_gate)
        {
            if (!_asked.ContainsKey(number))
                return false;
            _asked[number] = file;
            return true;
        }
    }
}
