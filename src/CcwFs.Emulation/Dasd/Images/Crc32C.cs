using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

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
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes[..(bytes.Length / Stride * Stride)]);
        for (int index = 0; index + Lanes <= words.Length; index += Lanes)
        {
            a = BitOperations.Crc32C(a, Little(words[index]));
            b = BitOperations.Crc32C(b, Little(words[index + 1]));
            c = BitOperations.Crc32C(c, Little(words[index + 2]));
            d = BitOperations.Crc32C(d, Little(words[index + 3]));
        }
        bytes = bytes[(words.Length * sizeof(ulong))..];
        a = BitOperations.Crc32C(BitOperations.Crc32C(BitOperations.Crc32C(a, b), c), d);
        foreach (byte value in bytes)
            a = BitOperations.Crc32C(a, value);
        return ~a;
    }

    private static ulong Little(ulong word) => BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
}
