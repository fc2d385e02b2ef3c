using System.Buffers.Binary;

namespace CcwFs.CommandSets.Eckd;

/// <summary>
/// Cylinder and head in the four bytes CCHH (big-endian): the cylinder's low 16 bits, its high 12 bits, the head's 4 bits. Up to cylinder 65,535 that
/// is the plain form of cylinder and head of 16 bits each. Source: Linux, dasd_eckd.c, set_ch_t; src/CcwFs.Emulation/Dasd/Images/README.md.
/// </summary>
/// <param name="Cylinder">Cylinder, 28 bits.</param>
/// <param name="Head">Head, 4 bits.</param>
public readonly record struct TrackAddress(int Cylinder, int Head)
{
    /// <summary>Bytes.</summary>
    public const int Size = 4;

    /// <summary>Largest cylinder that the bytes hold.</summary>
    public const int MaxCylinder = (1 << 28) - 1;

    private const int HeadBits = 4;
    private const int HeadMask = (1 << HeadBits) - 1;

    /// <summary>Any four bytes are an address, of a track that need not exist.</summary>
    public static TrackAddress Read(ReadOnlySpan<byte> bytes)
    {
        int heads = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return new TrackAddress(BinaryPrimitives.ReadUInt16BigEndian(bytes) | (heads >> HeadBits << 16), heads & HeadMask);
    }

    /// <summary>Writes the four bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)Cylinder);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)((Cylinder >> 16 << HeadBits) | Head));
    }
}
