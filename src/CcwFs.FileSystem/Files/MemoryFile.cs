using CcwFs.Fuse;
using CcwFs.Memory;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem.Files;

/// <summary>An open memory: the guest storage of programs that are started by the region files.</summary>
internal sealed class MemoryFile(IMemoryStore memory, ClientAccount account) : OpenFile(account)
{
    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer)
    {
        int length = LengthAt(offset, buffer.Length);
        return length == 0 || memory.Read(offset, buffer[..length]) ? length : -(int)Errno.EIO;
    }

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data)
    {
        int length = LengthAt(offset, data.Length);
        if (length == 0)
            return -(int)Errno.ENOSPC;
        return memory.Write(offset, data[..length]) ? length : -(int)Errno.EIO;
    }

    private int LengthAt(long offset, int wanted) => (int)Math.Clamp(memory.Length - offset, 0, wanted);
}
