using System.Text.Json;
using CcwFs.Emulation.Dasd.Comparison;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Tests.Images;

public sealed class CompareCommandTests : IDisposable
{
    private const int Header = 512, Slot = 56_832;
    private readonly ImageDirectory _files = new();
    private readonly string _a, _b;

    public CompareCommandTests()
    {
        _a = _files.Create("a.ckd", 4, VolumeFormat.Cdl, "SAME");
        _b = _files.Create("b.ckd", 4, VolumeFormat.Cdl, "SAME");
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Two_volumes_with_the_same_tracks_have_no_difference_whatever_stands_behind_an_end_mark()
    {
        Patch(_b, 20, Slot - 10, 1);
        Assert.Equal((0, $"{_a} and {_b}: 60 tracks, no difference\n", ""), DasdVerb.Run("compare", _a, _b));
    }

    [Fact]
    public void A_difference_is_named_by_its_record_and_byte()
    {
        Edit(_b, 1, track => track.Key(3)[7] = 0x01);
        Edit(_b, 17, track => (track.Data(5)[7], track.Data(5)[9], track.Data(9)[0]) = (0xC1, 0xC2, 1));
        Edit(_b, 30, track => track.EraseAfter(10));
        Edit(_b, 40, track => Assert.True(track.Append(11, [0, 2, 0, 10, 12, 4, 8, 0], out _)));
        Patch(_b, 50, 5 + 16 + 4, 9);
        Assert.Equal((1, $"""
            cylinder 0 head 1: record 3: key differs at byte 7 (00 and 01)
            cylinder 1 head 2: record 5: data differs at byte 7 (00 and C1; 2 bytes differ), and 1 more record
            cylinder 2 head 0: record 11: only in A, and 1 more record
            cylinder 2 head 10: record 12: count differs (key 0 data 4096 and key 4 data 2048)
            cylinder 3 head 5: record 1: count differs (0003000501001000 and 0003000509001000)
            {_a} and {_b}: 5 of 60 tracks differ

            """, ""), DasdVerb.Run("compare", _a, _b));
    }

    [Fact]
    public void What_is_formatted_in_one_alone_is_one_line_and_with_all_a_line_each()
    {
        string lazy = _files.Create("lazy.ckd", 4, VolumeFormat.Cdl, "SAME", lazy: true);
        Assert.Equal((1, $"cylinder 0 head 2 to cylinder 3 head 14: formatted only in B\n{lazy} and {_b}: 58 of 60 tracks differ\n", ""),
            DasdVerb.Run("compare", lazy, _b));
        string[] lines = DasdVerb.Run("compare", _a, lazy, "--all").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(59, lines.Length);
        Assert.Equal("cylinder 3 head 14: formatted only in A", lines[57]);
    }

    [Fact]
    public void A_larger_volume_is_said_first_and_its_tracks_are_only_in_it()
    {
        string larger = _files.Create("larger.ckd", 5, VolumeFormat.Cdl, "SAME");
        (int status, string text, _) = DasdVerb.Run("compare", _a, larger);
        string[] lines = text.Split('\n');
        Assert.Equal((1, "A has 4 cylinders, B has 5"), (status, lines[0]));
        Assert.Contains("cylinder 0 head 1: record 1: data differs at byte 19 (04 and 05), and 1 more record", lines); // both count the cylinders
        Assert.Contains("cylinder 4 head 0 to cylinder 4 head 14: formatted only in B", lines);
        string lazy = _files.Create("lazy.ckd", 4, VolumeFormat.None, lazy: true), lazier = _files.Create("lazier.ckd", 5, VolumeFormat.None, lazy: true);
        Assert.Equal((1, $"A has 4 cylinders, B has 5\n{lazy} and {lazier}: 0 of 75 tracks differ\n", ""), DasdVerb.Run("compare", lazy, lazier));
    }

    [Fact]
    public void More_lines_than_fit_a_screen_are_counted_and_left_out()
    {
        for (int track = 2; track < 60; track += 2)
            Edit(_b, track, loaded => loaded.Data(1)[0] = 1);
        string[] lines = DasdVerb.Run("compare", _a, _b).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((22, "9 more lines left out; --all shows every track"), (lines.Length, lines[20]));
        Assert.EndsWith(": 29 of 60 tracks differ", lines[21], StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(DasdVerb.Run("compare", _a, _b, "--json").Out).RootElement;
        Assert.Equal((29, 20, 9),
            (json.GetProperty("tracksDiffering").GetInt32(), json.GetProperty("runs").GetArrayLength(), json.GetProperty("runsLeftOut").GetInt32()));
        JsonElement run = json.GetProperty("runs")[1];
        Assert.Equal((0, 4, 1, "data", "record 1: data differs at byte 0 (00 and 01)"),
            (run.GetProperty("cylinder").GetInt32(), run.GetProperty("head").GetInt32(), run.GetProperty("tracks").GetInt32(),
            run.GetProperty("differs")[0].GetString(), run.GetProperty("first").GetString()));
    }

    [Fact]
    public void A_damaged_track_differs_and_a_volume_that_cannot_be_read_is_status_2()
    {
        Patch(_b, 7, 0, 3);
        (int status, string text, _) = DasdVerb.Run("compare", _a, _b);
        Assert.StartsWith("cylinder 0 head 7: damaged in B: offset 0: home address flag 03\n", text, StringComparison.Ordinal);
        Assert.Equal(1, status);
        Assert.Equal((2, "", $"ccwfs: {_files["none"]}: no such file\n"), DasdVerb.Run("compare", _a, _files["none"]));
    }

    [Fact]
    public void A_volume_that_somebody_writes_is_not_compared_and_one_that_others_read_is()
    {
        using (CkdImage.Open(_b))
            Assert.Equal(2, DasdVerb.Run("compare", _a, _b).Status);
        using (CkdImage.Open(_b, readOnly: true))
            Assert.Equal(0, DasdVerb.Run("compare", _a, _b).Status);
    }

    [Fact]
    public void What_is_a_hole_in_both_is_not_read()
    {
        CkdGeometry geometry = CkdGeometry.Model3390(65_520);
        using CountingStore a = new(_files.Create("x.ckd", geometry.Cylinders, VolumeFormat.Cdl, "LAZY", lazy: true)),
            b = new(_files.Create("y.ckd", geometry.Cylinders, VolumeFormat.Cdl, "LAZY", lazy: true));
        Assert.Empty(new VolumeComparison(a, b).Differences());
        Assert.InRange(a.Reads, 2, 8); // a block of the file system may reach into the next slot
    }

    private static void Patch(string path, int track, int offset, byte value)
    {
        using FileStream file = File.OpenWrite(path);
        file.Position = Header + ((long)track * Slot) + offset;
        file.WriteByte(value);
    }

    private static void Edit(string path, int number, Action<CkdTrack> change)
    {
        using CkdImage image = CkdImage.Open(path);
        var track = new CkdTrack(image.Geometry);
        Assert.Null(track.Load(image, number));
        change(track);
        image.Write([new TrackImage(number, track.Image)]);
    }

    private sealed class CountingStore(string path) : ITrackStore
    {
        private readonly CkdImage _image = CkdImage.Open(path, readOnly: true);

        internal int Reads { get; private set; }

        public CkdGeometry Geometry => _image.Geometry;

        public bool IsReadOnly => true;

        public string Name => _image.Name;

        public long AllocatedBytes => _image.AllocatedBytes;

        public int NextFormatted(int track) => _image.NextFormatted(track);

        public void Read(int track, Span<byte> slot)
        {
            Reads++;
            _image.Read(track, slot);
        }

        public void Write(ReadOnlySpan<TrackImage> tracks) => throw new NotSupportedException();

        public void Release(int first, int count) => throw new NotSupportedException();

        public void Dispose() => _image.Dispose();
    }
}
