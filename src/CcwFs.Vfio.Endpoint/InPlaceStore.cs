using CcwFs.Linux;
using CcwFs.Memory;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Memory in a file that cannot shrink, mapped in place: a client's, or guest storage of our own. Owns the mapping; once disposed the memory is gone,
/// for a program that still runs too.
/// </summary>
public sealed class InPlaceStore(SharedMemory memory) : IMemoryStore, IDisposable
{
    /// <inheritdoc/>
    public long Length => memory.Length;

    /// <inheritdoc/>
    public bool TryAddress(long offset, out ulong address, out long length)
    {
        (address, length) = (memory.AddressOf(offset), memory.Length - offset);
        return true;
    }

    /// <inheritdoc/>
    public bool Read(long offset, Span<byte> destination)
    {
        try
        {
            memory.Read(offset, destination);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public bool Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            memory.Write(offset, source);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();
}
