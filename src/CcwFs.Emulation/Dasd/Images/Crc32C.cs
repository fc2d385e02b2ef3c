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
    /// <summary>The checksum of <paramref name="bytes"/>, continuing <paramref name="seed"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint seed = 0)
    {
        (uint a, uint b, uint c, uint d) = (~seed, 1u, 2u, 3u);
        ReadOnlySpan<Words> words = MemoryMarshal.Cast<byte, Words>(bytes);
        foreach (ref readonly Words next in words)
        {
            a = BitOperations.Crc32C(a, Little(next.A));
            b = BitOperations.Crc32C(b, Little(next.B));
            c = BitOperations.Crc32C(c, Little(next.C));
            d = BitOperations.Crc32C(d, Little(next.D));
        }
        a = BitOperations.Crc32C(BitOperations.Crc32C(BitOperations.Crc32C(a, b), c), d);
        foreach (byte value in bytes[(words.Length * Words.Size)..])
            a = BitOperations.Crc32C(a, value);
        return ~a;
    }

    private static ulong Little(ulong word) => BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);

    private readonly record struct Words(ulong A, ulong B, ulong C, ulong D)
    {
        public const int Size = 4 * sizeof(ulong);
    }
}
