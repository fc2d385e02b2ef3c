using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Images;

public sealed class CkdTrackTests
{
    private static readonly CkdGeometry Geometry = CkdGeometry.Model3390(2);

    [Fact]
    public void An_empty_slot_is_a_track_with_a_home_address_and_record_0()
    {
        var track = new CkdTrack(Geometry);
        Assert.Null(track.Load(new byte[Geometry.TrackSize], 17));
        Assert.True(track.WasUnformatted);
        Assert.Equal("0000010002" + "0001000200000008" + "0000000000000000" + "FFFFFFFFFFFFFFFF", Convert.ToHexString(track.Image.Span));
    }

    [Fact]
    public void A_built_track_is_read_as_it_was_built()
    {
        var track = new CkdTrack(Geometry);
        track.Initialize(16);
        Assert.True(track.Append(0, [0, 1, 0, 1, 1, 2, 0, 3], out int index));
        "KK"u8.CopyTo(track.Key(index));
        "ddd"u8.CopyTo(track.Data(index));
        Assert.Equal("0000010001" + "0001000100000008" + "0000000000000000" + "0001000101020003" + "4B4B646464" + "FFFFFFFFFFFFFFFF",
            Convert.ToHexString(track.Image.Span));
        var again = new CkdTrack(Geometry);
        Assert.Null(again.Load(track.Image.Span, 16));
        Assert.Equal((2, 1, 2, 3), (again.RecordCount, again.Count(1)[4], again.KeyLength(1), again.DataLength(1)));
        Assert.False(again.WasUnformatted);
    }

    [Fact]
    public void Erasing_leaves_no_byte_of_the_records_behind()
    {
        var track = new CkdTrack(Geometry);
        VolumeLayout.Create(Geometry, VolumeFormat.Ldl, 512, "A").Format(3, track);
        track.KeyAndData(40).Fill(0xAA);
        track.EraseAfter(0);
        byte[] slot = new byte[Geometry.TrackSize];
        track.Image.Span.CopyTo(slot);
        Assert.Equal(29, track.Image.Length);
        Assert.Equal(1, track.RecordCount);
    }

    [Fact]
    public void A_renumbered_track_says_its_new_place_in_every_count_field()
    {
        VolumeLayout layout = VolumeLayout.Create(Geometry, VolumeFormat.Ldl, 4_096, "A");
        var built = new CkdTrack(Geometry);
        layout.Format(20, built);
        var moved = new CkdTrack(Geometry);
        layout.Format(3, moved);
        moved.Renumber(20);
        Assert.Equal(built.Image.ToArray(), moved.Image.ToArray());
    }

    [Theory]
    [InlineData("0001000201000008")]
    [InlineData("0001000200040008")]
    public void A_record_0_that_could_not_be_read_back_is_refused(string count)
    {
        var track = new CkdTrack(Geometry);
        track.Initialize(17);
        Assert.False(track.Append(-1, Convert.FromHexString(count), out _));
        Assert.Equal(1, track.RecordCount);
    }

    [Fact]
    public void A_record_that_does_not_fit_changes_nothing()
    {
        var track = new CkdTrack(Geometry);
        track.Initialize(1);
        byte[] before = track.Image.ToArray();
        Assert.False(track.Append(0, [0, 0, 0, 1, 1, 0, 0xFF, 0xFF], out _));
        Assert.False(track.Append(0, [255, 255, 255, 255, 255, 255, 255, 255], out _));
        Assert.Equal(before, track.Image.ToArray());
    }

    [Theory]
    [InlineData(0, "01", "home address flag")]
    [InlineData(2, "07", "home address")]
    [InlineData(9, "05", "not record 0")]
    [InlineData(10, "04", "not record 0")]
    [InlineData(5, "FFFFFFFFFFFFFFFF", "no record 0")]
    [InlineData(27, "FFFF", "track's end")]
    public void A_torn_or_impossible_track_is_named_and_holds_no_record(int offset, string bytes, string reason)
    {
        var track = new CkdTrack(Geometry);
        VolumeLayout.Create(Geometry, VolumeFormat.Ldl, 4_096, "A").Format(16, track);
        byte[] slot = track.Image.ToArray();
        Convert.FromHexString(bytes).CopyTo(slot, offset);
        Assert.Contains(reason, track.Load(slot, 16), StringComparison.Ordinal);
        Assert.Equal(0, track.RecordCount);
    }

    [Fact]
    public void A_track_without_an_end_mark_is_refused()
    {
        byte[] slot = new byte[Geometry.TrackSize];
        slot[12] = 8;
        Assert.Contains("more than 256 records", new CkdTrack(Geometry).Load(slot, 0), StringComparison.Ordinal);
    }
}
