using CcwFs.CommandSets;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Tests.ChannelIo;

public sealed class SenseMessagesTests
{
    [Theory]
    [InlineData("8000000000000001", "command reject; format 0 message 1: invalid command")]
    [InlineData("8002000000000000", "command reject, write inhibited.")]
    [InlineData("0008000000000000", "no record found. The searched record is not on the track")]
    [InlineData("0004000000000000", "file protected. The track is outside the extent")]
    [InlineData("1080000000000000", "equipment check, permanent error.")]
    [InlineData("400000000000003F", "intervention required; format 3 message F: allegiance terminated")]
    [InlineData("0100000000000000", "incomplete domain.")]
    [InlineData("0000000000000003", "no error bit; format 0 message 3: the device is fenced")]
    public void Sense_is_a_sentence(string start, string expected) =>
        Assert.StartsWith(expected, SenseMessages.Explain(Convert.FromHexString(start)));

    [Fact]
    public void The_track_comes_from_the_tail_when_it_says_so()
    {
        byte[] sense = new byte[32];
        (sense[1], sense[27], sense[29], sense[30], sense[31]) = (0x08, 0xA0, 0x01, 0x02, 0x0E);
        Assert.EndsWith("Track: cylinder 258, head 14.", SenseMessages.Explain(sense));
        (sense[27], sense[28], sense[29], sense[30], sense[31]) = (0x90, 0x0D, 0x43, 0x00, 0x37);
        Assert.EndsWith("Track: cylinder 200003, head 7.", SenseMessages.Explain(sense));
    }

    [Fact]
    public void A_32_byte_format_is_pointed_out()
    {
        byte[] sense = new byte[32];
        (sense[0], sense[25]) = (0x10, 0x1C);
        Assert.Contains("32-byte format (bit 0 of byte 27 is off): recovery action 1C", SenseMessages.Explain(sense));
        sense[27] = 0x80;
        Assert.DoesNotContain("32-byte", SenseMessages.Explain(sense));
    }

    [Fact]
    public void No_sense_is_said_to_be_none() => Assert.Equal("no sense: nothing to report.", SenseMessages.Explain(new byte[24]));
}
