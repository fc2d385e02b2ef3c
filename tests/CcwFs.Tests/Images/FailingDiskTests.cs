using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using Mono.Unix.Native;

namespace CcwFs.Tests.Images;

/// <summary>Calls that fail, and redo files that go, while an image is written.</summary>
public sealed class FailingDiskTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("image sync", true)]
    [InlineData("image sync", false)]
    public void A_sync_that_failed_is_told_at_close_and_to_the_next_open(string what, bool program)
    {
        var disk = new RecordedDisk(new DiskFile(1, File.ReadAllBytes(_files.Create("v.ckd", 1, VolumeFormat.Ldl, "LOST"))), null, Guid.NewGuid());
        SlotStore volume = disk.OpenImage(program ? ImageSync.Program : ImageSync.None);
        Assert.True(TwoTracks.Try(volume, 1, out _));
        disk.Fail = call => call == what ? -(int)Errno.EIO : 0;
        Assert.Equal(!program, TwoTracks.Try(volume, 2, out _));
        volume.Dispose();
        Assert.Contains("may be lost", volume.CloseFault, StringComparison.Ordinal);
        disk.Fail = null;
        string refusal = Assert.Throws<ImageException>(() => disk.OpenImage(ImageSync.None)).Message;
        Assert.Contains("could not be brought to the disk (input/output error)", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal);
    }

    [Fact]
    public async Task With_seconds_a_write_is_synced_by_itself_and_a_failure_ends_writing()
    {
        var disk = new RecordedDisk(new DiskFile(1, File.ReadAllBytes(_files.Create("v.ckd", 1, VolumeFormat.Ldl, "TIMED"))), null, Guid.NewGuid());
        var synced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        CkdImage volume =
            CkdImage.Open(disk, "disk.ckd", new ImageOptions(Sync: new ImageSync(EveryProgram: false, 1), Say: line => failed.TrySetResult()));
        Assert.True(TwoTracks.Try(volume, 1, out _));
        int marks = 0;
        disk.Fail = what =>
        {
            if (what == "redo sync" && ++marks == 1)
                synced.TrySetResult(); // the head says that all is synced
            return 0;
        };
        await synced.Task.WaitAsync(TimeSpan.FromSeconds(60));
        disk.Fail = what => what == "image sync" ? -(int)Errno.EIO : 0;
        Assert.True(TwoTracks.Try(volume, 2, out _));
        await failed.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(TwoTracks.Try(volume, 3, out ImageException? told));
        Assert.Contains("may be lost", told!.Message, StringComparison.Ordinal);
        volume.Dispose();
    }

    [Fact]
    public void A_redo_file_that_somebody_removes_is_made_again_and_told()
    {
        string path = _files.Create("v.ckd", 1, VolumeFormat.Ldl, "GONE");
        List<string> said = [];
        using CkdImage volume = CkdImage.Open(HostImageFiles.Instance, path, new ImageOptions(Say: said.Add));
        Assert.True(TwoTracks.Try(volume, 1, out _));
        File.Delete(path + ".redo");
        Assert.True(TwoTracks.Try(volume, 2, out _));
        Assert.True(File.Exists(path + ".redo"));
        Assert.Contains(said, line => line.Contains("somebody removed it", StringComparison.Ordinal));
        File.Delete(path + ".redo");
        File.WriteAllText(path + ".redo", "something of somebody else");
        Assert.False(TwoTracks.Try(volume, 3, out ImageException? told));
        Assert.Contains("somebody made a file of this name", told!.Message, StringComparison.Ordinal);
        Assert.Equal("something of somebody else", File.ReadAllText(path + ".redo"));
        volume.SetSync(ImageSync.Program); // what was written before is, and the state is kept where it was
        volume.Dispose();
        Assert.Null(volume.CloseFault);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 512)]
    [InlineData(100, 0)]
    public void A_redo_file_that_somebody_empties_has_its_head_again_before_the_next_write(int length, int zeros)
    {
        string path = _files.Create("v.ckd", 1, VolumeFormat.Ldl, "EMPTY");
        List<string> said = [];
        using CkdImage volume = CkdImage.Open(HostImageFiles.Instance, path, new ImageOptions(Say: said.Add));
        Assert.True(TwoTracks.Try(volume, 1, out _));
        byte[] head = File.ReadAllBytes(path + ".redo")[..512];
        using (FileStream redo = File.OpenWrite(path + ".redo"))
        {
            if (zeros == 0)
                redo.SetLength(length);
            redo.Write(new byte[zeros]);
        }
        Assert.True(TwoTracks.Try(volume, 2, out _));
        Assert.Equal(head, File.ReadAllBytes(path + ".redo")[..512]);
        Assert.Contains(said, line => line.Contains("emptied it", StringComparison.Ordinal));
        volume.Dispose();
        Assert.False(File.Exists(path + ".redo"));
    }

    [Fact]
    public void A_redo_file_that_is_gone_is_not_said_to_stay_when_its_directory_alone_cannot_be_synced()
    {
        var disk = new RecordedDisk(new DiskFile(1, File.ReadAllBytes(_files.Create("v.ckd", 1, VolumeFormat.Ldl, "NAMES"))), null, Guid.NewGuid());
        SlotStore volume = disk.OpenImage(ImageSync.None);
        Assert.True(TwoTracks.Try(volume, 1, out _));
        RecordedDisk killed = disk.Killed();
        disk.Fail = what => what == "redo name sync" ? -(int)Errno.EIO : 0;
        volume.Dispose();
        killed.Fail = disk.Fail;
        string refusal = Assert.Throws<ImageException>(() => killed.OpenImage(ImageSync.None)).Message;
        Assert.All([volume.CloseFault!, refusal], line =>
        {
            Assert.Contains("it is removed, but its directory cannot be synced: input/output error", line, StringComparison.Ordinal);
            Assert.DoesNotContain("cannot be removed", line, StringComparison.Ordinal);
        });
        killed.Fail = null;
        killed.OpenImage(ImageSync.None).Dispose();
    }

    /// <summary>
    /// As by the last user of an image whose directory is another's: everything was synced, so it is good after the system was restarted.
    /// </summary>
    [Fact]
    public void A_redo_file_that_stays_for_it_cannot_be_removed_says_that_all_is_there()
    {
        var disk = new RecordedDisk(new DiskFile(1, File.ReadAllBytes(_files.Create("v.ckd", 1, VolumeFormat.Ldl, "STAYS"))), null, Guid.NewGuid());
        SlotStore volume = disk.OpenImage(ImageSync.None);
        Assert.True(TwoTracks.Try(volume, 1, out _));
        disk.Fail = what => what == "redo remove" ? -(int)Errno.EACCES : 0;
        volume.Dispose();
        const string NoHarm = "remove it; it does no harm: nothing is pending in it, and all that was written is on the disk";
        Assert.Equal($"disk.ckd.redo: cannot be removed: permission denied; {NoHarm}", volume.CloseFault);
        new RecordedDisk(disk.Image, disk.Redo, Guid.NewGuid()).OpenImage(ImageSync.None).Dispose();
    }

    [Fact]
    public void A_state_that_could_not_be_written_is_written_again_before_the_next_track()
    {
        var disk = new RecordedDisk(new DiskFile(1, File.ReadAllBytes(_files.Create("v.ckd", 1, VolumeFormat.Ldl, "STATE"))), null, Guid.NewGuid());
        using SlotStore volume = disk.OpenImage(ImageSync.None);
        Assert.True(TwoTracks.Try(volume, 1, out _));
        disk.Fail = what => what == "redo sync" ? -(int)Errno.EIO : 0;
        Assert.Throws<ImageException>(() => volume.SetSync(ImageSync.Program));
        disk.Fail = null;
        Assert.True(TwoTracks.Try(volume, 2, out _));
        Assert.Equal(1, disk.Redo!.Bytes[12]); // unsynced
    }
}
