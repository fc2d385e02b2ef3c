using System.Text;
using CcwFs.Emulation.Dasd.Formats;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Fuzz;
using CcwFs.Linux;

namespace CcwFs.Tests.Images;

public sealed class ConvertCommandTests : IDisposable
{
    private const int Header = 512, Slot = 56_832, Raw = 65_536;
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(VolumeFormat.Cdl, 4_096)]
    [InlineData(VolumeFormat.Ldl, 512)]
    [InlineData(VolumeFormat.None, 4_096)]
    public void A_volume_comes_back_from_raw_tracks_byte_for_byte(VolumeFormat format, int blockSize)
    {
        string path = _files.Create("v.ckd", 3, format, "THERE", blockSize);
        Assert.Equal((0, $"{_files["t"]}: 3390, 3 cylinders, format tracks, 45 of 45 tracks formatted\n", ""),
            DasdVerb.Run("convert", path, _files["t"], "--to", "tracks"));
        Assert.Equal((0, $"{_files["back.ckd"]}: 3390, 3 cylinders, format ckd, 45 of 45 tracks formatted\n", ""),
            DasdVerb.Run("convert", _files["t"], _files["back.ckd"], "--from", "tracks"));
        Assert.Equal((0, ""), _files.Run("cmp", "v.ckd", "back.ckd"));
    }

    [Fact]
    public void A_raw_track_is_record_0_the_records_the_end_mark_and_zeros()
    {
        string path = _files.Create("v.ckd", 2, VolumeFormat.Cdl, "RAW001");
        Assert.Equal(0, DasdVerb.Run("convert", path, _files["t"], "--to", "tracks").Status);
        byte[] tracks = File.ReadAllBytes(_files["t"]);
        Assert.Equal(30 * Raw, tracks.Length);
        byte[] expected = new byte[Raw];
        byte[] records = [.. Convert.FromHexString("00010002000000080000000000000000"),
            .. Enumerable.Range(1, 12).SelectMany(record => (byte[])[0, 1, 0, 2, (byte)record, 0, 0x10, 0, .. new byte[4_096]]),
            .. Enumerable.Repeat((byte)0xFF, 8)];
        records.CopyTo(expected, 0);
        Assert.Equal(expected, tracks.AsSpan(17 * Raw, Raw).ToArray());
        // what stands behind the end mark means nothing
        tracks.AsSpan((17 * Raw) + records.Length, 1_000).Fill(0xA5);
        File.WriteAllBytes(_files["t"], tracks);
        Assert.Equal(0, DasdVerb.Run("convert", _files["t"], _files["back.ckd"], "--from", "tracks").Status);
        Assert.Equal((0, ""), _files.Run("cmp", "v.ckd", "back.ckd"));
    }

    [Fact]
    public void What_was_never_formatted_stays_a_hole_both_ways_or_is_formatted_on_demand()
    {
        string lazy = _files.Create("lazy.ckd", 100, VolumeFormat.Cdl, "LAZY", lazy: true);
        Assert.Equal((0, $"{_files["t"]}: 3390, 100 cylinders, format tracks, 2 of 1500 tracks formatted\n",
            "ccwfs: a real DASD takes formatted tracks alone; --complete formats the others\n"),
            DasdVerb.Run("convert", lazy, _files["t"], "--to", "tracks"));
        Assert.EndsWith(" 2 of 1500 tracks formatted\n", DasdVerb.Run("convert", _files["t"], _files["back.ckd"], "--from", "tracks").Out,
            StringComparison.Ordinal);
        foreach (string file in (string[])["t", "back.ckd"])
        {
            Assert.Equal(0, FileDescriptor.Status(_files[file], follow: true, out FileStatus status));
            Assert.InRange((long)status.Blocks * 512, 1, 1 << 20);
        }
        Assert.Equal((0, ""), _files.Run("cmp", "lazy.ckd", "back.ckd"));
        _ = _files.Create("whole.ckd", 100, VolumeFormat.Cdl, "LAZY");
        Assert.EndsWith(" 1500 of 1500 tracks formatted\n", DasdVerb.Run("convert", lazy, _files["whole2.ckd"], "--complete").Out,
            StringComparison.Ordinal);
        Assert.Equal((0, ""), _files.Run("cmp", "whole.ckd", "whole2.ckd"));
    }

    [Fact]
    public void An_extended_address_volume_keeps_its_addresses()
    {
        string path = _files.Create("v.ckd", 70_000, lazy: true);
        using (CkdImage image = CkdImage.Open(path))
        {
            var track = new CkdTrack(image.Geometry);
            Assert.Null(track.Load(image, image.Geometry.Tracks - 1));
            image.Write([new TrackImage(track.Number, track.Image)]);
        }
        Assert.Equal(0, DasdVerb.Run("convert", path, _files["t"], "--to", "tracks").Status);
        Assert.Equal(0, DasdVerb.Run("convert", _files["t"], _files["back.ckd"], "--from", "tracks").Status);
        Assert.Equal((0, $"{path} and {_files["back.ckd"]}: 1050000 tracks, no difference\n", ""), DasdVerb.Run("compare", path, _files["back.ckd"]));
        using CkdImage back = CkdImage.Open(_files["back.ckd"], readOnly: true);
        Assert.Equal((true, true, false), (back.Geometry.IsExtended, back.IsEmpty(1_049_998), back.IsEmpty(1_049_999)));
    }

    [Fact]
    public void A_volume_of_several_files_becomes_one()
    {
        byte[] whole = File.ReadAllBytes(_files.Create("whole.ckd", 5, VolumeFormat.Cdl, "SPLIT"));
        const int Seam = Header + (3 * 15 * Slot);
        byte[] header = whole.AsSpan(0, Header).ToArray();
        (header[17], header[18]) = (1, 2);
        File.WriteAllBytes(_files["part_1.ckd"], [.. header, .. whole.AsSpan(Header, Seam - Header)]);
        (header[17], header[18]) = (2, 0);
        File.WriteAllBytes(_files["part_2.ckd"], [.. header, .. whole.AsSpan(Seam)]);
        Assert.Equal(0, DasdVerb.Run("convert", _files["part_1.ckd"], _files["one.ckd"]).Status);
        Assert.Equal((0, ""), _files.Run("cmp", "whole.ckd", "one.ckd"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(null)]
    public void An_image_of_xcat_becomes_a_volume_that_Hercules_reads(int? level)
    {
        string path = _files.Create("v.ckd", 3, VolumeFormat.Cdl, "XCAT01");
        using (CkdImage image = CkdImage.Open(path))
        {
            var track = new CkdTrack(image.Geometry);
            Assert.Null(track.Load(image, 17));
            track.Data(5).Fill(0xC1);
            image.Write([new TrackImage(17, track.Image)]);
            // Runs of keys and of data that do not end together.
            Assert.Null(track.Load(image, 18));
            track.EraseAfter(0);
            foreach (byte[] lengths in (byte[][])[[7, 0, 9], [7, 0, 0], [0, 0, 0], [0, 16, 0], [4, 16, 0]])
            {
                Assert.True(track.Append(track.RecordCount - 1, [0, 1, 0, 3, (byte)track.RecordCount, .. lengths], out int index));
                track.KeyAndData(index).Fill(lengths[0]);
            }
            image.Write([new TrackImage(18, track.Image)]);
            File.WriteAllBytes(_files["x.img"], XcatWriter.Write(image, level));
        }
        Assert.Equal((0, $"{_files["back.ckd"]}: 3390, 3 cylinders, format ckd, 45 of 45 tracks formatted\n", ""),
            DasdVerb.Run("convert", _files["x.img"], _files["back.ckd"]));
        Assert.Equal((0, $"{path} and {_files["back.ckd"]}: 45 tracks, no difference\n", ""), DasdVerb.Run("compare", path, _files["back.ckd"]));
        Assert.Contains("VOLSER=XCAT01", _files.Run("dasdls", "back.ckd").Text, StringComparison.Ordinal);
        Assert.Equal(0, _files.Run("dasdcopy", "-q", "-r", "-z", "back.ckd", "packed.cckd").Status);
        // Tracks are read in any order.
        using XcatImage source = XcatImage.Open(HostImageFiles.Instance, _files["x.img"]);
        using CkdImage target = CkdImage.Open(_files["back.ckd"], readOnly: true);
        byte[] theirs = new byte[Slot], ours = new byte[Slot];
        foreach (int number in (int[])[44, 3, 3, 17, 0])
        {
            source.Read(number, theirs);
            target.Read(number, ours);
            Assert.Equal(ours, theirs);
        }
    }

    public static TheoryData<string, int, byte[], string> DamagedTracks => new()
    {
        { "another track's record 0", Raw + 3, [2], "offset 65536: cylinder 0 head 1: offset 0: record 0 is of another cylinder or head (00000002)" },
        { "no record 0", Raw + 4, [1], "cylinder 0 head 1: offset 4: the first record is not record 0 (R 01, key length 0)" },
        { "a record over the end", Raw + 16 + 6, [0xFF, 0xFF], "cylinder 0 head 1: offset 16: a record of 65543 bytes runs over the track's end" },
        { "zeros where record 0 is", 0, new byte[16], "cylinder 0 head 0: offset 0: the track is neither formatted nor all zeros" },
    };

    [Theory]
    [MemberData(nameof(DamagedTracks))]
    public void Damaged_raw_tracks_are_named_and_nothing_is_made_of_them(string what, int offset, byte[] bytes, string reason)
    {
        Assert.NotEmpty(what);
        string path = _files.Create("v.ckd", 1, VolumeFormat.Ldl, "BAD001");
        Assert.Equal(0, DasdVerb.Run("convert", path, _files["t"], "--to", "tracks").Status);
        using (FileStream file = File.OpenWrite(_files["t"]))
        {
            file.Position = offset;
            file.Write(bytes);
        }
        (int status, string text, string error) = DasdVerb.Run("convert", _files["t"], _files["out.ckd"], "--from", "tracks");
        Assert.Equal((1, ""), (status, text));
        Assert.StartsWith($"ccwfs: {_files["t"]}: offset ", error, StringComparison.Ordinal);
        Assert.EndsWith($"{reason}\n", error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.ckd"]));
    }

    [Fact]
    public void A_file_of_raw_tracks_has_whole_cylinders_and_is_known_by_its_option_alone()
    {
        File.WriteAllBytes(_files["t"], new byte[(15 * Raw) - 1]);
        Assert.Equal((1, "", $"ccwfs: {_files["t"]}: 983039 bytes are no tracks of 1 to 1182006 cylinders: a cylinder has 983040 bytes\n"),
            DasdVerb.Run("convert", _files["t"], _files["out.ckd"], "--from", "tracks"));
        Assert.Equal(0, DasdVerb.Run("convert", _files.Create("v.ckd", 1), _files["u"], "--to", "tracks").Status);
        Assert.Equal((1, "", $"ccwfs: {_files["u"]}: this looks like a file of raw tracks, which has no identifier; say --from tracks if it is one\n"),
            DasdVerb.Run("convert", _files["u"], _files["out.ckd"]));
    }

    [Theory]
    [InlineData("xCAT FBA Disk Image:        5 BLK HLen: 0055 GZIP: 6", "offset 5: an image of a disk of blocks; only those of CKD volumes are read")]
    [InlineData("xCAT CKD Disk Image:       ", "offset 27: the header is cut off")]
    [InlineData("xCAT CKD Disk Image:           x CYL HLen: 0055 GZIP: 6", "offset 20: the size is no number of cylinders from 1 to 1182006")]
    [InlineData("xCAT CKD Disk Image: 99999999999 CYL HLen: 0055 GZIP: 6", "offset 20: the size is no number of cylinders from 1 to 1182006")]
    [InlineData("xCAT CKD Disk Image:           1 CYL HLen: 0012 GZIP: 6", "offset 43: the length of the header is no number from 55 to 9999")]
    [InlineData("xCAT CKD Disk Image:           1 CYL HLen: 0055 GZIP: x", "offset 48: the compression is no number from 0 to 9")]
    public void A_header_of_xcat_that_is_wrong_is_refused(string header, string reason)
    {
        File.WriteAllText(_files["x"], header);
        Assert.Equal((1, "", $"ccwfs: {_files["x"]}: {reason}\n"), DasdVerb.Run("convert", _files["x"], _files["out.ckd"]));
    }

    public static TheoryData<string, string> XcatTracks => new()
    {
        { "", "offset 0 of the tracks: cylinder 0 head 0: the file ends here: it is cut off" },
        { "0200", "offset 2 of the tracks: cylinder 0 head 0: a run of 0 records, where 2 are left" },
        { "02 0300", "offset 2 of the tracks: cylinder 0 head 0: a run of 3 records, where 2 are left" },
        { "00 02 0200 0100FF 0200", "offset 8 of the tracks: cylinder 0 head 1: a run of 2 records, where 1 are left" },
        { "00 01 0100 01FFFF", "offset 7 of the tracks: cylinder 0 head 1: record 1 of 65535 bytes runs over the track's end" },
        { "000000000000000000000000000000 00", "offset 16 of the tracks: cylinder 1 head 0: the tracks go on behind the 1 cylinders of the header" },
        { "0000000000000000000000000000", "offset 14 of the tracks: cylinder 0 head 14: the file ends here: it is cut off" },
    };

    [Theory]
    [MemberData(nameof(XcatTracks))]
    public void Tracks_of_xcat_that_lie_are_refused(string tracks, string reason)
    {
        byte[] bytes = Convert.FromHexString(tracks.Replace(" ", "", StringComparison.Ordinal));
        byte[] Image(int level, byte[] data) => [.. Encoding.ASCII.GetBytes($"xCAT CKD Disk Image:           1 CYL HLen: 0055 GZIP: {level}".PadRight(512)), .. data];
        File.WriteAllBytes(_files["x"], Image(0, bytes));
        File.WriteAllBytes(_files["z"], Image(6, XcatWriter.Zip(bytes)));
        Assert.Equal((1, "", $"ccwfs: {_files["x"]}: {reason}\n"), DasdVerb.Run("convert", _files["x"], _files["out.ckd"]));
        Assert.Equal((1, "", $"ccwfs: {_files["z"]}: {reason}\n"), DasdVerb.Run("convert", _files["z"], _files["out.ckd"]));
        File.WriteAllBytes(_files["g"], Image(6, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]));
        Assert.Equal((1, "", $"ccwfs: {_files["g"]}: offset 0 of the tracks: cylinder 0 head 0: its compressed data is damaged\n"),
            DasdVerb.Run("convert", _files["g"], _files["out.ckd"]));
    }

    [Fact]
    public void Packed_tracks_that_have_no_end_take_no_memory()
    {
        byte[] zip = XcatWriter.Zip(new byte[64 << 20]);
        File.WriteAllBytes(_files["z"], [.. Encoding.ASCII.GetBytes("xCAT CKD Disk Image:          10 CYL HLen: 0055 GZIP: 6".PadRight(512)), .. zip]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("the tracks go on behind", DasdVerb.Run("convert", _files["z"], _files["out.ckd"]).Error, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 8 << 20);
    }

    [Fact]
    public void A_damaged_source_a_taken_name_and_an_end_leave_nothing()
    {
        string path = _files.Create("v.ckd", 30, VolumeFormat.Ldl, "BAD001");
        File.WriteAllText(_files["taken"], "precious");
        Assert.Equal((1, "", $"ccwfs: {_files["taken"]}: exists already; an image is never overwritten\n"),
            DasdVerb.Run("convert", path, _files["taken"]));
        using var cancel = new CancellationTokenSource();
        using (CkdImage source = CkdImage.Open(path, readOnly: true))
        using (ITrackSink sink = TrackFormats.Named("tracks").Make!(_files["t"]))
        {
            Assert.Throws<OperationCanceledException>(() =>
                VolumeConverter.Convert(source, sink, progress: new Cancel(cancel), cancel: cancel.Token));
        }
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = Header + (16 * Slot);
            file.WriteByte(7);
        }
        Assert.Equal((1, "", $"ccwfs: {path}: cylinder 1 head 1: torn or impossible track: offset 0: home address flag 07; nothing was made of it, see: ccwfs dasd check\n"),
            DasdVerb.Run("convert", path, _files["t"]));
        Assert.Equal(["taken", "v.ckd"], Directory.GetFiles(_files.Path).Select(Path.GetFileName).Order());
    }

    private sealed class Cancel(CancellationTokenSource source) : IProgress<long>
    {
        public void Report(long value) => source.Cancel();
    }
}
