using System.Buffers.Binary;
using System.Text.Json;
using CcwFs.ChannelIo.Text;
using CcwFs.Cli.Dasd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Labels;

namespace CcwFs.Tests.Images;

public sealed class MapCommandTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void The_picture_shows_what_is_formatted_written_and_labelled()
    {
        string path = _files.Create("v.ckd", 6, VolumeFormat.Cdl, "MAP001", lazy: true);
        using (CkdImage image = CkdImage.Open(path))
        {
            var track = new CkdTrack(image.Geometry);
            VolumeLayout layout = VolumeLayout.Detect(image);
            for (int number = 15; number < 30; number++)
            {
                layout.Format(number, track);
                if (number >= 20)
                    track.Data(3)[100] = 1;
                image.Write([new TrackImage(number, track.Image)]);
            }
            Change(image, 1, contents => DataSet(contents, 4, "LINUX.VMAP001.PART0001.NATIVE", (15, 44), (60, 74)));
        }
        (int status, string text, string error) = DasdVerb.Run("map", path);
        Assert.Equal((0, ""), (status, error));
        Assert.Equal($"""
            {path}: 3390, 6 cylinders, volume serial MAP001
            90 tracks: 73 never formatted, 5 empty, 12 written
            A sign is one track; the number before a row is its first cylinder.

            Tracks: . never formatted, o formatted, + some written, # all written, ! damaged
            0 ##.............ooooo##########.............................................
            5 ...............

            Space: L label, V table of contents, a-z a data set, * another one, - free
            0 LV-------------aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa---------------aaaaaaaaaaaaaaa
            5 ---------------

            V table of contents  0/1 to 0/1 (1 track)
            a LINUX.VMAP001.PART0001.NATIVE  PS FB 4096 4096  1/0 to 2/14, 4/0 to 4/14 (45 tracks)
            1 data set, 88 tracks free by the labels

            """, text);
    }

    [Fact]
    public void Json_has_the_same_and_a_volume_in_use_is_shown()
    {
        string path = _files.Create("v.ckd", 6, VolumeFormat.Cdl, "MAP001", lazy: true);
        using CkdImage image = CkdImage.Open(path);
        Change(image, 1, contents => DataSet(contents, 4, "ONE", (15, 44)));
        JsonElement json = JsonDocument.Parse(DasdVerb.Run("map", path, "--json").Out).RootElement;
        Assert.Equal((90, 2, 2, "MAP001", 1),
            (json.GetProperty("tracks").GetInt32(), json.GetProperty("tracksFormatted").GetInt32(), json.GetProperty("tracksWritten").GetInt32(),
            json.GetProperty("volser").GetString(), json.GetProperty("tracksPerCell").GetInt32()));
        JsonElement set = json.GetProperty("vtoc").GetProperty("dataSets")[0];
        Assert.Equal(("ONE", "FB", "2026.335", 15, 44),
            (set.GetProperty("name").GetString(), set.GetProperty("recordFormat").GetString(), set.GetProperty("created").GetString(),
            set.GetProperty("extents")[0].GetProperty("first").GetInt32(), set.GetProperty("extents")[0].GetProperty("last").GetInt32()));
        Assert.Equal(1, json.GetProperty("cells")[1].GetProperty("written").GetInt32());
    }

    [Fact]
    public void A_damaged_track_and_a_volume_without_labels_are_shown()
    {
        string path = _files.Create("v.ckd", 2);
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = 512 + (3 * 56_832);
            file.WriteByte(1);
        }
        string text = DasdVerb.Run("map", path).Out;
        Assert.Contains("30 tracks: 0 never formatted, 29 empty, 0 written, 1 damaged\n", text, StringComparison.Ordinal);
        Assert.Contains("\n0 ooo!oooooooooooooooooooooooooo\n", text, StringComparison.Ordinal);
        Assert.Contains("no volume serial\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Space", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(200)]
    [InlineData(3_339)]
    [InlineData(10_017)]
    [InlineData(1_182_006)]
    public void Every_track_is_in_one_cell_and_no_line_is_wider_than_the_screen(int cylinders)
    {
        CkdGeometry geometry = CkdGeometry.Model3390(cylinders);
        for (int columns = 40; columns <= 220; columns++)
        {
            var grid = new MapGrid(geometry, columns);
            List<int> cells = [];
            string[] rows = [.. grid.Draw(cell =>
            {
                cells.Add(cell);
                return 'x';
            })];
            Assert.Equal(Enumerable.Range(0, (geometry.Tracks + grid.TracksPerCell - 1) / grid.TracksPerCell), cells);
            Assert.True(15 % grid.TracksPerCell == 0 || grid.TracksPerCell % 15 == 0, $"{grid.TracksPerCell} tracks");
            Assert.InRange(rows.Length, 1, 16);
            Assert.InRange(rows.Max(row => row.Length), 1, columns);
        }
    }

    [Fact]
    public void Data_sets_that_Hercules_made_are_found_where_it_put_them()
    {
        File.WriteAllText(_files["control"], """
            TEST01 3390-1 50
            SYSVTOC VTOC TRK 5
            MY.DATA.SET EMPTY CYL 2 1 0 PS FB 80 3200 0
            MY.PDS EMPTY TRK 5 1 5 PO V 84 3208 0

            """);
        (int status, string said) = _files.Run("dasdload", "control", "v.ckd");
        Assert.True(status == 0, said);
        using CkdImage image = CkdImage.Open(_files["v.ckd"], readOnly: true);
        Vtoc? contents = Vtoc.Read(image);
        Assert.NotNull(contents);
        Assert.Equal(new TrackExtent(1, 5), contents.Extent);
        Assert.Equal([("MY.DATA.SET", "PS", "FB", 80, 3_200), ("MY.PDS", "PO", "V", 84, 3_208)],
            contents.DataSets.Select(set => (set.Name, set.Organization, set.RecordFormat, set.RecordLength, set.BlockSize)));
        Assert.Equal([[new TrackExtent(15, 44)], [new TrackExtent(45, 49)]], contents.DataSets.Select(set => set.Extents.ToArray()));
        Assert.Empty(contents.Problems);
    }

    [Fact]
    public void Extents_go_on_in_other_records_and_free_space_is_of_formats_5_and_7()
    {
        using MemoryTrackStore volume = Volume(6);
        Change(volume, 1, contents =>
        {
            DataSet(contents, 4, "LONG", (15, 15), (17, 17), (19, 19));
            Point(contents, 4, 1, 6);
            More(contents, 6, 0xF3, [4, 14, 24, 34, 45, 55, 65, 75, 85, 95, 105, 115, 125], 21);
            Point(contents, 6, 1, 5);
            More(contents, 5, 0xF3, [4], 60);
        });
        Vtoc? read = Vtoc.Read(volume);
        Assert.Equal([15, 17, 19, .. Enumerable.Range(0, 13).Select(i => 21 + (2 * i)), 60],
            read!.DataSets[0].Extents.Select(extent => extent.First));
        Assert.Empty(read.Problems);
        Assert.Equal([new TrackExtent(2, 89)], read.Free);
        using MemoryTrackStore large = Volume(5_000);
        Assert.Equal([new TrackExtent(2, 74_999)], Vtoc.Read(large)!.Free);
    }

    [Fact]
    public void What_leads_nowhere_or_round_is_named_and_left_out()
    {
        using MemoryTrackStore volume = Volume(6);
        Change(volume, 1, contents =>
        {
            DataSet(contents, 4, "ROUND", (15, 15));
            Point(contents, 4, 1, 5);
            More(contents, 5, 0xF3, [4], 21);
            Point(contents, 5, 1, 5);
            DataSet(contents, 6, "NOWHERE", (15, 15));
            Point(contents, 6, 80, 1);
            DataSet(contents, 7, "OUTSIDE", (30, 20), (15, 90));
            BinaryPrimitives.WriteInt32BigEndian(contents.KeyAndData(2)[4..], 0x0002_0063); // format 5: 99 cylinders from track 2 on
        });
        Vtoc read = Vtoc.Read(volume)!;
        Assert.Equal([15, 21], read.DataSets[0].Extents.Select(extent => extent.First));
        Assert.Equal(
        [
            "free space 000200630D is not on the volume",
            "ROUND: its next record 0000000105 is none, or stands in a chain already",
            "NOWHERE: its next record 0005000501 is none, or stands in a chain already",
            "OUTSIDE: extent 01000002000000010005 is not on the volume",
            "OUTSIDE: extent 01010001000000060000 is not on the volume",
        ], read.Problems);
        Change(volume, 1, contents => contents.KeyAndData(1)[105 + 9] = 200); // the last head of its extent
        Assert.Contains("the VTOC's own extent is not where its first record is", Vtoc.Read(volume)!.Problems);
        Change(volume, 1, contents => contents.KeyAndData(1)[44] = 0xF1);
        Assert.Null(Vtoc.Read(volume));
    }

    private static MemoryTrackStore Volume(int cylinders)
    {
        CkdGeometry geometry = CkdGeometry.Model3390(cylinders);
        return new MemoryTrackStore(geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, volser: "VTOC01"));
    }

    private static void Change(ITrackStore store, int number, Action<CkdTrack> change)
    {
        var track = new CkdTrack(store.Geometry);
        Assert.Null(track.Load(store, number));
        change(track);
        store.Write([new TrackImage(number, track.Image)]);
    }

    /// <summary>Makes a record of format 1, by the layout that DFSMSdfp Advanced Services gives.</summary>
    private static void DataSet(CkdTrack contents, int record, string name, params (int First, int Last)[] extents)
    {
        Span<byte> dscb = contents.KeyAndData(record);
        dscb.Clear();
        Assert.True(Ebcdic.TryEncode(name.PadRight(44), out byte[] encoded));
        encoded.CopyTo(dscb);
        dscb[44] = 0xF1;
        ((ReadOnlySpan<byte>)[126, 1, 79]).CopyTo(dscb[53..]); // 2026, day 335
        dscb[82] = 0x40;
        dscb[84] = 0x90;
        BinaryPrimitives.WriteUInt16BigEndian(dscb[86..], 4_096);
        BinaryPrimitives.WriteUInt16BigEndian(dscb[88..], 4_096);
        for (int index = 0; index < extents.Length; index++)
            Extent(dscb[(105 + (10 * index))..], index, extents[index].First, extents[index].Last);
    }

    /// <summary>Makes a record of extents of one track each, two tracks apart.</summary>
    private static void More(CkdTrack contents, int record, byte format, int[] places, int first)
    {
        Span<byte> dscb = contents.KeyAndData(record);
        dscb.Clear();
        dscb[..4].Fill(3);
        dscb[44] = format;
        for (int index = 0; index < places.Length; index++)
            Extent(dscb[places[index]..], index, first + (2 * index), first + (2 * index));
    }

    private static void Extent(Span<byte> bytes, int index, int first, int last)
    {
        (bytes[0], bytes[1], bytes[3], bytes[5], bytes[7], bytes[9]) =
            (1, (byte)index, (byte)(first / 15), (byte)(first % 15), (byte)(last / 15), (byte)(last % 15));
    }

    private static void Point(CkdTrack contents, int record, int track, byte next)
    {
        Span<byte> pointer = contents.KeyAndData(record)[135..];
        (pointer[1], pointer[3], pointer[4]) = ((byte)(track / 15), (byte)(track % 15), next);
    }
}
