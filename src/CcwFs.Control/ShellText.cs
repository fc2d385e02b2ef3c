using System.Text;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Control;

/// <summary>Words for a POSIX shell.</summary>
internal static class ShellText
{
    /// <summary>
    /// A word that the shell takes literally: in single quotes unless nothing in it needs them. One with characters that are not shown stands in
    /// $'…', where all of it can be seen and copied (XCU 2.2.4 of POSIX.1-2024).
    /// </summary>
    internal static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_=+./:,@%".Contains(c, StringComparison.Ordinal))
            ? word
            : VisibleText.Of(word) != word ? $"$'{string.Concat(word.EnumerateRunes().Select(Escaped))}'"
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The command that prints a text of several lines, on one line, in any POSIX shell (XCU, printf).</summary>
    internal static string Printf(string text) =>
        $"printf '{string.Concat(text.EnumerateRunes().Select(rune => rune.Value switch { '%' => "%%", '\'' => "\\047", _ => Escaped(rune) }))}'";

    private static string Escaped(Rune rune)
    {
        string text = rune.ToString();
        return text switch
        {
            "'" or "\\" => "\\" + text,
            "\n" => "\\n",
            "\t" => "\\t",
            _ when VisibleText.Of(text) == text => text,
            // Three digits, so that no digit after them is taken for one.
            _ => string.Concat(Encoding.UTF8.GetBytes(text).Select(b => $"\\{Convert.ToString(b, 8).PadLeft(3, '0')}")),
        };
    }
}
