using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using Mono.Unix.Native;

namespace CcwFs.Tests.Images;

/// <summary>A change that could not be put in place: what readers, the next write, the close and the next open make of it.</summary>
public sealed class StuckChangeTests : IDisposable
{
    private const int Track = 5, Refused = -(int)Errno.EIO;
    private readonly ImageDirectory _files = new();
    private readonly List<string> _said = [];

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_is_whole_again_in_a_redo_file_before_anything_is_written_when_somebody_removed_the_first(bool program)
    {
        RecordedDisk disk = Stuck(program ? ImageSync.Program : ImageSync.None, out SlotStore volume);
        disk.LoseRedo();
        int writes = 0;
        disk.Fail = what => what == "image write" && ++writes > 0 ? Refused : 0;
        Assert.Throws<ImageException>(() => Write(volume, 3));
        Assert.True(writes > 0);
        disk.Fail = null;
        using (SlotStore after = disk.Killed().OpenImage(ImageSync.None))
            Assert.Equal(2, Read(after));
        disk.LoseRedo();
        disk.Fail = what => what == "image write" ? Refused : 0;
        volume.Dispose();
        Assert.Contains("it is whole in disk.ckd.redo", volume.CloseFault, StringComparison.Ordinal);
        disk.Fail = null;
        using SlotStore again = disk.OpenImage(ImageSync.None);
        Assert.Equal(2, Read(again));
    }

    [Fact]
    public void Nobody_is_told_that_it_is_whole_in_a_file_that_is_gone_and_cannot_be_made_again()
    {
        RecordedDisk disk = Stuck(ImageSync.None, out SlotStore volume);
        disk.LoseRedo();
        disk.Fail = what => what is "image write" or "redo create" ? Refused : 0;
        string told = Assert.Throws<ImageException>(() => Write(volume, 3)).Message;
        volume.Dispose();
        foreach (string line in new[] { told, volume.CloseFault! })
        {
            Assert.DoesNotContain("is whole in", line, StringComparison.Ordinal);
            Assert.Contains("somebody removed", line, StringComparison.Ordinal);
            Assert.Contains("cylinder 0 head 5", line, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_put_in_place_by_the_next_open_also_where_a_sector_was_cut_in_two(bool tryAgain)
    {
        RecordedDisk disk = Stuck(ImageSync.None, out SlotStore volume);
        disk.Fail = what => what == "image write" ? Refused : 0; // its first half is written, which ends within a sector
        if (tryAgain)
            Assert.Throws<ImageException>(() => Write(volume, 3));
        using SlotStore after = disk.Killed().OpenImage(ImageSync.None);
        Assert.Equal(2, Read(after));
    }

    [Fact]
    public void It_is_not_put_over_what_somebody_has_written_since()
    {
        RecordedDisk disk = Stuck(ImageSync.None, out _);
        RecordedDisk killed = disk.Killed();
        killed.Image.ChangedAt += 1_000_000;
        killed.Image.Write(CkdSlot(Track) + 10_000, new byte[20_000]);
        Assert.Contains("something else has written", Assert.Throws<ImageException>(() => killed.OpenImage(ImageSync.None)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_release_that_was_finished_later_gives_the_space_back_in_the_books_too()
    {
        RecordedDisk disk = Open(ImageSync.None, out SlotStore volume);
        Write(volume, 1);
        disk.Fail = what => what == "image discard" ? Refused : 0;
        Assert.Throws<ImageException>(() => volume.Release(Track, 1));
        disk.Fail = null;
        Write(volume, 2, Track + 1);
        int from = disk.Steps.Count;
        Write(volume, 3);
        List<DiskStep> writes = [.. disk.Steps.Skip(from).Where(step => step.Act == DiskAct.Write)];
        Assert.Equal((disk.Image, CkdSlot(Track), 13 * 4_096), (writes[0].File, writes[0].Offset, writes[0].Bytes.Length)); // space first
        Assert.Contains(writes.Skip(1), step => step.File == disk.Redo);
    }

    [Fact]
    public void A_sync_that_fails_meanwhile_names_its_tracks()
    {
        RecordedDisk disk = Stuck(ImageSync.Program, out SlotStore volume);
        disk.Fail = what => what == "image sync" ? Refused : 0;
        string told = Assert.Throws<ImageException>(() => Write(volume, 3)).Message;
        volume.Dispose();
        Assert.All([told, volume.CloseFault!], line =>
        {
            Assert.Contains("may be lost", line, StringComparison.Ordinal);
            Assert.Contains("track 0/5", line, StringComparison.Ordinal);
        });
        disk.Fail = null;
        string refusal = Assert.Throws<ImageException>(() => disk.OpenImage(ImageSync.None)).Message;
        Assert.Contains("could not be brought to the disk", refusal, StringComparison.Ordinal);
        Assert.Contains("track 0/5", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_said_again_and_again_is_limited_and_counted()
    {
        RecordedDisk disk = Open(ImageSync.None, out SlotStore volume);
        for (int round = 0; round < 50; round++)
        {
            disk.Fail = what => what == "image write" ? Refused : 0;
            Assert.Throws<ImageException>(() => Write(volume, (byte)(round + 1)));
            disk.Fail = null;
            Write(volume, 100);
        }
        Assert.Equal(10, _said.Count);
        volume.Dispose();
        Assert.Equal("disk.ckd: 40 more lines about changes that could not be put in place were left out", Assert.Single(_said.Skip(10)));
    }

    [Fact]
    public void A_flood_of_lines_hides_none_of_another_kind()
    {
        RecordedDisk disk = Open(ImageSync.None, out SlotStore volume);
        Write(volume, 1);
        for (int round = 0; round < 50; round++)
        {
            disk.LoseRedo();
            Write(volume, (byte)(round + 2));
        }
        Assert.Equal(10, _said.Count);
        disk.Fail = what => what == "image write" ? Refused : 0;
        Assert.Throws<ImageException>(() => Write(volume, 100));
        disk.Fail = null;
        Write(volume, 101);
        Assert.Equal("disk.ckd: what could not be put in place before is in place now", Assert.Single(_said.Skip(10)));
        volume.Dispose();
        Assert.Equal("disk.ckd: 40 more lines about a redo file that somebody removed were left out", Assert.Single(_said.Skip(11)));
    }

    [Fact]
    public void An_image_that_is_only_read_has_nothing_to_sync()
    {
        RecordedDisk disk = Open(ImageSync.None, out SlotStore volume);
        volume.Dispose();
        using SlotStore reader = disk.OpenImage(ImageSync.None, readOnly: true);
        disk.Fail = what => what.EndsWith("sync", StringComparison.Ordinal) ? Refused : 0;
        reader.SetSync(ImageSync.Program);
    }

    /// <summary>Generation 1 is in place, 2 is stuck.</summary>
    private RecordedDisk Stuck(ImageSync sync, out SlotStore volume)
    {
        RecordedDisk disk = Open(sync, out SlotStore opened);
        Write(opened, 1);
        disk.Fail = what => what == "image write" ? Refused : 0;
        Assert.Throws<ImageException>(() => Write(opened, 2));
        disk.Fail = null;
        Assert.Equal(2, Read(opened));
        volume = opened;
        return disk;
    }

    private RecordedDisk Open(ImageSync sync, out SlotStore volume)
    {
        var disk = new RecordedDisk(new DiskFile(1, File.ReadAllBytes(_files.Create("v.ckd", 1, VolumeFormat.Ldl, "STUCK"))), null, Guid.NewGuid());
        volume = disk.OpenImage(sync, _said);
        return disk;
    }

    private static long CkdSlot(int track) => 512 + (long)track * 56_832;

    private static void Write(SlotStore volume, byte value, int number = Track)
    {
        var track = new CkdTrack(volume.Geometry);
        VolumeLayout.Create(volume.Geometry, VolumeFormat.Ldl, 4_096, "STUCK").Format(number, track);
        for (int record = 1; record < track.RecordCount; record++)
            track.Data(record).Fill(value);
        volume.Write([new TrackImage(number, track.Image)]);
    }

    /// <summary>The one value that the track holds; null: it is a mixture.</summary>
    private static int? Read(SlotStore volume)
    {
        var track = new CkdTrack(volume.Geometry);
        Assert.Null(track.Load(volume, Track));
        int value = track.Data(1)[0];
        for (int record = 1; record < track.RecordCount; record++)
        {
            if (track.Data(record).IndexOfAnyExcept((byte)value) >= 0)
                return null;
        }
        return value;
    }
}
