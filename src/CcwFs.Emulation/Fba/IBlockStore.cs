using CcwFs.Emulation.Images;


namespace CcwFs.Emulation.Fba;

/// <summary>The size of a disk of blocks.</summary>
/// <param name="BlockSize">Bytes of a block: 512, 1024, 2048 or 4096.</param>
/// <param name="Blocks">Number of blocks, 1 to 4,294,967,295.</param>
public readonly record struct BlockGeometry(int BlockSize, uint Blocks)
{
    /// <summary>The block size that drivers expect where nobody says one.</summary>
    public const int DefaultBlockSize = 512;

    /// <summary>Bytes of the disk.</summary>
    public long Bytes => (long)Blocks * BlockSize;

    /// <summary>A 9336 may have blocks of so many bytes (Linux' dasd_fba takes these).</summary>
    public static bool IsBlockSize(int bytes) => bytes is 512 or 1024 or 2048 or 4096;
}

/// <summary>
/// The blocks of one disk: a file, a block device, or memory. Block numbers count from 0, and callers keep them on the disk; bytes are whole blocks.
/// Used by one thread at a time.
/// </summary>
public interface IBlockStore : IImageStore
{
    /// <summary>Size.</summary>
    BlockGeometry Geometry { get; }

    /// <summary>As <see cref="FbaVolume.GeometryAs"/>; a store without a file has its own size.</summary>
    BlockGeometry GeometryAs(BlockOptions disk) => Geometry;

    /// <summary>Bytes of storage in use; null: that is not known, as of a block device.</summary>
    long? AllocatedBytes => null;

    /// <summary>Reads blocks from <paramref name="block"/> on.</summary>
    void Read(uint block, Span<byte> bytes);

    /// <summary>
    /// Writes blocks; when it has returned they are there, whatever becomes of this process. A kill on the way leaves each block old or new.
    /// </summary>
    void Write(uint block, ReadOnlySpan<byte> bytes);

    /// <summary>Makes blocks zeros, and gives their space back where that can be done.</summary>
    void Zero(uint block, uint count);

    /// <summary>A program that has written has ended: its writes go to stable storage where the policy says so.</summary>
    void EndProgram()
    {
    }
}
