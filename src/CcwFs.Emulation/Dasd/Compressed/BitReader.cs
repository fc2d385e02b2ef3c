namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>Bits out of bytes, the highest first. Bits after the last byte can be looked at, as zeros, and not taken.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _held; // the low _count bits of it are next
    private int _count;
    private int _at;

    /// <summary>The next bits, at most 32; they stay.</summary>
    public uint Look(int count)
    {
        for (; _count < count; _count += 8, _at++)
            _held = _held << 8 | (_at < _bytes.Length ? _bytes[_at] : (byte)0);
        return (uint)(_held >> (_count - count) & ((1ul << count) - 1));
    }

    /// <summary>Passes bits that were looked at. Throws <see cref="InvalidDataException"/> where there are none any more.</summary>
    public void Pass(int count)
    {
        _count -= count;
        if ((long)_at * 8 - _count > (long)_bytes.Length * 8)
            throw new InvalidDataException("it is cut off");
    }

    /// <summary>Looks at bits and passes them.</summary>
    public uint Take(int count)
    {
        uint bits = Look(count);
        Pass(count);
        return bits;
    }
}
