using System.Text;

namespace CcwFs.Cli.Docs;

/// <summary>
/// Shows a page in lines of <paramref name="width"/> columns. With <paramref name="styled"/> words are bold and underlined, else it is plain text.
/// </summary>
internal sealed class TerminalText(int width, bool styled)
{
    /// <summary>The widest and the narrowest lines: what is wider is hard to read, and a narrower terminal breaks the lines by itself.</summary>
    internal const int MaxWidth = 100, MinWidth = 80;

    private const int Indent = 4, Step = 4, ColumnGap = 2;
    private const string Bold = "\e[1m", Underlined = "\e[4m", Normal = "\e[0m";

    private readonly StringBuilder _text = new();
    private Block? _before; // what was written last

    /// <summary>The page.</summary>
    internal string Of(Page page)
    {
        _text.Clear();
        _before = null;
        Wrap([new Span("NAME", TextStyle.Bold)], 0);
        Wrap([new Span(page.Name, TextStyle.Bold), new Span(" - " + page.Summary)], Indent);
        foreach (Block block in page.Blocks)
            Write(block);
        return _text.ToString();
    }

    private void Write(Block block)
    {
        if (_before is not Heading && !(_before is Item && block is Item))
            _text.Append('\n');
        _before = block;
        switch (block)
        {
            case Heading { Level: 2 } heading:
                Wrap([new Span(heading.Text.ToUpperInvariant(), TextStyle.Bold)], 0);
                break;
            case Heading heading:
                Wrap([new Span(heading.Text, TextStyle.Bold)], Indent / 2);
                break;
            case Paragraph paragraph:
                Wrap(Quoted(paragraph.Text), Indent);
                break;
            case Item item:
                Wrap([new Span("- "), .. Quoted(item.Text)], Indent, hang: 2);
                break;
            case Term term:
                Wrap(term.Name, Indent, hang: Step);
                Wrap(Quoted(term.Text), Indent + Step);
                break;
            case Table table:
                Write(new Table([.. table.Rows.Select(row => row.Select(Quoted).ToArray())]));
                break;
            case Code code:
                foreach (string line in code.Lines)
                    _text.Append($"{Blanks(Indent + Step)}{line}".TrimEnd()).Append('\n');
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(block));
        }
    }

    private void Write(Table table)
    {
        int columns = table.Rows[0].Length;
        int[] widths = [.. Enumerable.Range(0, columns).Select(column => table.IsText(column) ? 0 : Longest(table, column))];
        int texts = widths.Count(w => w == 0);
        int left = width - Indent - widths.Sum() - (ColumnGap * (columns - 1));
        for (int column = 0; column < columns; column++)
        {
            if (widths[column] == 0)
                widths[column] = Math.Min(left / texts, Longest(table, column));
        }
        foreach (Span[][] row in table.Rows)
        {
            Span[][] cells = row != table.Rows[0] ? row
                : [.. row.Select(cell => cell.Select(span => span with { Style = TextStyle.Bold }).ToArray())];
            List<string>[] lines = [.. cells.Select((cell, column) => Lines(cell, widths[column], 0, widths[column]))];
            for (int i = 0; i < lines.Max(l => l.Count); i++)
            {
                string line = string.Join(Blanks(ColumnGap), lines.Select((l, column) => i < l.Count ? l[i] : Blanks(widths[column])));
                _text.Append($"{Blanks(Indent)}{line}".TrimEnd()).Append('\n');
            }
        }
    }

    private static int Longest(Table table, int column) => table.Rows.Max(row => Table.Length(row[column]));

    private static string Blanks(int count) => new(' ', count);

    private void Wrap(Span[] text, int indent, int hang = 0)
    {
        List<string> lines = Lines(text, width - indent, hang);
        foreach (string line in lines)
            _text.Append(Blanks(indent)).Append(line).Append('\n');
    }

    /// <summary>
    /// A text in lines of at most <paramref name="columns"/>: <paramref name="hang"/> blanks before all but the first, filled up to
    /// <paramref name="pad"/>.
    /// </summary>
    private List<string> Lines(Span[] text, int columns, int hang, int pad = 0)
    {
        var lines = new List<string>();
        var line = new StringBuilder();
        (int length, bool isBegun) = (0, false);
        foreach (Span[] word in Words(text))
        {
            int wordLength = Table.Length(word);
            if (isBegun && length + 1 + wordLength > columns)
                End();
            if (isBegun)
                line.Append(' ');
            foreach (Span span in word)
                line.Append(Styled(span));
            length += wordLength + (isBegun ? 1 : 0);
            isBegun = true;
        }
        if (isBegun || lines.Count == 0)
            End();
        return lines;

        void End()
        {
            lines.Add(line.Append(' ', Math.Max(0, pad - length)).ToString());
            line.Clear().Append(' ', hang);
            (length, isBegun) = (hang, false);
        }
    }

    private static IEnumerable<Span[]> Words(Span[] text)
    {
        var word = new List<Span>();
        foreach (Span span in text)
        {
            string[] parts = span.Text.Split(' ');
            for (int i = 0; i < parts.Length; i++)
            {
                if (i > 0 && word.Count > 0)
                {
                    yield return [.. word];
                    word.Clear();
                }
                if (parts[i].Length > 0)
                    word.Add(span with { Text = parts[i] });
            }
        }
        if (word.Count > 0)
            yield return [.. word];
    }

    /// <summary>Where nothing is bold, commands and words that could be taken for words of the sentence stand in quotes.</summary>
    private Span[] Quoted(Span[] text) => styled ? text
        : [.. text.Select(span => span.Style == TextStyle.Literal && IsLikeText(span.Text) ? new Span($"'{span.Text}'") : span)];

    private static bool IsLikeText(string literal) =>
        literal.All(char.IsAsciiLetterLower) || (literal.Contains(' ', StringComparison.Ordinal) && !literal.Contains('"', StringComparison.Ordinal));

    private string Styled(Span span) => !styled || span.Style == TextStyle.Plain ? span.Text
        : $"{(span.Style == TextStyle.Variable ? Underlined : Bold)}{span.Text}{Normal}";
}
