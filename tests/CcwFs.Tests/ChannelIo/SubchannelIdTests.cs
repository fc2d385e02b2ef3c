using CcwFs.ChannelIo;

namespace CcwFs.Tests.ChannelIo;

public sealed class SubchannelIdTests
{
    [Theory]
    [InlineData("0.0.0000", 0, 0, 0)]
    [InlineData("fe.3.ffff", 0xFE, 3, 0xFFFF)]
    [InlineData("1.0.1234", 1, 0, 0x1234)]
    public void A_bus_id_is_read_and_printed_alike(string text, byte css, byte set, ushort number)
    {
        Assert.True(SubchannelId.TryParse(text, out SubchannelId id));
        Assert.Equal(new SubchannelId(css, set, number), id);
        Assert.Equal(text, id.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("0.0.000")]
    [InlineData("0.4.0000")]
    [InlineData("0.0.0000.0")]
    [InlineData("0.0. 000")]
    [InlineData("100.0.0000")]
    public void Anything_else_is_refused(string text) => Assert.False(SubchannelId.TryParse(text, out _));
}
