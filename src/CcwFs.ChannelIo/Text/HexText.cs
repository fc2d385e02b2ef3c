using System.Globalization;

namespace CcwFs.ChannelIo.Text;

/// <summary>Bytes written as hex by people.</summary>
public static class HexText
{
    /// <summary>
    /// Reads hex digits; white space, underscores, colons and a 0x in front of a group are passed over. False with one line in
    /// <paramref name="error"/> for any other character and for an odd number of digits.
    /// </summary>
    public static bool TryParse(string text, out byte[] bytes, out string error)
    {
        var digits = new List<byte>(text.Length);
        bytes = [];
        error = "";
        bool groupStart = true;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsWhiteSpace(c) || c is '_' or ':')
            {
                groupStart = true;
                continue;
            }

            if (groupStart && c == '0' && i + 1 < text.Length && text[i + 1] is 'x' or 'X')
            {
                i++;
                groupStart = false;
                continue;
            }

            groupStart = false;
            if (!char.IsAsciiHexDigit(c))
            {
                error = $"'{(char.IsControl(c) ? '?' : c)}' at character {i + 1} is not a hex digit";
                return false;
            }

            digits.Add(byte.Parse([c], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        }

        if (digits.Count % 2 != 0)
        {
            error = $"{digits.Count} hex digits are not whole bytes";
            return false;
        }

        bytes = new byte[digits.Count / 2];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)((digits[2 * i] << 4) | digits[(2 * i) + 1]);
        return true;
    }
}
