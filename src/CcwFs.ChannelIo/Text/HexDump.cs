using System.Text;

namespace CcwFs.ChannelIo.Text;

/// <summary>Bytes as rows of offset, hex, ASCII and EBCDIC.</summary>
public static class HexDump
{
    private const int RowBytes = 16;

    /// <summary>
    /// Appends 16 bytes per row: offset, hex in groups of four bytes, ASCII, EBCDIC. Rows that repeat the row above are one row "*".
    /// </summary>
    public static void Append(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        bool starred = false;
        for (int offset = 0; offset < bytes.Length; offset += RowBytes)
        {
            ReadOnlySpan<byte> row = bytes.Slice(offset, Math.Min(RowBytes, bytes.Length - offset));
            bool last = offset + RowBytes >= bytes.Length;
            if (offset > 0 && !last && row.SequenceEqual(bytes.Slice(offset - RowBytes, RowBytes)))
            {
                if (!starred)
                    text.Append("  *\n");
                starred = true;
                continue;
            }

            starred = false;
            AppendRow(text, offset, row);
        }
    }

    private static void AppendRow(StringBuilder text, int offset, ReadOnlySpan<byte> row)
    {
        text.Append($"  {offset:x4}  ");
        for (int i = 0; i < RowBytes; i++)
        {
            text.Append(i < row.Length ? row[i].ToString("x2", null) : "  ");
            if (i % 4 == 3)
                text.Append(' ');
        }

        text.Append(" |");
        foreach (byte value in row)
            text.Append(value is >= 0x20 and <= 0x7E ? (char)value : '.');
        text.Append(' ', RowBytes - row.Length).Append("| |");
        foreach (byte value in row)
            text.Append(Ebcdic.Printable(value));
        text.Append(' ', RowBytes - row.Length).Append("|\n");
    }
}
