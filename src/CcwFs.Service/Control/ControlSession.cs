using CcwFs.FileSystem;
using CcwFs.Linux;

namespace CcwFs.Service.Control;

/// <summary>One open control file: who opened it, and the address space that its requests fill piece by piece.</summary>
internal sealed class ControlSession(ControlService service, CallerIdentity opener, ControlAccount account) : IControlSession
{
    private ProgramSpace? _space;

    /// <summary>Whose rights the requests have.</summary>
    internal CallerIdentity Opener => opener;

    /// <summary>Whom its memory is charged to.</summary>
    internal ControlAccount Account => account;

    /// <summary>The address space of the next run; null: none was made. The one before is given back.</summary>
    internal ProgramSpace? Space
    {
        get => _space;
        set
        {
            _space?.Dispose();
            _space = value;
        }
    }

    public Task<byte[]> HandleAsync(ReadOnlyMemory<byte> request, string? directory, CancellationToken cancelled) =>
        service.HandleAsync(request, new ControlCaller(this, directory), cancelled);

    public void Dispose() => Space = null;
}

/// <summary>Who makes a request.</summary>
/// <param name="Session">Its open control file.</param>
/// <param name="Directory">The working directory when it was written; null where it is not known.</param>
internal sealed record ControlCaller(ControlSession Session, string? Directory);
