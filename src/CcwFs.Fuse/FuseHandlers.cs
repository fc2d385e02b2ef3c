namespace CcwFs.Fuse;

/// <summary>
/// What a file system implements: one virtual method an operation. A method gives 0 (or a byte count, where it says so), or a negative
/// errno between -1 and -511; the default of every method is the errno that the session would answer without it (-ENOSYS).
/// Methods run on the session's worker threads, several at once, and must not wait: a read, write, ioctl that has to wait
/// calls <see cref="FuseRequest.Defer"/>, returns <see cref="Later"/> and answers afterwards.
/// Buffers are the session's: valid only during the call, and once a request is deferred only until it is answered.
/// </summary>
public abstract class FuseHandlers
{
    /// <summary>Returned after <see cref="FuseRequest.Defer"/>: the reply comes later. Never a valid errno.</summary>
    public const int Later = int.MinValue;

    /// <summary>LOOKUP of <paramref name="name"/> (bytes, no NUL) in directory <c>request.Node</c>. Counts one lookup on success.</summary>
    public virtual int Lookup(in FuseRequest request, ReadOnlySpan<byte> name, out FuseEntry entry) => NotImplemented(out entry);

    /// <summary>The kernel forgets <paramref name="count"/> lookups of a node. No reply.</summary>
    public virtual void Forget(ulong node, ulong count)
    {
    }

    /// <summary>GETATTR.</summary>
    public virtual int GetAttr(in FuseRequest request, out FuseAttr attr) => NotImplemented(out attr);

    /// <summary>SETATTR: size, times, mode, owner, as <paramref name="change"/> says; answers the attributes after it.</summary>
    public virtual int SetAttr(in FuseRequest request, in FuseSetAttr change, out FuseAttr attr) => NotImplemented(out attr);

    /// <summary>READLINK; gives the number of bytes written to <paramref name="target"/>.</summary>
    public virtual int ReadLink(in FuseRequest request, Span<byte> target) => NotImplemented();

    /// <summary>OPEN with the caller's open flags.</summary>
    public virtual int Open(in FuseRequest request, uint flags, out FuseOpened opened) => NotImplemented(out opened);

    /// <summary>RELEASE: the last close of an open file. The answer is ignored by the kernel.</summary>
    public virtual void Release(in FuseRequest request, ulong handle)
    {
    }

    /// <summary>
    /// READ into <paramref name="buffer"/>; gives the byte count, or <see cref="Later"/>. <paramref name="flags"/>: the file's flags now.
    /// </summary>
    public virtual int Read(in FuseRequest request, ulong handle, long offset, uint flags, Span<byte> buffer) => NotImplemented();

    /// <summary>WRITE; gives the byte count, or <see cref="Later"/>.</summary>
    public virtual int Write(in FuseRequest request, ulong handle, long offset, uint flags, ReadOnlySpan<byte> data) => NotImplemented();

    /// <summary>OPENDIR.</summary>
    public virtual int OpenDir(in FuseRequest request, out FuseOpened opened) => NotImplemented(out opened);

    /// <summary>
    /// READDIR and READDIRPLUS: adds entries from position <paramref name="offset"/> on until the writer says no. For
    /// READDIRPLUS every entry that was added counts one lookup, except "." and "..".
    /// </summary>
    public virtual int ReadDir(in FuseRequest request, ulong handle, ulong offset, ref FuseDirectoryWriter writer) => NotImplemented();

    /// <summary>RELEASEDIR.</summary>
    public virtual void ReleaseDir(in FuseRequest request, ulong handle)
    {
    }

    /// <summary>STATFS.</summary>
    public virtual int StatFs(in FuseRequest request, out FuseStatFs statFs) => NotImplemented(out statFs);

    /// <summary>FLUSH: one close(2) of an open file.</summary>
    public virtual int Flush(in FuseRequest request, ulong handle) => 0;

    /// <summary>FSYNC and FSYNCDIR.</summary>
    public virtual int Fsync(in FuseRequest request, ulong handle, bool dataOnly) => 0;

    /// <summary>
    /// IOCTL. <paramref name="argument"/> is the raw pointer, <paramref name="input"/> what the kernel copied in by the command's size,
    /// <paramref name="output"/> room for what it copies out. Gives 0 or -errno; <paramref name="result"/> is ioctl(2)'s result. Default: -ENOTTY.
    /// </summary>
    public virtual int Ioctl(in FuseRequest request, ulong handle, uint command, ulong argument, ReadOnlySpan<byte> input, Span<byte> output,
        out int result)
    {
        result = 0;
        return -25;
    }

    /// <summary>
    /// POLL; sets <paramref name="events"/> (POLL* bits that are ready now). When <paramref name="notify"/> is on, the kernel wants
    /// a poll notification for <paramref name="pollHandle"/> whenever that changes, until RELEASE.
    /// </summary>
    public virtual int Poll(in FuseRequest request, ulong handle, ulong pollHandle, bool notify, out uint events) => NotImplemented(out events);

    /// <summary>The session ends (DESTROY or unmount); called once, after which nothing else is called.</summary>
    public virtual void Destroy()
    {
    }

    private static int NotImplemented() => -38;

    private static int NotImplemented<T>(out T nothing)
        where T : struct
    {
        nothing = default;
        return -38;
    }
}
