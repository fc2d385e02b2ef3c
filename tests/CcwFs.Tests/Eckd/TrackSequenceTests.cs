using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>
/// The track programs of Linux's dasd_eckd (PREFIX with a command for each track, raw_track_access, dasdfmt --check) beside plain programs on the
/// same volume.
/// </summary>
public sealed class TrackSequenceTests
{
    /// <summary>The count of raw track access: the longest track of a 3390.</summary>
    private const int Raw = 57_326;

    private static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A track as raw access shows it, put together from reads of record 0 and of each record.</summary>
    private static byte[] Plain(Rig rig, int track, int records)
    {
        var steps = new List<Step> { Step.Seek(track / 15, track % 15), Step.R(0x16, Raw).WithSli() };
        steps.AddRange(Enumerable.Repeat(Step.R(0x1E, Raw).WithSli(), records));
        return [.. rig.Device.Run([.. steps]).Ok().Data.SelectMany(d => d), .. TrackSteps.EndMark];
    }

    [Fact]
    public void READ_TRACK_DATA_reads_from_a_record_to_a_length_over_tracks_and_cylinders()
    {
        using var rig = new Rig();
        byte[][] data = [rig.Filled(29, 12, 4096), rig.Filled(30, 12, 4096), rig.Filled(31, 12, 4096)];
        Outcome outcome = rig.Device.Run(
            TrackSteps.ReadData(29, 31, 10, 3 * 4096), Step.R(0xA6, 3 * 4096), Step.R(0xA6, 12 * 4096), Step.R(0xA6, 3 * 4096)).Ok();
        Assert.Equal(data[0][(9 * 4096)..], outcome.Data[0]);
        Assert.Equal(data[1], outcome.Data[1]);
        Assert.Equal(data[2][..(3 * 4096)], outcome.Data[2]);
        Assert.Equal(rig.Records(30, 12, 4096), outcome.Data[1]);
        outcome = rig.Device.Run(TrackSteps.ReadData(30, 30, 5, 2 * 4096), Step.R(0xA6, 2 * 4096)).Ok();
        Assert.Equal(data[1][(4 * 4096)..(6 * 4096)], outcome.Data[0]);
    }

    [Fact]
    public void WRITE_TRACK_DATA_updates_records_over_tracks_and_all_reach_the_store_in_one_write()
    {
        using var rig = new Rig();
        byte[][] old = [rig.Filled(29, 12, 4096), rig.Filled(30, 12, 4096), rig.Filled(31, 12, 4096)];
        byte[] first = Bytes(3 * 4096, 1), second = Bytes(12 * 4096, 2), third = Bytes(2 * 4096, 3);
        int writes = rig.Store.Writes.Count;
        rig.Device.Run(TrackSteps.WriteData(29, 31, 10, 4096), Step.W(0xA5, first), Step.W(0xA5, second), Step.W(0xA5, third)).Ok();
        Assert.Equal([29, 30, 31], Assert.Single(rig.Store.Writes[writes..]).Order());
        Assert.Equal([.. old[0][..(9 * 4096)], .. first], rig.Records(29, 12, 4096));
        Assert.Equal(second, rig.Records(30, 12, 4096));
        Assert.Equal([.. third, .. old[2][(2 * 4096)..]], rig.Records(31, 12, 4096));
    }

    [Fact]
    public void The_same_programs_run_with_DEFINE_EXTENT_and_LOCATE_RECORD_EXTENDED_in_place_of_PREFIX()
    {
        using var rig = new Rig();
        byte[] data = rig.Filled(20, 12, 4096);
        Step extent = Step.Extent(0x40, 20, 21, 0xC0);
        Assert.Equal(data, rig.Device.Run(extent, TrackSteps.Extended(0x0C, 1, 20, 1, 12 * 4096), Step.R(0xA6, 12 * 4096)).Ok().Data[0]);
        byte[] raw = rig.Device.Run(extent, TrackSteps.Extended(0x4C, 1, 20, 0), Step.R(0xDE, Raw).WithSli()).Ok().Data[0];
        rig.Device.Run(Step.Extent(0xC0, 21, 21), TrackSteps.Extended(0x3F, 1, 21, 0, extended: 0x11, set: 0x8000), Step.W(0x95, raw)).Ok();
        Assert.Equal(raw, rig.Device.Run(extent, Step.Locate(0x4C, 1, 21, 0), Step.R(0xDE, Raw).WithSli()).Ok().Data[0]);
        rig.Device.Run(
            Step.Extent(0x80, 20, 20, 0xC0), TrackSteps.Extended(0x3F, 1, 20, 12, 4096, 0x23), Step.Sized(0xA5, 4096, 7)).Ok();
        Assert.Equal(7, rig.Records(20, 12, 4096)[^1]);
    }

    [Fact]
    public void PREFIX_of_format_0_is_an_extent_for_the_commands_behind_it()
    {
        using var rig = new Rig();
        byte[] data = rig.Filled(20, 12, 4096);
        Outcome outcome =
            rig.Device.Run(TrackSteps.Prefix(0x40, 20, 20), Step.Locate(0x06, 2, 20, 2, 4096, 20), Step.R(0x86, 4096), Step.R(0x86, 4096)).Ok();
        Assert.Equal(data[4096..(3 * 4096)], outcome.Data.SelectMany(d => d));
        rig.Device.Run(TrackSteps.Prefix(0x40, 20, 20), Step.Locate(0x06, 1, 21, 1)).Fails(0, 0x04, 0, 1);
        rig.Device.Run(TrackSteps.Prefix(0x40, 20, 20, validity: 0), Step.Extent(0x40, 21, 21), Step.Locate(0x00, 0, 21, 0)).Ok();
    }

    [Fact]
    public void The_check_of_dasdfmt_finds_the_same_with_PREFIX_as_without()
    {
        using Rig rig = new Rig().Formatted(3, 12, 4096);
        Step[] counts = [.. Enumerable.Repeat(Step.R(0x12, 8).WithSli(), 50)];
        Outcome plain = rig.Device.Run([Step.Extent(0x40, 3, 3), Step.Locate(0x06, 50, 3, 0), .. counts]);
        Outcome prefixed = rig.Device.Run([TrackSteps.Prefix(0x40, 3, 3, TrackSteps.LocateBytes(0x06, 50, 3, 0)), .. counts]);
        plain.Fails(0, 0x08, 0);
        prefixed.Fails(0, 0x08, 0, plain.Last - 1);
        Assert.Equal(plain.Data, prefixed.Data);
        Assert.Equal("0000000301001000", Convert.ToHexString(prefixed.Data[0]));
    }

    [Fact]
    public void Raw_access_reads_tracks_as_records_and_end_mark()
    {
        using Rig rig = new Rig().Formatted(14, 5, 700, 20);
        rig.Filled(15, 12, 4096);
        Outcome outcome =
            rig.Device.Run(TrackSteps.ReadTracks(14, 16), Step.R(0xDE, Raw).WithSli(), Step.R(0xDE, Raw).WithSli(), Step.R(0xDE, Raw).WithSli()).Ok();
        Assert.Equal(Plain(rig, 14, 5), outcome.Data[0]);
        Assert.Equal(Plain(rig, 15, 12), outcome.Data[1]);
        Assert.Equal("0001000100000008" + "0000000000000000" + "FFFFFFFFFFFFFFFF", Convert.ToHexString(outcome.Data[2]));
    }

    [Fact]
    public void Raw_access_writes_what_it_reads_and_the_tracks_change_together()
    {
        using Rig rig = new Rig().Formatted(14, 5, 700, 20);
        rig.Filled(15, 12, 4096);
        rig.Formatted(31, 30, 800);
        byte[][] tracks = [.. rig.Device.Run(TrackSteps.ReadTracks(14, 15), Step.R(0xDE, Raw).WithSli(), Step.R(0xDE, Raw).WithSli()).Ok().Data];
        int writes = rig.Store.Writes.Count;
        Step[] steps = [.. tracks.Select(t => Step.W(0x95, [.. t, .. new byte[Raw - t.Length]]).WithSli())];
        rig.Device.Run([TrackSteps.WriteTracks(30, 31), .. steps]).Ok();
        Assert.Equal([30, 31], Assert.Single(rig.Store.Writes[writes..]).Order());
        Assert.Equal(tracks, rig.Device.Run(TrackSteps.ReadTracks(30, 31), Step.R(0xDE, Raw).WithSli(), Step.R(0xDE, Raw).WithSli()).Ok().Data);
        Assert.Equal(Plain(rig, 31, 12), tracks[1]);
    }

    [Fact]
    public void A_bit_map_names_the_tracks_that_are_read_and_written()
    {
        using Rig rig = new Rig().Formatted(13, 1, 100).Formatted(14, 2, 100).Formatted(15, 3, 100);
        byte[] set = TrackSteps.LocateBytes(0x3F, 2, 13, 0, extended: 0x0E, set: 0xA000);
        List<byte[]> data = rig.Device.Run(TrackSteps.Prefix(0x40, 13, 15, set), Step.R(0xDE, Raw).WithSli(), Step.R(0xDE, Raw).WithSli()).Ok().Data;
        Assert.Equal([Plain(rig, 13, 1), Plain(rig, 15, 3)], data);
        byte[] target = TrackSteps.LocateBytes(0x3F, 2, 40, 0, extended: 0x11, set: 0x8001);
        rig.Device.Run(TrackSteps.Prefix(0xC0, 40, 55, target), Step.W(0x95, data[0]), Step.W(0x95, data[1])).Ok();
        Assert.Equal([40, 55], rig.Store.Writes[^1].Order());
        rig.Device.Run(TrackSteps.Prefix(0xC0, 40, 54, target)).Fails(0, 0x04, 0, 0);
    }

    [Fact]
    public void READ_MULTIPLE_CKD_reads_the_rest_of_the_track()
    {
        using Rig rig = new Rig(profile: EckdProfile.Full).Formatted(1, 5, 700, 20);
        Outcome outcome = rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 2), Step.Tic(1), Step.R(0x5E, Raw).WithSli()).Ok();
        Assert.Equal(Plain(rig, 1, 5)[(16 + (2 * 728))..^8], outcome.Data[0]);
        outcome = rig.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 5), Step.Tic(1), Step.R(0x5E, Raw).WithSli(), Step.R(0x12, 8)).Ok();
        Assert.Equal(["", Convert.ToHexString(Step.Count(0, 1, 1, 20, 700))], outcome.Data.Select(Convert.ToHexString));
        Assert.Empty(rig.Device.Run(Step.Seek(0, 2), Step.R(0x5E, Raw).WithSli()).Ok().Data[0]);
    }

    [Fact]
    public void A_track_without_records_is_no_record_found_with_its_address()
    {
        using var rig = new Rig();
        rig.Filled(29, 12, 4096);
        Step[] reads = [Step.R(0xA6, 12 * 4096), Step.R(0xA6, 12 * 4096)];
        Outcome outcome = rig.Device.Run([TrackSteps.ReadData(30, 31, 1, 12 * 4096), .. reads]).Fails(0, 0x08, 0, 0);
        Assert.Equal("000200", Convert.ToHexString(outcome.Sense, 29, 3));
        outcome = rig.Device.Run([TrackSteps.ReadData(29, 30, 1, 12 * 4096), .. reads]).Fails(0, 0x08, 0, 2);
        Assert.Equal("000200", Convert.ToHexString(outcome.Sense, 29, 3));
        outcome = rig.Device.Run(TrackSteps.WriteData(29, 30, 12, 4096), Step.Sized(0xA5, 4096), Step.Sized(0xA5, 4096)).Fails(0, 0x08, 0, 2);
        Assert.Equal("000200", Convert.ToHexString(outcome.Sense, 29, 3));
    }

    [Theory]
    [InlineData(4096, 4096, true)]   // the transfer length ends the data
    [InlineData(8192, 8192, true)]
    [InlineData(8192, 4096, false)]  // room for less
    [InlineData(4096, 8192, false)]  // room for more
    [InlineData(5000, 5000, true)]   // in the middle of a record
    [InlineData(0, 12 * 4096, true)] // no length: all of the track
    public void What_READ_TRACK_DATA_moves_must_be_what_the_program_has_room_for(int length, int room, bool fits)
    {
        using var rig = new Rig();
        byte[] data = rig.Filled(1, 12, 4096);
        Outcome outcome = rig.Device.Run(TrackSteps.ReadData(1, 1, 1, length), Step.R(0xA6, room));
        Assert.Equal(!fits, outcome.IncorrectLength);
        Assert.Equal(Outcome.Good, outcome.Status);
        Assert.Equal(data[..Math.Min(length == 0 ? room : length, room)], outcome.Data[0]);
    }

    [Fact]
    public void A_short_write_fills_its_last_record_with_zeros_and_a_long_one_is_an_incorrect_length()
    {
        using var rig = new Rig();
        byte[] old = rig.Filled(1, 12, 4096);
        rig.Device.Run(TrackSteps.WriteData(1, 1, 2, 4096), Step.Sized(0xA5, 4100, 9)).Ok();
        byte[] expected = [.. old];
        expected.AsSpan(4096, 8192).Clear();
        expected.AsSpan(4096, 4100).Fill(9);
        Assert.Equal(expected, rig.Records(1, 12, 4096));
        Assert.True(rig.Device.Run(TrackSteps.WriteData(1, 1, 12, 4096), Step.Sized(0xA5, 4097)).IncorrectLength);
    }

    [Fact]
    public void A_track_of_other_records_than_named_is_not_written_at_all()
    {
        using Rig rig = new Rig().Formatted(1, 12, 2048).Formatted(2, 3, 4096);
        int writes = rig.Store.Writes.Count;
        rig.Device.Run(TrackSteps.WriteData(1, 1, 1, 4096), Step.Sized(0xA5, 4096)).Fails(0, 0x40, 0, 1);
        rig.Device.Run(
            Step.Extent(0x00, 2, 2), Step.Locate(0x03, 1, 2, 3, 8), Step.W(0x1D, [.. Step.Count(0, 2, 4, 0, 8), .. new byte[8]])).Ok();
        rig.Device.Run(TrackSteps.WriteData(2, 2, 1, 4096), Step.Sized(0xA5, 4096)).Fails(0, 0x40, 0, 1);
        Assert.Single(rig.Store.Writes[writes..]);
        Assert.Equal(1, rig.Records(2, 3, 4096)[0]);
    }

    [Theory]
    [InlineData("0000000000000008 0000000000000000", 0x80, 0x00, 0x03)]                                   // no end mark
    [InlineData("0000000000000008 00000000", 0x80, 0x00, 0x03)]                                           // ends in a record
    [InlineData("00000000", 0x80, 0x00, 0x03)]                                                            // ends in a count
    [InlineData("FFFFFFFFFFFFFFFF", 0x00, 0x40, 0x00)]                                                    // no record 0
    [InlineData("0000000001000008 0000000000000000 FFFFFFFFFFFFFFFF", 0x00, 0x40, 0x00)]                  // the first is record 1
    [InlineData("0000000000010008 000000000000000000 FFFFFFFFFFFFFFFF", 0x00, 0x40, 0x00)]                // record 0 with a key
    [InlineData("0000000000000008 0000000000000000 000000000100FFFF FFFFFFFFFFFFFFFF", 0x00, 0x40, 0x00)] // more than a track
    public void A_bad_track_leaves_the_old_one(string hex, byte sense0, byte sense1, byte sense7)
    {
        using var rig = new Rig();
        byte[] old = rig.Filled(1, 12, 4096);
        int writes = rig.Store.Writes.Count;
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        rig.Device.Run(TrackSteps.WriteTracks(1, 1), Step.W(0x95, bytes).WithSli()).Fails(sense0, sense1, sense7, 1);
        Assert.Equal(writes, rig.Store.Writes.Count);
        Assert.Equal(old, rig.Records(1, 12, 4096));
    }

    [Fact]
    public void Track_writes_obey_the_file_mask_and_the_volume()
    {
        using Rig rig = new Rig().Formatted(1, 2, 64);
        byte[] data = TrackSteps.LocateBytes(0x3F, 1, 1, 1, 64, 0x23), full = TrackSteps.LocateBytes(0x3F, 1, 1, 0, extended: 0x11, set: 0x8000);
        rig.Device.Run(TrackSteps.Prefix(0x40, 1, 1, data), Step.Sized(0xA5, 64)).Fails(0x80, 0, 0x02, 0);
        rig.Device.Run(TrackSteps.Prefix(0x00, 1, 1, full), Step.W(0x95, Plain(rig, 1, 2))).Fails(0x80, 0, 0x02, 1);
        using EckdDevice reader = rig.Add(0x0151, readOnly: true);
        reader.Run(TrackSteps.Prefix(0x80, 1, 1, data)).Fails(0x80, 0x02, 0, 0);
        reader.Run(TrackSteps.Prefix(0xC0, 1, 1, full)).Fails(0x80, 0x02, 0, 0);
        reader.Run(TrackSteps.ReadData(1, 1, 1, 128), Step.R(0xA6, 128)).Ok();
    }

    [Fact]
    public void The_domain_counts_tracks()
    {
        using Rig rig = new Rig().Formatted(1, 2, 64).Formatted(2, 2, 64);
        rig.Device.Run(TrackSteps.ReadData(1, 2, 1, 128), Step.R(0xA6, 128)).Ok();
        rig.Device.Run(TrackSteps.ReadData(1, 1, 1, 128), Step.R(0xA6, 128), Step.R(0xA6, 128)).Fails(0x80, 0, 0x02, 2);
        byte[] beyond = TrackSteps.LocateBytes(0x0C, 2, 1, 1, 128);
        rig.Device.Run(TrackSteps.Prefix(0x40, 1, 1, beyond), Step.R(0xA6, 128), Step.R(0xA6, 128)).Fails(0, 0x04, 0, 2);
    }

    [Fact]
    public void Track_commands_in_steady_state_allocate_nothing()
    {
        using var rig = new Rig();
        rig.Filled(1, 12, 4096);
        Step read = TrackSteps.ReadData(1, 1, 1, 12 * 4096), write = TrackSteps.WriteData(1, 1, 1, 4096);
        var track = new Reusable(new byte[12 * 4096]);
        var (readData, writeData) = (new Reusable(read.Out), new Reusable(write.Out));
        rig.Store.DropWrites = true;
        for (int i = 0; i < 200; i++)
            Round();
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 100; i++)
                Round();
        }));

        void Round()
        {
            rig.Device.BeginProgram(0);
            Assert.True(rig.Device.Execute(0xE7, readData) == Outcome.Good);
            Assert.True(rig.Device.Execute(0xA6, track) == Outcome.Good);
            Assert.True(rig.Device.EndProgram(Outcome.Good) == Outcome.Good);
            rig.Device.BeginProgram(0);
            Assert.True(rig.Device.Execute(0xE7, writeData) == Outcome.Good);
            Assert.True(rig.Device.Execute(0xA5, track) == Outcome.Good);
            Assert.True(rig.Device.EndProgram(Outcome.Good) == Outcome.Good);
        }
    }

    /// <summary>The same bytes for each command: those of one receive after the other until the buffer is through, then again.</summary>
    private sealed class Reusable(byte[] bytes) : IDataTransfer
    {
        private int _at;

        public bool IsGood => true;

        public int Receive(Span<byte> buffer)
        {
            bytes.AsSpan(_at, buffer.Length).CopyTo(buffer);
            _at = (_at + buffer.Length) % bytes.Length;
            return buffer.Length;
        }

        public int ReceiveAvailable(Span<byte> buffer) => Receive(buffer);

        public int Send(ReadOnlySpan<byte> sent) => sent.Length;
    }
}
