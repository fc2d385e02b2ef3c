using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// The caller of an ioctl that came through FUSE. The kernel keeps the thread until its ioctl is answered: until then its number is its own, and its
/// process cannot execute another program. Whoever answers the ioctl calls <see cref="Answered"/> first. Errors, besides those of the interface: -EPERM without
/// the rights of ptrace over the process.
/// </summary>
public sealed class IoctlCaller : IIoctlCaller
{
    /// <summary>Most bytes of one copy: more than any structure of VFIO or iommufd needs (arbitrary).</summary>
    public const int MaxCopy = 1 << 20;

    private readonly CallerLog _log;
    private volatile bool _answered;

    private IoctlCaller(uint threadId, int process, CallerLog log) => (ThreadId, ProcessId, _log) = (threadId, process, log);

    /// <inheritdoc/>
    public uint ThreadId { get; }

    /// <inheritdoc/>
    public int ProcessId { get; }

    /// <summary>
    /// The caller with the number of a FUSE request's header: 0; -EPERM when it is 0, for a caller in a pid namespace that is not below ours; -EINTR when there is no such thread.
    /// </summary>
    public static int Open(uint threadId, CallerLog log, out IoctlCaller? caller)
    {
        caller = null;
        if (threadId == 0)
        {
            log.Foreign();
            return -(int)Errno.EPERM;
        }
        int result = ProcessFiles.ThreadGroup(threadId, out int process);
        if (result < 0)
            return -(int)Errno.EINTR;
        caller = new IoctlCaller(threadId, process, log);
        return 0;
    }

    /// <summary>The ioctl is being answered: from now on the caller is out of reach.</summary>
    public void Answered() => _answered = true;

    /// <inheritdoc/>
    public int Read(ulong address, Span<byte> destination)
    {
        if (destination.Length > MaxCopy)
            return -(int)Errno.EFAULT;
        while (!destination.IsEmpty)
        {
            int copied = _answered ? -(int)Errno.EINTR : ProcessMemory.Read(ThreadId, address, destination);
            if (copied <= 0)
                return Refusal(copied);
            destination = destination[copied..];
            address = unchecked(address + (ulong)copied);
        }
        return 0;
    }

    /// <inheritdoc/>
    public int Write(ulong address, ReadOnlySpan<byte> source)
    {
        if (source.Length > MaxCopy)
            return -(int)Errno.EFAULT;
        while (!source.IsEmpty)
        {
            int copied = _answered ? -(int)Errno.EINTR : ProcessMemory.Write(ThreadId, address, source);
            if (copied <= 0)
                return Refusal(copied);
            source = source[copied..];
            address = unchecked(address + (ulong)copied);
        }
        return 0;
    }

    /// <inheritdoc/>
    public int TakeDescriptor(int number, out FileDescriptor taken)
    {
        taken = new FileDescriptor(-1);
        if (_answered)
            return -(int)Errno.EINTR;
        if (number < 0)
            return -(int)Errno.EBADF;
        int result = Descriptors.OpenProcess(ProcessId, out FileDescriptor process);
        using (process)
            result = result < 0 ? result : Descriptors.TakeFromProcess(process, number, out taken);
        return result < 0 ? Refusal(result) : 0;
    }

    // Total over what the calls give; anything unknown is a bad address or number to the client, as copy_from_user and fget would say.
    private int Refusal(int error)
    {
        switch ((Errno)(-error))
        {
            case Errno.EPERM or Errno.EACCES:
                _log.NoRights(ThreadId, error);
                return -(int)Errno.EPERM;
            case Errno.ESRCH or Errno.EINTR:
                return -(int)Errno.EINTR;
            case Errno.EBADF or Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM:
                return error;
            default:
                return -(int)Errno.EFAULT;
        }
    }
}
