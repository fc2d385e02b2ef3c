using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Subchannel;

/// <summary>A piece of guest memory that is shared and mapped, as a guest's is.</summary>
internal sealed class GuestBlock(int length) : IDisposable
{
    private readonly SharedMemory _memory = SharedMemory.Create("guest", length);

    public int Length => length;

    public IMemoryStore Store => new InPlaceStore(_memory);

    public void Put(int offset, ReadOnlySpan<byte> bytes) => _memory.Write(offset, bytes);

    public byte[] Get(int offset, int count)
    {
        byte[] bytes = new byte[count];
        _memory.Read(offset, bytes);
        return bytes;
    }

    public void Dispose() => _memory.Dispose();
}
