using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One open of <c>device</c> or <c>iommu</c>. What needs the client's memory or descriptors runs on the client's own thread; everything else is answered at
/// once. Thread-safe.
/// </summary>
public abstract class EndpointFile
{
    private readonly VfioService _service;

    private protected EndpointFile(VfioService service, string name)
    {
        _service = service;
        Thread = new ClientThread(name, service.Logger);
    }

    private protected VfioService Service => _service;

    /// <summary>Where the client's calls run.</summary>
    internal ClientThread Thread { get; }

    /// <summary>
    /// An ioctl by a thread (the number in the FUSE header). Either it is answered now with the result, or <paramref name="call"/> is to be
    /// started by the caller when it is ready for a late answer.
    /// </summary>
    public int BeginIoctl(uint threadId, uint command, ulong argument, out ClientCall? call)
    {
        call = null;
        if (command == VfioService.IntroduceCommand && this is IommuFile iommu && _service.Introduce(threadId, argument, iommu))
            return 0;
        int refusal = Judge(command);
        if (refusal < 0)
            return refusal;
        int result = IoctlCaller.Open(threadId, _service.CallerLog, out IoctlCaller? caller);
        if (result < 0)
            return result;
        if (!_service.TryEnter(caller!.ProcessId))
            return -(int)Errno.EBUSY;
        call = new ClientCall(
            Thread, () => Ioctl(caller, command, argument), caller.Answered, value => Undo(command, value), left: () => _service.Leave(caller.ProcessId));
        return 0;
    }

    /// <summary>The last descriptor of this open file was closed.</summary>
    public abstract void Release();

    /// <summary>0, or the errno of an ioctl that no memory of the client is needed to refuse.</summary>
    private protected abstract int Judge(uint command);

    /// <summary>Carries an ioctl out, on the client's thread.</summary>
    private protected abstract int Ioctl(IoctlCaller caller, uint command, ulong argument);

    /// <summary>The ioctl was done, but its caller was told that it was interrupted.</summary>
    private protected virtual bool Undo(uint command, int result) => false;
}
