using System.Text;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Cli;

/// <summary>
/// Text for people, without characters that are not shown (<see cref="VisibleText"/>): in what a verb prints stand names that others chose, of
/// processes and files, and replies of a server that may be anybody's. What is written as a line is one line; a text of several lines is written as
/// it is, with Write, or as a line too where <paramref name="severalLines"/>. <paramref name="inner"/> is asked for when there is something to write.
/// </summary>
internal sealed class VisibleWriter(Func<TextWriter> inner, bool severalLines = false) : TextWriter
{
    /// <summary>Standard output.</summary>
    internal static VisibleWriter Output { get; } = new(() => Console.Out);

    /// <summary>Standard output, for what writes lists in the place of lines.</summary>
    internal static VisibleWriter Lists { get; } = new(() => Console.Out, severalLines: true);

    /// <summary>Standard error.</summary>
    internal static VisibleWriter Error { get; } = new(() => Console.Error);

    /// <inheritdoc/>
    public override Encoding Encoding => inner().Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    /// <inheritdoc/>
    public override void Write(string? value) => inner().Write(VisibleText.OfLines(value ?? ""));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write((severalLines ? value : VisibleText.Of(value ?? "")) + NewLine); // in one piece

    /// <inheritdoc/>
    public override void Flush() => inner().Flush();
}
