using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One open of <c>device</c> or <c>iommu</c>. What needs the client's memory or descriptors runs on the client's own thread; everything else is
/// answered at once. It lives as long as the open file, whichever process opened it and has it now. Thread-safe.
/// </summary>
public abstract class EndpointFile
{
    private protected EndpointFile(EndpointServices services, string name, ClientAccount account, bool writable)
    {
        (Services, Account, IsWritable) = (services, account, writable);
        Thread = new ClientThread(name, account, services.Logger);
    }

    /// <summary>It was opened for writing: what changes something is for such a file alone.</summary>
    internal bool IsWritable { get; }

    /// <summary>Where what is kept for it is counted: with its opener.</summary>
    internal ClientAccount Account { get; }

    /// <summary>It tells us that it is meant by a descriptor: see <see cref="Introductions"/>.</summary>
    internal virtual bool IsIntroduced => false;

    /// <summary>What it shares with the other open files of the mount.</summary>
    private protected EndpointServices Services { get; }

    /// <summary>Where the client's calls run.</summary>
    internal ClientThread Thread { get; }

    /// <summary>
    /// An ioctl by a thread (the number in the FUSE header). Either it is answered now with the result, or <paramref name="call"/> is to be
    /// started by the caller when it is ready for a late answer.
    /// </summary>
    public int BeginIoctl(uint threadId, uint command, ulong argument, out ClientCall? call)
    {
        call = null;
        if (command == Introductions.Command && IsIntroduced && Services.Introductions.Answer(threadId, argument, this))
            return 0;
        int refusal = Judge(command, out bool changes);
        if (refusal == 0 && changes && !IsWritable)
            refusal = -(int)Errno.EBADF; // what write(2) says of such a descriptor
        if (refusal < 0)
            return refusal;
        int result = IoctlCaller.Open(threadId, Services.CallerLog, out IoctlCaller? opened);
        if (result == 0)
            result = Account.TryTake(Resource.Calls);
        if (result < 0 || opened is not { } caller)
            return result;
        call = new IoctlCall(this, caller, command, argument);
        return 0;
    }

    /// <summary>The last descriptor of this open file was closed.</summary>
    public abstract void Release();

    /// <summary>
    /// 0, or the errno of an ioctl that no memory of the client is needed to refuse. <paramref name="changes"/>: it does more than to ask.
    /// </summary>
    private protected abstract int Judge(uint command, out bool changes);

    /// <summary>Carries an ioctl out, on the client's thread.</summary>
    private protected abstract int Ioctl(IoctlCaller caller, uint command, ulong argument);

    /// <summary>The ioctl was done, but its caller was told that it was interrupted.</summary>
    private protected virtual void Undo(uint command, int result)
    {
    }

    /// <summary>An ioctl under way; it is counted until it holds no thread.</summary>
    private sealed class IoctlCall(EndpointFile file, IoctlCaller caller, uint command, ulong argument) : ClientCall(file.Thread)
    {
        public override bool TryEnd() => caller.TryEnd();

        private protected override int Work() => file.Ioctl(caller, command, argument);

        private protected override void Over() => caller.Answered();

        private protected override void Undo(int result) => file.Undo(command, result);

        private protected override void Left() => file.Account.Give(Resource.Calls);
    }
}
