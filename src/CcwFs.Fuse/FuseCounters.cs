using CcwFs.Fuse.Protocol;

namespace CcwFs.Fuse;

/// <summary>
/// How many requests of each operation a session has had, and how many were answered with an error. Thread-safe; counting allocates nothing.
/// </summary>
public sealed class FuseCounters
{
    /// <summary>Numbers of operations are below this; linux/fuse.h stops at 51.</summary>
    internal const int Operations = 64;

    private readonly long[] _requests = new long[Operations], _errors = new long[Operations];

    /// <summary>The numbers of one operation.</summary>
    public (long Requests, long Errors) Of(FuseOpcode operation) =>
        (Volatile.Read(ref _requests[(int)operation]), Volatile.Read(ref _errors[(int)operation]));

    /// <summary>A request has come.</summary>
    internal void Count(FuseOpcode operation) => Interlocked.Increment(ref _requests[(int)operation]);

    /// <summary>One is answered with an error.</summary>
    internal void CountError(FuseOpcode operation) => Interlocked.Increment(ref _errors[(int)operation]);
}
