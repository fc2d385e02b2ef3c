using System.Text;

namespace CcwFs.CommandSets.Text;

/// <summary>A word of program text: <c>key</c>, <c>key=value</c> or <c>key=prefix"quoted"</c>.</summary>
/// <param name="Bare">Everything outside quotes.</param>
/// <param name="Quoted">What is between the quotes; null without quotes.</param>
/// <param name="Line">Line, from 1.</param>
/// <param name="Column">Column of the first character, from 1.</param>
internal sealed record ProgramWord(string Bare, string? Quoted, int Line, int Column)
{
    /// <summary>What is before the equals sign, in small letters; the whole word without one.</summary>
    internal string Key => (Bare.IndexOf('=') is var i and >= 0 ? Bare[..i] : Bare).ToLowerInvariant();

    /// <summary>What follows the equals sign, outside quotes; null without one.</summary>
    internal string? Value => Bare.IndexOf('=') is var i and >= 0 ? Bare[(i + 1)..] : null;

    /// <summary>An error at this word.</summary>
    internal ProgramTextException Error(string message) => new(Line, Column, message);

    /// <summary>Splits a line; a # where a word would begin starts a comment.</summary>
    internal static List<ProgramWord> Split(string text, int line)
    {
        var words = new List<ProgramWord>();
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
                at++;
            if (at >= text.Length || text[at] == '#')
                return words;
            int start = at;
            while (at < text.Length && !char.IsWhiteSpace(text[at]) && text[at] != '"')
                at++;
            string bare = text[start..at];
            string? quoted = at < text.Length && text[at] == '"' ? Quote(text, line, ref at) : null;
            words.Add(new ProgramWord(bare, quoted, line, start + 1));
        }
    }

    private static string Quote(string text, int line, ref int at)
    {
        int start = at++;
        var value = new StringBuilder();
        for (; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length && text[at + 1] is '"' or '\\')
                at++;
            value.Append(text[at]);
        }

        if (at >= text.Length)
            throw new ProgramTextException(line, start + 1, "the quote is not closed");
        at++;
        if (at < text.Length && !char.IsWhiteSpace(text[at]))
            throw new ProgramTextException(line, at + 1, "a space is missing behind the quote");
        return value.ToString();
    }
}

/// <summary>Something in program text is wrong; never leaves this room.</summary>
internal sealed class ProgramTextException(int line, int column, string message) : Exception(message)
{
    /// <summary>The one line for the user.</summary>
    internal string OneLine => $"line {line}, column {column}: {Message}";
}
