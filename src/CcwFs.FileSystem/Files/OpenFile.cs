using CcwFs.Fuse;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>An OPEN that has not been answered: who asks for which file.</summary>
/// <param name="Services">What files work with.</param>
/// <param name="Entry">The subchannel; null for a file of the root.</param>
/// <param name="Request">The request. Its caller is where it is until the answer.</param>
/// <param name="Flags">O_* of the caller.</param>
/// <param name="Account">Where the open file is counted.</param>
internal readonly record struct Opening(TreeServices Services, MountedSubchannel? Entry, FuseRequest Request, uint Flags, ClientAccount Account)
{
    private const uint AccessMode = 3; // O_ACCMODE; 0: O_RDONLY

    internal bool IsWritable => (Flags & AccessMode) != 0;
}

/// <summary>
/// One open file or directory: what the operations on its handle do. Each gives a byte count or 0, or a negative errno; what a kind of file does not
/// override is refused as the kernel refuses it. Operations come on several threads, <see cref="Close"/> once, after all of them.
/// </summary>
internal abstract class OpenFile(ClientAccount account)
{
    private const uint Ready = 0x145; // POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM: an ordinary file always is

    /// <summary>FOPEN_* flags of an answer without a file position.</summary>
    protected const uint Streamed = FuseOpened.Stream | FuseOpened.NonSeekable;

    /// <summary>Of who opened it.</summary>
    internal ClientAccount Account => account;

    /// <summary>FOPEN_* flags.</summary>
    internal virtual uint Flags => FuseOpened.DirectIo | FuseOpened.NoFlush;

    /// <summary>Bytes that it keeps, as far as they grow with what is in it.</summary>
    internal virtual long Size => 0;

    /// <summary>READ at an offset that is not negative; <paramref name="flags"/>: the file's O_* flags now.</summary>
    internal virtual int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer) => -(int)Errno.EINVAL;

    /// <summary>WRITE at an offset that is not negative.</summary>
    internal virtual int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data) => -(int)Errno.EINVAL;

    /// <summary>READDIR of the directory <paramref name="node"/>.</summary>
    internal virtual int ReadDir(NodeId node, ulong offset, ref FuseDirectoryWriter writer) => -(int)Errno.ENOTDIR;

    /// <summary>IOCTL; <paramref name="argument"/> is the raw pointer.</summary>
    internal virtual int Ioctl(in FuseRequest request, uint command, ulong argument) => -(int)Errno.ENOTTY;

    /// <summary>FSYNC.</summary>
    internal virtual int Fsync() => 0;

    /// <summary>POLL, as <see cref="FuseHandlers.Poll"/>.</summary>
    internal virtual int Poll(ulong pollHandle, bool notify, out uint events)
    {
        events = Ready;
        return 0;
    }

    /// <summary>It was closed, or could not be kept.</summary>
    internal virtual void Close()
    {
    }
}
