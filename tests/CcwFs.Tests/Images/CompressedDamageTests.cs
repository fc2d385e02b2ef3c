using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Compressed;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Fuzz;

namespace CcwFs.Tests.Images;

/// <summary>Compressed images that lie: one line that names the place, no crash, and no more time or memory than a track takes.</summary>
public sealed class CompressedDamageTests
{
    private const string Path = "v.cckd";

    /// <summary>What bzip2 makes of 50,000,000 zeros.</summary>
    private const string BZip2Bomb =
        "QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZk8TsPQAfaMEAwAAAEAAIIAAwzAmqaZUiDapSIPF3JFOFCQj9cpgw";

    private static readonly CkdGeometry s_geometry = CkdGeometry.Model3390(18);
    private readonly MemoryImageFiles _files = new();

    [Theory]
    [InlineData(8, "0E", "offset 8: 14 heads; a 3390 has 15")]
    [InlineData(12, "00BA", "offset 12: track size 47616; a 3390's is 56832")]
    [InlineData(16, "80", "offset 16: device type 80; only 3390 (90) is supported")]
    [InlineData(17, "02", "offset 17: file number 2; a compressed image is one file")]
    [InlineData(18, "01", "offset 18: highest cylinder 1, as if another file followed; a compressed image is one file")]
    [InlineData(0, "434B445F50", "offset 0: no compressed image (identifier 434B445F50333730)")]
    [InlineData(516, "01000000", "offset 516: a first table of 1 entries; 18 cylinders need 2")]
    [InlineData(516, "FFFFFFFF", "the first table is to end at 8589935612: truncated?")]
    [InlineData(516, "00000100", "the first table is to end at 263168: truncated?")]
    [InlineData(520, "01010000", "offset 520: second tables of 257 entries; they have 256")]
    [InlineData(552, "00000000", "offset 552: 0 cylinders; a compressed image has 1 to 65520")]
    [InlineData(552, "F1FF0000", "offset 552: 65521 cylinders; a compressed image has 1 to 65520")]
    [InlineData(552, "FFFFFFFF", "offset 552: 4294967295 cylinders")]
    [InlineData(552, "F0FF0000", "offset 516: a first table of 2 entries; 65520 cylinders need 3840")]
    [InlineData(524, "FFFFFF7F", "the file is to have 2147483647 bytes: truncated?")]
    [InlineData(1_024, "00000000", null)]
    [InlineData(1_024, "04000000", "offset 1024: a table is to be at 4, which is not between 1032 and")]
    [InlineData(1_028, "07040000", "offset 1028: a table is to be at 1031, which is not between 1032 and")]
    [InlineData(1_028, "FEFFFFFF", "offset 1028: a table is to be at 4294967294, which is not between 1032 and")]
    [InlineData(1_028, "08040000", "offset 1032: two tables overlap")]
    [InlineData(1_028, "09040000", "offset 1033: two tables overlap")]
    [InlineData(1_028, "070C0000", "offset 3079: two tables overlap")]
    public void A_lie_of_the_headers_or_the_first_table_is_refused_at_once(int offset, string hex, string? reason)
    {
        byte[] bytes = Volume().Build();
        Convert.FromHexString(hex).CopyTo(bytes, offset);
        _files.Files[Path] = bytes;
        if (reason is null)
        {
            Open().Dispose();
            return;
        }
        string refusal = Assert.Throws<ImageException>(Open).Message;
        Assert.StartsWith($"{Path}: ", refusal, StringComparison.Ordinal);
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        Assert.Equal(0, _files.OpenFiles);
        Assert.True(_files.Taken < 100_000, $"{_files.Taken} bytes were taken");
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFF7F")]
    [InlineData("FEFFFFFFFFFFFFFF")]
    [InlineData("0000000000000080")]
    public void An_offset_of_64_bits_that_leads_out_of_the_file_is_refused(string hex)
    {
        CompressedBuilder builder = new CompressedBuilder(18) { IsWide = true }.Add(257, Track(257), CompressedBuilder.Zlib);
        byte[] bytes = builder.Build();
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(Convert.FromHexString(hex));
        byte[] other = (byte[])bytes.Clone();
        Convert.FromHexString(hex).CopyTo(other, builder.EntryAt(1));
        _files.Files[Path] = other;
        Assert.Contains($"offset 1032: a table is to be at {offset}, which", Assert.Throws<ImageException>(Open).Message, StringComparison.Ordinal);
        int place = builder.PlaceAt(bytes, 257);
        Convert.FromHexString(hex).CopyTo(bytes, place);
        _files.Files[Path] = bytes;
        using CompressedImage image = Open();
        Assert.StartsWith($"{Path}: offset {place}: cylinder 17 head 2: its ", Refusal(image, 257), StringComparison.Ordinal);
        Assert.Contains($"are to be at {offset}, and the file has {bytes.Length}", Refusal(image, 257), StringComparison.Ordinal);
    }

    /// <summary>Of an entry of a second table: offset (null: as it is), length (the same).</summary>
    [Theory]
    [InlineData(0u, 3, "a track that is not there has length 3, which is no format of one")]
    [InlineData(5u, null, "bytes are to be at 5, in a table")]
    [InlineData(1_031u, null, "bytes are to be at 1031, in a table")]
    [InlineData(1_032u, null, "bytes are to be at 1032, in a table")]
    [InlineData(3_079u, null, "bytes are to be at 3079, in a table")]
    [InlineData(0xFFFFFFFEu, null, "bytes are to be at 4294967294, and the file has")]
    [InlineData(null, 0xFFFF, ", and the file has")]
    [InlineData(null, 0, "it has 0 bytes, which is too short")]
    [InlineData(null, 5, "it has 5 bytes, which is too short")]
    [InlineData(3_080u, null, "the bytes there are the track of cylinder 0 head 0")]
    public void A_lie_of_a_second_table_is_refused_with_cylinder_and_head(uint? offset, int? length, string reason)
    {
        CompressedBuilder builder = Volume();
        byte[] bytes = builder.Build();
        int at = builder.PlaceAt(bytes, 1);
        if (offset is { } place)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), place);
        if (length is { } count)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at + 4), (ushort)count);
        _files.Files[Path] = bytes;
        using CompressedImage image = Open();
        string refusal = Refusal(image, 1);
        Assert.Matches($"^{Path}: offset [0-9]+: cylinder 0 head 1: [^\n]*$", refusal);
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        image.Read(0, new byte[s_geometry.TrackSize]);
        image.Read(2, new byte[s_geometry.TrackSize]);
    }

    public static TheoryData<string, byte, byte[], string> Streams
    {
        get
        {
            byte[] longer = new byte[60_000];
            byte[] records = Track(1)[5..];
            byte[] zlib = CompressedBuilder.Pack(Track(1), CompressedBuilder.Zlib)[5..];
            byte[] bzip2 = BZip2();
            byte[] forever = new byte[50_000_000];
            return new TheoryData<string, byte, byte[], string>
            {
                { "another way", 3, records, "its track is packed in way 3; only 0 (stored), 1 (zlib) and 2 (bzip2) are known" },
                { "flags", 0x81, zlib, "its track is packed in way 129" },
                { "no end mark", 0, records[..^1], "its track has no end mark in its" },
                { "records that run on", 0, [.. records[..6], 0xFF, 0xFF, .. records[8..]], "its track has no end mark" },
                { "stored, longer than a slot", 0, longer, "its track has no end mark in its 56832 bytes" },
                { "zlib that is none", 1, longer, "it is no whole stream of zlib" },
                { "zlib, damaged", 1, [.. zlib[..60], (byte)~zlib[60], .. zlib[61..]], "its track " },
                { "zlib, wrong checksum", 1, [.. zlib[..^1], (byte)~zlib[^1]], "it is no whole stream of zlib" },
                { "zlib, cut off", 1, zlib[..(zlib.Length / 2)], "no" },
                { "zlib of zeros", 1, Zlib(longer[..1_000]), "its track has no end mark in its 1005 bytes" },
                { "zlib of a track and more", 1, Zlib([.. records, 1]), "its track has 1 bytes behind its end mark" },
                { "zlib, a little longer than a slot", 1, Zlib(longer[..56_828]), "it is longer than a track" },
                { "zlib, as long as a slot", 1, Zlib(longer[..56_827]), "its track has no end mark in its 56832 bytes" },
                { "zlib bomb", 1, Zlib(forever), "it is longer than a track" },
                { "bzip2 that is none", 2, longer, "it is no stream of bzip2" },
                { "bzip2 of level 0", 2, [.. bzip2[..3], (byte)'0', .. bzip2[4..]], "it is no stream of bzip2" },
                { "bzip2, cut off in its head", 2, bzip2[..3], "it is cut off" },
                { "bzip2, cut off", 2, bzip2[..200], "it is cut off" },
                { "bzip2, cut off before its checksum", 2, bzip2[..^4], "it is cut off" },
                { "bzip2 without a block", 2, [.. bzip2[..4], .. new byte[20]], "a block does not begin as one" },
                { "bzip2 of nothing", 2, Convert.FromBase64String("QlpoMRdyRThQkAAAAAA="), "its track has no end mark in its 5 bytes" },
                { "bzip2, wrong checksum of a block", 2, [.. bzip2[..10], (byte)~bzip2[10], .. bzip2[11..]], "a block's checksum is wrong" },
                { "bzip2, randomised", 2, [.. bzip2[..14], (byte)(bzip2[14] | 0x80), .. bzip2[15..]], "it is randomised, which is not supported" },
                { "bzip2, lying start", 2, [.. bzip2[..14], 0x7F, .. bzip2[15..]], "begins at" },
                { "bzip2 bomb", 2, Convert.FromBase64String(BZip2Bomb), "it is longer than a track" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void A_track_that_cannot_be_unpacked_is_refused_and_takes_little_memory(string what, byte way, byte[] packed, string reason)
    {
        Assert.NotEmpty(what);
        CompressedBuilder builder = Volume();
        byte[] bytes = builder.Add(1, builder.WithHead(1, way, packed)).Build();
        _files.Files[Path] = bytes;
        using CompressedImage image = Open();
        string refusal = Refusal(image, 1);
        Assert.StartsWith($"{Path}: offset {builder.TrackAt(bytes, 1)}: cylinder 0 head 1: ", refusal, StringComparison.Ordinal);
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal);
        byte[] slot = new byte[s_geometry.TrackSize];
        long taken = Allocations.Least(() => Assert.Throws<ImageException>(() => image.Read(1, slot)));
        Assert.True(taken < 400_000, $"{taken} bytes were taken");
        image.Read(0, slot);
        image.Read(2, slot);
    }

    [Fact]
    public void Bytes_behind_a_stored_track_mean_nothing()
    {
        CompressedBuilder builder = Volume();
        _files.Files[Path] = builder.Add(1, [.. Track(1), 1, 2, 3]).Build();
        using CompressedImage image = Open();
        byte[] slot = new byte[s_geometry.TrackSize];
        image.Read(1, slot);
        Assert.True(slot.AsSpan(0, Track(1).Length).SequenceEqual(Track(1)));
        Assert.Equal(-1, slot.AsSpan(Track(1).Length).IndexOfAnyExcept((byte)0));
    }

    /// <summary>
    /// Cut at every byte: where the header does not lie the file is refused as truncated; where Hercules had it open, the tracks that are whole are
    /// read.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_that_is_cut_anywhere_is_refused_or_gives_the_tracks_that_are_whole(bool isOpen)
    {
        CompressedBuilder builder = Volume(isOpen);
        byte[] bytes = builder.Build(), slot = new byte[s_geometry.TrackSize];
        for (int length = 0; length < bytes.Length; length += length is > 1_100 and < 3_000 ? 97 : 7)
        {
            _files.Files[Path] = bytes[..length];
            if (!isOpen || length < builder.TableAt(bytes, 1) + 2_048)
            {
                Assert.Matches($"^{Path}: offset {length}: [^\n]*(truncated|too short)|table", Assert.Throws<ImageException>(Open).Message);
                continue;
            }
            using CompressedImage image = Open();
            image.Read(1, slot);
            Assert.True(slot.AsSpan(0, Track(1).Length).SequenceEqual(Track(1)));
            Assert.Matches($"^{Path}: offset {builder.PlaceAt(bytes, 257)}: cylinder 17 head 2: its [0-9]+ bytes are to be at", Refusal(image, 257));
        }
        Assert.Equal(0, _files.OpenFiles);
    }

    [Fact]
    public void A_file_that_becomes_shorter_while_it_is_open_is_refused()
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            CompressedBuilder builder = Volume();
            byte[] bytes = builder.Build();
            File.WriteAllBytes(path, bytes);
            using CompressedImage image = CompressedImage.Open(HostImageFiles.Instance, path, new ImageOptions(ReadOnly: true));
            image.Read(1, new byte[s_geometry.TrackSize]);
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) // without a lock
                file.SetLength(builder.TrackAt(bytes, 1) + 20);
            Assert.EndsWith("cylinder 0 head 1: the file has been truncated", Refusal(image, 1), StringComparison.Ordinal);
            Assert.EndsWith($"offset {builder.TableAt(bytes, 1)}: a table is cut off: the file has been truncated", Refusal(image, 257),
                StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Images_that_are_damaged_at_random_are_refused_in_one_line_or_hold_their_tracks(int seed)
    {
        var fuzzer = new CompressedFuzzer(seed);
        fuzzer.Run(TimeSpan.FromSeconds(3));
        Assert.True(fuzzer.Opened > 50 && fuzzer.Rounds - fuzzer.Opened > 20 && fuzzer.Refused > 20,
            $"{fuzzer.Rounds} images, {fuzzer.Opened} opened, {fuzzer.Refused} tracks refused: not every kind was tried");
    }

    private CompressedImage Open() => CompressedImage.Open(_files, Path, new ImageOptions(ReadOnly: true));

    private static string Refusal(CompressedImage image, int track) =>
        Assert.Throws<ImageException>(() => image.Read(track, new byte[s_geometry.TrackSize])).Message;

    /// <summary>Two second tables, the first at 1032, its tracks at 3080.</summary>
    private static CompressedBuilder Volume(bool isOpen = false) =>
        new CompressedBuilder(18) { IsOpen = isOpen }.Add(0, Track(0), CompressedBuilder.Stored).Add(1, Track(1), CompressedBuilder.Zlib)
            .AddBZip2(2).Add(257, Track(257), CompressedBuilder.Zlib);

    private static byte[] Track(int number)
    {
        var track = new CkdTrack(s_geometry);
        track.Initialize(number);
        byte[] count = [.. track.HomeAddress[1..], 1, 0, 0x02, 0];
        Assert.True(track.Append(0, count, out int index));
        new Random(number).NextBytes(track.Data(index)[..200]);
        return track.Image.ToArray();
    }

    private static byte[] Zlib(byte[] bytes) => CompressedBuilder.Pack([0, 0, 0, 0, 0, .. bytes], CompressedBuilder.Zlib)[5..];

    private static byte[] BZip2()
    {
        var builder = new CompressedBuilder(1);
        byte[] bytes = builder.AddBZip2(0).Build();
        return bytes[(builder.TrackAt(bytes, 0) + 5)..];
    }
}
