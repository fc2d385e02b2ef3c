using System.Buffers.Binary;
using System.Numerics;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The checksum of redo files: four CRC-32C over every fourth 8-byte word (little-endian), folded into one. Four chains keep the CPU's CRC
/// unit busy; a plain CRC-32C of a track would cost as much as writing it.
/// </summary>
internal static class Crc32C
{
    private const int Lanes = 4;
    private const int Stride = Lanes * sizeof(ulong);

    /// <summary>The checksum of <paramref name="bytes"/>, continuing <paramref name="seed"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint seed = 0)
    {
        (uint a, uint b, uint c, uint d) = (~seed, 1u, 2u, 3u);
        for (; bytes.Length >= Stride; bytes = bytes[Stride..])
        {
            a = BitOperations.Crc32C(a, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            b = BitOperations.Crc32C(b, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
            c = BitOperations.Crc32C(c, BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
            d = BitOperations.Crc32C(d, BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
        }
        a = BitOperations.Crc32C(BitOperations.Crc32C(BitOperations.Crc32C(a, b), c), d);
        foreach (byte value in bytes)
            a = BitOperations.Crc32C(a, value);
        return ~a;
    }
}
