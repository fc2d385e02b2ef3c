namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// Unpacks one stream of bzip2 into a buffer that bounds it. A stream names blocks of up to 900,000 bytes; a decoder for any stream takes 2 to 4 MB
/// for each track, whose 56,827 bytes need a tenth of that. So this one knows its bound: what does not fit the buffer is refused as soon as it is
/// seen. Checksums are checked. Blocks that are "randomised", which no program has made since 1997, are refused. Source: the format as bzip2 1.0.8
/// writes and reads it.
/// </summary>
internal sealed class BZip2Decoder
{
    private const ulong BlockMark = 0x314159265359, EndMark = 0x177245385090;
    private const int MostGroups = 6, SymbolsPerSelector = 50, RunA = 0, RunB = 1;
    private const int LevelSize = 100_000; // bytes of a block per level, 1 to 9

    /// <summary>A reason.</summary>
    internal const string TooLong = "it is longer than a track";

    private static BZip2Decoder? s_spare; // one is kept for the next track

    private readonly BZip2Codes[] _codes = [new(), new(), new(), new(), new(), new()];
    private readonly byte[] _lengths = new byte[BZip2Codes.MostSymbols];
    private readonly byte[] _used = new byte[256]; // the bytes that occur, moved to the front when one comes
    private int[] _block = []; // in the low 8 bits a byte, above them the place of the one after it
    private byte[] _selectors = []; // which codes the next 50 symbols have

    /// <summary>Unpacks <paramref name="packed"/>; gives the bytes unpacked. Throws <see cref="InvalidDataException"/>.</summary>
    public static int Decode(ReadOnlySpan<byte> packed, Span<byte> unpacked)
    {
        BZip2Decoder decoder = Interlocked.Exchange(ref s_spare, null) ?? new BZip2Decoder();
        try
        {
            return decoder.Run(new BitReader(packed), unpacked);
        }
        finally
        {
            s_spare = decoder; // every stream begins anew
        }
    }

    private int Run(BitReader bits, Span<byte> unpacked)
    {
        if (bits.Take(24) != 0x425A68 || bits.Take(8) - '0' is not (>= 1 and <= 9 and uint level))
            throw new InvalidDataException("it is no stream of bzip2");
        // A block holds five bytes for a run of four, and otherwise no more bytes than come out of it.
        int most = Math.Min((int)level * LevelSize, unpacked.Length / 4 * 5 + 5);
        if (_block.Length < most)
            (_block, _selectors) = (new int[most], new byte[most / SymbolsPerSelector + 2]);
        int length = 0;
        uint sum = 0;
        while (true)
        {
            ulong mark = (ulong)bits.Take(24) << 24 | bits.Take(24);
            uint expected = bits.Take(16) << 16 | bits.Take(16);
            if (mark == EndMark)
                return expected == sum ? length : throw new InvalidDataException("its checksum is wrong");
            if (mark != BlockMark)
                throw new InvalidDataException("a block does not begin as one");
            int size = ReadBlock(ref bits, most, out int first);
            length += Write(size, first, unpacked[length..], out uint blockSum);
            if (blockSum != expected)
                throw new InvalidDataException("a block's checksum is wrong");
            sum = (sum << 1 | sum >> 31) ^ blockSum;
        }
    }

    /// <summary>Reads a block up to the order of its bytes; gives how many there are, and the place of the first one.</summary>
    private int ReadBlock(ref BitReader bits, int most, out int first)
    {
        if (bits.Take(1) != 0)
            throw new InvalidDataException("it is randomised, which is not supported");
        uint origin = bits.Take(24);
        int symbols = ReadUsed(ref bits) + 2;
        int groups = (int)bits.Take(3), selectors = (int)bits.Take(15);
        if (groups is < 2 or > MostGroups || selectors == 0)
            throw new InvalidDataException($"a block has {groups} codes and {selectors} selectors");
        ReadSelectors(ref bits, groups, selectors);
        for (int group = 0; group < groups; group++)
            ReadCode(ref bits, _codes[group], symbols);
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        int size = ReadSymbols(ref bits, symbols - 1, Math.Min(selectors, _selectors.Length), most, counts);
        if (origin >= size)
            throw new InvalidDataException($"a block of {size} bytes begins at {origin}");
        Chain(size, counts);
        first = _block[origin] >> 8;
        return size;
    }

    /// <summary>Which bytes occur, in ascending order; gives how many.</summary>
    private int ReadUsed(ref BitReader bits)
    {
        uint ranges = bits.Take(16);
        int count = 0;
        for (int range = 0; range < 16; range++)
        {
            if ((ranges & 0x8000u >> range) == 0)
                continue;
            uint members = bits.Take(16);
            for (int member = 0; member < 16; member++)
            {
                if ((members & 0x8000u >> member) != 0)
                    _used[count++] = (byte)(range * 16 + member);
            }
        }
        return count > 0 ? count : throw new InvalidDataException("a block has no bytes");
    }

    /// <summary>
    /// Each is the number of a code in the order of last use, in unary. More than a block can need are read and dropped, as bzip2 does.
    /// </summary>
    private void ReadSelectors(ref BitReader bits, int groups, int count)
    {
        Span<byte> order = [0, 1, 2, 3, 4, 5];
        for (int selector = 0; selector < count; selector++)
        {
            int place = 0;
            while (bits.Take(1) != 0)
            {
                if (++place == groups)
                    throw new InvalidDataException("a selector names no code");
            }
            byte group = MoveToFront(order, place);
            if (selector < _selectors.Length)
                _selectors[selector] = group;
        }
    }

    /// <summary>The lengths of a code, each said as steps up or down from the one before.</summary>
    private void ReadCode(ref BitReader bits, BZip2Codes codes, int symbols)
    {
        int length = (int)bits.Take(5);
        for (int symbol = 0; symbol < symbols; symbol++)
        {
            while (true)
            {
                if (length is < 1 or > BZip2Codes.LongestCode)
                    throw new InvalidDataException($"a code of {length} bits");
                if (bits.Take(1) == 0)
                    break;
                length += bits.Take(1) == 0 ? 1 : -1;
            }
            _lengths[symbol] = (byte)length;
        }
        codes.Make(_lengths.AsSpan(0, symbols));
    }

    /// <summary>Symbols become bytes: runs of the byte in front, others by their place in the order of last use. Gives how many.</summary>
    private int ReadSymbols(ref BitReader bits, int end, int selectors, int most, scoped Span<int> counts)
    {
        int size = 0;
        for (int selector = 0, run = 0, step = 1; selector < selectors; selector++)
        {
            BZip2Codes codes = _codes[_selectors[selector]];
            for (int left = SymbolsPerSelector; left > 0; left--)
            {
                int symbol = codes.Next(ref bits);
                if (symbol <= RunB)
                {
                    run += step << symbol; // digits 1 and 2 of a number to the base 2, the lowest first
                    step <<= 1;
                    if (run > most - size)
                        throw new InvalidDataException(TooLong);
                    continue;
                }
                if (run > 0)
                {
                    counts[_used[0]] += run;
                    _block.AsSpan(size, run).Fill(_used[0]);
                    size += run;
                    (run, step) = (0, 1);
                }
                if (symbol == end)
                    return size;
                if (size == most)
                    throw new InvalidDataException(TooLong);
                byte value = MoveToFront(_used, symbol - 1);
                counts[value]++;
                _block[size++] = value;
            }
        }
        throw new InvalidDataException("a block has no end");
    }

    /// <summary>Undoes the sort of the block's rotations: each byte gets the place of the one that comes after it.</summary>
    private void Chain(int size, scoped Span<int> counts)
    {
        int sum = 0;
        foreach (ref int count in counts)
            (count, sum) = (sum, sum + count);
        for (int at = 0; at < size; at++)
            _block[counts[(byte)_block[at]]++] |= at << 8;
    }

    /// <summary>Writes a block's bytes; after four equal ones a byte says how many more of them follow. Gives how many were written.</summary>
    private int Write(int size, int first, Span<byte> unpacked, out uint sum)
    {
        (int length, int equal, int last) = (0, 0, -1);
        sum = uint.MaxValue;
        for (int left = size, at = first; left > 0; left--)
        {
            int entry = _block[at];
            at = entry >> 8;
            byte value = (byte)entry;
            int count = 1;
            if (equal == 4)
                (count, value, equal) = (value, (byte)last, 0);
            else
                (equal, last) = (value == last ? equal + 1 : 1, value);
            if (count > unpacked.Length - length)
                throw new InvalidDataException(TooLong);
            unpacked.Slice(length, count).Fill(value);
            length += count;
            for (; count > 0; count--)
                sum = sum << 8 ^ BZip2Codes.Sums[(int)(sum >> 24 ^ value)];
        }
        sum = ~sum;
        return length;
    }

    private static byte MoveToFront(Span<byte> order, int place)
    {
        byte value = order[place];
        order[..place].CopyTo(order[1..]);
        order[0] = value;
        return value;
    }
}
