using System.Text;

namespace CcwFs.Cli.Docs;

/// <summary>Shows a page as man(1) takes it: man(7) macros and tbl(1) tables, every text escaped.</summary>
internal static class Roff
{
    /// <summary>The page; there is no date in it, so that equal sources give equal bytes.</summary>
    internal static string Of(Page page, string version)
    {
        var text = new StringBuilder("'\\\" t -*- coding: utf-8 -*-\n");
        text.Append($".TH {Quote(page.Name.ToUpperInvariant())} {page.Section} \"\" {Quote("ccwfs " + version)} \"ccwfs\"\n");
        text.Append(".ad l\n.nh\n"); // long options and paths: neither stretched nor cut
        text.Append($".SH \"NAME\"\n{Escape(page.Name)} \\- {Escape(page.Summary)}\n");
        foreach (Block block in page.Blocks)
            Write(text, block);
        return text.ToString();
    }

    private static void Write(StringBuilder text, Block block)
    {
        switch (block)
        {
            case Heading { Level: 2 } heading:
                text.Append($".SH {Quote(heading.Text.ToUpperInvariant())}\n");
                break;
            case Heading heading:
                text.Append($".SS {Quote(heading.Text)}\n");
                break;
            case Paragraph paragraph:
                text.Append($".PP\n{Line(paragraph.Text)}\n");
                break;
            case Item item:
                text.Append($".IP \\(bu 2\n{Line(item.Text)}\n");
                break;
            case Term term:
                text.Append($".TP\n{Line(term.Name)}\n{Line(term.Text)}\n");
                break;
            case Table table:
                Write(text, table);
                break;
            case Code code:
                text.Append(".PP\n.nf\n.RS\n").AppendJoin('\n', code.Lines.Select(line => Line([new Span(line)]))).Append("\n.RE\n.fi\n");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(block));
        }
    }

    private static void Write(StringBuilder text, Table table)
    {
        bool[] isText = [.. Enumerable.Range(0, table.Rows[0].Length).Select(table.IsText)];
        text.Append(".PP\n.TS\nnokeep;\n"); // rows need not stay on one page
        text.AppendJoin(' ', isText.Select(_ => "lB")).Append('\n').AppendJoin(' ', isText.Select(wide => wide ? "lx" : "l")).Append(".\n");
        text.AppendJoin('\t', table.Rows[0].Select(Line)).Append('\n');
        foreach (Span[][] row in table.Rows.Skip(1))
            text.AppendJoin('\t', row.Select((cell, column) => isText[column] ? $"T{{\n{Line(cell)}\nT}}" : Line(cell))).Append('\n');
        text.Append(".TE\n");
    }

    private static string Line(Span[] spans)
    {
        string line = string.Concat(spans.Select(span => span.Style switch
        {
            TextStyle.Plain => Escape(span.Text),
            TextStyle.Bold or TextStyle.Literal => $"\\fB{Escape(span.Text)}\\fR",
            TextStyle.Variable => $"\\fI{Escape(span.Text)}\\fR",
            _ => throw new ArgumentOutOfRangeException(nameof(spans)),
        }));
        return line is ['.' or '\'', ..] ? "\\&" + line : line; // no request
    }

    /// <summary>A backslash and a hyphen as they are typed; a long SPEC may break between its keys.</summary>
    private static string Escape(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("[,", "\\:[,", StringComparison.Ordinal);

    private static string Quote(string text) => $"\"{Escape(text).Replace("\"", "\\(dq", StringComparison.Ordinal)}\"";
}
