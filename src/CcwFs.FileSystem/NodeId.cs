namespace CcwFs.FileSystem;

/// <summary>
/// A node id: the number of its row in the low byte, the subchannel's slot above it (0 for files of the root). Slots are never reused, so an id
/// names the same file for ever.
/// </summary>
/// <param name="Value">The id as FUSE carries it.</param>
internal readonly record struct NodeId(ulong Value)
{
    private const int RowBits = 8;

    internal NodeId(int row, ulong slot)
        : this((slot << RowBits) | (uint)row)
    {
    }

    /// <summary>The number of a row of the tree, or of one below sys.</summary>
    internal int Row => (byte)Value;

    internal ulong Slot => Value >> RowBits;
}
