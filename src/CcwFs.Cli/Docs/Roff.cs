using System.Text;

namespace CcwFs.Cli.Docs;

/// <summary>Writes a manual page: man(7) macros, every text escaped.</summary>
internal sealed class Roff
{
    private readonly StringBuilder _text = new("'\\\" t -*- coding: utf-8 -*-\n");

    /// <summary>Begins a page; there is no date in it, so that equal sources give equal bytes.</summary>
    internal Roff(string name, int section, string version, string summary)
    {
        _text.Append($".TH {Quote(name.ToUpperInvariant())} {section} \"\" {Quote("ccwfs " + version)} \"ccwfs\"\n.ad l\n.nh\n"); // long options and paths: neither stretched nor cut
        Section("NAME");
        _text.Append($"{Escape(name)} \\- {Escape(summary)}\n");
    }

    public override string ToString() => _text.ToString();

    /// <summary>A section heading.</summary>
    internal void Section(string title) => _text.Append($".SH {Quote(title)}\n");

    /// <summary>A heading below a section's.</summary>
    internal void Subsection(string title) => _text.Append($".SS {Quote(title)}\n");

    /// <summary>A paragraph.</summary>
    internal void Paragraph(string text) => _text.Append($".PP\n{Line(text)}\n");

    /// <summary>A term in bold, the name of its value in italics, and what it means.</summary>
    internal void Term(string term, string? value, string text) =>
        _text.Append($".TP\n\\fB{Escape(term)}\\fR{(value is null ? "" : $"{(term.EndsWith('=') ? "" : " ")}\\fI{Escape(value)}\\fR")}\n{Line(text)}\n");

    /// <summary>A command line: the words of the program in bold, then what varies.</summary>
    internal void Synopsis(string command, string rest) => _text.Append($".PP\n\\fB{Escape(command)}\\fR {Escape(rest)}\n");

    /// <summary>Lines as they are.</summary>
    internal void Example(IEnumerable<string> lines)
    {
        _text.Append(".PP\n.nf\n.RS\n");
        foreach (string line in lines)
            _text.Append(Line(line)).Append('\n');
        _text.Append(".RE\n.fi\n");
    }

    /// <summary>A backslash and a hyphen as they are typed; a long SPEC may break between its keys.</summary>
    private static string Escape(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("[,", "\\:[,", StringComparison.Ordinal);

    private static string Quote(string text) => $"\"{Escape(text).Replace("\"", "\\(dq", StringComparison.Ordinal)}\"";

    /// <summary>A line of text: a dot or a quote at its begin is no request.</summary>
    private static string Line(string text) => text is ['.' or '\'', ..] ? "\\&" + Escape(text) : Escape(text);
}
