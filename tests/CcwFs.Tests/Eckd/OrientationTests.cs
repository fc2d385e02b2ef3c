using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>Which record a command works on, and what it gets where there is none.</summary>
public sealed class OrientationTests
{
    private const DeviceStatus Satisfied = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.StatusModifier;
    private static readonly DeviceStatus _endOfFile = Outcome.Good | DeviceStatus.UnitException;

    [Fact]
    public void A_read_takes_the_record_whose_count_has_passed_else_the_next()
    {
        using Rig rig = new Rig().Formatted(1, 3, 16, 4);
        Outcome outcome = rig.Device.Run(
            Step.Seek(0, 1), Step.R(0x12, 8), Step.R(0x06, 16), Step.R(0x06, 16), Step.R(0x0E, 20), Step.R(0x1E, 28),
            Step.R(0x1A, 5), Step.R(0x16, 16)).Ok();
        Assert.Equal(Step.Count(0, 1, 1, 4, 16), outcome.Data[0]);
        Assert.Equal(Enumerable.Repeat((byte)1, 16), outcome.Data[1]);
        Assert.Equal(Enumerable.Repeat((byte)2, 16), outcome.Data[2]);
        Assert.Equal(Enumerable.Repeat((byte)3, 20), outcome.Data[3]);
        Assert.Equal([.. Step.Count(0, 1, 1, 4, 16), .. Enumerable.Repeat((byte)1, 20)], outcome.Data[4]);
        Assert.Equal("0000000001", Convert.ToHexString(outcome.Data[5]));
        Assert.Equal([.. Step.Count(0, 1, 0, 0, 8), .. new byte[8]], outcome.Data[6]);
    }

    [Fact]
    public void A_read_behind_the_last_record_goes_on_at_the_first()
    {
        using Rig rig = new Rig().Formatted(1, 2, 16);
        Outcome outcome = rig.Device.Run(Step.Seek(0, 1), Step.R(0x06, 16), Step.R(0x06, 16), Step.R(0x06, 16)).Ok();
        Assert.Equal([1, 2, 1], outcome.Data.Select(d => (int)d[0]));
    }

    [Theory]
    [InlineData(0x06)]
    [InlineData(0x0E)]
    [InlineData(0x12)]
    [InlineData(0x1E)]
    public void A_track_with_record_zero_alone_gives_no_record_found(byte code)
    {
        using var rig = new Rig();
        rig.Device.Run(Step.Seek(0, 1), Step.R(code, 16)).Fails(0, 0x08, 0);
    }

    [Theory]
    [InlineData(0x86)]
    [InlineData(0x92)]
    [InlineData(0xA9)]
    [InlineData(0xB1)]
    public void A_multitrack_command_outside_a_domain_comes_to_the_end_of_the_cylinder(byte code)
    {
        using var rig = new Rig();
        Step step = code is 0xA9 or 0xB1 ? Step.Sized(code, 5, 9) : Step.R(code, 16);
        rig.Device.Run(Step.Seek(0, 1), step, Step.Tic(1)).Fails(0, 0x20, 0);
    }

    [Fact]
    public void A_multitrack_command_stops_at_the_extent()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Device.Run(Step.Extent(0x40, 1, 1), Step.Seek(0, 1), Step.R(0x86, 16), Step.R(0x86, 16)).Fails(0, 0x04, 0, 3);
    }

    [Fact]
    public void Multitrack_home_address_and_record_zero_are_the_next_tracks_but_record_zero_behind_the_home_address_is_this_tracks()
    {
        using var rig = new Rig();
        Outcome outcome = rig.Device.Run(
            Step.Seek(0, 1), Step.R(0x9A, 5), Step.R(0x96, 16), Step.R(0x96, 16), Step.W(0xB9, 0, 0, 0, 4), Step.Nop, Step.R(0x1A, 5)).Ok();
        Assert.Equal([2, 2, 3, 4], [outcome.Data[0][4], outcome.Data[1][3], outcome.Data[2][3], outcome.Data[3][4]]);
    }

    [Theory]
    [InlineData(0x31, 2, false)]
    [InlineData(0x31, 1, true)]
    [InlineData(0x51, 1, false)]
    [InlineData(0x51, 0, true)]
    [InlineData(0x71, 2, false)]
    [InlineData(0x71, 1, true)]
    [InlineData(0x71, 0, true)]
    public void A_search_by_id_compares_the_next_record(byte code, byte record, bool satisfied)
    {
        using Rig rig = new Rig().Formatted(1, 3, 16);
        rig.Device.Run(Step.Seek(0, 1), Step.R(0x16, 16));
        rig.Device.BeginProgram(0);
        rig.Device.Execute(0x07, new FakeTransfer(Step.Seek(0, 1)));
        rig.Device.Execute(0x16, new FakeTransfer(Step.R(0x16, 16)));
        DeviceStatus status = rig.Device.Execute(code, new FakeTransfer(Step.W(code, Step.Cchhr(0, 1, record))));
        Assert.Equal(satisfied ? Satisfied : Outcome.Good, status);
    }

    [Theory]
    [InlineData(0x29, "02020202", 2)]
    [InlineData(0x49, "02020202", 3)]
    [InlineData(0x69, "02020202", 2)]
    [InlineData(0x69, "01FFFFFF", 2)]
    public void A_search_by_key_goes_record_by_record(byte code, string key, byte found)
    {
        using Rig rig = new Rig().Formatted(1, 3, 16, 4);
        Outcome outcome = rig.Device.Run(Step.Seek(0, 1), Step.W(code, Convert.FromHexString(key)), Step.Tic(1), Step.R(0x06, 16)).Ok();
        Assert.Equal(found, outcome.Data[0][0]);
    }

    [Fact]
    public void A_search_loop_for_a_record_that_is_not_there_ends_at_the_second_index()
    {
        using Rig rig = new Rig().Formatted(1, 3, 16, 4);
        rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 9), Step.Tic(1), Step.R(0x06, 16)).Fails(0, 0x08, 0, 1);
        rig.Device.Run(Step.Seek(0, 1), Step.W(0x29, 9, 9, 9, 9), Step.Tic(1), Step.R(0x06, 16)).Fails(0, 0x08, 0, 1);
    }

    [Fact]
    public void A_multitrack_search_finds_the_record_on_a_later_track()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16, 4).Formatted(4, 2, 16, 4);
        Outcome outcome = rig.Device.Run(Step.Seek(0, 1), Step.W(0xA9, 2, 2, 2, 2), Step.Tic(1), Step.R(0x06, 16), Step.R(0x1A, 5)).Ok();
        Assert.Equal(4, outcome.Data[1][4]);
    }

    [Theory]
    [InlineData(0x05, "data")]
    [InlineData(0x1D, "format")]
    public void A_search_over_a_part_of_the_id_allows_no_write(byte code, string kind)
    {
        Assert.NotEmpty(kind);
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Device.Run(Step.Seek(0, 1), Step.W(0x31, 0, 0, 0, 1).WithSli(), Step.Nop, Step.Sized(code, 8)).Fails(0x80, 0, 0x02, 3);
    }

    [Fact]
    public void WRITE_DATA_and_WRITE_KEY_AND_DATA_update_the_found_record_only()
    {
        using Rig rig = new Rig().Formatted(1, 3, 16, 4);
        rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 2), Step.Tic(1), Step.Sized(0x05, 16, 0xAA)).Ok();
        rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 3), Step.Tic(1), Step.Sized(0x0D, 20, 0xBB)).Ok();
        rig.Device.Run(Step.Seek(0, 1), Step.W(0x29, 2, 2, 2, 2), Step.Tic(1), Step.Sized(0x05, 16, 0xCC)).Ok();
        Outcome outcome = rig.Device.Run(Step.Seek(0, 1), Step.R(0x0E, 20), Step.R(0x0E, 20), Step.R(0x0E, 20)).Ok();
        Assert.Equal(
            ["01010101" + "01010101", "02020202" + "CCCCCCCC", "BBBBBBBBBBBBBBBB"],
            outcome.Data.Select(d => Convert.ToHexString(d, 0, 8)));
    }

    [Fact]
    public void A_short_write_fills_the_record_with_zeros()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 1), Step.Tic(1), Step.Sized(0x05, 3, 0xAA).WithSli()).Ok();
        Assert.Equal("AAAAAA00000000000000000000000000", Convert.ToHexString(rig.Device.Run(Step.Seek(0, 1), Step.R(0x06, 16)).Ok().Data[0]));
    }

    [Fact]
    public void A_channel_error_before_the_first_byte_leaves_the_record_as_it_was()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Device.BeginProgram(0);
        rig.Device.Execute(0x07, new FakeTransfer(Step.Seek(0, 1)));
        rig.Device.Execute(0x31, new FakeTransfer(Step.SearchId(0, 1, 0)));
        rig.Device.Execute(0x31, new FakeTransfer(Step.SearchId(0, 1, 1)));
        rig.Device.Execute(0x05, new FakeTransfer(Step.Sized(0x05, 16, 9)) { BreakAfter = 0 });
        rig.Device.EndProgram(Outcome.Good);
        Assert.Equal(Enumerable.Repeat((byte)1, 16), rig.Device.Run(Step.Seek(0, 1), Step.R(0x06, 16)).Ok().Data[0]);
    }

    [Fact]
    public void A_record_without_data_is_an_end_of_file()
    {
        using var rig = new Rig();
        rig.Device.Run(Step.Extent(0, 1, 1), Step.Locate(0x03, 1, 1, 0), Step.W(0x1D, Step.Count(0, 1, 1, 0, 0))).Ok();
        foreach (byte code in (byte[])[0x06, 0x86, 0x0E, 0x1E])
            Assert.Equal(_endOfFile, rig.Device.Run(Step.Seek(0, 1), Step.R(code, 8).WithSli()).Status);
        Assert.Equal(_endOfFile, rig.Device.Run(Step.Extent(0, 1, 1), Step.Locate(0x01, 1, 1, 1), Step.Sized(0x85, 8).WithSli()).Status);
    }

    [Fact]
    public void A_format_write_erases_what_was_behind_it()
    {
        using Rig rig = new Rig().Formatted(1, 5, 16);
        rig.Device.Run(
            Step.Seek(0, 1), Step.SearchId(0, 1, 2), Step.Tic(1),
            Step.W(0x1D, [.. Step.Count(0, 1, 7, 2, 4), 1, 2, 3, 4, 5, 6]), Step.W(0x1D, [.. Step.Count(0, 1, 8, 0, 1), 9])).Ok();
        Outcome outcome = rig.Device.Run([Step.Seek(0, 1), .. Enumerable.Repeat(Step.R(0x12, 8), 5)]).Ok();
        Assert.Equal([1, 2, 7, 8, 1], outcome.Data.Select(d => (int)d[4]));
    }

    [Fact]
    public void ERASE_takes_a_record_and_leaves_nothing_behind_the_found_one()
    {
        using Rig rig = new Rig().Formatted(1, 5, 1000);
        rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 2), Step.Tic(1), Step.W(0x11, [.. Step.Count(0, 1, 3, 0, 1000), .. new byte[1000]])).Ok();
        Outcome outcome = rig.Device.Run([Step.Seek(0, 1), .. Enumerable.Repeat(Step.R(0x12, 8), 3)]).Ok();
        Assert.Equal([1, 2, 1], outcome.Data.Select(d => (int)d[4]));
    }

    [Theory]
    [InlineData(4096, 0, 12)]
    [InlineData(2048, 0, 21)]
    [InlineData(1024, 0, 33)]
    [InlineData(512, 0, 49)]
    [InlineData(56664, 0, 1)]
    [InlineData(56665, 0, 0)]
    public void A_track_holds_as_many_records_as_a_real_3390s(int size, int key, int records)
    {
        using var rig = new Rig();
        var steps = new List<Step> { Step.Extent(0, 1, 1), Step.Locate(0x03, records + 1, 1, 0) };
        for (int r = 1; r <= records + 1; r++)
            steps.Add(Step.W(0x1D, Step.Count(0, 1, r, key, size)).WithSli());
        rig.Device.Run([.. steps]).Fails(0, 0x40, 0, records + 2);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 4)]
    public void Record_zero_has_number_0_and_no_key(byte number, byte key)
    {
        using var rig = new Rig();
        rig.Device.Run(Step.Extent(0xC0, 1, 1), Step.Locate(0x43, 1, 1, 0), Step.W(0x15, Step.Count(0, 1, number, key, 8)).WithSli())
            .Fails(0x80, 0, 0x04, 2);
    }

    [Fact]
    public void An_update_of_another_length_than_the_located_one_is_an_invalid_track_format()
    {
        using Rig rig = new Rig().Formatted(1, 1, 64);
        rig.Device.Run(Step.Extent(0, 1, 1), Step.Locate(0x01, 1, 1, 1, 63), Step.Sized(0x85, 63)).Fails(0, 0x40, 0, 2);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 4)]
    public void A_write_to_a_record_that_another_device_has_formatted_away_is_not_done(int records, int key)
    {
        using Rig rig = new Rig().Formatted(1, 3, 16);
        using EckdDevice other = rig.Add(0x0151);
        other.BeginProgram(0);
        other.Execute(0x63, new FakeTransfer(Step.Extent(0, 1, 1)));
        Assert.Equal(Outcome.Good, other.Execute(0x47, new FakeTransfer(Step.Locate(0x01, 1, 1, 3, 16))));
        rig.Formatted(1, records, 16, key);
        Assert.True(other.Execute(0x05, new FakeTransfer(Step.Sized(0x05, 16, 9))).HasFlag(DeviceStatus.UnitCheck));
        for (int r = 1; r <= records; r++)
        {
            Outcome outcome = rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, r), Step.Tic(1), Step.R(0x06, 16)).Ok();
            Assert.Equal(Enumerable.Repeat((byte)r, 16), outcome.Data[0]);
        }
    }

    [Fact]
    public void READ_SECTOR_rises_along_the_track()
    {
        using Rig rig = new Rig().Formatted(1, 12, 4096);
        Outcome outcome = rig.Device.Run(
            Step.Seek(0, 1), Step.SearchId(0, 1, 2), Step.Tic(1), Step.R(0x22, 1), Step.SearchId(0, 1, 12), Step.Tic(4), Step.R(0x22, 1)).Ok();
        Assert.InRange(outcome.Data[0][0], 1, outcome.Data[1][0] - 1);
        Assert.InRange(outcome.Data[1][0], 1, 223);
    }
}
