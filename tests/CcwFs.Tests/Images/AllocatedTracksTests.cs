using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Images;

/// <summary>What is known of the space of tracks, in a table that stays small.</summary>
public sealed class AllocatedTracksTests
{
    [Theory]
    [InlineData(15, 30)]
    [InlineData(65_520 * 15, 240 * 8_192)]
    [InlineData(1_182_006 * 15, 2 << 20)]
    public void The_table_is_as_large_as_the_volume_and_never_larger_than_two_megabytes(int tracks, long bytes) =>
        Assert.Equal(bytes, AllocatedTracks.MostBytes(tracks));

    [Theory]
    [InlineData(15, 0, 14, true)]
    [InlineData(65_520 * 15, 0, 65_520 * 15 - 1, true)]         // all of a volume that is not extended
    [InlineData(1_182_006 * 15, 7, 7 + (1 << 20), false)]       // the same place of the table
    [InlineData(1_182_006 * 15, 7, 8, true)]
    public void What_is_known_of_a_track_stays_until_its_place_is_needed_and_is_never_that_of_another(int tracks, int one, int other, bool stays)
    {
        var table = new AllocatedTracks(tracks);
        table.Of(one) = 4_096;
        Assert.Equal(0, table.Of(other));
        table.Of(other) = 512;
        Assert.Equal((512, stays ? 4_096 : 0), (table.Of(other), table.Of(one)));
    }

    [Fact]
    public void What_is_forgotten_is_what_was_named_across_pages()
    {
        const int Page = AllocatedTracks.PageTracks;
        var table = new AllocatedTracks(3 * Page);
        for (int track = 0; track < 3 * Page; track++)
            table.Of(track) = 1;
        table.Forget(Page - 2, Page + 5);
        for (int track = 0; track < 3 * Page; track++)
            Assert.Equal(track is >= Page - 2 and < 2 * Page + 3 ? 0 : 1, table.Of(track));
    }
}
