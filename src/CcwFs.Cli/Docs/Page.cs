namespace CcwFs.Cli.Docs;

/// <summary>How a piece of text is shown.</summary>
internal enum TextStyle
{
    /// <summary>As it is.</summary>
    Plain,

    /// <summary>A heading, a term, and what is stressed.</summary>
    Bold,

    /// <summary>What is typed or printed as it stands: bold, and in quotes where text cannot be bold.</summary>
    Literal,

    /// <summary>What stands for something else: the name of a value.</summary>
    Variable,
}

/// <summary>A piece of text in one style.</summary>
/// <param name="Text">The text.</param>
/// <param name="Style">How it is shown.</param>
internal readonly record struct Span(string Text, TextStyle Style = TextStyle.Plain);

/// <summary>A part of a page; <see cref="Roff"/> and <see cref="TerminalText"/> show each kind.</summary>
internal abstract record Block;

/// <summary>A heading.</summary>
/// <param name="Level">2: of a section; 3: below one.</param>
/// <param name="Text">The heading.</param>
internal sealed record Heading(int Level, string Text) : Block;

/// <summary>A paragraph.</summary>
/// <param name="Text">Its text.</param>
internal sealed record Paragraph(Span[] Text) : Block
{
    internal Paragraph(string text)
        : this([new Span(text)])
    {
    }
}

/// <summary>An item of a list.</summary>
/// <param name="Text">Its text.</param>
internal sealed record Item(Span[] Text) : Block;

/// <summary>A term and what it means.</summary>
/// <param name="Name">The term.</param>
/// <param name="Text">What it means.</param>
internal sealed record Term(Span[] Name, Span[] Text) : Block
{
    internal Term(string name, string? value, string text)
        : this(Of(name, value), [new Span(text)])
    {
    }

    /// <summary>A word in bold, and the name of its value.</summary>
    private static Span[] Of(string name, string? value) => value is null ? [new Span(name, TextStyle.Bold)]
        : [new Span(name, TextStyle.Bold), new Span((name.EndsWith('=') ? "" : " ") + value, TextStyle.Variable)];
}

/// <summary>A table.</summary>
/// <param name="Rows">Its rows, the headings first; each has as many cells.</param>
internal sealed record Table(Span[][][] Rows) : Block
{
    private const int LongestWord = 26; // arbitrary: a longer cell is text, which is broken into lines

    /// <summary>Whether the cells of a column are texts.</summary>
    internal bool IsText(int column) => Rows.Any(row => Length(row[column]) > LongestWord);

    /// <summary>The characters of a cell.</summary>
    internal static int Length(Span[] cell) => cell.Sum(span => span.Text.Length);
}

/// <summary>Lines as they are: an example.</summary>
/// <param name="Lines">The lines.</param>
internal sealed record Code(string[] Lines) : Block;

/// <summary>A manual page.</summary>
/// <param name="Name">Its name: "ccwfs-volumes".</param>
/// <param name="Section">Its section of the manual.</param>
/// <param name="Summary">What it is about, in one line.</param>
/// <param name="Blocks">What stands below its name.</param>
internal sealed record Page(string Name, int Section, string Summary, IReadOnlyList<Block> Blocks)
{
    /// <summary>How other pages name it: "ccwfs-volumes(7)".</summary>
    internal string Reference => $"{Name}({Section})";

    /// <summary>Its file: "ccwfs-volumes.7".</summary>
    internal string File => $"{Name}.{Section}";

    /// <summary>What is typed after <c>ccwfs help</c>: "volumes".</summary>
    internal string Topic => Name.StartsWith("ccwfs-", StringComparison.Ordinal) ? Name["ccwfs-".Length..] : Name;
}
