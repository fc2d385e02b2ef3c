namespace CcwFs.Memory;

/// <summary>An arena's bytes as guest data that a device may read; offset 0 is <see cref="HostArena.Base"/>. Nothing can be written.</summary>
public sealed class ArenaStore(HostArena arena) : IMemoryStore
{
    /// <inheritdoc/>
    public long Length => arena.Used;

    /// <inheritdoc/>
    public bool Read(long offset, Span<byte> destination)
    {
        ReadOnlySpan<byte> bytes = arena.Bytes(new HostAddress((uint)(HostArena.Base + offset)), destination.Length);
        bytes.CopyTo(destination);
        return bytes.Length == destination.Length;
    }

    /// <inheritdoc/>
    public bool Write(long offset, ReadOnlySpan<byte> source) => false;
}
