using System.Buffers.Binary;
using CcwFs.Linux;
using CcwFs.Vfio;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// What an emulator's plugin has marked as translated (<see cref="GuestCodeMarks"/>). Owns the mapping; thread-safe. What cannot be seen counts as
/// marked.
/// </summary>
internal sealed class CodeMarks(SharedMemory memory) : IDisposable
{
    /// <summary>How often code of a page of the emulator's memory was translated, modulo 255; 0: never.</summary>
    internal byte Count(ulong address) =>
        address / GuestCodeMarks.PageSize < (ulong)GuestCodeMarks.Pages ? Read((long)(address / GuestCodeMarks.PageSize)) : (byte)1;

    /// <summary>Some instruction that lies over a page's border may end in these bytes, the first of a page.</summary>
    internal bool MayEnd(ReadOnlySpan<byte> start) =>
        Read(GuestCodeMarks.ShortEnd(BinaryPrimitives.ReadUInt16BigEndian(start))) != 0
        || Read(GuestCodeMarks.LongEnd(BinaryPrimitives.ReadUInt32BigEndian(start))) != 0;

    /// <summary>The page's translations are gone; unless it was counted up meanwhile, it is as it was before the first one.</summary>
    internal void Forget(ulong address, byte count)
    {
        if (address / GuestCodeMarks.PageSize >= (ulong)GuestCodeMarks.Pages)
            return;
        try
        {
            memory.TryReplace((long)(address / GuestCodeMarks.PageSize), count, 0);
        }
        catch (ObjectDisposedException)
        {
            // The client has gone, and its marks with it.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();

    private byte Read(long at)
    {
        try
        {
            return memory.ReadOrdered(at);
        }
        catch (ObjectDisposedException)
        {
            return 1;
        }
    }
}
