using System.Text;

namespace CcwFs.ChannelIo.Text;

/// <summary>EBCDIC text, code page 037, as volume labels and VTOCs hold it.</summary>
public static class Ebcdic
{
    private static readonly Encoding CodePage = CodePagesEncodingProvider.Instance.GetEncoding(
        37, EncoderFallback.ExceptionFallback, DecoderFallback.ReplacementFallback)!;

    /// <summary>Encodes <paramref name="text"/>; false when it has a character that code page 037 lacks.</summary>
    public static bool TryEncode(string text, out byte[] bytes)
    {
        try
        {
            bytes = CodePage.GetBytes(text);
            return true;
        }
        catch (EncoderFallbackException)
        {
            bytes = [];
            return false;
        }
    }

    /// <summary>Decodes one byte; what is not a printable ASCII character is a full stop.</summary>
    public static char Printable(byte value) => Table[value];

    private static readonly string Table = MakeTable();

    private static string MakeTable()
    {
        byte[] all = new byte[256];
        for (int i = 0; i < all.Length; i++)
            all[i] = (byte)i;
        return string.Concat(CodePage.GetString(all).Select(c => c is >= ' ' and <= '~' ? c : '.'));
    }
}
