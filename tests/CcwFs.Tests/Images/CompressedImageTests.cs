using CcwFs.Emulation.Dasd.Compressed;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Fuzz;

namespace CcwFs.Tests.Images;

/// <summary>What the old tools of Hercules do not make: wide images, all null tracks, chains of every shape; and what a person is told.</summary>
public sealed class CompressedImageTests : IDisposable
{
    private static readonly CkdGeometry s_geometry = CkdGeometry.Model3390(18);
    private readonly ImageDirectory _directory = new();
    private readonly MemoryImageFiles _files = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("CKD_C370", true)]
    [InlineData("CKD_C064", true)]
    [InlineData("CKD_S370", true)]
    [InlineData("CKD_S064 and more", true)]
    [InlineData("CKD_P370", false)]
    [InlineData("CKD_P064", false)]
    [InlineData("FBA_C370", false)]
    [InlineData("CKD_C37", false)]
    public void It_is_known_by_its_first_bytes(string identifier, bool isKnown) =>
        Assert.Equal(isKnown, CompressedImage.Knows(System.Text.Encoding.ASCII.GetBytes(identifier)));

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Tracks_that_are_packed_in_every_way_are_read(bool isWide, bool isBigEndian)
    {
        Put("v", new CompressedBuilder(18) { IsWide = isWide, IsBigEndian = isBigEndian, NullFormat = 1, SpareEntries = 3 }
            .Add(0, Track(0), CompressedBuilder.Stored).Add(1, Track(1), CompressedBuilder.Zlib).AddBZip2(2)
            .Add(269, Track(269), CompressedBuilder.Zlib));
        using CompressedImage image = Open("v");
        Assert.Equal((s_geometry, true, "v"), (image.Geometry, image.IsReadOnly, image.Name));
        AssertTrack(image, 0, Track(0));
        AssertTrack(image, 1, Track(1));
        AssertTrack(image, 269, Track(269));
        CkdTrack packed = Load(image, 2);
        Assert.Equal((4, 4_096, -1), (packed.RecordCount, packed.DataLength(2), packed.Data(2).IndexOfAnyExcept((byte)0)));
        Assert.Equal(2, Load(image, 3).RecordCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Read(270, new byte[s_geometry.TrackSize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Read(0, new byte[s_geometry.TrackSize - 1]));
    }

    /// <summary>Of the header, in the entry (null: there is no table), and the records beside record 0 and their length.</summary>
    [Theory]
    [InlineData(0, null, 1, 0)]
    [InlineData(1, null, 0, 0)]
    [InlineData(2, null, 12, 4_096)]
    [InlineData(7, null, 1, 0)]
    [InlineData(0, 0, 1, 0)]
    [InlineData(1, 0, 1, 0)]
    [InlineData(2, 0, 12, 4_096)]
    [InlineData(0, 1, 0, 0)]
    [InlineData(2, 1, 0, 0)]
    [InlineData(0, 2, 12, 4_096)]
    public void A_null_track_is_of_the_format_of_its_entry_or_of_the_header(byte ofHeader, int? ofEntry, int records, int length)
    {
        CompressedBuilder builder = new CompressedBuilder(18) { NullFormat = ofHeader }.Add(0, Track(0), CompressedBuilder.Stored);
        if (ofEntry is { } format)
            builder.AddNull(257, format);
        Put("v", builder);
        using CompressedImage image = Open("v");
        CkdTrack track = Load(image, 257);
        Assert.Equal((records + 1, 8, 17, 2), (track.RecordCount, track.DataLength(0), track.Cylinder, track.Head));
        for (int record = 1; record <= records; record++)
        {
            Assert.Equal((0, length), (track.KeyLength(record), track.DataLength(record)));
            Assert.Equal($"00110002{record:X2}00{length:X4}", Convert.ToHexString(track.Count(record)));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_chain_gives_the_newest_track_and_each_file_the_volume_as_it_was_then(bool isWide)
    {
        Put("d.1/v.cckd", new CompressedBuilder(18) { IsWide = isWide }.Add(0, Track(0, 1), 1).Add(1, Track(1, 1), 1).Add(2, Track(2, 1), 1));
        Put("d.1/v_1.cckd", new CompressedBuilder(18) { IsWide = isWide, IsShadow = true }.Add(1, Track(1, 2), 1).Add(2, Track(2, 2), 1));
        Put("d.1/v_2.cckd", new CompressedBuilder(18) { IsWide = isWide, IsShadow = true }.AddBelow(1).Add(2, Track(2, 3), 1).AddNull(0, 1));
        using (CompressedImage image = Open("d.1/v_2.cckd"))
        {
            Assert.Equal(1, Load(image, 0).RecordCount);
            AssertTrack(image, 1, Track(1, 2));
            AssertTrack(image, 2, Track(2, 3));
        }
        using (CompressedImage image = Open("d.1/v_1.cckd"))
        {
            AssertTrack(image, 0, Track(0, 1));
            AssertTrack(image, 1, Track(1, 2));
            AssertTrack(image, 2, Track(2, 2));
        }
        using (CompressedImage image = Open("d.1/v.cckd"))
            AssertTrack(image, 2, Track(2, 1));
        using (CompressedImage image = OpenChain("d.1/v.cckd", "d.1/v_2.cckd"))
            AssertTrack(image, 1, Track(1, 1));
        Assert.Equal(0, _files.OpenFiles);
    }

    [Fact]
    public void A_volume_without_blocks_of_its_own_has_those_of_the_files_below()
    {
        Put("v", new CompressedBuilder(18) { NullFormat = 2 }.AddNull(0, 0));
        Put("v_1", new CompressedBuilder(18) { IsShadow = true }.AddNull(1, 0));
        using CompressedImage image = Open("v_1");
        Assert.Equal([13, 13], new[] { 0, 1 }.Select(number => Load(image, number).RecordCount));
    }

    [Fact]
    public void A_chain_may_stand_on_a_plain_image()
    {
        string plain = _directory.Create("v.ckd", 18, VolumeFormat.Cdl, "PLAIN");
        byte[] shadow = new CompressedBuilder(18) { IsShadow = true }.Add(1, Track(1), CompressedBuilder.Zlib).Build();
        File.WriteAllBytes(_directory["v_1.ckd"], shadow);
        var options = new ImageOptions(ReadOnly: true);
        using CompressedImage image = CompressedImage.Open(HostImageFiles.Instance, _directory["v_1.ckd"], options);
        using CkdImage below = CkdImage.Open(plain, readOnly: true);
        Assert.True(image.AllocatedBytes > below.AllocatedBytes);
        AssertTrack(image, 1, Track(1));
        byte[] slot = new byte[s_geometry.TrackSize];
        below.Read(2, slot);
        AssertTrack(image, 2, slot);
        image.Dispose();
        below.Dispose();
        CkdImage.Open(plain).Dispose(); // nobody has it any more
    }

    [Theory]
    [InlineData("v.cckd", "v_1.cckd", "v_1.cckd: offset 512: 17 cylinders, and the file that it changes has 18")]
    [InlineData("v.cckd", "v.cckd", "v.cckd: offset 0: no shadow file, and only such change another file")]
    [InlineData("v_2.cckd", "v_1.cckd", "v_2.cckd: offset 0: a shadow file, where the volume is to be that others change")]
    [InlineData("none", "v_1.cckd", "none: no such file; it is to be the volume that the shadow file v_1.cckd changes")]
    [InlineData("v.cckd", "none", "none: no such file")]
    public void A_chain_that_does_not_fit_is_refused(string below, string above, string refusal)
    {
        Put("v.cckd", new CompressedBuilder(18));
        Put("v_1.cckd", new CompressedBuilder(17) { IsShadow = true });
        Put("v_2.cckd", new CompressedBuilder(18) { IsShadow = true });
        Assert.Equal(refusal, Assert.Throws<ImageException>(() => OpenChain(below, above)).Message);
        Assert.Equal(0, _files.OpenFiles);
    }

    [Theory]
    [InlineData("v_1.cckd", "v.cckd: no such file; it is to be the volume that the shadow file v_1.cckd changes")]
    [InlineData("a.b/v_2", "a.b/v: no such file; it is to be the volume that the shadow file a.b/v_2 changes")]
    [InlineData("_1.cckd", "_1.cckd: offset 0: a shadow file, which holds changes alone; give it a name like NAME_1.EXT, and the file below it NAME.EXT in the same directory")]
    [InlineData("v_9.cckd", "v_9.cckd: offset 0: a shadow file, which holds changes alone; give it a name like NAME_1.EXT, and the file below it NAME.EXT in the same directory")]
    [InlineData("v_0.cckd", "v_0.cckd: offset 0: a shadow file")]
    [InlineData("v1.cckd", "v1.cckd: offset 0: a shadow file")]
    [InlineData("x_1.a/v", "x_1.a/v: offset 0: a shadow file")]
    [InlineData("1", "1: offset 0: a shadow file")]
    public void A_shadow_file_without_its_volume_is_refused_with_advice(string path, string refusal)
    {
        Put(path, new CompressedBuilder(18) { IsShadow = true });
        Assert.StartsWith(refusal, Refusal(path), StringComparison.Ordinal);
        Assert.Equal(0, _files.OpenFiles);
    }

    [Fact]
    public void A_track_that_no_file_of_the_chain_has_is_refused()
    {
        Put("v", new CompressedBuilder(18).AddBelow(257));
        using CompressedImage image = Open("v");
        Assert.Equal("v: offset 1024: cylinder 17 head 2: its track is to be in a file below this one, and there is none", TrackRefusal(image, 257));
        Assert.Equal(2, Load(image, 258).RecordCount);
    }

    [Fact]
    public void Nothing_is_written_and_the_refusal_says_what_to_do()
    {
        Put("v.cckd", new CompressedBuilder(18));
        Assert.Equal("v.cckd: an image of Hercules' compressed format is only read here: open it with readonly, use overlay=PATH, "
            + "or convert it with ccwfs dasd convert",
            Assert.Throws<ImageException>(() => CompressedImage.Open(_files, "v.cckd", default)).Message);
        using CompressedImage image = Open("v.cckd");
        const string refusal = "v.cckd: an image of Hercules' compressed format is only read here: use overlay=PATH, "
            + "or convert it with ccwfs dasd convert";
        Assert.Equal(refusal, Assert.Throws<ImageException>(() => image.Write([new TrackImage(0, Track(0))])).Message);
        Assert.Equal(refusal, Assert.Throws<ImageException>(() => image.Release(0, 1)).Message);
    }

    [Fact]
    public void Who_opens_it_is_told_what_they_may_not_expect()
    {
        List<string> said = [];
        Put("v.cckd", new CompressedBuilder(18) { IsOpen = true });
        Open("v.cckd", said).Dispose();
        Assert.Equal(["v.cckd: Hercules writes to it, or did not close it: tracks that it wrote last may be missing or damaged"], said);
        said.Clear();
        Put("v.cckd", new CompressedBuilder(18));
        Open("v.cckd", said).Dispose();
        Assert.Empty(said);
        Put("v_1.cckd", new CompressedBuilder(18));
        Open("v.cckd", said).Dispose();
        Assert.Empty(said); // that is no shadow file
        Put("v_1.cckd", new CompressedBuilder(18) { IsShadow = true });
        Put("v_2.cckd", new CompressedBuilder(18) { IsShadow = true });
        foreach (string path in (string[])["v.cckd", "v_1.cckd", "v_2.cckd"])
            Open(path, said).Dispose();
        Assert.Equal(["v.cckd: the shadow file v_1.cckd has newer tracks; to see those, open that one",
            "v_1.cckd: the shadow file v_2.cckd has newer tracks; to see those, open that one"], said);
        Assert.Equal(0, _files.OpenFiles);
    }

    /// <summary>A 3390-54 is 65,520 cylinders: 3,840 entries of the first table.</summary>
    [Theory]
    [InlineData(false, 16_384)]
    [InlineData(true, 31_744)]
    public void A_large_volume_opens_with_its_headers_and_first_table_and_keeps_a_few_tables(bool isWide, int read)
    {
        var builder = new CompressedBuilder(65_520) { IsWide = isWide };
        for (int number = 0; number < 20; number++)
            builder.Add(number * 256, new CompressedBuilder(65_520).WithHead(number * 256, CompressedBuilder.Stored, Track(0)[5..]));
        Put("v", builder);
        using CompressedImage image = Open("v");
        Assert.Equal(read, _files.BytesRead);
        int table = isWide ? 4_096 : 2_048;
        Assert.Equal((3_840L * 8 + 8 * table, image.KeptBytes), (_files.Taken, _files.Taken));
        byte[] slot = new byte[s_geometry.TrackSize];
        long before = _files.BytesRead;
        for (int round = 0; round < 3; round++)
        {
            for (int number = 0; number < 8; number++)
                image.Read(number * 256, slot);
        }
        Assert.Equal(8 * table + 24 * Track(0).Length, _files.BytesRead - before);
        image.Read(8 * 256, slot); // in place of the one that was used longest ago
        before = _files.BytesRead;
        image.Read(1 * 256, slot);
        Assert.Equal(Track(0).Length, _files.BytesRead - before);
        image.Read(0, slot);
        Assert.Equal(table + 2 * Track(0).Length, _files.BytesRead - before);
    }

    [Fact]
    public void Many_threads_read_at_once()
    {
        var builder = new CompressedBuilder(18 * 16);
        for (int number = 0; number < 4_000; number += 100)
            builder.Add(number, Track(number), number % 200 == 0 ? CompressedBuilder.Zlib : CompressedBuilder.Stored).AddBZip2(number + 1);
        Put("v", builder);
        using CompressedImage image = Open("v");
        byte[] packed = new byte[s_geometry.TrackSize];
        image.Read(1, packed);
        Parallel.For(0, 8, worker =>
        {
            byte[] slot = new byte[s_geometry.TrackSize];
            var random = new Random(worker);
            for (int round = 0; round < 200; round++)
            {
                int number = random.Next(40) * 100;
                AssertTrack(image, number, Track(number));
                image.Read(number + 1, slot);
                Assert.True(slot.AsSpan(5).SequenceEqual(packed.AsSpan(5)));
            }
        });
    }

    private void Put(string path, CompressedBuilder builder) => _files.Files[path] = builder.Build();

    private CompressedImage Open(string path, List<string>? said = null) =>
        CompressedImage.Open(_files, path, new ImageOptions(ReadOnly: true, Say: said is null ? null : said.Add));

    private CompressedImage OpenChain(params string[] paths) => CompressedImage.OpenChain(_files, paths, new ImageOptions(ReadOnly: true));

    private string Refusal(string path) => Assert.Throws<ImageException>(() => Open(path)).Message;

    private static string TrackRefusal(CompressedImage image, int track) =>
        Assert.Throws<ImageException>(() => image.Read(track, new byte[s_geometry.TrackSize])).Message;

    private static CkdTrack Load(CompressedImage image, int number)
    {
        var track = new CkdTrack(s_geometry);
        Assert.Null(track.Load(image, number));
        return track;
    }

    private static void AssertTrack(CompressedImage image, int number, ReadOnlySpan<byte> expected)
    {
        byte[] slot = new byte[s_geometry.TrackSize];
        slot.AsSpan().Fill(0x5A);
        image.Read(number, slot);
        Assert.True(slot.AsSpan(0, expected.Length).SequenceEqual(expected));
        Assert.Equal(-1, slot.AsSpan(expected.Length).IndexOfAnyExcept((byte)0));
    }

    private static byte[] Track(int number, byte value = 7)
    {
        var track = new CkdTrack(s_geometry);
        track.Initialize(number);
        byte[] count = [.. track.HomeAddress[1..], 1, 0, 0x40, 0];
        Assert.True(track.Append(0, count, out int index));
        track.Data(index).Fill(value);
        new Random(number).NextBytes(track.Data(index)[..500]);
        return track.Image.ToArray();
    }
}
