using CcwFs.Emulation.Images;


namespace CcwFs.Emulation.Fba;

/// <summary>
/// A disk in this process's memory, gone with it. Bytes exist from the first write of their piece on; until then they read as zeros.
/// </summary>
/// <param name="geometry">Size.</param>
/// <param name="isReadOnly">Refuse writes.</param>
public sealed class MemoryBlockStore(BlockGeometry geometry, bool isReadOnly = false) : IBlockStore
{
    private const int PieceBytes = 65_536; // arbitrary: a multiple of every block size

    private readonly Dictionary<long, byte[]> _pieces = [];
    private bool _disposed;

    /// <inheritdoc/>
    public BlockGeometry Geometry => geometry;

    /// <inheritdoc/>
    public bool IsReadOnly => isReadOnly;

    /// <inheritdoc/>
    public string Name => "memory";

    /// <summary>Bytes of memory in use.</summary>
    public long AllocatedBytes => (long)_pieces.Count * PieceBytes;

    /// <inheritdoc/>
    long? IBlockStore.AllocatedBytes => AllocatedBytes;

    /// <inheritdoc/>
    public void Read(uint block, Span<byte> bytes)
    {
        long at = (long)block * geometry.BlockSize;
        while (!bytes.IsEmpty)
        {
            (long piece, int offset, int length) = PieceAt(at, bytes.Length);
            if (_pieces.TryGetValue(piece, out byte[]? held))
                held.AsSpan(offset, length).CopyTo(bytes);
            else
                bytes[..length].Clear();
            at += length;
            bytes = bytes[length..];
        }
    }

    /// <inheritdoc/>
    public void Write(uint block, ReadOnlySpan<byte> bytes)
    {
        RefuseWrite();
        long at = (long)block * geometry.BlockSize;
        while (!bytes.IsEmpty)
        {
            (long piece, int offset, int length) = PieceAt(at, bytes.Length);
            if (!_pieces.TryGetValue(piece, out byte[]? held))
                _pieces.Add(piece, held = new byte[PieceBytes]);
            bytes[..length].CopyTo(held.AsSpan(offset));
            at += length;
            bytes = bytes[length..];
        }
    }

    /// <inheritdoc/>
    public void Zero(uint block, uint count)
    {
        RefuseWrite();
        long at = (long)block * geometry.BlockSize, end = at + ((long)count * geometry.BlockSize);
        while (at < end)
        {
            (long piece, int offset, int length) = PieceAt(at, (int)Math.Min(end - at, PieceBytes));
            if (length == PieceBytes)
                _pieces.Remove(piece);
            else if (_pieces.TryGetValue(piece, out byte[]? held))
                held.AsSpan(offset, length).Clear();
            at += length;
        }
    }

    /// <summary>The disk is gone with all that was written, also where somebody still holds a file of its device open.</summary>
    public void Dispose()
    {
        _disposed = true;
        _pieces.Clear();
        _pieces.TrimExcess();
    }

    private static (long Piece, int Offset, int Length) PieceAt(long at, int wanted)
    {
        int offset = (int)(at % PieceBytes);
        return (at / PieceBytes, offset, Math.Min(wanted, PieceBytes - offset));
    }

    private void RefuseWrite()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (isReadOnly)
            throw new ImageException("memory: the disk is read-only");
    }
}
