using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>Images go to Hercules' own tools (Debian package hercules) and come from them.</summary>
public sealed class HerculesTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(40)]
    public void A_cdl_volume_is_byte_for_byte_what_dasdinit_makes(int cylinders)
    {
        Run("dasdinit", "-linux", "-lfs", "theirs.ckd", "3390", "LIN001", $"{cylinders}");
        string ours = _files.Create("ours.ckd", cylinders, VolumeFormat.Cdl, "LIN001");
        AssertSameTracks(_files["theirs.ckd"], ours, VolumeFormat.Cdl);
        Assert.Equal((0, ""), _files.Run("cmp", "theirs.ckd", "ours.ckd"));
    }

    [Theory]
    [InlineData("-r", null)]
    [InlineData(null, "PLN001")]
    public void An_unformatted_volume_is_byte_for_byte_what_dasdinit_makes(string? raw, string? volser)
    {
        Run("dasdinit", [.. new[] { raw, "-lfs", "theirs.ckd", "3390", volser, "4" }.OfType<string>()]);
        _ = _files.Create("ours.ckd", 4, VolumeFormat.None, volser);
        Assert.Equal((0, ""), _files.Run("cmp", "theirs.ckd", "ours.ckd"));
    }

    [Theory]
    [InlineData(VolumeFormat.None, 4_096, null)]
    [InlineData(VolumeFormat.None, 4_096, "PLAIN")]
    [InlineData(VolumeFormat.Cdl, 4_096, "CDL4K")]
    [InlineData(VolumeFormat.Cdl, 512, "CDL512")]
    [InlineData(VolumeFormat.Ldl, 4_096, "LDL4K")]
    [InlineData(VolumeFormat.Ldl, 1_024, "LDL1K")]
    public void Dasdcopy_takes_every_layout_and_its_copy_is_equal(VolumeFormat format, int blockSize, string? volser)
    {
        _ = _files.Create("ours.ckd", 3, format, volser, blockSize);
        Run("dasdcopy", "-q", "-r", "-z", "ours.ckd", "packed.cckd");
        Run("dasdcopy", "-q", "-r", "-o", "ckd", "packed.cckd", "copy.ckd");
        Assert.Equal((0, ""), _files.Run("cmp", "ours.ckd", "copy.ckd"));
        if (format == VolumeFormat.Cdl)
            Assert.Contains($"VOLSER={volser}", _files.Run("dasdls", "ours.ckd").Text, StringComparison.Ordinal);
        using CkdImage image = CkdImage.Open(_files["copy.ckd"]);
        Assert.Empty(ImageChecker.Check(image));
        Assert.Equal((format, volser), (VolumeLayout.Detect(image).Kind, SerialOf(image)));
    }

    [Fact]
    public void A_lazy_volume_completed_is_the_volume_made_at_once()
    {
        _ = _files.Create("whole.ckd", 3, VolumeFormat.Cdl, "LAZY");
        string lazy = _files.Create("lazy.ckd", 3, VolumeFormat.Cdl, "LAZY", lazy: true);
        using (CkdImage image = CkdImage.Open(lazy))
        {
            Assert.Equal((2, 43), ImageChecker.CountTracks(image));
            Assert.Equal(43, CkdImageCreator.Complete(image));
            Assert.Equal(0, CkdImageCreator.Complete(image));
        }
        Assert.Equal((0, ""), _files.Run("cmp", "whole.ckd", "lazy.ckd"));
    }

    [Fact]
    public void A_large_volume_has_its_free_space_in_a_format_7_dscb_as_dasdinit_writes_it_but_for_the_end()
    {
        Run("dasdinit", "-0", "-linux", "-lfs", "packed.cckd", "3390-9", "BIG009");
        byte[] packed = File.ReadAllBytes(_files["packed.cckd"]);
        int table = BinaryPrimitives.ReadInt32LittleEndian(packed.AsSpan(1_024));
        int at = BinaryPrimitives.ReadInt32LittleEndian(packed.AsSpan(table + 8));
        int length = BinaryPrimitives.ReadUInt16LittleEndian(packed.AsSpan(table + 12));
        CkdGeometry geometry = CkdGeometry.Model3390(10_017);
        var track = new CkdTrack(geometry);
        VolumeLayout.Create(geometry, VolumeFormat.Cdl, 4_096, "BIG009").Format(1, track);
        byte[] theirs = packed.AsSpan(at, length).ToArray();
        // Their end is the last track, the architecture's the one behind it.
        int end = CkdTrack.HomeAddressSize + 16 + 2 * 148 + 8 + 8;
        Assert.Equal(10_017 * 15 - 1, BinaryPrimitives.ReadInt32BigEndian(theirs.AsSpan(end)));
        BinaryPrimitives.WriteInt32BigEndian(theirs.AsSpan(end), 10_017 * 15);
        Assert.Equal(theirs, track.Image.ToArray());
        _ = _files.Create("ours.ckd", 10_017, VolumeFormat.Cdl, "BIG009", lazy: true);
        Assert.Contains("VOLSER=BIG009", _files.Run("dasdls", "ours.ckd").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_we_write_into_their_volume_they_read_and_what_they_wrote_stays()
    {
        Run("dasdinit", "-linux", "-lfs", "theirs.ckd", "3390", "LIN001", "2");
        var track = new CkdTrack(CkdGeometry.Model3390(2));
        using (CkdImage image = CkdImage.Open(_files["theirs.ckd"]))
        {
            Assert.Null(track.Load(image, 17));
            track.Data(5).Fill(0xC1);
            image.Write([new TrackImage(17, track.Image)]);
        }
        Run("dasdcopy", "-q", "-r", "-z", "theirs.ckd", "packed.cckd");
        Run("dasdcopy", "-q", "-r", "-o", "ckd", "packed.cckd", "copy.ckd");
        Assert.Equal((0, ""), _files.Run("cmp", "theirs.ckd", "copy.ckd"));
        using CkdImage copy = CkdImage.Open(_files["copy.ckd"], readOnly: true);
        Assert.Null(track.Load(copy, 17));
        Assert.Equal(-1, track.Data(5).IndexOfAnyExcept((byte)0xC1));
    }

    [Fact]
    public void A_volume_that_dasdinit_splits_at_2_gib_is_read_over_the_seam_and_written()
    {
        Run("dasdinit", "vol.ckd", "3390-3", "MUL001");
        using (CkdImage image = CkdImage.Open(_files["vol_1.ckd"]))
        {
            Assert.Equal(3_339, image.Geometry.Cylinders);
            Assert.Equal([_files["vol_1.ckd"], _files["vol_2.ckd"]], image.Files);
            Assert.Equal((_files["vol_2.ckd"], 512L), image.Where(2_519 * 15));
            var track = new CkdTrack(image.Geometry);
            foreach (int number in new[] { 0, 2_519 * 15 - 1, 2_519 * 15, 50_084 })
                Assert.Null(track.Load(image, number));
            image.Write([new TrackImage(50_084, track.Image)]);
        }
        Assert.Contains("file 2 of a series", Assert.Throws<ImageException>(() => CkdImage.Open(_files["vol_2.ckd"])).Message,
            StringComparison.Ordinal);
        File.Delete(_files["vol_2.ckd"]);
        Assert.Contains("vol_2.ckd: file 2 of the series is missing", Assert.Throws<ImageException>(() => CkdImage.Open(_files["vol_1.ckd"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_small_volume_in_two_files_is_one_to_both_and_a_gap_between_them_is_refused()
    {
        byte[] whole = File.ReadAllBytes(_files.Create("whole.ckd", 5, VolumeFormat.Cdl, "SPLIT"));
        const int seam = 512 + 3 * 15 * 56_832;
        byte[] header = whole.AsSpan(0, 512).ToArray();
        (header[17], header[18]) = (1, 2);
        File.WriteAllBytes(_files["part_1.ckd"], [.. header, .. whole.AsSpan(512, seam - 512)]);
        (header[17], header[18]) = (2, 0);
        File.WriteAllBytes(_files["part_2.ckd"], [.. header, .. whole.AsSpan(seam)]);
        Assert.Contains("VOLSER=SPLIT", _files.Run("dasdls", "part_1.ckd").Text, StringComparison.Ordinal);
        Run("dasdcopy", "-q", "-r", "-z", "part_1.ckd", "packed.cckd");
        Run("dasdcopy", "-q", "-r", "-o", "ckd", "packed.cckd", "copy.ckd");
        Assert.Equal((0, ""), _files.Run("cmp", "whole.ckd", "copy.ckd"));
        AssertSameTracks(_files["whole.ckd"], _files["part_1.ckd"], VolumeFormat.Cdl);
        File.WriteAllBytes(_files["part_2.ckd"], [.. header, .. whole.AsSpan(seam + 15 * 56_832)]);
        Assert.Contains("part_2.ckd: offset 512: home address", Assert.Throws<ImageException>(() => CkdImage.Open(_files["part_1.ckd"])).Message,
            StringComparison.Ordinal);
        header[17] = 3;
        File.WriteAllBytes(_files["part_2.ckd"], [.. header, .. whole.AsSpan(seam)]);
        Assert.Contains("file number 3 where 2", Assert.Throws<ImageException>(() => CkdImage.Open(_files["part_1.ckd"])).Message,
            StringComparison.Ordinal);
    }

    private static void AssertSameTracks(string theirs, string ours, VolumeFormat format)
    {
        using CkdImage left = CkdImage.Open(theirs, readOnly: true);
        using CkdImage right = CkdImage.Open(ours, readOnly: true);
        Assert.Equal(left.Geometry, right.Geometry);
        Assert.Equal(format, VolumeLayout.Detect(left).Kind);
        byte[] a = new byte[left.Geometry.TrackSize];
        byte[] b = new byte[left.Geometry.TrackSize];
        for (int track = 0; track < left.Geometry.Tracks; track++)
        {
            left.Read(track, a);
            right.Read(track, b);
            Assert.True(a.AsSpan().SequenceEqual(b), $"track {track}");
        }
    }

    private static string? SerialOf(CkdImage image)
    {
        var track = new CkdTrack(image.Geometry);
        Assert.Null(track.Load(image, 0));
        return VolumeLayout.SerialOf(track);
    }

    private void Run(string tool, params string[] arguments)
    {
        (int status, string text) = _files.Run(tool, arguments);
        Assert.True(status == 0, $"{tool}: {text}");
    }
}
