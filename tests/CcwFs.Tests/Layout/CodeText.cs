using System.Text;

namespace CcwFs.Tests.Layout;

/// <summary>
/// The code of a C# source without its comments, texts and characters; what stands in the holes of an interpolated text is code, and each line stays
/// in its place. The rules are those of the C# standard, "Lexical structure", with raw texts.
/// </summary>
internal sealed class CodeText
{
    private readonly string _source;
    private readonly StringBuilder _code = new();
    private int _at;

    private CodeText(string source) => _source = source;

    /// <summary>What is left of a source; a blank is where something was taken out.</summary>
    internal static string Of(string source)
    {
        var text = new CodeText(source);
        text.ReadCode(isHole: false);
        return text._code.ToString();
    }

    /// <summary>To the end, or of a hole to its closing brace.</summary>
    private void ReadCode(bool isHole)
    {
        for (int depth = 0; _at < _source.Length;)
        {
            char c = _source[_at];
            if (StartsWith("//"))
            {
                SkipTo("\n", keepEnd: true);
            }
            else if (StartsWith("/*"))
            {
                SkipTo("*/", keepEnd: false);
            }
            else if (c == '\'')
            {
                SkipCharacter();
            }
            else if (c is '"' or '$' or '@' && TextBegins(out int dollars, out bool verbatim))
            {
                ReadText(dollars, verbatim);
            }
            else
            {
                depth += c == '{' ? 1 : c == '}' ? -1 : 0;
                if (isHole && depth < 0)
                    return;
                _code.Append(c);
                _at++;
            }
        }
    }

    private bool StartsWith(string start) => _source.AsSpan(_at).StartsWith(start, StringComparison.Ordinal);

    private void SkipTo(string end, bool keepEnd)
    {
        int found = _source.IndexOf(end, _at + 2, StringComparison.Ordinal);
        int behind = found < 0 ? _source.Length : keepEnd ? found : found + end.Length;
        KeepLines(behind - _at);
        _at = behind;
        _code.Append(' ');
    }

    private void SkipCharacter()
    {
        for (_at++; _at < _source.Length && _source[_at] != '\''; _at++)
        {
            if (_source[_at] == '\\')
                _at++;
        }
        _at++;
        _code.Append(' ');
    }

    /// <summary>Whether a text begins here, after its prefix; that is skipped then.</summary>
    private bool TextBegins(out int dollars, out bool verbatim)
    {
        (dollars, verbatim) = (0, false);
        int at = _at;
        for (; at < _source.Length && _source[at] is '$' or '@'; at++)
        {
            dollars += _source[at] == '$' ? 1 : 0;
            verbatim |= _source[at] == '@';
        }
        if (at >= _source.Length || _source[at] != '"')
            return false; // @class
        _at = at;
        return true;
    }

    private void ReadText(int dollars, bool verbatim)
    {
        int quotes = Run('"');
        bool raw = !verbatim && quotes >= 3;
        _code.Append(' ');
        if (!verbatim && quotes == 2)
        {
            _at += 2; // an empty one
            return;
        }
        int quote = raw ? quotes : 1;
        for (_at += quote; _at < _source.Length;)
        {
            if (Run('"') is > 0 and var run)
            {
                if (raw ? run >= quote : !verbatim || run % 2 == 1)
                {
                    _at += raw ? run : verbatim ? run : 1;
                    return;
                }
                _at += run;
            }
            else if (dollars > 0 && Run('{') is > 0 and var braces)
            {
                // Of a text without quotes in a row, two braces are one of them; of a raw one, as many braces as dollars begin a hole.
                bool hole = raw ? braces >= dollars : braces % 2 == 1;
                _at += braces;
                if (hole)
                    ReadHole(raw ? dollars : 1);
            }
            else
            {
                int length = !verbatim && !raw && _source[_at] == '\\' ? 2 : 1;
                KeepLines(length);
                _at += length;
            }
        }
    }

    /// <summary>The line ends of what is left out.</summary>
    private void KeepLines(int length) => _code.Append('\n', _source.AsSpan(_at, length).Count('\n'));

    private void ReadHole(int braces)
    {
        _code.Append('(');
        ReadCode(isHole: true);
        _code.Append(')');
        _at += braces;
    }

    /// <summary>How often a character stands here.</summary>
    private int Run(char c)
    {
        int count = 0;
        while (_at + count < _source.Length && _source[_at + count] == c)
            count++;
        return count;
    }
}
