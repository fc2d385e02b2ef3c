using System.Buffers.Binary;
using System.Numerics;

namespace CcwFs.Subchannel;

/// <summary>
/// SHA-256 (FIPS 180-4) of a few bytes. .NET's own loads OpenSSL, which not every machine has, and which takes longer than what is hashed here.
/// </summary>
internal static class Sha256
{
    private const int BlockSize = 64, Rounds = 64, LengthSize = 8;

    // FIPS 180-4, 4.2.2 and 5.3.3.
    private static readonly uint[] s_constants =
    [
        0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
        0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
        0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
        0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
        0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
        0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
        0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
        0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
    ];

    private static readonly uint[] s_start =
        [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19];

    /// <summary>The hash, 32 bytes.</summary>
    internal static byte[] Of(ReadOnlySpan<byte> data)
    {
        // The data, a one bit, zeros, and the number of bits at the end of a block.
        byte[] padded = new byte[(data.Length + 1 + LengthSize + BlockSize - 1) / BlockSize * BlockSize];
        data.CopyTo(padded);
        padded[data.Length] = 0x80;
        BinaryPrimitives.WriteInt64BigEndian(padded.AsSpan(padded.Length - LengthSize), data.Length * 8L);
        uint[] state = [.. s_start];
        for (int at = 0; at < padded.Length; at += BlockSize)
            Add(state, padded.AsSpan(at, BlockSize));
        byte[] hash = new byte[state.Length * sizeof(uint)];
        for (int i = 0; i < state.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(hash.AsSpan(i * sizeof(uint)), state[i]);
        return hash;
    }

    private static void Add(uint[] state, ReadOnlySpan<byte> block)
    {
        Span<uint> words = stackalloc uint[Rounds];
        for (int i = 0; i < 16; i++)
            words[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(i * sizeof(uint))..]);
        for (int i = 16; i < Rounds; i++)
        {
            uint before = words[i - 15], last = words[i - 2];
            uint first = Right(before, 7) ^ Right(before, 18) ^ (before >> 3), second = Right(last, 17) ^ Right(last, 19) ^ (last >> 10);
            words[i] = unchecked(words[i - 16] + first + words[i - 7] + second);
        }
        Span<uint> v = stackalloc uint[8]; // a to h of the standard
        state.CopyTo(v);
        for (int i = 0; i < Rounds; i++)
        {
            uint choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            uint first = unchecked(v[7] + (Right(v[4], 6) ^ Right(v[4], 11) ^ Right(v[4], 25)) + choice + s_constants[i] + words[i]);
            uint second = unchecked((Right(v[0], 2) ^ Right(v[0], 13) ^ Right(v[0], 22)) + majority);
            v[..7].CopyTo(v[1..]);
            v[4] = unchecked(v[4] + first);
            v[0] = unchecked(first + second);
        }
        for (int i = 0; i < state.Length; i++)
            state[i] = unchecked(state[i] + v[i]);
    }

    private static uint Right(uint value, int bits) => BitOperations.RotateRight(value, bits);
}
