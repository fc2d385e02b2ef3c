using CcwFs.Linux;

namespace CcwFs.FileSystem;

/// <summary>
/// What carries out the requests of one open control file. One request at a time; Dispose comes when the file is closed and the last request has
/// ended.
/// </summary>
public interface IControlSession : IDisposable
{
    /// <summary>
    /// Carries out one request, JSON to JSON. <paramref name="directory"/>: the working directory of who wrote it, at that time; null where it is not
    /// known. Cancelled when the file is closed.
    /// </summary>
    Task<byte[]> HandleAsync(ReadOnlyMemory<byte> request, string? directory, CancellationToken cancelled);
}

/// <summary>
/// A control file is opened by <paramref name="opener"/>, whose rights all its requests have. What the session keeps is charged to
/// <paramref name="account"/>, which is the file's.
/// </summary>
public delegate IControlSession ControlOpener(CallerIdentity opener, ControlAccount account);
