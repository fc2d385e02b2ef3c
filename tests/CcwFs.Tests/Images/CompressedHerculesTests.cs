using System.Buffers.Binary;
using System.Diagnostics;
using CcwFs.Emulation.Dasd.Compressed;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Fuzz;

namespace CcwFs.Tests.Images;

/// <summary>Compressed images come from Hercules' own tools (Debian package hercules), and are read as those read them.</summary>
public sealed class CompressedHerculesTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    public static TheoryData<string, string> NewVolumes
    {
        get
        {
            var volumes = new TheoryData<string, string>();
            foreach (string way in (string[])["-z", "-bz2", "-0"])
            {
                foreach (string kind in (string[])["-linux", "-lfs", "-r"])
                    volumes.Add(way, kind);
            }
            return volumes;
        }
    }

    /// <summary>Tracks that are not in the file are in each of the three formats: blocks, record 0 alone, and an end of file.</summary>
    [Theory]
    [MemberData(nameof(NewVolumes))]
    public void Each_track_of_a_volume_of_dasdinit_is_what_dasdcopy_makes_of_it(string way, string kind)
    {
        string[] volser = kind == "-r" ? [] : ["PACKED"];
        Run("dasdinit", [way, kind, "packed.cckd", "3390", .. volser, "20"]);
        AssertSameAsUnpacked("packed.cckd", 20);
        byte[] bytes = File.ReadAllBytes(_files["packed.cckd"]);
        Assert.Equal(kind == "-linux" ? 2 : 1, bytes[512 + 44]);
        bytes[512 + 44] = 0;
        File.WriteAllBytes(_files["packed.cckd"], bytes);
        AssertSameAsUnpacked("packed.cckd", 20);
    }

    [Theory]
    [InlineData("-0", 0)]
    [InlineData("-z", 1)]
    [InlineData("-bz2", 2)]
    public void Each_track_that_dasdcopy_packs_is_read_as_it_was(string way, byte number)
    {
        string ours = _files.Create("ours.ckd", 4, VolumeFormat.Cdl, "PACKED");
        using (CkdImage image = CkdImage.Open(ours))
            image.Write([.. Enumerable.Range(2, 54).Select(number => TrackOf(image.Geometry, number))]);
        Run("dasdcopy", "-q", "-r", way, "-o", "cckd", "ours.ckd", "packed.cckd");
        Assert.Contains(number, WaysOf(File.ReadAllBytes(_files["packed.cckd"]), 60));
        AssertSame("ours.ckd", "packed.cckd", 4);
        Run("cckdswap", "packed.cckd");
        Assert.NotEqual(0, File.ReadAllBytes(_files["packed.cckd"])[515] & 2); // its numbers are big-endian now
        AssertSame("ours.ckd", "packed.cckd", 4);
    }

    [Fact]
    public void A_chain_is_read_as_dasdcopy_reads_it()
    {
        Run("dasdinit", "-z", "-linux", "vol.cckd", "3390", "CHAIN1", "20");
        CkdGeometry geometry = CkdGeometry.Model3390(20);
        WriteShadow(1, new CompressedBuilder(20) { IsShadow = true, NullFormat = 2 }
            .Add(3, TrackOf(geometry, 3).Slot.Span, CompressedBuilder.Zlib)
            .Add(4, TrackOf(geometry, 4).Slot.Span, CompressedBuilder.Stored)
            .AddBZip2(5).AddNull(0, 2).AddNull(1, 1).AddNull(299, 0));
        WriteShadow(2, new CompressedBuilder(20) { IsShadow = true, NullFormat = 2 }
            .AddBelow(3).AddNull(4, 0).AddBZip2(260));
        Run("dasdcopy", "-q", "-r", "-lfs", "-o", "ckd", "vol.cckd", "sf=vol_*.cckd", "copy.ckd");
        AssertSame("copy.ckd", "vol_2.cckd", 20);
        using CompressedImage below = Open("vol_1.cckd");
        byte[] slot = new byte[geometry.TrackSize];
        below.Read(4, slot);
        Assert.Equal(TrackOf(geometry, 4).Slot.ToArray(), slot.AsSpan(0, TrackOf(geometry, 4).Slot.Length).ToArray());
    }

    [Fact]
    public void A_shadow_file_of_Hercules_is_read_over_its_volume()
    {
        Run("dasdinit", "-z", "vol.cckd", "3390", "SHADOW", "3");
        File.WriteAllText(_files["h.cnf"], $"ARCHMODE ESA/390\nMAINSIZE 2\nNUMCPU 1\n0120 3390 {_files["vol.cckd"]} sf={_files["vol_*.cckd"]}\n");
        File.WriteAllText(_files["h.rc"], "sf+0120\n");
        using (Process hercules = _files.Start("env", $"HERCULES_RC={_files["h.rc"]}", "hercules", "-d", "-f", "h.cnf"))
        {
            // It is whole once it has its first table, of one entry.
            bool isMade = SpinWait.SpinUntil(() => new FileInfo(_files["vol_1.cckd"]) is { Exists: true, Length: >= 1_028 }, TimeSpan.FromMinutes(1));
            hercules.Kill();
            hercules.WaitForExit();
            Assert.True(isMade, hercules.StandardOutput.ReadToEnd() + hercules.StandardError.ReadToEnd());
        }
        Run("dasdcopy", "-q", "-r", "-lfs", "-o", "ckd", "vol.cckd", "copy.ckd");
        AssertSame("copy.ckd", "vol_1.cckd", 3);
        using CompressedImage image = Open("vol_1.cckd");
        Assert.Equal((3, _files["vol_1.cckd"]), (image.Geometry.Cylinders, image.Name));
    }

    [Fact]
    public void Hercules_finds_nothing_wrong_with_the_images_that_these_tests_make()
    {
        CkdGeometry geometry = CkdGeometry.Model3390(20);
        File.WriteAllBytes(_files["made.cckd"], new CompressedBuilder(20) { NullFormat = 2 }.AddBZip2(3).AddNull(4, 1)
            .Add(5, TrackOf(geometry, 5).Slot.Span, CompressedBuilder.Zlib).Add(280, TrackOf(geometry, 280).Slot.Span, CompressedBuilder.Stored)
            .Build());
        Run("cckdcdsk", "-ro", "-3", "made.cckd");
        AssertSameAsUnpacked("made.cckd", 20);
    }

    /// <summary>The ways in which the first tracks are packed.</summary>
    private static IEnumerable<byte> WaysOf(byte[] file, int tracks)
    {
        int table = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(1_024));
        return Enumerable.Range(0, tracks).Select(track => file[BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(table + track * 8))]);
    }

    /// <summary>What dasdcopy makes of an image is the same as what we read.</summary>
    private void AssertSameAsUnpacked(string packed, int cylinders)
    {
        Run("dasdcopy", "-q", "-r", "-lfs", "-o", "ckd", packed, "copy.ckd");
        AssertSame("copy.ckd", packed, cylinders);
    }

    private void AssertSame(string plain, string packed, int cylinders)
    {
        using CkdImage left = CkdImage.Open(_files[plain], readOnly: true);
        using CompressedImage right = Open(packed);
        Assert.Equal(CkdGeometry.Model3390(cylinders), right.Geometry);
        Assert.Equal(left.Geometry, right.Geometry);
        CkdTrack a = new(left.Geometry), b = new(left.Geometry); // a plain image may have anything behind the end mark
        for (int track = 0; track < left.Geometry.Tracks; track++)
        {
            Assert.Null(a.Load(left, track));
            Assert.Null(b.Load(right, track));
            Assert.True(a.Image.Span.SequenceEqual(b.Image.Span), $"track {track} differs at {a.Image.Span.CommonPrefixLength(b.Image.Span)}");
        }
    }

    private CompressedImage Open(string name) =>
        CompressedImage.Open(HostImageFiles.Instance, _files[name], new ImageOptions(ReadOnly: true));

    private void Run(string tool, params string[] arguments)
    {
        (int status, string text) = _files.Run(tool, arguments);
        Assert.True(status == 0, $"{tool}: {text}");
    }

    private void WriteShadow(int number, CompressedBuilder shadow) => File.WriteAllBytes(_files[$"vol_{number}.cckd"], shadow.Build());

    /// <summary>Tracks of many kinds: with keys, random, repetitive, of one record and of many, up to a full one.</summary>
    private static TrackImage TrackOf(CkdGeometry geometry, int number)
    {
        var track = new CkdTrack(geometry);
        track.Initialize(number);
        var random = new Random(number);
        int records = number % 7 == 0 ? 0 : number % 7 == 1 ? 90 : random.Next(1, 12);
        Span<byte> count = stackalloc byte[CkdTrack.CountSize];
        for (int record = 1; record <= records; record++)
        {
            track.HomeAddress[1..].CopyTo(count);
            (count[4], count[5]) = ((byte)record, (byte)(number % 3 * random.Next(80)));
            int room = Math.Max(0, geometry.TrackSize - track.Image.Length - CkdTrack.CountSize - count[5]);
            BinaryPrimitives.WriteUInt16BigEndian(count[6..], (ushort)Math.Clamp(number % 7 == 2 ? room : random.Next(48_000 / records), 0, room));
            if (!track.Append(record - 1, count, out int index))
                break;
            Fill(track.KeyAndData(index), number % 5, random);
        }
        return new TrackImage(number, track.Image.ToArray());
    }

    private static void Fill(Span<byte> bytes, int kind, Random random)
    {
        switch (kind)
        {
            case 0:
                random.NextBytes(bytes);
                break;
            case 1:
                bytes.Fill(0x40);
                break;
            case 2: // runs of all lengths
                for (int at = 0, run = 1; at < bytes.Length; at += run, run = 1 + random.Next(300))
                    bytes.Slice(at, Math.Min(run, bytes.Length - at)).Fill((byte)random.Next(4));
                break;
            default:
                for (int at = 0; at < bytes.Length; at++)
                    bytes[at] = (byte)(at * at / 64 % (kind * 40));
                break;
        }
    }
}
