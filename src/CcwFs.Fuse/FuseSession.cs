using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using CcwFs.Linux;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// One mounted file system's conversation with the kernel: worker threads that read requests from the device, call the handlers and write the
/// replies. Where the kernel has it and the options ask for it, all but FORGET, INTERRUPT and notifications goes over io_uring.
/// </summary>
public sealed class FuseSession : IFuseSession, IAfterReply, IDisposable
{
    private const string NoRings = "cannot serve the mount over io_uring: ";

    private readonly FileDescriptor _device; // disposed by the last worker
    private readonly FuseHandlers _handlers;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private DeviceWorker[] _workers = []; // replaced under _gate, read without
    private RingTransport? _rings; // set before the kernel can give it a request
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
        Held = new HeldRequests(Replies.Logger, Counters);
    }

    /// <summary>Ends well when the kernel's INIT was answered; fails when the kernel is too old or the mount went away before.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Ends when the file system is unmounted (or aborted) and every worker is gone, after <see cref="FuseHandlers.Destroy"/>.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Ends when a part of it works no more while the rest does: callers may wait until the connection is aborted.</summary>
    public Task Broken => _broken.Task;

    /// <summary>Requests come over io_uring; known when <see cref="Ready"/> has ended.</summary>
    public bool UsesRings => RingsProblem is null;

    /// <summary>Why they do not; null: they do.</summary>
    public string? RingsProblem { get; private set; } = "not asked for";

    /// <summary>
    /// Workers that now wait for a request, or are parked until it pays; 0 means that a handler which goes on computing delays others.
    /// </summary>
    internal int IdleWorkers => Volatile.Read(ref _idle);

    /// <summary>Files and directories that are open, whatever mount of the file system they were opened by.</summary>
    public int OpenFiles => Volatile.Read(ref _openFiles);

    /// <summary>What the kernel has asked so far.</summary>
    public FuseCounters Counters { get; } = new();

    /// <summary>Called on a worker when the last of the <see cref="OpenFiles"/> was closed; short, and must not throw.</summary>
    internal Action? AllClosed { get; set; }

    /// <summary>Its sizes and its way.</summary>
    internal FuseSessionOptions Options { get; }

    internal FuseReplies Replies { get; }

    internal HeldRequests Held { get; }

    FuseSessionOptions IFuseSession.Options => Options;

    FuseReplies IFuseSession.Replies => Replies;

    HeldRequests IFuseSession.Held => Held;

    bool IFuseSession.Initialized => _initialized;

    internal SoleReader SoleReader { get; } = new();

    /// <summary>Why <see cref="FuseTransport.Rings"/> cannot be had with the kernel as it is, and what to do; null: it may.</summary>
    public static string? WhyNoRings => RingTransport.WhyOff();

    /// <summary>Before anything is mounted: the kernel must have <see cref="FuseTransport.Rings"/>, and have it switched on.</summary>
    /// <exception cref="FuseMountException">It has not.</exception>
    public static void RequireRings()
    {
        if (WhyNoRings is { } problem)
            throw new FuseMountException(NoRings + problem);
    }

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

    void IFuseSession.FileOpened() => Interlocked.Increment(ref _openFiles);

    void IFuseSession.FileClosed()
    {
        if (Interlocked.Decrement(ref _openFiles) == 0)
            AllClosed?.Invoke();
    }

    internal int ReadRequest(DeviceWorker worker, byte[] buffer)
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

    bool IFuseSession.TryInterrupt(ulong unique) => TryInterrupt(unique);

    private bool TryInterrupt(ulong unique)
    {
        // The workers first: a request is held before its worker lets go of it.
        foreach (DeviceWorker worker in Volatile.Read(ref _workers))
        {
            if (worker.TryMark(unique))
                return true;
        }
        if (_rings is null)
            return Held.Interrupt(unique);
        if (_rings.TryMark(unique) || Held.Interrupt(unique))
            return true;
        _rings.NoteEarly(unique);
        return _rings.TryMark(unique) || Held.Interrupt(unique);
    }

    int IFuseSession.Negotiate(ReadOnlySpan<byte> body, out FuseInitOut reply, out IAfterReply? after)
    {
        after = null;
        FuseInitIn offer = MemoryMarshal.Read<FuseInitIn>(body);
        int result = FuseNegotiation.Agree(offer, Options, out reply);
        if (result < 0)
        {
            FuseLog.TooOld(Replies.Logger, offer.Major, offer.Minor);
            _ready.TrySetException(new FuseMountException(
                $"cannot serve the mount: the kernel speaks FUSE {offer.Major}.{offer.Minor}, at least 7.{FuseNegotiation.OldestMinor} (Linux 4.18) is needed"));
            return result;
        }
        if (offer.Major > reply.Major)
            return 0;
        if (Options.Transport != FuseTransport.Classic)
        {
            string problem = WhyNoRings ?? "the kernel does not offer it for this mount";
            if (FuseNegotiation.OffersRings(body))
                _rings = RingTransport.Create(_device, this, _handlers, RingBroke, out problem);
            if (_rings is null)
                RingsFailed(problem, waits: false);
            else
                FuseNegotiation.AgreeOnRings(ref reply);
        }
        FuseLog.Agreed(Replies.Logger, reply.Major, reply.Minor, offer.Minor, reply.Flags);
        _initialized = true;
        if (_rings is null)
            _ready.TrySetResult();
        else
            after = this;
        return 0;
    }

    /// <summary>After the reply to INIT, which promised queues: the kernel waits for them, and goes on without when it refuses one.</summary>
    void IAfterReply.Run(bool mayStay)
    {
        RingsProblem = _rings!.Register(_device, this, out bool waits);
        if (RingsProblem is { } problem)
            RingsFailed(problem, waits);
        _ready.TrySetResult();
    }

    private void RingsFailed(string problem, bool waits)
    {
        RingsProblem = problem;
        if (waits)
            problem += ", and the kernel waits for it: mount again without io_uring";
        if (waits || Options.Transport == FuseTransport.Rings)
            _ready.TrySetException(new FuseMountException(NoRings + problem));
        else
            FuseLog.NoRings(Replies.Logger, problem);
    }

    private void RingBroke(string problem)
    {
        if (_broken.TrySetResult())
            FuseLog.RingBroke(Replies.Logger, problem);
    }

    // Under _gate.
    private void AddWorker()
    {
        if (_workers.Length >= Options.MaxWorkers)
            return;
        DeviceWorker worker = new(this, _handlers);
        DeviceWorker[] before = _workers;
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

    private void RunWorker(DeviceWorker worker)
    {
        worker.Run();
        SoleReader.End(); // a parked worker finds the end of the connection too
        lock (_gate)
        {
            if (--_running > 0)
                return;
        }
        _rings?.End();
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
