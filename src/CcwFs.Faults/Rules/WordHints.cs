using System.Globalization;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Faults.Rules;

/// <summary>What is said of words and values that are wrong.</summary>
internal static class WordHints
{
    private const int MaxShown = 40; // characters of a word in a message (arbitrary)
    private const int MaxTime = 3_600_000; // milliseconds: an hour (arbitrary)

    /// <summary>A word, as far as it is shown.</summary>
    internal static string Shown(string word) => $"'{VisibleText.Of(word.Length > MaxShown ? word[..MaxShown] + "…" : word)}'";

    /// <summary>
    /// "unknown action 'chek': did you mean 'check'?" and the like; <paramref name="where"/>: said in place of all words, where these are many.
    /// </summary>
    internal static string Unknown(string what, string word, IEnumerable<string> known, string? where = null)
    {
        string[] all = [.. known];
        return $"unknown {what} {Shown(word)}{Nearest.Hint(word, all, where ?? $"it is one of {string.Join(", ", all)}")}";
    }

    /// <summary>A number in this range; gives null, or what is wrong.</summary>
    internal static string? TryNumber(string text, long least, long most, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= least && number <= most
            ? null : $"{Shown(text)} is no number from {least} to {most}";

    /// <summary>500ms or 2s; gives null, or what is wrong.</summary>
    internal static string? TryTime(string text, out TimeSpan time)
    {
        time = default;
        int unit = text.EndsWith("ms", StringComparison.Ordinal) ? 1 : text.EndsWith('s') ? 1000 : 0;
        string digits = unit switch
        {
            1 => text[..^2],
            1000 => text[..^1],
            _ => "",
        };
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > MaxTime / unit)
            return $"{Shown(text)} is no time up to an hour; it is written like 500ms or 2s";
        time = TimeSpan.FromMilliseconds(number * unit);
        return null;
    }

    /// <summary>A name of a state: small letters, digits and _, up to 32; gives null, or what is wrong.</summary>
    internal static string? WrongName(string name)
    {
        const int MaxName = 32; // arbitrary
        return name.Length is > 0 and <= MaxName && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
            ? null : $"{Shown(name)} is no name of a state: small letters, digits and _, at most {MaxName}";
    }

    /// <summary>Bytes in hex; gives null, or what is wrong.</summary>
    internal static string? TryHex(string text, int most, out byte[] bytes)
    {
        bool good = text.Length > 0 && text.Length % 2 == 0 && text.Length <= 2 * most && text.All(char.IsAsciiHexDigit);
        bytes = good ? Convert.FromHexString(text) : [];
        return good ? null : $"{Shown(text)} is not 1 to {most} bytes in hex";
    }
}
