using CcwFs.Fuse.Protocol;

namespace CcwFs.Fuse;

/// <summary>What the workers of a session share, whichever way their requests come.</summary>
internal interface IFuseSession
{
    FuseSessionOptions Options { get; }

    /// <summary>The way of replies and notifications through the device.</summary>
    FuseReplies Replies { get; }

    HeldRequests Held { get; }

    FuseCounters Counters { get; }

    /// <summary>INIT was answered.</summary>
    bool Initialized { get; }

    void FileOpened();

    void FileClosed();

    /// <summary>Ends the named request, or has its worker end it; false when it is neither being handled nor held.</summary>
    bool TryInterrupt(ulong unique);

    /// <summary>
    /// Takes an INIT: 0 and the reply, or a negative errno. <paramref name="after"/> is to be done when the reply has gone out.
    /// </summary>
    int Negotiate(ReadOnlySpan<byte> body, out FuseInitOut reply, out IAfterReply? after);
}

/// <summary>Where the reply to one request goes, from any thread.</summary>
internal interface IReplyWay
{
    /// <summary>Sends it: a payload, or a negative errno and none.</summary>
    void Send(ulong unique, int error, ReadOnlySpan<byte> payload);
}
