using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Notices the end of clients' processes: a file that somebody else also holds is not closed by it. One thread for all. A process that executes another
/// program has not ended.
/// </summary>
public sealed class ProcessWatch : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Watched> _watched = []; // guarded by _gate
    private readonly FileDescriptor _changed;     // an eventfd: the list is another
    private readonly Thread _thread;
    private volatile bool _stopped;

    /// <summary>Starts the thread.</summary>
    /// <exception cref="IOException">The system gives no more descriptors.</exception>
    public ProcessWatch()
    {
        int result = Descriptors.EventFd(0, nonBlocking: true, out _changed);
        if (result < 0)
            throw new IOException($"no eventfd: {Problem.Of(result)}");
        _thread = new Thread(Run) { IsBackground = true, Name = "client processes" };
        _thread.Start();
    }

    /// <summary>
    /// Calls <paramref name="ended"/>, once and on the thread of this, when the process of the caller ends; it must neither wait nor throw. 0 and the watch, which ends when disposed
    /// (a call under way may still come); or -EINTR when the caller is no more, or -EMFILE.
    /// </summary>
    public int Watch(IIoctlCaller caller, Action ended, out IDisposable? watch)
    {
        watch = null;
        int result = Descriptors.OpenProcess(caller.ProcessId, out FileDescriptor handle);
        if (result < 0)
        {
            handle.Dispose();
            return result == -(int)Errno.ESRCH ? -(int)Errno.EINTR : result;
        }
        var entry = new Watched(this, handle, ended);
        lock (_gate)
            _watched.Add(entry);
        Descriptors.Signal(_changed, 1);
        watch = entry;
        return 0;
    }

    /// <summary>Ends the thread and all watches.</summary>
    public void Dispose()
    {
        if (_stopped)
            return;
        _stopped = true;
        Descriptors.Signal(_changed, 1);
        _thread.Join();
        foreach (Watched entry in _watched)
            entry.Handle.Dispose();
        _watched.Clear();
        _changed.Dispose();
    }

    private void Run()
    {
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        while (!_stopped)
        {
            Watched[] entries;
            lock (_gate)
            {
                // A descriptor is closed here only, so that none is closed under the poll. Each entry is asked once: it may be done at any time.
                _watched.RemoveAll(entry =>
                {
                    if (!entry.Done)
                        return false;
                    entry.Handle.Dispose();
                    return true;
                });
                entries = [.. _watched];
            }
            short[] events = new short[entries.Length + 1];
            Descriptors.Poll([_changed, .. entries.Select(e => e.Handle)], Descriptors.PollIn, events, -1);
            if (events[0] != 0)
                _changed.Read(count);
            for (int i = 0; i < entries.Length; i++)
            {
                if (events[i + 1] != 0)
                    entries[i].End();
            }
        }
    }

    private sealed class Watched(ProcessWatch owner, FileDescriptor handle, Action ended) : IDisposable
    {
        private int _done;

        internal FileDescriptor Handle => handle;

        internal bool Done => Volatile.Read(ref _done) != 0;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0 && !owner._stopped)
                Descriptors.Signal(owner._changed, 1);
        }

        internal void End()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
                ended();
        }
    }
}
