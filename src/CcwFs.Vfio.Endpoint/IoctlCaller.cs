using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// The thread that is blocked in an ioctl that came through FUSE: its memory and its descriptors. Calls may wait for ever (memory of a hostile
/// client), so they are made on a thread of that client's own, never on one that serves others. The kernel keeps the thread until its ioctl is
/// answered: until then its number is its own, and its process cannot execute another program, for that waits for all its threads. Afterwards the
/// number may be another's, and the process a set-uid program: so nothing is ever looked up by number once an answer has gone out. What is looked up
/// is looked up under the gate, which the answer of others (EINTR) takes first (<see cref="TryEnd"/>), by calls that do not wait; what they give
/// leads to that address space, or to that open file, for ever. Only the list of descriptors is too long for that: it is dropped when the answer has
/// gone out meanwhile. Errors, besides those that each call names: -EPERM without the rights of ptrace over the process.
/// </summary>
/// <remarks>
/// Where /proc/TID/mem is closed to us though ptrace is not (a daemon with CAP_SYS_PTRACE alone, and a client of another user), memory is copied by
/// number, which may wait as long as the client likes: then the answer waits for the copy. The kernel itself ends the ioctl only when the whole
/// connection is ended, which its owner or root alone can do.
/// </remarks>
public sealed class IoctlCaller
{
    /// <summary>Most bytes of one copy: more than any structure of VFIO or iommufd needs (arbitrary).</summary>
    public const int MaxCopy = 1 << 20;

    private readonly CallerLog _log;
    private readonly Lock _gate = new();
    private FileDescriptor? _areas;  // guarded by _gate, as the rest; opened when they are first needed, closed by Answered
    private FileDescriptor? _memory; // null though the areas are there: memory is copied by number
    private int _copying;            // copies by number under way
    private bool _ended;             // answered, or to be answered as soon as no copy by number is under way

    private IoctlCaller(uint threadId, int process, CallerLog log) => (ThreadId, ProcessId, _log) = (threadId, process, log);

    /// <summary>Memory is copied by number although the memory file is open to us; for tests.</summary>
    internal bool ByNumber { get; set; }

    /// <summary>Its thread id, as /proc knows it.</summary>
    public uint ThreadId { get; }

    /// <summary>The process (thread group) of the thread.</summary>
    public int ProcessId { get; }

    /// <summary>
    /// The caller with the number of a FUSE request's header, while that request is unanswered: 0; -EPERM when it is 0, for a caller in a pid
    /// namespace that is not below ours, and where /proc is of another pid namespace; -EINTR when there is no such thread.
    /// </summary>
    public static int Open(uint threadId, CallerLog log, out IoctlCaller? caller)
    {
        caller = null;
        if (threadId == 0 || !ProcessFiles.AreOurs)
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

    /// <summary>The work is done and its answer goes out: from now on the caller is out of reach. What leads to its memory is closed.</summary>
    public void Answered()
    {
        FileDescriptor? areas, memory;
        lock (_gate)
            (areas, memory, _areas, _memory, _ended) = (_areas, _memory, null, null, true);
        areas?.Dispose();
        memory?.Dispose();
    }

    /// <summary>
    /// Others want to answer: from now on the caller is out of reach. False while its memory is being copied by number: the work ends at once when it
    /// comes out of that, and answers. Does not wait.
    /// </summary>
    public bool TryEnd()
    {
        lock (_gate)
        {
            _ended = true;
            return _copying == 0;
        }
    }

    /// <summary>Copies out of its memory: 0, -EFAULT, or -EINTR when the ioctl was answered meanwhile.</summary>
    public int Read(ulong address, Span<byte> destination)
    {
        if (destination.Length > MaxCopy)
            return -(int)Errno.EFAULT;
        while (!destination.IsEmpty)
        {
            int copied = Enter(address, destination.Length, write: false, out FileDescriptor? memory);
            if (copied == 0 && memory is not null)
                copied = Gone(memory.ReadAt((long)address, destination));
            else if (copied == 0)
                copied = Leave(ProcessMemory.Read(ThreadId, address, destination));
            if (copied <= 0)
                return Refusal(copied);
            destination = destination[copied..];
            address = unchecked(address + (ulong)copied);
        }
        return 0;
    }

    /// <summary>Copies into its memory: 0 or a negative errno as for <see cref="Read"/>.</summary>
    public int Write(ulong address, ReadOnlySpan<byte> source)
    {
        if (source.Length > MaxCopy)
            return -(int)Errno.EFAULT;
        while (!source.IsEmpty)
        {
            int copied = Enter(address, source.Length, write: true, out FileDescriptor? memory);
            if (copied == 0 && memory is not null)
                copied = Gone(memory.WriteAt((long)address, source));
            else if (copied == 0)
                copied = Leave(ProcessMemory.Write(ThreadId, address, source));
            if (copied <= 0)
                return Refusal(copied);
            source = source[copied..];
            address = unchecked(address + (ulong)copied);
        }
        return 0;
    }

    /// <summary>A copy of one of its descriptors, which the caller of this then owns: 0, -EBADF, -EINTR.</summary>
    public int TakeDescriptor(int number, out FileDescriptor taken)
    {
        taken = new FileDescriptor(-1);
        if (number < 0)
            return -(int)Errno.EBADF;
        lock (_gate)
        {
            // A pidfd names the process, not the program: it is under the gate that the descriptors are still the caller's.
            if (_ended)
                return -(int)Errno.EINTR;
            int result = Descriptors.OpenProcess(ProcessId, out FileDescriptor process);
            using (process)
                result = result < 0 ? result : Descriptors.TakeFromProcess(process, number, out taken);
            return result < 0 ? Refusal(result) : 0;
        }
    }

    /// <summary>
    /// The numbers of its descriptors whose file has this inode number, as <see cref="ProcessFiles.DescriptorsOf"/>; -EINTR. They are good for
    /// <see cref="TakeDescriptor"/> alone: what they were looked up in may have become another's meanwhile, and that call finds out.
    /// </summary>
    public int DescriptorsOf(ulong inode, List<int> numbers)
    {
        lock (_gate)
        {
            if (_ended)
                return -(int)Errno.EINTR;
        }
        int result = ProcessFiles.DescriptorsOf(ThreadId, inode, numbers); // of many descriptors: too long for the gate
        lock (_gate)
        {
            if (!_ended)
                return result;
            numbers.Clear(); // they may be another's
            return -(int)Errno.EINTR;
        }
    }

    /// <summary>Its areas of memory, as <see cref="ProcessFiles.Areas"/>; -EINTR.</summary>
    public int Areas(ulong start, ulong end, int limit, List<MemoryArea> found)
    {
        int result = Reach(out FileDescriptor? areas, out _);
        return result < 0 ? result : ProcessFiles.Areas(areas!, start, end, limit, found);
    }

    /// <summary>Where it has mapped a file, as <see cref="ProcessFiles.FindMapping"/>; -EINTR.</summary>
    public int FindMapping(ulong device, ulong inode, long offset, ulong length, out ulong address)
    {
        address = 0;
        int result = Reach(out FileDescriptor? areas, out _);
        return result < 0 ? result : ProcessFiles.FindMapping(areas!, device, inode, offset, length, out address);
    }

    /// <summary>Its memory for good, as <see cref="ProcessFiles.OpenMemory"/>, which the caller of this then owns; -EINTR.</summary>
    public int OpenMemory(out FileDescriptor memory)
    {
        memory = new FileDescriptor(-1);
        lock (_gate)
            return _ended ? -(int)Errno.EINTR : ProcessFiles.OpenMemory(ThreadId, out memory);
    }

    /// <summary>A descriptor of its process, which says when that has ended, and which the caller of this then owns; -EINTR.</summary>
    public int OpenProcess(out FileDescriptor process)
    {
        process = new FileDescriptor(-1);
        lock (_gate)
            return _ended ? -(int)Errno.EINTR : Descriptors.OpenProcess(ProcessId, out process);
    }

    // What leads to the caller's address space, good until Answered. Opening does not wait: the kernel takes a lock that only an execution holds,
    // which cannot be under way.
    private int Reach(out FileDescriptor? areas, out FileDescriptor? memory)
    {
        lock (_gate)
        {
            (areas, memory) = (_areas, _memory);
            if (_ended)
                return -(int)Errno.EINTR;
            if (areas is not null)
                return 0;
            int result = ProcessFiles.OpenAreas(ThreadId, out FileDescriptor opened);
            if (result < 0)
            {
                opened.Dispose();
                return result;
            }
            areas = _areas = opened;
            if (ByNumber)
                return 0;
            if (ProcessFiles.OpenMemory(ThreadId, out opened) == 0)
                memory = _memory = opened;
            else
                opened.Dispose();
            return 0;
        }
    }

    // A copy begins. The memory file would write to pages that the process may not write itself, so its rights are looked at first; a copy by number
    // keeps to them. Without the memory file, Leave ends what begins here.
    private int Enter(ulong address, int length, bool write, out FileDescriptor? memory)
    {
        int result = Reach(out FileDescriptor? areas, out memory);
        if (result < 0)
            return result;
        if (memory is not null)
            return ProcessFiles.Allows(areas!, address, (ulong)length, write);
        lock (_gate)
        {
            _copying += _ended ? 0 : 1;
            return _ended ? -(int)Errno.EINTR : 0;
        }
    }

    private int Leave(int copied)
    {
        lock (_gate)
            _copying--;
        return copied;
    }

    // Of an address space that has gone the memory file gives nothing.
    private static int Gone(int copied) => copied == 0 ? -(int)Errno.ESRCH : copied;

    // Total over what the calls give; anything unknown is a bad address or number to the client, as copy_from_user and fget would say.
    private int Refusal(int error)
    {
        switch ((Errno)(-error))
        {
            case Errno.EPERM or Errno.EACCES:
                _log.NoRights(ThreadId, -(int)Errno.EPERM);
                return -(int)Errno.EPERM;
            case Errno.ESRCH or Errno.EINTR or Errno.ENOENT: // the thread is no more
                return -(int)Errno.EINTR;
            case Errno.EBADF or Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM:
                return error;
            default:
                return -(int)Errno.EFAULT;
        }
    }
}
