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
    public void Characters_that_are_not_shown_are_replaced(string text, string shown) => Assert.Equal(shown, VisibleText.Of(text));
}
