using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>The orders of PERFORM SUBSYSTEM FUNCTION, read with the lengths and offsets that Linux uses (dasd_eckd.h).</summary>
public sealed class OrderTests
{
    /// <summary>Suborder, bytes that READ SUBSYSTEM DATA gives, least profile.</summary>
    public static TheoryData<byte, int, EckdProfile> Suborders() => new()
    {
        { 0x41, 256, EckdProfile.Minimal },
        { 0x0E, 512, EckdProfile.Minimal },
        { 0x01, 96, EckdProfile.Linux },
        { 0x03, 9, EckdProfile.Linux },
        { 0x1C, 20, EckdProfile.Linux },
        { 0x52, 28, EckdProfile.Linux },
        { 0x53, 40, EckdProfile.Linux },
        { 0x00, 16, EckdProfile.Full },
    };

    [Theory]
    [MemberData(nameof(Suborders))]
    public void A_suborder_gives_exactly_its_bytes_from_its_least_profile_on(byte suborder, int length, EckdProfile least)
    {
        foreach (EckdProfile profile in Enum.GetValues<EckdProfile>())
        {
            using var rig = new Rig(profile: profile);
            if (profile < least)
                rig.Device.Run(Prepare(suborder), Step.R(0x3E, length)).Fails(0x80, 0, 0x04, 0);
            else
                Assert.Equal(length, rig.Device.Run(Prepare(suborder), Step.R(0x3E, length)).Ok().Data[0].Length);
        }
    }

    [Fact]
    public void Every_other_order_and_suborder_is_refused_in_every_profile()
    {
        byte[] known = [.. Suborders().Select(row => (byte)row[0])];
        foreach (EckdProfile profile in Enum.GetValues<EckdProfile>())
        {
            using var rig = new Rig(profile: profile);
            foreach (int suborder in Enumerable.Range(0, 256).Except(known.Select(k => (int)k)))
                rig.Device.Run(Prepare((byte)suborder)).Fails(0x80, 0, 0x04, 0);
            foreach (int order in Enumerable.Range(0, 256).Except([0x18, 0x1A, 0x1D]))
                rig.Device.Run(Step.W(0x27, [(byte)order, .. new byte[11]])).Fails(0x80, 0, 0x04, 0);
        }
    }

    [Theory]
    [InlineData(0x18, 12, EckdProfile.Minimal)]
    [InlineData(0x1D, 66, EckdProfile.Minimal)]
    [InlineData(0x1A, 22, EckdProfile.Linux)]
    public void An_order_takes_exactly_its_parameters(byte order, int length, EckdProfile least)
    {
        using var rig = new Rig(profile: least);
        byte[] bytes = new byte[length];
        (bytes[0], bytes[6]) = (order, 0x41);
        Assert.Equal(Outcome.Good, rig.Device.Run(Step.W(0x27, bytes)).Ok().Status);
        rig.Device.Run(Step.W(0x27, bytes[..^1])).Fails(0x80, 0, 0x03, 0);
        Assert.True(rig.Device.Run(Step.W(0x27, [.. bytes, 0])).IncorrectLength);
    }

    [Fact]
    public void Prepared_data_is_read_by_the_next_command_of_the_same_program_or_never()
    {
        using var rig = new Rig();
        rig.Device.Run(Prepare(0x41), Step.R(0x64, 64)).Fails(0x80, 0, 0x02, 1);
        rig.Device.Run(Prepare(0x41)).Ok();
        rig.Device.Run(Step.R(0x3E, 256)).Fails(0x80, 0, 0x02, 0);
        rig.Device.Run(Prepare(0x41), Step.R(0x3E, 256), Step.R(0x3E, 256)).Fails(0x80, 0, 0x02, 2);
    }

    [Fact]
    public void The_message_buffer_says_no_message()
    {
        using var rig = new Rig();
        byte[] message = rig.Device.Run(Prepare(0x03), Step.R(0x3E, 4096).WithSli()).Data[0];
        Assert.Equal("000900000000000000", Convert.ToHexString(message));
    }

    [Fact]
    public void Performance_statistics_name_the_device_and_come_whole_when_asked()
    {
        using var rig = new Rig();
        byte[] data = rig.Device.Run(Prepare(0x01, 0x01), Step.R(0x3E, 192)).Ok().Data[0];
        Assert.Equal((0x50, 0x1001), (data[1], BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(94))));
    }

    [Fact]
    public void Performance_statistics_count_requests_tracks_and_hits()
    {
        using Rig rig = new Rig().Formatted(3, 2, 64); // a write that bypasses; its track was not in the cache
        Step[] read = [Step.Locate(0x06, 1, 3, 1, 64), Step.R(0x86, 64)];
        rig.Device.Run([Step.Extent(0x40, 3, 3, 0xC0), .. read]).Ok();
        rig.Device.Run([Step.Extent(0x40, 3, 3, 0xC0), .. read]).Ok();
        rig.Device.Run([Step.Extent(0x40, 3, 3, 0xCC), .. read]).Ok(); // sequential
        rig.Device.Run([Step.Extent(0x40, 3, 3, 0xC4), .. read]).Ok(); // bypass
        rig.Device.Run(Step.Extent(0x80, 3, 3, 0xC8), Step.Locate(0x01, 1, 3, 1, 64), Step.Sized(0x85, 64)).Ok(); // inhibit load
        rig.Device.Run(Step.Seek(0, 9), Step.R(0x16, 16)).Ok(); // another track
        byte[] data = rig.Device.Run(Prepare(0x01), Step.R(0x3E, 96)).Ok().Data[0];
        int[] words = [.. Enumerable.Range(1, 21).Select(i => Word(data, 4 * i))];
        // reads, hits, writes, hits; the same of sequential ones; 52 inhibited, bypassed; 64 loads, stores; 84 misses
        Assert.Equal([4, 3, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 2, 2, 0, 0, 0, 2], words);
        Assert.Equal("5 reads, 2 writes, 5 out of the cache", rig.Device.Describe().ToDictionary()["requests"]);
    }

    [Fact]
    public void Query_host_access_lists_each_path_group_once_over_all_sharers()
    {
        using var rig = new Rig(20);
        using EckdDevice other = rig.Add(0x0151);
        byte[] first = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], second = [.. first.Reverse()];
        rig.Device.RunOn(0, Step.W(0xAF, [0x80, .. first])).Ok();
        rig.Device.RunOn(3, Step.W(0xAF, [0x80, .. first])).Ok();
        other.RunOn(1, Step.W(0xAF, [0x80, .. second])).Ok();
        byte[] data = rig.Device.Run(Prepare(0x1C), Step.R(0x3E, 16_410).WithSli()).Data[0];
        int size = data[17], count = BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(18));
        Assert.Equal((32, 2, 84), (size, count, data.Length));
        Assert.Equal(68, BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(2)));
        var groups = Enumerable.Range(0, count).Select(i => data.AsSpan(20 + i * size, size).ToArray()).ToList();
        Assert.All(groups, g => Assert.Equal((0x10, 19), (g[0], BinaryPrimitives.ReadInt32BigEndian(g.AsSpan(24)))));
        Assert.Equal([first, second], groups.Select(g => g[1..12]));
        Assert.NotEqual(0, Features(rig.Device)[14] & 0x80);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Volume_and_pool_agree_on_what_they_are(bool spaceEfficient)
    {
        using Rig rig = new Rig(40, spaceEfficient: spaceEfficient).Formatted(0, 1, 64).Formatted(20, 1, 64);
        byte[] volume = rig.Device.Run(Prepare(0x52), Step.R(0x3E, 28)).Ok().Data[0];
        byte[] pool = rig.Device.Run(Prepare(0x53), Step.R(0x3E, 3616).WithSli()).Data[0];
        Assert.Equal(spaceEfficient ? 0x20 : 0, volume[0]);
        Assert.Equal(
            (spaceEfficient ? 1 : 40, 40, 40),
            (Word(volume, 16), Word(volume, 20), Word(volume, 24)));
        Assert.Equal((40, 1), (BinaryPrimitives.ReadUInt16BigEndian(pool), BinaryPrimitives.ReadUInt16BigEndian(pool.AsSpan(2))));
        Assert.Equal(volume.AsSpan(2, 2).ToArray(), pool[32..34]);
        Assert.Equal(spaceEfficient ? 0x28 : 0, pool[36] & 0xE8);
        Assert.Equal(0x01, pool[38]);
    }

    [Fact]
    public void Subsystem_status_is_44_bytes_where_the_profile_has_it()
    {
        using var rig = new Rig();
        byte[] status = rig.Device.Run(Step.R(0x54, 44)).Ok().Data[0];
        Assert.Equal((0x50, 0x1001), (status[1], BinaryPrimitives.ReadUInt16BigEndian(status.AsSpan(38))));
        using EckdDevice minimal = rig.Add(0x0151, profile: EckdProfile.Minimal);
        minimal.Run(Step.R(0x54, 44)).Fails(0x80, 0, 0x01, 0);
        rig.Device.Run(Step.W(0xF9, new byte[16])).Fails(0x80, 0, 0x01, 0);
    }

    [Fact]
    public void A_profile_announces_what_it_has_and_each_holds_the_one_before()
    {
        byte[] before = new byte[320];
        foreach (EckdProfile profile in Enum.GetValues<EckdProfile>())
        {
            using var rig = new Rig(profile: profile);
            byte[] bits = [.. Features(rig.Device), .. rig.Device.Run(Step.R(0x64, 64)).Ok().Data[0]];
            Assert.All(bits.Zip(before), pair => Assert.Equal(pair.Second, pair.First & pair.Second));
            Assert.Equal(profile != EckdProfile.Minimal, (bits[14] & 0x80) != 0);
            bits.CopyTo(before, 0);
        }
    }

    internal static Step Prepare(byte suborder, byte parameter = 0) =>
        Step.W(0x27, 0x18, 0, 0, 0, 0x01, 0x50, suborder, 0, parameter, 0, 0, 0);

    private static byte[] Features(EckdDevice device) => device.Run(Prepare(0x41), Step.R(0x3E, 256)).Ok().Data[0];

    private static int Word(byte[] bytes, int at) => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
}
