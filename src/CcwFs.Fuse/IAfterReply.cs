namespace CcwFs.Fuse;

/// <summary>Short work that belongs to a request and should not delay its caller: see <see cref="FuseRequest.AfterReply"/>.</summary>
public interface IAfterReply
{
    /// <summary>
    /// Called on the worker after the reply has gone out. <paramref name="mayStay"/>: another worker waits for requests, so this one may be kept for
    /// a moment.
    /// </summary>
    void Run(bool mayStay);
}
