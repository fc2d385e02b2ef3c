using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.ImageFixture;

namespace CcwFs.Tests.Images;

public sealed class CkdImageTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_written_track_is_there_after_opening_again_and_the_redo_file_is_gone()
    {
        string path = _files.Create("v.ckd", 2);
        using (CkdImage image = CkdImage.Open(path))
        {
            Assert.False(File.Exists(path + ".redo"));
            image.Write(new TrackPattern(image.Geometry).Images(7));
            Assert.True(File.Exists(path + ".redo"));
            image.SetSync(ImageSync.Program);
        }
        Assert.False(File.Exists(path + ".redo"));
        using CkdImage again = CkdImage.Open(path, readOnly: true);
        foreach (int number in new TrackPattern(again.Geometry).Tracks(7))
            Assert.Equal(7, GenerationOf(again, number));
        Assert.Throws<ImageException>(() => again.Write(new TrackPattern(again.Geometry).Images(8)));
        Assert.Throws<ArgumentOutOfRangeException>(() => again.Read(30, new byte[56_832]));
    }

    [Fact]
    public void Writing_the_same_tracks_again_allocates_nothing()
    {
        using CkdImage image = CkdImage.Open(_files.Create("v.ckd", 2));
        TrackImage[] tracks = new TrackPattern(image.Geometry).Images(1);
        image.Write(tracks);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int round = 0; round < 100; round++)
                image.Write(tracks);
        }));
    }

    [Fact]
    public void An_image_open_in_another_process_is_refused_until_that_process_ends()
    {
        string path = _files.Create("v.ckd", 1);
        using (Process holder = _files.StartFixture("hold", path))
        {
            holder.Says("open");
            Assert.Contains("another process has it in use", Refusal(path), StringComparison.Ordinal);
            Assert.Contains("another process has it in use", Refusal(path, readOnly: true), StringComparison.Ordinal);
            holder.Kill();
            holder.Ends();
        }
        using CkdImage reader = CkdImage.Open(path, readOnly: true);
        using CkdImage second = CkdImage.Open(path, readOnly: true);
        Assert.Contains("in use", Refusal(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void An_image_of_zPDT_is_read_and_one_that_would_be_written_is_refused_with_advice(byte version)
    {
        string path = _files.Create("v.ckd", 2);
        using (CkdImage image = CkdImage.Open(path))
            image.Write(new TrackPattern(image.Geometry).Images(7));
        byte[] bytes = File.ReadAllBytes(path);
        (bytes[17], bytes[18], bytes[22]) = (version, 2, 2);
        File.WriteAllBytes(path, bytes);
        Assert.Contains("an image of zPDT, which is only read here: open it with readonly", Refusal(path), StringComparison.Ordinal);
        using (CkdImage read = CkdImage.Open(path, readOnly: true))
            Assert.Equal(7, GenerationOf(read, new TrackPattern(read.Geometry).Tracks(7).First()));
        File.WriteAllBytes(path, bytes[..^1]);
        Assert.Contains("an image of zPDT with 2 cylinders, but the file holds 1: truncated?", Refusal(path, readOnly: true),
            StringComparison.Ordinal);
        bytes[22] = 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains($"file {version} of a series; open the first", Refusal(path), StringComparison.Ordinal);
    }

    /// <summary>What newer tools of Hercules make has the same bytes behind the identifier CKD_P064; those stay.</summary>
    [Fact]
    public void A_plain_image_of_the_newer_tools_of_Hercules_is_read_and_written()
    {
        string path = _files.Create("v.ckd", 2);
        byte[] bytes = File.ReadAllBytes(path);
        "CKD_P064"u8.CopyTo(bytes);
        File.WriteAllBytes(path, bytes);
        using (CkdImage image = CkdImage.Open(path))
            image.Write(new TrackPattern(image.Geometry).Images(7));
        using (CkdImage read = CkdImage.Open(path, readOnly: true))
            Assert.Equal(7, GenerationOf(read, new TrackPattern(read.Geometry).Tracks(7).First()));
        Assert.Equal(bytes[..512], File.ReadAllBytes(path)[..512]);
    }

    [Theory]
    [InlineData(8, "0E", "offset 8: 14 heads")]
    [InlineData(12, "00BA", "offset 12: track size")]
    [InlineData(16, "80", "offset 16: device type 80")]
    [InlineData(17, "1C", "offset 17: file number 28")]
    [InlineData(17, "02", "open the first")]
    [InlineData(17, "01", "digit 1")]
    [InlineData(18, "0100", "offset 18: highest cylinder 1")]
    [InlineData(0, "434B445F43333730", "convert it with ccwfs dasd convert")]
    [InlineData(0, "434B445F43303634", "convert it with ccwfs dasd convert")]
    [InlineData(0, "434B445F53333730", "shadow file")]
    [InlineData(0, "58", "offset 0: no CKD image")]
    [InlineData(512, "01", "offset 512: home address 0100000000 is not cylinder 0 head 0")]
    public void A_corrupt_header_is_refused_with_file_offset_and_reason(int offset, string bytes, string reason)
    {
        string path = _files.Create("v.ckd", 2);
        byte[] image = File.ReadAllBytes(path);
        Convert.FromHexString(bytes).CopyTo(image, offset);
        if (bytes == "01" && offset == 17)
            image[18] = 1;
        File.WriteAllBytes(path, image);
        string refusal = Refusal(path);
        Assert.StartsWith(path, refusal, StringComparison.Ordinal);
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal);
        Assert.Equal(image, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData(0, "it is empty")]
    [InlineData(100, "offset 100: too short")]
    [InlineData(512, "offset 512: 0 bytes after the header")]
    [InlineData(852_991, "truncated?")]
    [InlineData(852_993, "truncated?")]
    public void A_file_of_a_wrong_length_is_refused(int length, string reason)
    {
        string path = _files.Create("v.ckd", 1);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(length);
        Assert.Contains(reason, Refusal(path), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_file_is_refused_without_waiting()
    {
        Assert.Contains("no such file", Refusal(_files["none"]), StringComparison.Ordinal);
        Assert.Contains("directory", Refusal(_files.Path), StringComparison.Ordinal);
        Assert.Equal(0, _files.Run("mkfifo", "fifo").Status);
        Assert.Contains("no regular file", Refusal(_files["fifo"], readOnly: true), StringComparison.Ordinal);
        Assert.Contains("no regular file", Refusal("/dev/zero", readOnly: true), StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_shrinks_under_us_gives_an_error_and_no_crash()
    {
        string path = _files.Create("v.ckd", 2);
        using CkdImage image = CkdImage.Open(path, readOnly: true);
        Assert.Equal(0, _files.Run("truncate", "-s", "100000", "v.ckd").Status);
        Assert.Contains("truncated", Assert.Throws<ImageException>(() => image.Read(29, new byte[56_832])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_damage_never_gives_anything_but_an_image_exception()
    {
        string path = _files.Create("v.ckd", 1, VolumeFormat.Cdl, "FUZZ");
        byte[] good = File.ReadAllBytes(path);
        var random = new Random(3390);
        (int refused, int found, int rounds) = (0, 0, ImageDirectory.Mutations(3_000));
        for (int round = 0; round < rounds; round++)
        {
            byte[] bad = Damage(good, random);
            File.WriteAllBytes(path, bad);
            try
            {
                using CkdImage image = CkdImage.Open(path, readOnly: true);
                found += ImageChecker.Check(image).Any() ? 1 : 0;
                _ = VolumeLayout.Detect(image);
            }
            catch (ImageException error)
            {
                refused++;
                Assert.DoesNotContain('\n', error.Message);
            }
        }
        Assert.True(refused > 100 && found > 100, $"{refused} refused, {found} with findings");
    }

    private static byte[] Damage(byte[] good, Random random)
    {
        byte[] bad = good.AsSpan(0, random.Next(20) == 0 ? random.Next(1, good.Length) : good.Length).ToArray();
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            int track = random.Next(15);
            // Mostly where structure is: the header, home addresses, count fields.
            int offset = random.Next(4) switch
            {
                0 => random.Next(40),
                1 => 512 + track * 56_832 + random.Next(29),
                2 => 512 + track * 56_832 + 21 + random.Next(12) * 4_104 + random.Next(8),
                _ => random.Next(good.Length),
            };
            if (offset < bad.Length)
                bad[offset] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
        }
        return bad;
    }

    private static string Refusal(string path, bool readOnly = false) =>
        Assert.Throws<ImageException>(() => CkdImage.Open(path, readOnly).Dispose()).Message;

    private static int? GenerationOf(CkdImage image, int number)
    {
        var track = new CkdTrack(image.Geometry);
        Assert.Null(track.Load(image, number));
        return TrackPattern.Generation(track);
    }
}
