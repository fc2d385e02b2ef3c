using CcwFs.Fuse.Protocol;
using CcwFs.Linux;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// One mounted file system's conversation with the kernel: worker threads that read requests from the device, call the handlers and write the
/// replies.
/// </summary>
public sealed class FuseSession : IDisposable
{
    private readonly FileDescriptor _device; // disposed by the last worker
    private readonly FuseHandlers _handlers;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private FuseWorker[] _workers = []; // replaced under _gate, read without
    private int _running; // guarded by _gate
    private int _idle;
    private int _openFiles;
    private bool _started; // guarded by _gate
    private volatile bool _initialized;

    /// <summary>A session over <paramref name="device"/>, which stays the caller's: the session has a descriptor of its own.</summary>
    public FuseSession(FileDescriptor device, FuseHandlers handlers, FuseSessionOptions? options, ILogger logger)
    {
        Options = options ?? new FuseSessionOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.Workers, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.MaxWorkers, Options.Workers);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.MaxWorkers, FuseSessionOptions.WorkerLimit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Options.MaxWrite, FuseSessionOptions.MaxWriteLimit);
        if (Options.MaxWrite < 4096 || Options.MaxWrite % 4096 != 0)
            throw new ArgumentOutOfRangeException(nameof(options), Options.MaxWrite, "MaxWrite must be a multiple of 4096");
        if (device.Duplicate(out _device) is < 0 and int error)
            throw new FuseMountException($"cannot serve the mount: no descriptor is left (errno {-error}): raise the limit (ulimit -n)");
        _handlers = handlers;
        Replies = new FuseReplies(_device, logger);
        Held = new HeldRequests(Replies);
    }

    /// <summary>Ends well when the kernel's INIT was answered; fails when the kernel is too old or the mount went away before.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Ends when the file system is unmounted (or aborted) and every worker is gone, after <see cref="FuseHandlers.Destroy"/>.</summary>
    public Task Completion => _completion.Task;

    /// <summary>
    /// Workers that now wait for a request, or are parked until it pays; 0 means that a handler which goes on computing delays others.
    /// </summary>
    internal int IdleWorkers => Volatile.Read(ref _idle);

    /// <summary>Files and directories that are open, whatever mount of the file system they were opened by.</summary>
    public int OpenFiles => Volatile.Read(ref _openFiles);

    /// <summary>Called on a worker when the last of the <see cref="OpenFiles"/> was closed; short, and must not throw.</summary>
    internal Action? AllClosed { get; set; }

    internal FuseSessionOptions Options { get; }

    internal FuseReplies Replies { get; }

    internal HeldRequests Held { get; }

    internal SoleReader SoleReader { get; } = new();

    internal bool Initialized => _initialized;

    /// <summary>Starts the workers; once.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (_started)
                throw new InvalidOperationException("the session was started before");
            _started = true;
            for (int i = 0; i < Options.Workers; i++)
                AddWorker();
        }
    }

    /// <summary>
    /// Wakes the pollers of a poll handle that <see cref="FuseHandlers.Poll"/> got. From any thread; false when the session is over.
    /// </summary>
    public bool NotifyPoll(ulong pollHandle) =>
        Replies.Notify(FuseConstants.FUSE_NOTIFY_POLL, new FuseNotifyPollWakeupOut { Kh = pollHandle }) == 0;

    /// <summary>Interrupts every held request, as a signal of its caller would.</summary>
    public void EndHeld()
    {
        foreach (ulong unique in Held.Snapshot())
            TryInterrupt(unique);
    }

    /// <summary>
    /// <see cref="EndHeld"/>, and from now on whatever is deferred gets EINTR at once, so that an unmount is not kept waiting. Requests are
    /// answered further until the kernel ends the session.
    /// </summary>
    public void Stop()
    {
        Held.Stop();
        EndHeld();
    }

    /// <summary>Ends the held requests. The workers end with the connection: unmount or close the mount for that.</summary>
    public void Dispose() => Stop();

    internal void FileOpened() => Interlocked.Increment(ref _openFiles);

    internal void FileClosed()
    {
        if (Interlocked.Decrement(ref _openFiles) == 0)
            AllClosed?.Invoke();
    }

    internal int ReadRequest(FuseWorker worker, byte[] buffer)
    {
        Interlocked.Increment(ref _idle);
        SoleReader.BeforeRead(worker);
        int result = _device.Read(buffer);
        if (Interlocked.Decrement(ref _idle) == 0 && result > 0 && _workers.Length < Options.MaxWorkers)
        {
            lock (_gate)
                AddWorker();
        }
        return result;
    }

    /// <summary>Ends the named request, or has its worker end it; false when it is neither being handled nor held.</summary>
    internal bool TryInterrupt(ulong unique)
    {
        // The workers first: a request is held before its worker lets go of it.
        foreach (FuseWorker worker in Volatile.Read(ref _workers))
        {
            if (worker.TryMark(unique))
                return true;
        }
        return Held.Interrupt(unique);
    }

    internal void Negotiated(in FuseInitIn offer, in FuseInitOut reply, int result)
    {
        if (result < 0)
        {
            FuseLog.TooOld(Replies.Logger, offer.Major, offer.Minor);
            _ready.TrySetException(new FuseMountException(
                $"cannot serve the mount: the kernel speaks FUSE {offer.Major}.{offer.Minor}, at least 7.{FuseNegotiation.OldestMinor} (Linux 4.18) is needed"));
            return;
        }
        if (offer.Major > reply.Major)
            return;
        FuseLog.Agreed(Replies.Logger, reply.Major, reply.Minor, offer.Minor, reply.Flags);
        _initialized = true;
        _ready.TrySetResult();
    }

    // Under _gate.
    private void AddWorker()
    {
        if (_workers.Length >= Options.MaxWorkers)
            return;
        FuseWorker worker = new(this, _handlers);
        FuseWorker[] before = _workers;
        Volatile.Write(ref _workers, [.. before, worker]);
        _running++;
        try
        {
            new Thread(() => RunWorker(worker)) { IsBackground = true, Name = $"fuse worker {_workers.Length}" }.Start();
        }
        catch (OutOfMemoryException) when (before.Length >= 2)
        {
            // The system gives no thread now: those that are there go on, and the next request that finds none waiting tries again.
            Volatile.Write(ref _workers, before);
            _running--;
        }
    }

    private void RunWorker(FuseWorker worker)
    {
        worker.Run();
        SoleReader.End(); // a parked worker finds the end of the connection too
        lock (_gate)
        {
            if (--_running > 0)
                return;
        }
        Stop();
        try
        {
            _handlers.Destroy();
        }
        catch (Exception exception)
        {
            FuseLog.CallbackFailed(Replies.Logger, "DESTROY", exception);
        }
        _ready.TrySetException(new FuseMountException("cannot serve the mount: it was unmounted before it was ready"));
        _device.Dispose();
        SoleReader.Dispose();
        _completion.TrySetResult();
    }
}
