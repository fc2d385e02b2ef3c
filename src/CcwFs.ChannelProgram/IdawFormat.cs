using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram;

/// <summary>How the IDAWs of a guest's program look (ORB bits H and T), big-endian, and into what blocks they cut its data.</summary>
internal readonly struct IdawFormat(Orb orb)
{
    private const uint TwoK = 2048, FourK = 4096;

    /// <summary>Format 2: 8 bytes. Otherwise 4, and addresses wrap at 4G.</summary>
    public readonly bool Is64Bit = orb.Format2Idaws;

    /// <summary>Bytes of an IDAW.</summary>
    public readonly int Size = orb.Format2Idaws ? 8 : 4;

    /// <summary>Bytes of a block; all IDAWs but the first name the beginning of one.</summary>
    public readonly uint Block = orb.Format2Idaws && !orb.TwoKIdaws ? FourK : TwoK;

    /// <summary>IDAWs for <paramref name="count"/> bytes from an address on; at least one (rule 6 of this room's README).</summary>
    public int Blocks(ulong first, ushort count) => (int)(((first & (Block - 1)) + Math.Max(count, (ushort)1) + Block - 1) / Block);

    /// <summary>Bytes from an address to the end of its block, and not more than are left.</summary>
    public int LeftInBlock(ulong address, int left) => (int)Math.Min((uint)left, Block - (uint)(address & (Block - 1)));

    public void Write(Span<byte> destination, ulong idaw)
    {
        if (Is64Bit)
            BinaryPrimitives.WriteUInt64BigEndian(destination, idaw);
        else
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)idaw);
    }

    public ulong Read(ReadOnlySpan<byte> source) =>
        Is64Bit ? BinaryPrimitives.ReadUInt64BigEndian(source) : BinaryPrimitives.ReadUInt32BigEndian(source);
}
