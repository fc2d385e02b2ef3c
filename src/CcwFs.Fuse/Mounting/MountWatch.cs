using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// Sees that a mount has gone out of the mount table of our namespace, by whatever program, while other namespaces or open files keep the file
/// system alive, and that the last of these files was closed. A thread of its own waits for the kernel's word of a change (proc_pid_mountinfo(5)).
/// </summary>
public sealed class MountWatch : IDisposable
{
    private const int LookAgain = 1_000, Forever = -1; // milliseconds of a wait; arbitrary
    private readonly Lock _gate = new(); // around uses of _wake by workers, and its end
    private readonly FuseMount _mount;
    private readonly FuseSession _session;
    private readonly FileDescriptor _table;
    private readonly FileDescriptor _wake = new(-1); // an eventfd
    private readonly Thread _thread;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _unused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isGone;
    private volatile bool _ended;

    /// <summary>Watches from now on; mount and session stay the caller's and outlive this.</summary>
    public MountWatch(FuseMount mount, FuseSession session)
    {
        (_mount, _session) = (mount, session);
        int result = FileDescriptor.Open(MountTable.OwnTable, OpenOptions.ReadOnly, 0, out _table);
        result = result < 0 ? result : Descriptors.EventFd(0, nonBlocking: true, out _wake);
        if (result < 0)
            throw new FuseMountException($"cannot watch the mount: {MountTable.OwnTable}: {Problem.Of(result)}");
        session.AllClosed = () =>
        {
            lock (_gate)
            {
                if (_isGone && !_ended)
                    Descriptors.Signal(_wake, 1);
            }
        };
        _thread = new Thread(Run) { IsBackground = true, Name = "mount watch" };
        _thread.Start();
    }

    /// <summary>Ends when our namespace has the mount no more.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Ends when moreover nobody has a file of it open.</summary>
    public Task Unused => _unused.Task;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ended)
                return;
            _ended = true;
        }
        _session.AllClosed = null;
        Descriptors.Signal(_wake, 1);
        _thread.Join();
        _table.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        Span<short> events = stackalloc short[2];
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        while (!_ended)
        {
            bool? isReachable = IsReachable();
            if (isReachable == false)
            {
                _isGone = true; // before the files are counted: the last of them wakes us from now on
                _gone.TrySetResult();
                if (_session.OpenFiles == 0)
                {
                    _unused.TrySetResult();
                    return;
                }
            }
            (events[0], events[1]) = (Descriptors.PollUrgent, Descriptors.PollIn);
            int result = Descriptors.Poll([_table, _wake], events, isReachable is null ? LookAgain : Forever);
            if (result < 0 && result != -(int)Errno.EINTR)
                return; // no memory for it: the mount goes on without a watch
            _wake.Read(count);
        }
    }

    /// <summary>
    /// A table that changes while it is read may lack a mount that is moved: then it is read again. Null when it cannot be read, for want of
    /// descriptors say.
    /// </summary>
    private bool? IsReachable()
    {
        try
        {
            while (!_mount.IsReachable)
            {
                if (Descriptors.Poll(_table, Descriptors.PollUrgent, timeoutMilliseconds: 0) == 0)
                    return false;
            }
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
