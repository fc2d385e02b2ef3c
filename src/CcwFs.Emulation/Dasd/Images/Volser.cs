namespace CcwFs.Emulation.Dasd.Images;

/// <summary>Volume serials: one to six of A-Z, 0-9, @, #, $, in EBCDIC (code page 037) on the volume, padded with blanks.</summary>
public static class Volser
{
    /// <summary>Bytes of a serial on the volume.</summary>
    public const int Length = 6;

    /// <summary>A blank in EBCDIC.</summary>
    public const byte Blank = 0x40;

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@#$ ";

    private static ReadOnlySpan<byte> Ebcdic =>
    [
        0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xE2, 0xE3,
        0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0x7C, 0x7B, 0x5B, Blank,
    ];

    /// <summary>The serial in upper case, or null when it is none.</summary>
    public static string? Normalize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string upper = text.ToUpperInvariant();
        bool valid = upper.Length is > 0 and <= Length && !upper.Contains(' ', StringComparison.Ordinal)
            && upper.All(static letter => Letters.Contains(letter, StringComparison.Ordinal));
        return valid ? upper : null;
    }

    /// <summary>Writes <paramref name="text"/> (letters, digits, @#$ and blanks only) in EBCDIC, padded with blanks to the span.</summary>
    public static void Write(string text, Span<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        bytes.Fill(Blank);
        for (int index = 0; index < text.Length; index++)
            bytes[index] = Ebcdic[Letters.IndexOf(text[index], StringComparison.Ordinal)];
    }

    /// <summary>The text of EBCDIC bytes without trailing blanks, or null when a byte is none of a serial's letters.</summary>
    public static string? Read(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[bytes.Length];
        for (int index = 0; index < bytes.Length; index++)
        {
            int letter = Ebcdic.IndexOf(bytes[index]);
            if (letter < 0)
                return null;
            text[index] = Letters[letter];
        }
        return new string(text).TrimEnd();
    }
}
