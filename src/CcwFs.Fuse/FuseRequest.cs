namespace CcwFs.Fuse;

/// <summary>Who asks, and about which node. Valid during the handler's call; not to be kept.</summary>
public readonly struct FuseRequest
{
    private readonly IRequestHolder? _holder;

    internal FuseRequest(IRequestHolder holder, ulong node, uint uid, uint gid, uint pid)
    {
        _holder = holder;
        Node = node;
        Uid = uid;
        Gid = gid;
        Pid = pid;
    }

    /// <summary>The node that the operation is about.</summary>
    public ulong Node { get; }

    /// <summary>The caller's file-system user.</summary>
    public uint Uid { get; }

    /// <summary>The caller's file-system group.</summary>
    public uint Gid { get; }

    /// <summary>The calling thread's id; 0 in RELEASE and for a caller in a foreign pid namespace.</summary>
    public uint Pid { get; }

    /// <summary>
    /// Takes the reply into the caller's hands; the handler then returns <see cref="FuseHandlers.Later"/>. READ, WRITE and IOCTL only.
    /// When INTERRUPT or the session's end answers it (EINTR), <paramref name="interrupted"/> is called once, on another thread
    /// and never before the handler has returned: it must not wait. INTERRUPT answers a READ at once, the others when they have not ended by
    /// themselves a second later. A handler that returns anything else takes the request back.
    /// <paramref name="mayEnd"/> is asked before that answer goes out, as long as the caller is still where it is, and must not wait either: false
    /// when the holder of the request will answer it in a moment instead.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another operation, or a second call.</exception>
    public DeferredReply Defer(Action<DeferredReply>? interrupted, Func<bool>? mayEnd = null) =>
        Holder.Hold(interrupted, mayEnd);

    /// <summary>
    /// Something to be done on this worker after the reply has gone out; of a request that was deferred, after the handler has returned. A second
    /// call replaces the first. What it throws is logged.
    /// </summary>
    public void AfterReply(IAfterReply work) => Holder.After(work);

    private IRequestHolder Holder => _holder ?? throw new InvalidOperationException("a request without a session");
}

/// <summary>Who keeps a request that is answered later, or does more after its answer: the worker that read it.</summary>
internal interface IRequestHolder
{
    DeferredReply Hold(Action<DeferredReply>? interrupted, Func<bool>? mayEnd);

    void After(IAfterReply work);
}
