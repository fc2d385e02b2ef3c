using CcwFs.Fuse.Protocol;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// FUSE over io_uring: one queue for each processor that the machine can have, so that a request is handled where its caller runs, and reply and next
/// request are one system call. FORGET, INTERRUPT and notifications still go through the device.
/// </summary>
internal sealed class RingTransport
{
    /// <summary>Where the kernel says whether it offers this; root may write Y to it.</summary>
    internal const string Switch = "/sys/module/fuse/parameters/enable_uring";

    /// <summary>Most processors that have a worker of their own; further ones share these (arbitrary).</summary>
    private const int ProcessorLimit = 64;

    /// <summary>Descriptors that are left to the rest of the process (arbitrary): without rings it works, but not without these.</summary>
    private const int SpareDescriptors = 32;

    private readonly RingQueues[] _queues;
    private readonly EarlyInterrupts _early;
    private readonly int _count;

    private RingTransport(RingQueues[] queues, EarlyInterrupts early, int count) => (_queues, _early, _count) = (queues, early, count);

    /// <summary>Makes rings and threads and tries them. Null: it cannot be, and <paramref name="problem"/> is why.</summary>
    internal static RingTransport? Create(
        FileDescriptor device, IFuseSession session, FuseHandlers handlers, Action<string> broke, out string problem)
    {
        int count = Processors.PossibleCount();
        if (count is 0 or > ushort.MaxValue)
        {
            problem = "the kernel does not say how many processors there can be";
            return null;
        }
        var early = new EarlyInterrupts();
        var context = new RingContext(device, session, handlers, early, broke);
        int[] usable = [.. Processors.Allowed().Where(p => p < count).Take(ProcessorLimit)];
        List<ushort>[] numbers = [.. Enumerable.Range(0, Math.Max(usable.Length, 1)).Select(_ => new List<ushort>())];
        for (int i = 0; i < usable.Length; i++)
            numbers[i].Add((ushort)usable[i]);
        foreach (int rest in Enumerable.Range(0, count).Except(usable))
            numbers[rest % numbers.Length].Add((ushort)rest);
        RingQueues[] queues = [];
        int result;
        try
        {
            queues = [.. numbers.Select((n, i) => new RingQueues(context, i < usable.Length ? usable[i] : null, n))];
            result = Worst(queues, worker => worker.Prepared);
            if (result == 0)
                result = Spare(device);
        }
        catch (OutOfMemoryException)
        {
            result = -(int)Errno.EAGAIN; // what pthread_create(3) says
        }
        var made = new RingTransport(queues, early, count);
        problem = result == 0 ? "" : InWords(result);
        if (result == 0)
            return made;
        made.End();
        return null;
    }

    /// <summary>Why a kernel does not offer it; null: it should.</summary>
    internal static string? WhyOff()
    {
        try
        {
            return File.ReadAllText(Switch).StartsWith('Y')
                ? null
                : $"it is switched off in the kernel; root switches it on: echo Y >{Switch}";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return "this kernel does not have it; it takes Linux 6.14 with CONFIG_FUSE_IO_URING";
        }
    }

    /// <summary>
    /// Registers every queue, once INIT was answered. Null: it is in use; else why not, and the workers are gone. The kernel then goes on through the
    /// device, unless it <paramref name="waits"/> for queues for ever.
    /// </summary>
    internal string? Register(FileDescriptor device, IFuseSession session, out bool waits)
    {
        foreach (RingQueues queue in _queues)
            queue.Workers[0].Go();
        int result = Worst(_queues, worker => worker.Registered);
        waits = false;
        if (result == 0)
        {
            FuseLog.Rings(session.Replies.Logger, _count, _queues.Length);
            return null;
        }
        End();
        waits = Refuse(device) < 0;
        return $"a queue cannot be registered: {Problem.Of(result)}";
    }

    /// <summary>Has the named request's worker end it; false when none is at it.</summary>
    internal bool TryMark(ulong unique)
    {
        foreach (RingQueues queue in _queues)
        {
            foreach (RingWorker worker in queue.Workers)
            {
                if (worker.TryMark(unique))
                    return true;
            }
        }
        return false;
    }

    /// <summary>
    /// Has the named request ended once it begins: an INTERRUPT has come too early, or too late. Who calls this looks at the workers again.
    /// </summary>
    internal void NoteEarly(ulong unique) => _early.Note(unique);

    /// <summary>Ends all workers and waits for them.</summary>
    internal void End()
    {
        foreach (RingQueues queue in _queues)
            queue.End();
        foreach (RingWorker worker in _queues.SelectMany(queue => queue.Workers))
            worker.Join();
    }

    /// <summary>
    /// Has the kernel wait for queues no more, by a registration without memory, which it refuses: 0, or a negative errno, and it waits. It has
    /// refused one before, as a rule; but a system call that failed has not reached it.
    /// </summary>
    private static int Refuse(FileDescriptor device)
    {
        int result = CommandRing.Create(entries: 1, out CommandRing? ring);
        if (result < 0)
            return result;
        using (ring)
        {
            result = ring!.AddCommand(device, RingProtocol.Register, vectors: 0, vectorCount: 0, tag: 0, operands: default);
            while (result == 0)
            {
                result = ring.Enter(wait: true);
                if (ring.TryTake(out _, out int done))
                    return done < 0 ? 0 : -(int)Errno.EIO;
                if (result == -(int)Errno.EINTR)
                    result = 0;
            }
            return result;
        }
    }

    private static int Worst(RingQueues[] queues, Func<RingWorker, Task<int>> what) =>
        queues.Min(queue => queue.Workers is [var first, ..] ? what(first).GetAwaiter().GetResult() : -(int)Errno.EMFILE);

    private static int Spare(FileDescriptor device)
    {
        List<FileDescriptor> spare = [];
        int result = 0;
        while (result >= 0 && spare.Count < SpareDescriptors)
        {
            result = device.Duplicate(out FileDescriptor another);
            spare.Add(another);
        }
        foreach (FileDescriptor descriptor in spare)
            descriptor.Dispose();
        return Math.Min(result, 0);
    }

    private static string InWords(int result) => -result switch
    {
        (int)Errno.ENOSYS => "this kernel has no io_uring",
        (int)Errno.EPERM or (int)Errno.EACCES => "io_uring is forbidden here (sysctl kernel.io_uring_disabled, or a filter of system calls)",
        (int)Errno.EMFILE => "no descriptor is left for io_uring: raise the limit (ulimit -n)",
        (int)Errno.ENOMEM => "there is no memory for io_uring (ulimit -l, or a limit of the control group)",
        _ => $"io_uring cannot be used: {Problem.Of(result)}",
    };
}
