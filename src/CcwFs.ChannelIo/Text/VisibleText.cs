using System.Globalization;
using System.Text;

namespace CcwFs.ChannelIo.Text;

/// <summary>
/// Text that another user chose, a file's name say, for a terminal or a log: it must not move the cursor, colour or hide what stands beside it, or
/// begin a line.
/// </summary>
public static class VisibleText
{
    /// <summary>What stands for a character that is not shown.</summary>
    public const char Replacement = '?';

    /// <summary>
    /// The text with <see cref="Replacement"/> for each control and format character and for each end of a line; the same object when it has none.
    /// </summary>
    public static string Of(string text) => Of(text, IsHidden);

    /// <summary>The same for whole lines: their ends (LF) stay.</summary>
    public static string OfLines(string text) => Of(text, static rune => rune.Value != '\n' && IsHidden(rune));

    /// <summary>
    /// A name in double quotes, as <see cref="Of(string)"/> shows it; those in it are single ones, so that no name ends before its end and goes on in
    /// our words.
    /// </summary>
    public static string Quoted(string name) => $"\"{Of(name).Replace('"', '\'')}\"";

    private static string Of(string text, Func<Rune, bool> isHidden)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 || !text.EnumerateRunes().Any(isHidden))
            return text;
        var shown = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (isHidden(rune))
                shown.Append(Replacement);
            else
                shown.Append(rune);
        }
        return shown.ToString();
    }

    // By whole characters: some format characters are above U+FFFF.
    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
