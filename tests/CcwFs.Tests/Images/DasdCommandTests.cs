using System.Text.Json;
using CcwFs.Cli.Dasd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

public sealed class DasdCommandTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Create_info_check_and_complete_tell_the_same_volume()
    {
        string path = _files["v.ckd"];
        Assert.Equal((0, $"{path}: 3390, 4 cylinders, format cdl, volume serial AB#1\n", ""),
            Dasd("create", path, "--cylinders", "4", "--format", "cdl", "--volser", "ab#1", "--lazy"));
        (int status, string text, _) = Dasd("info", path, "--json");
        Assert.Equal(0, status);
        JsonElement info = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("AB#1", "cdl", 4_096, 60, 58),
            (info.GetProperty("volser").GetString(), info.GetProperty("layout").GetString(), info.GetProperty("blockSize").GetInt32(),
            info.GetProperty("cylinders").GetInt32() * info.GetProperty("heads").GetInt32(), info.GetProperty("tracksUnformatted").GetInt32()));
        Assert.Equal((0, $"{path}: 58 of 60 tracks formatted\n", ""), Dasd("complete", path));
        Assert.Equal((0, $"{path}: 60 tracks checked, 0 findings\n", ""), Dasd("check", path));
        Assert.Contains("volume serial                AB#1\n", Dasd("info", path).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("why it cannot be used", Dasd("info", path).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_names_each_bad_track_and_ends_with_status_1()
    {
        string path = _files.Create("v.ckd", 2, VolumeFormat.Ldl, "BAD");
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = 512 + 16 * 56_832 + 27;
            file.Write([0xFF, 0xFF]);
            file.Position = 512 + 18 * 56_832 + 25;
            file.Write([9]);
            file.Position = 512 + 20 * 56_832 + 21;
            file.Write([0, 7]);
        }
        (int status, string text, string error) = Dasd("check", path);
        Assert.Equal((1, ""), (status, error));
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.Equal($"{path}: offset {512 + 16 * 56_832}: cylinder 1 head 1: torn or impossible track: offset 21: record of 65543 bytes runs over the track's end", lines[0]);
        Assert.Contains("cylinder 1 head 3: record 9: record number 9 occurs twice", lines[1], StringComparison.Ordinal);
        Assert.Contains("cylinder 1 head 5: record 1: count field 0007000501001000 is of another cylinder or head", lines[2],
            StringComparison.Ordinal);
        Assert.Equal($"{path}: 30 tracks checked, 3 findings", lines[3]);
        JsonElement json = JsonDocument.Parse(Dasd("check", path, "--json").Out).RootElement;
        Assert.Equal(3, json.GetProperty("findings").GetArrayLength());
    }

    [Theory]
    [InlineData("3390-1", 1_113)]
    [InlineData("3390-2", 2_226)]
    [InlineData("3390-3", 3_339)]
    [InlineData("3390-9", 10_017)]
    [InlineData("3390-27", 32_760)]
    [InlineData("3390-54", 65_520)]
    public void Every_model_can_be_made(string model, int cylinders)
    {
        string path = _files["v.ckd"];
        Assert.Equal((0, $"{path}: {model}, {cylinders} cylinders, format none, no volume serial\n", ""),
            Dasd("create", path, "--model", model, "--lazy"));
        using CkdImage image = CkdImage.Open(path);
        var track = new CkdTrack(image.Geometry);
        Assert.Null(track.Load(image, image.Geometry.Tracks - 1));
        Assert.Equal(cylinders - 1, track.Cylinder);
        image.Write([new TrackImage(track.Number, track.Image)]);
        Assert.False(image.IsEmpty(track.Number));
    }

    [Fact]
    public void An_existing_file_is_never_overwritten()
    {
        File.WriteAllText(_files["v.ckd"], "precious");
        Assert.Equal((1, "", $"ccwfs: {_files["v.ckd"]}: exists already; an image is never overwritten\n"),
            Dasd("create", _files["v.ckd"], "--cylinders", "1"));
        Assert.Equal("precious", File.ReadAllText(_files["v.ckd"]));
    }

    [Fact]
    public void A_creation_that_fails_or_is_cancelled_leaves_nothing_behind()
    {
        CkdGeometry geometry = CkdGeometry.Model3390(100);
        VolumeLayout layout = VolumeLayout.Create(geometry, VolumeFormat.None);
        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            CkdImageCreator.Create(_files["v.ckd"], geometry, layout, false, new Cancel(cancel), cancel.Token));
        Assert.Empty(Directory.GetFiles(_files.Path));
        Assert.Equal(1, Dasd("create", _files["no/such/v.ckd"], "--cylinders", "1").Status);
    }

    [Theory]
    [InlineData("create", "x")]
    [InlineData("create", "x", "--cylinders", "0")]
    [InlineData("create", "x", "--cylinders", "1182007")]
    [InlineData("create", "x", "--cylinders", "1", "--model", "3390-1")]
    [InlineData("create", "x", "--model", "3390-4")]
    [InlineData("create", "x", "--cylinders", "1", "--volser", "TOOLONG")]
    [InlineData("create", "x", "--cylinders", "1", "--volser", "A-B")]
    [InlineData("create", "x", "--cylinders", "1", "--format", "zzz")]
    [InlineData("create", "x", "--cylinders", "1", "--block-size", "1000")]
    [InlineData("check")]
    public void Wrong_usage_is_found_before_anything_is_done(params string[] arguments) =>
        Assert.NotEmpty(DasdCommand.Create().Parse(arguments).Errors);

    [Fact]
    public void A_volume_in_memory_holds_its_layout_and_only_what_was_written_costs_memory()
    {
        CkdGeometry geometry = CkdGeometry.Model3390(10);
        using var store = new MemoryTrackStore(geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, 4_096, "MEM"));
        var track = new CkdTrack(geometry);
        Assert.Null(track.Load(store, 149));
        Assert.Equal(13, track.RecordCount);
        Assert.Equal(0, store.AllocatedBytes);
        track.EraseAfter(0);
        store.Write([new TrackImage(149, track.Image)]);
        Assert.Equal(29, store.AllocatedBytes);
        Assert.Null(track.Load(store, 149));
        Assert.Equal(1, track.RecordCount);
        using var empty = new MemoryTrackStore(geometry, isReadOnly: true);
        Assert.Null(track.Load(empty, 3));
        Assert.True(track.WasUnformatted);
        Assert.Throws<ImageException>(() => empty.Write([new TrackImage(3, track.Image)]));
    }

    private static (int Status, string Out, string Error) Dasd(params string[] arguments) => DasdVerb.Run(arguments);

    private sealed class Cancel(CancellationTokenSource source) : IProgress<long>
    {
        public void Report(long value) => source.Cancel();
    }
}
