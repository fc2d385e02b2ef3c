using CcwFs.Memory;

namespace CcwFs.Fuzz;

/// <summary>A store in managed memory, shared with the caller.</summary>
public sealed class ArrayStore(byte[] bytes) : IMemoryStore
{
    /// <inheritdoc/>
    public long Length => bytes.Length;

    /// <inheritdoc/>
    public bool Read(long offset, Span<byte> destination)
    {
        bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        return true;
    }

    /// <inheritdoc/>
    public bool Write(long offset, ReadOnlySpan<byte> source)
    {
        source.CopyTo(bytes.AsSpan((int)offset, source.Length));
        return true;
    }
}
