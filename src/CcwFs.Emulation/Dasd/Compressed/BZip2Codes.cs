namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// One of the codes of a block of bzip2: symbols of a length have codes that follow each other, in the symbols' order. And its checksum.
/// </summary>
internal sealed class BZip2Codes
{
    /// <summary>Most symbols: 255 places, two digits of runs, and the end.</summary>
    public const int MostSymbols = 258;

    /// <summary>Most bits of a code.</summary>
    public const int LongestCode = 20;

    private const uint Polynomial = 0x04C11DB7;

    private readonly ushort[] _symbols = new ushort[MostSymbols]; // by their codes
    private readonly int[] _counts = new int[LongestCode + 1]; // how many codes have a length

    /// <summary>The checksum of a byte (CRC-32, the highest bit first).</summary>
    public static uint[] Sums { get; } = [.. Enumerable.Range(0, 256).Select(SumOf)];

    /// <summary>Makes the code of these lengths, 1 to 20 each.</summary>
    public void Make(ReadOnlySpan<byte> lengths)
    {
        Array.Clear(_counts);
        foreach (byte length in lengths)
            _counts[length]++;
        Span<int> places = stackalloc int[LongestCode + 2];
        places.Clear();
        for (int length = 1; length <= LongestCode; length++)
            places[length + 1] = places[length] + _counts[length];
        for (int symbol = 0; symbol < lengths.Length; symbol++)
            _symbols[places[lengths[symbol]]++] = (ushort)symbol;
    }

    /// <summary>The next symbol. Throws <see cref="InvalidDataException"/>.</summary>
    public int Next(ref BitReader bits)
    {
        uint ahead = bits.Look(LongestCode);
        int first = 0, place = 0; // the first code of a length, and its symbol's place
        for (int length = 1; length <= LongestCode; length++)
        {
            int behind = (int)(ahead >> (LongestCode - length)) - first;
            if ((uint)behind < (uint)_counts[length])
            {
                bits.Pass(length);
                return _symbols[place + behind];
            }
            place += _counts[length];
            first = first + _counts[length] << 1;
        }
        throw new InvalidDataException("a code that no symbol has");
    }

    private static uint SumOf(int value)
    {
        uint sum = (uint)value << 24;
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 0x8000_0000) == 0 ? sum << 1 : sum << 1 ^ Polynomial;
        return sum;
    }
}
