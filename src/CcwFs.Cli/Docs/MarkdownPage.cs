using System.Globalization;
using System.Text.RegularExpressions;
using Markdig;
using Markdig.Extensions.DefinitionLists;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Tables = Markdig.Extensions.Tables;

namespace CcwFs.Cli.Docs;

/// <summary>
/// Reads the text of a page, Markdown with tables and definition lists. It begins with <c># NAME(SECTION) - SUMMARY</c>. A comment <c>&lt;!-- NAME
/// --&gt;</c> stands for blocks that the program makes of its own tables. What the pages have no use for (links, images, nested lists) is refused.
/// </summary>
internal static partial class MarkdownPage
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseDefinitionLists().Build();

    /// <summary>Reads a page; <paramref name="made"/> gives the blocks that a comment stands for.</summary>
    internal static Page Read(string text, Func<string, IEnumerable<Block>> made)
    {
        MarkdownDocument document = Markdown.Parse(text, s_pipeline);
        if (document is not [HeadingBlock { Level: 1, Inline: { } title }, ..] || Title().Match(Text(title)) is not { Success: true } head)
            throw new FormatException("a page begins with: # NAME(SECTION) - SUMMARY");
        return new Page(head.Groups[1].Value, int.Parse(head.Groups[2].Value, CultureInfo.InvariantCulture), head.Groups[3].Value,
            [.. document.Skip(1).SelectMany(block => Blocks(block, made))]);
    }

    private static IEnumerable<Block> Blocks(Markdig.Syntax.Block block, Func<string, IEnumerable<Block>> made) => block switch
    {
        HeadingBlock { Level: 2 or 3, Inline: { } title } heading => [new Heading(heading.Level, Text(title))],
        ParagraphBlock { Inline: { } text } => [new Paragraph(Spans(text))],
        ListBlock list => list.Cast<ListItemBlock>().Select(item => new Item(OneParagraph(item))),
        FencedCodeBlock code => [new Code([.. Enumerable.Range(0, code.Lines.Count).Select(i => code.Lines.Lines[i].ToString())])],
        Tables.Table table =>
            [new Table([.. table.Cast<Tables.TableRow>().Select(row => row.Cast<Tables.TableCell>().Select(OneParagraph).ToArray())])],
        DefinitionList list => list.Cast<DefinitionItem>().Select(item => new Term(
            Spans(item.OfType<DefinitionTerm>().Single().Inline!), Spans(item.OfType<ParagraphBlock>().Single().Inline!))),
        HtmlBlock html when Comment().Match(html.Lines.ToString()) is { Success: true } comment => made(comment.Groups[1].Value),
        _ => throw Refused(block),
    };

    private static Span[] OneParagraph(ContainerBlock block) => block switch
    {
        [] => [],
        [ParagraphBlock { Inline: { } text }] => Spans(text),
        _ => throw Refused(block),
    };

    private static Span[] Spans(ContainerInline text, TextStyle style = TextStyle.Plain) => [.. text.SelectMany(inline => Spans(inline, style))];

    private static Span[] Spans(Inline inline, TextStyle style) => inline switch
    {
        LiteralInline literal => [new Span(literal.Content.ToString(), style)],
        CodeInline code => [new Span(code.Content, TextStyle.Literal)],
        EmphasisInline { DelimiterCount: 2 } strong => Spans(strong, TextStyle.Bold),
        EmphasisInline emphasis => Spans(emphasis, TextStyle.Variable),
        LineBreakInline { IsHard: false } => [new Span(" ", style)],
        _ => throw Refused(inline),
    };

    private static string Text(ContainerInline text) => string.Concat(Spans(text).Select(span => span.Text));

    private static FormatException Refused(MarkdownObject what) => new($"line {what.Line + 1}: pages have no {what.GetType().Name}");

    [GeneratedRegex(@"^([a-z.-]+)\(([1-8])\) - (.+)$")]
    private static partial Regex Title();

    [GeneratedRegex("^<!-- ([a-z-]+) -->$")]
    private static partial Regex Comment();
}
