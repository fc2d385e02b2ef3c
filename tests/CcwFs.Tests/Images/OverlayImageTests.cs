using CcwFs.Emulation.Dasd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Overlay;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>Volumes over others that are only read.</summary>
public sealed class OverlayImageTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_is_written_is_in_the_overlay_and_the_base_is_as_it_was()
    {
        string basis = _files.Create("base.ckd", 2, VolumeFormat.Cdl, "BASE"), path = _files["v.overlay"];
        byte[] before = File.ReadAllBytes(basis);
        Make(path, basis);
        using (SlotStore overlay = Open(path, basis))
            overlay.Write([Track(overlay, 7, 1), Track(overlay, 29, 2)]);
        using (SlotStore again = Open(path, basis))
        {
            Assert.Equal((0, 1, 2), (Value(again, 8), Value(again, 7), Value(again, 29)));
            Assert.Equal("BASE", VolumeLayout.Detect(again).Serial);
            Assert.Empty(ImageChecker.Check(again));
        }
        Assert.Equal(before, File.ReadAllBytes(basis));
        Assert.False(File.Exists(path + ".redo") || File.Exists(basis + ".redo"));
    }

    [Fact]
    public void A_base_is_shared_by_many_and_an_overlay_is_not()
    {
        string basis = _files.Create("base.ckd", 1, VolumeFormat.Cdl, "BASE");
        List<SlotStore> open = [];
        for (byte index = 0; index < 100; index++)
        {
            Make(_files[$"{index}.overlay"], basis);
            open.Add(Open(_files[$"{index}.overlay"], basis));
            open[index].Write([Track(open[index], 3, index)]);
        }
        for (byte index = 0; index < 100; index++)
            Assert.Equal(index, Value(open[index], 3));
        Assert.Contains("in use", Assert.Throws<ImageException>(() => Open(_files["7.overlay"], basis)).Message, StringComparison.Ordinal);
        Assert.Contains("in use", Assert.Throws<ImageException>(() => CkdImage.Open(basis)).Message, StringComparison.Ordinal);
        open.ForEach(static store => store.Dispose());
        CkdImage.Open(basis).Dispose();
    }

    [Fact]
    public void A_track_that_is_released_is_empty_and_one_of_the_base_that_was_never_formatted_takes_no_space()
    {
        string basis = _files.Create("base.ckd", 2, VolumeFormat.Cdl, "BASE", lazy: true), path = _files["v.overlay"];
        Make(path, basis);
        using (SlotStore overlay = Open(path, basis))
        {
            overlay.Write([Track(overlay, 5, 1)]);
            overlay.Release(0, 30);
            Assert.True(overlay.AllocatedBytes < 300_000, $"{overlay.AllocatedBytes} bytes");
        }
        using SlotStore again = Open(path, basis);
        Assert.All(Enumerable.Range(0, 30), track => Assert.True(again.IsEmpty(track)));
        Assert.Equal((0, 30), ImageChecker.CountTracks(again));
        again.Write([Track(again, 1, 9)]);
        Assert.Equal(9, Value(again, 1));
    }

    [Fact]
    public void A_temporary_one_leaves_nothing()
    {
        string basis = _files.Create("base.ckd", 1, VolumeFormat.Cdl, "BASE");
        byte[] before = File.ReadAllBytes(basis);
        var file = default(VolumeFile);
        using (SlotStore first = TrackStores.OpenOverlay(HostImageFiles.Instance, null, basis, file, new ImageOptions(Sync: ImageSync.Program)))
        using (SlotStore second = TrackStores.OpenOverlay(HostImageFiles.Instance, null, basis, file, default))
        {
            first.Write([Track(first, 3, 1)]);
            Assert.Equal((1, 0), (Value(first, 3), Value(second, 3)));
        }
        Assert.Equal([basis], Directory.GetFiles(_files.Path));
        Assert.Equal(before, File.ReadAllBytes(basis));
    }

    [Theory]
    [InlineData(0, "offset 0: it is no overlay")]
    [InlineData(8, "offset 8: an overlay of version")]
    [InlineData(16, "offset 508: the head of the overlay is damaged")]
    [InlineData(510, "offset 508: the head of the overlay is damaged")]
    public void A_damaged_head_is_refused_with_file_and_offset(int offset, string reason)
    {
        string basis = _files.Create("base.ckd", 1, VolumeFormat.Cdl, "BASE"), path = _files["v.overlay"];
        Make(path, basis);
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = offset;
            file.WriteByte(0x77);
        }
        string refusal = Refusal(path, basis);
        Assert.StartsWith($"{path}: {reason}", refusal, StringComparison.Ordinal);
        Assert.EndsWith($"(its base is {basis})", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_base_a_base_that_was_written_and_a_file_that_is_cut_are_refused()
    {
        string basis = _files.Create("base.ckd", 1, VolumeFormat.Cdl, "BASE"), path = _files["v.overlay"];
        Make(path, basis);
        Assert.Contains("over a volume of 1 cylinders, and this one has 2", Refusal(path, _files.Create("large.ckd", 2)), StringComparison.Ordinal);
        Assert.Contains("it is over another volume", Refusal(path, _files.Create("other.ckd", 1, VolumeFormat.Cdl, "OTHER")), StringComparison.Ordinal);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(file.Length - 1);
        Assert.Contains("truncated?", Refusal(path, basis), StringComparison.Ordinal);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(100);
        Assert.Contains("offset 0: it is no overlay", Refusal(path, basis), StringComparison.Ordinal);
        Assert.Contains("no such file", Refusal(_files["none"], basis), StringComparison.Ordinal);
        CkdImage.Open(basis).Dispose(); // every refusal let go of it
    }

    /// <summary>What is in a slot leads to no crash: a track that it cannot be is torn.</summary>
    [Fact]
    public void Bytes_of_a_slot_that_are_no_track_are_a_torn_track()
    {
        string basis = _files.Create("base.ckd", 1, VolumeFormat.Cdl, "BASE"), path = _files["v.overlay"];
        Make(path, basis);
        var random = new Random(15);
        byte[] bytes = new byte[56_832];
        using (FileStream file = File.OpenWrite(path))
        {
            for (int track = 0; track < 15; track++)
            {
                random.NextBytes(bytes);
                bytes[0] = (byte)(track + 1);
                file.Position = 4_096 + track * 56_832L;
                file.Write(bytes);
            }
        }
        using SlotStore overlay = Open(path, basis, readOnly: true);
        var loaded = new CkdTrack(overlay.Geometry);
        Assert.NotNull(loaded.Load(overlay, 0));
        Assert.Null(loaded.Load(overlay, 1)); // 2: released, whatever follows
        Assert.All(Enumerable.Range(2, 13), track => Assert.Contains("home address flag", loaded.Load(overlay, track), StringComparison.Ordinal));
    }

    [Fact]
    public void Writing_and_reading_the_same_tracks_again_allocates_nothing()
    {
        string basis = _files.Create("base.ckd", 1, VolumeFormat.Cdl, "BASE"), path = _files["v.overlay"];
        Make(path, basis);
        using SlotStore overlay = Open(path, basis);
        TrackImage[] one = [Track(overlay, 3, 1)], other = [Track(overlay, 3, 2)];
        byte[] slot = new byte[overlay.Geometry.TrackSize];
        overlay.Write(one);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int round = 0; round < 100; round++)
            {
                overlay.Write(other);
                overlay.Read(3, slot);
                overlay.Read(4, slot);
                overlay.Write(one);
            }
        }));
    }

    private static void Make(string path, string basis)
    {
        using CkdImage below = CkdImage.Open(basis, readOnly: true);
        Assert.True(OverlayImage.Create(path, below));
        Assert.False(OverlayImage.Create(path, below));
    }

    private static SlotStore Open(string path, string basis, bool readOnly = false) =>
        TrackStores.OpenOverlay(HostImageFiles.Instance, path, basis, default, new ImageOptions(readOnly));

    private static string Refusal(string path, string basis)
    {
        string refusal = Assert.Throws<ImageException>(() => Open(path, basis)).Message;
        Assert.DoesNotContain('\n', refusal);
        return refusal;
    }

    private static TrackImage Track(SlotStore store, int number, byte value)
    {
        var track = new CkdTrack(store.Geometry);
        VolumeLayout.Create(store.Geometry, VolumeFormat.Ldl, volser: "TRACK").Format(number, track);
        for (int record = 1; record < track.RecordCount; record++)
            track.Data(record).Fill(value);
        return new TrackImage(number, track.Image.ToArray());
    }

    private static int Value(SlotStore store, int number)
    {
        var track = new CkdTrack(store.Geometry);
        Assert.Null(track.Load(store, number));
        return track.Data(1)[0];
    }
}
