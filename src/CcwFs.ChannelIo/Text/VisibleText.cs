using System.Globalization;

namespace CcwFs.ChannelIo.Text;

/// <summary>
/// Text that somebody else chose, a file's name say, for a terminal or a log: it must not move the cursor, colour or hide what stands beside it, or begin a
/// line.
/// </summary>
public static class VisibleText
{
    /// <summary>What stands for a character that is not shown.</summary>
    public const char Replacement = '?';

    /// <summary>
    /// The text with <see cref="Replacement"/> for each control and format character and for each end of a line; the same object when it has none.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 || !text.Any(IsHidden) ? text
            : string.Create(text.Length, text, static (shown, from) =>
            {
                for (int i = 0; i < shown.Length; i++)
                    shown[i] = IsHidden(from[i]) ? Replacement : from[i];
            });
    }

    private static bool IsHidden(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
