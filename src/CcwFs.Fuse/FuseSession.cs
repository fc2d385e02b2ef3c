using CcwFs.Linux;
using Microsoft.Extensions.Logging;

namespace CcwFs.Fuse;

/// <summary>
/// One mounted file system's conversation with the kernel: worker threads that read requests from the device, call the handlers and write the replies.
/// </summary>
public sealed class FuseSession : IDisposable
{
    /// <summary>A session over <paramref name="device"/>, which stays the caller's and must outlive <see cref="Completion"/>.</summary>
    public FuseSession(FileDescriptor device, FuseHandlers handlers, FuseSessionOptions? options, ILogger logger)
    {
        throw new NotImplementedException();
    }

    /// <summary>Ends well when the kernel's INIT was answered; fails when the kernel is too old or the mount went away before.</summary>
    public Task Ready => throw new NotImplementedException();

    /// <summary>Ends when the file system is unmounted (or aborted) and every worker is gone, after <see cref="FuseHandlers.Destroy"/>.</summary>
    public Task Completion => throw new NotImplementedException();

    /// <summary>Workers that now wait for a request; 0 means that a handler which goes on computing delays others.</summary>
    public int IdleWorkers => throw new NotImplementedException();

    /// <summary>Starts the workers; once.</summary>
    public void Start() => throw new NotImplementedException();

    /// <summary>Wakes the pollers of a poll handle that <see cref="FuseHandlers.Poll"/> got. From any thread; false when the session is over.</summary>
    public bool NotifyPoll(ulong pollHandle) => throw new NotImplementedException();

    /// <summary>
    /// Makes the kernel forget a name in a directory. Waits for operations in that directory that are under way: never from a handler, nor
    /// with a lock that a handler takes. False when the kernel did not know the name.
    /// </summary>
    public bool NotifyInvalidateEntry(ulong parent, ReadOnlySpan<byte> name) => throw new NotImplementedException();

    /// <summary>Makes the kernel forget a node's attributes and pages; the same rule. False when the kernel did not know the node.</summary>
    public bool NotifyInvalidateNode(ulong node) => throw new NotImplementedException();

    /// <summary>Answers every held request EINTR.</summary>
    public void EndHeld() => throw new NotImplementedException();

    /// <summary>
    /// <see cref="EndHeld"/>, and from now on whatever is deferred gets EINTR at once, so that an unmount is not kept waiting. Requests are
    /// answered further until the kernel ends the session.
    /// </summary>
    public void Stop() => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}

internal sealed class HeldRequests
{
    internal bool TryData(ulong unique, ReadOnlySpan<byte> data) => throw new NotImplementedException();

    internal bool TryWritten(ulong unique, int count) => throw new NotImplementedException();

    internal bool TryIoctl(ulong unique, int result, ReadOnlySpan<byte> output) => throw new NotImplementedException();

    internal bool TryFail(ulong unique, int errno) => throw new NotImplementedException();
}
