using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// The right to answer one held request, from any thread. Of all tries exactly one succeeds; a try gives false when the request was
/// already answered, also by INTERRUPT or the session's end. A request is named by its unique number, so a stale value can never answer
/// another one; the default value answers nothing. Copies name the same request.
/// </summary>
public readonly record struct DeferredReply
{
    private readonly HeldRequests? _held;

    internal DeferredReply(HeldRequests held, ulong unique)
    {
        _held = held;
        Unique = unique;
    }

    /// <summary>The request's unique number.</summary>
    public ulong Unique { get; }

    /// <summary>Answers a READ; bytes beyond what it asked for are left out.</summary>
    /// <exception cref="InvalidOperationException">The request is not a READ; it stays held.</exception>
    public bool TryData(ReadOnlySpan<byte> data) => _held?.TryData(Unique, data) ?? false;

    /// <summary>Answers a WRITE with the number of bytes taken.</summary>
    /// <exception cref="InvalidOperationException">The request is not a WRITE; it stays held.</exception>
    public bool TryWritten(int count) => _held?.TryWritten(Unique, count) ?? false;

    /// <summary>Answers an IOCTL with its result and what the caller gets back; bytes beyond what it has room for are left out.</summary>
    /// <exception cref="InvalidOperationException">The request is not an IOCTL; it stays held.</exception>
    public bool TryIoctl(int result, ReadOnlySpan<byte> output) => _held?.TryIoctl(Unique, result, output) ?? false;

    /// <summary>Answers any held request with an error (a positive number, 1 to 511; others become EIO).</summary>
    public bool TryFail(int errno) => _held?.TryFail(Unique, errno) ?? false;

    /// <summary>Answers any held request with an error.</summary>
    public bool TryFail(Errno errno) => TryFail((int)errno);
}
