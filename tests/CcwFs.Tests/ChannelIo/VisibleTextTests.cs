using CcwFs.ChannelIo.Text;

namespace CcwFs.Tests.ChannelIo;

public sealed class VisibleTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("/var/lib/Größe 日本.ckd", "/var/lib/Größe 日本.ckd")]
    [InlineData("a\x1b[2Jb", "a?[2Jb")]
    [InlineData("a\r\nb\tc\0\x7f\u0085", "a??b?c???")]
    [InlineData("a\u202eb\u2028c\u2029\u200b", "a?b?c??")]
    [InlineData("a\U000E0041b\U0001D173", "a?b?")]
    [InlineData("\U0001F600 \U00020000", "\U0001F600 \U00020000")]
    public void Characters_that_are_not_shown_are_replaced(string text, string shown) => Assert.Equal(shown, VisibleText.Of(text));

    [Fact]
    public void Of_lines_their_ends_stay() => Assert.Equal("a?\nb?\n", VisibleText.OfLines("a\r\nb\x1b\n"));

    [Theory]
    [InlineData("bash", "\"bash\"")]
    [InlineData("a\", pid 1)\n", "\"a', pid 1)?\"")]
    public void A_quoted_name_does_not_end_before_its_end(string name, string shown) => Assert.Equal(shown, VisibleText.Quoted(name));

    [Fact]
    public void What_verbs_print_has_none()
    {
        using var inner = new StringWriter();
        using var writer = new CcwFs.Cli.VisibleWriter(() => inner);
        writer.WriteLine("a\x1b[2Jb");
        writer.WriteLine("{0} {1}", "c\x07", 4);
        writer.WriteLine("one\nline");
        writer.Write("two\nlines\n");
        writer.Write(['d', '\x9b', 'e'], 0, 3);
        writer.Write('\b');
        writer.WriteLine();
        Assert.Equal("a?[2Jb\nc? 4\none?line\ntwo\nlines\nd?e?\n", inner.ToString());
    }
}
