using System.Text;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Raw;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>Plain files that hold what Linux shows as /dev/dasda.</summary>
public sealed class RawImageTests : IDisposable
{
    private static readonly byte[] s_vol1 = Convert.FromHexString("E5D6D3F1"); // VOL1 in EBCDIC
    private static readonly byte[] s_lnx1 = Convert.FromHexString("D3D5E7F1");

    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(4_096, 12)]
    [InlineData(2_048, 21)]
    [InlineData(1_024, 33)]
    [InlineData(512, 49)]
    public void Blocks_of_a_CDL_volume_are_where_Linux_shows_them(int size, int records)
    {
        string path = Empty("v.raw", (long)2 * 15 * records * size);
        using (RawImage image = Open(path, size))
        {
            Assert.Equal(2, image.Geometry.Cylinders);
            VolumeLayout layout = VolumeLayout.Create(image.Geometry, VolumeFormat.Cdl, size, "RAWVOL");
            var track = new CkdTrack(image.Geometry);
            for (int number = 0; number < 3; number++)
            {
                layout.Format(number, track);
                if (number != 1)
                    track.Data(track.RecordCount - 1).Fill((byte)(number + 7));
                image.Write([new TrackImage(number, track.Image)]);
            }
        }
        byte[] bytes = File.ReadAllBytes(path);
        ReadOnlySpan<byte> Block(int number) => bytes.AsSpan(number * size, size);
        // Key and data, then E5: drivers/s390/block/dasd_eckd.c.
        foreach ((int block, int used) in ((int, int)[])[(0, 28), (1, 148), (2, 84), (records, 140), (2 * records - 1, 140)])
        {
            Assert.True(Block(block)[used..].IndexOfAnyExcept((byte)0xE5) < 0, $"block {block} is not filled");
            Assert.NotEqual(0xE5, Block(block)[used - 1]);
        }
        Assert.Equal([.. s_vol1, .. s_vol1], Block(2)[..8].ToArray());
        Assert.Equal(7, Block(records - 1)[0]);
        Assert.Equal(9, Block(3 * records - 1)[size - 1]);
        Assert.Equal(0, Block(2 * records)[0]);
        using RawImage again = Open(path, null); // its label tells the size
        Assert.Equal(size, again.File.BlockSize);
        CkdTrack read = Load(again, 0);
        Assert.Equal(records + 1, read.RecordCount);
        Assert.Equal((4, 144), (read.KeyLength(2), read.DataLength(2)));
        Assert.Equal("RAWVOL", VolumeLayout.SerialOf(read));
        Assert.Equal((44, 96), (Load(again, 1).KeyLength(records), Load(again, 1).DataLength(1)));
        Assert.Equal((VolumeFormat.Cdl, size), (VolumeLayout.Detect(again).Kind, VolumeLayout.Detect(again).BlockSize));
        Assert.Empty(ImageChecker.Check(again));
    }

    [Fact]
    public void A_disk_of_virtio_with_a_label_is_a_volume_though_nothing_is_filled_in()
    {
        string path = Empty("v.raw", 15 * 49_152);
        Put(path, 2 * 4_096, [.. s_vol1, .. s_vol1, .. Encoding.ASCII.GetBytes("serial")]);
        Put(path, 12 * 4_096, [0xF4]);
        using RawImage image = Open(path);
        CkdTrack track = Load(image, 0);
        Assert.Equal((13, 4, 80), (track.RecordCount, track.KeyLength(3), track.DataLength(3)));
        Assert.Equal(s_vol1, track.Key(3).ToArray());
        Assert.Equal((44, 0xF4), (Load(image, 1).KeyLength(1), Load(image, 1).Key(1)[0]));
    }

    [Fact]
    public void An_LDL_volume_has_blocks_alone()
    {
        string path = Empty("v.raw", 15 * 49_152);
        Put(path, 2 * 4_096, s_lnx1);
        using RawImage image = Open(path);
        Assert.Equal((13, 0, 4_096), (Load(image, 0).RecordCount, Load(image, 0).KeyLength(1), Load(image, 0).DataLength(3)));
        Assert.Equal((0, 4_096), (Load(image, 1).KeyLength(1), Load(image, 1).DataLength(12)));
    }

    [Fact]
    public void Zeros_are_a_volume_that_is_to_be_formatted_first()
    {
        using RawImage image = Open(Empty("v.raw", 15 * 49_152));
        Assert.True(image.IsEmpty(0) && image.IsEmpty(1) && !image.IsEmpty(2));
        Assert.True(Load(image, 0).WasUnformatted);
        Assert.Equal(13, Load(image, 2).RecordCount);
        Assert.Equal((13, 2), ImageChecker.CountTracks(image));
    }

    /// <summary>dasdfmt makes track 0 one with an end of file alone, formats all others, and it last.</summary>
    [Theory]
    [InlineData(VolumeFormat.Cdl)]
    [InlineData(VolumeFormat.Ldl)]
    public void The_way_of_dasdfmt_is_held_at_each_step(VolumeFormat format)
    {
        string path = Empty("v.raw", 15 * 49_152);
        VolumeLayout before = VolumeLayout.Create(CkdGeometry.Model3390(1), VolumeFormat.Cdl, volser: "BEFORE");
        var track = new CkdTrack(CkdGeometry.Model3390(1));
        using (RawImage image = Open(path))
        {
            before.Format(0, track);
            image.Write([new TrackImage(0, track.Image)]);
            track.Initialize(0);
            Assert.True(track.Append(0, [0, 0, 0, 0, 1, 0, 0, 0], out _)); // of no data: an end of file
            image.Write([new TrackImage(0, track.Image)]);
            Assert.True(image.IsEmpty(0));
            foreach (int number in (int[])[1, 2, 14, 0]) // as Linux formats them: counts alone, and zeros
            {
                VolumeLayout.Create(image.Geometry, format, volser: "AFTER").Format(number, track);
                for (int record = 1; record < track.RecordCount; record++)
                    track.KeyAndData(record).Clear();
                image.Write([new TrackImage(number, track.Image)]);
                CkdTrack read = Load(image, number);
                Assert.True(read.Image.Span.SequenceEqual(track.Image.Span) || (number == 1 && format == VolumeFormat.Ldl), $"track {number}");
            }
            Assert.True(Load(image, 1).Image.Length > 1_000); // with track 0 it is known what zeros are on this one
            image.Release(0, 1);
            Assert.True(image.IsEmpty(0));
        }
    }

    public static TheoryData<string, Action<CkdTrack>> NotBlocks => new()
    {
        { "must have a key of 0 bytes and 4096 bytes of data", track => Append(track, 0, 1, 0, 2_048) },
        { "must have a key of 0 bytes and 4096 bytes of data", track => Append(track, 0, 1, 8, 4_096) },
        { "and its count is", track => Append(track, 0, 2, 0, 4_096) },
        { "the track ends before it", track => track.EraseAfter(11) },
        { "the track ends before it", track => track.EraseAfter(0) },
        { "it has more than 12 records", track => Append(track, 12, 13, 0, 8) },
        { "home address or record 0", track => track.Data(0)[7] = 1 },
    };

    [Theory]
    [MemberData(nameof(NotBlocks))]
    public void What_blocks_cannot_hold_is_refused_and_nothing_is_changed(string reason, Action<CkdTrack> alter)
    {
        string path = Empty("v.raw", 15 * 49_152);
        RawImage image = Open(path);
        CkdTrack good = Load(image, 3), bad = Load(image, 4);
        good.Data(1).Fill(1);
        alter(bad);
        ImageException refusal =
            Assert.Throws<ImageException>(() => image.Write([new TrackImage(3, good.Image), new TrackImage(4, bad.Image)]));
        Assert.True(refusal.IsBeyondFormat);
        Assert.Contains($"{path}: cylinder 0 head 4 cannot be held by a raw file", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        image.Dispose();
        Assert.True(File.ReadAllBytes(path).All(value => value == 0));
    }

    [Theory]
    [InlineData(0, null, null, "less than a cylinder")]
    [InlineData(15 * 49_152 - 1, null, null, "less than a cylinder of 737280")]
    [InlineData(15 * 49_152, null, 2, "it holds 1 cylinders of 737280 bytes, not 2")]
    [InlineData(15 * 25_088 - 1, 512, null, "less than a cylinder of 376320")]
    public void A_file_that_is_too_short_is_refused_with_its_name(int length, int? size, int? cylinders, string reason)
    {
        string path = Empty("v.raw", length);
        ImageException refusal =
            Assert.Throws<ImageException>(() => RawImage.Open(HostImageFiles.Instance, path, new RawOptions(size, cylinders), default));
        Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_whole_cylinder_is_left_alone_and_said()
    {
        string path = Empty("v.raw", 15 * 49_152 + 1_000);
        List<string> said = [];
        using (RawImage image = RawImage.Open(HostImageFiles.Instance, path, default, new ImageOptions(Say: said.Add)))
        {
            CkdTrack track = Load(image, 14);
            track.Data(12).Fill(0xFF);
            image.Write([new TrackImage(14, track.Image)]);
            Assert.Throws<ArgumentOutOfRangeException>(() => image.Read(15, new byte[image.Geometry.TrackSize]));
        }
        Assert.Equal([$"{path}: the last 1000 bytes are no whole cylinder of 737280; they are not used"], said);
        Assert.True(File.ReadAllBytes(path)[(15 * 49_152)..].All(value => value == 0));
    }

    /// <summary>The first bytes of a raw volume are a guest's: what they say is never believed.</summary>
    [Fact]
    public void A_raw_file_that_begins_like_an_image_stays_a_raw_file()
    {
        string image = _files.Create("v.ckd", 1, VolumeFormat.Cdl, "INSIDE"), path = Empty("v.raw", 2 * 15 * 49_152);
        Put(path, 0, File.ReadAllBytes(image)[..(15 * 49_152)]);
        using RawImage raw = Open(path);
        Assert.Equal((2, VolumeFileKind.Raw), (raw.Geometry.Cylinders, raw.File.Kind));
        Assert.Equal(13, Load(raw, 2).RecordCount);
    }

    [Fact]
    public void Writing_and_reading_the_same_tracks_again_allocates_nothing()
    {
        using RawImage image = Open(Empty("v.raw", 15 * 49_152));
        CkdTrack first = Load(image, 2), second = Load(image, 3);
        TrackImage[] tracks = [new TrackImage(2, first.Image), new TrackImage(3, second.Image)];
        byte[] slot = new byte[image.Geometry.TrackSize];
        image.Write(tracks);
        byte value = 0;
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int round = 0; round < 100; round++)
            {
                first.Data(1).Fill(++value);
                image.Write(tracks);
                image.Read(2, slot);
            }
        }));
    }

    private static void Append(CkdTrack track, int after, byte record, byte key, int data) =>
        Assert.True(track.Append(after, [.. track.HomeAddress[1..], record, key, (byte)(data >> 8), (byte)data], out _));

    private static RawImage Open(string path, int? size = null) => RawImage.Open(HostImageFiles.Instance, path, new RawOptions(size), default);

    private static CkdTrack Load(RawImage image, int number)
    {
        var track = new CkdTrack(image.Geometry);
        Assert.Null(track.Load(image, number));
        return track;
    }

    private static void Put(string path, long offset, byte[] bytes)
    {
        using FileStream file = File.OpenWrite(path);
        file.Position = offset;
        file.Write(bytes);
    }

    private string Empty(string name, long length)
    {
        using FileStream file = File.Create(_files[name]);
        file.SetLength(length);
        return _files[name];
    }
}
