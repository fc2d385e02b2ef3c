using System.Buffers.Binary;
using System.Text.Json;
using CcwFs.Cli.Dasd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.ImageFixture;

namespace CcwFs.Tests.Images;

/// <summary>`ccwfs dasd check` says of a redo file what the next open to write then does.</summary>
public sealed class RedoVerdictTests : IDisposable
{
    private const int ChangeAt = 512, LabelSize = 6;
    private const string Named = "tracks 0/2 0/3 0/4"; // s_tracks
    private const string Foreign = "what is there is neither what it replaces nor what it writes: something else has written to";
    private const string Dropped = "was never begun";
    private static readonly int[] s_tracks = [2, 3, 4];
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("half written", 0, null)]
    [InlineData("never begun", 0, null)]
    [InlineData("in place", 0, null)]
    [InlineData("foreign", 1, "neither what it replaces nor what it writes")]
    [InlineData("copied", 1, "was left half written in the file that")]
    [InlineData("cut short", 1, "neither what it replaces nor what it writes")]
    [InlineData("restarted", 1, "the system has been restarted since")]
    [InlineData("damaged", 1, "damaged")]
    [InlineData("zero head", 1, "damaged")]
    [InlineData("zeros but data", 1, "damaged")]
    public void Check_and_open_say_the_same(string state, int checkStatus, string? refusal)
    {
        string path = Make(state);
        (int status, string text) = Check(path);
        int[] pending = Pending(path);
        (List<string> said, string? refused) = Open(path);
        Assert.Equal(refusal is not null, refused is not null);
        Assert.Equal(checkStatus, status);
        Assert.Equal(state is "never begun" or "in place" || refusal is "damaged" ? [] : s_tracks, pending);
        Assert.Equal(state != "in place" && refusal is not "damaged", text.Contains(Named, StringComparison.Ordinal));
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (refused is not null)
        {
            Assert.Contains(refusal!, refused, StringComparison.Ordinal);
            Assert.Contains(lines, line => refused.EndsWith(line, StringComparison.Ordinal));
            Assert.Equal($"{path}: 15 tracks checked, 1 finding", lines[^1]); // the redo file
            return;
        }
        Assert.Equal(state == "in place" ? 0 : 1, said.Count);
        Assert.Equal(state == "half written", text.Contains("the next open to write puts them in place", StringComparison.Ordinal));
        Assert.Equal(state == "never begun", text.Contains("it is dropped", StringComparison.Ordinal));
        Assert.Equal((0, $"{path}: 15 tracks checked, 0 findings\n"), Check(path));
    }

    /// <summary>
    /// The content of a backup is as it was, whatever was pending in the image over which it was restored (one that was killed half way in the write
    /// of generation 5), or the image is refused, and is as it was once the redo file is removed, as the line says.
    /// </summary>
    [Theory]
    [InlineData("empty", false, Dropped)]
    [InlineData("empty", true, Dropped)]
    [InlineData("just before", false, Dropped)]
    [InlineData("just before", true, Dropped)]
    [InlineData("just after", false, null)]
    [InlineData("just after", true, null)]
    [InlineData("later", false, Foreign)]
    [InlineData("later", true, Foreign)]
    public void A_backup_that_is_restored_is_not_patched(string when, bool isNewFile, string? says)
    {
        string path = Make("half written", out Dictionary<string, byte[]> backups);
        Restore(path, backups[when], isNewFile);
        AssertNotPatched(path, backups[when], says);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_backup_that_is_restored_where_nothing_is_pending_is_taken_as_it_is(bool isNewFile)
    {
        string path = Make("void", out Dictionary<string, byte[]> backups);
        Restore(path, backups["empty"], isNewFile);
        AssertNotPatched(path, backups["empty"], says: null);
    }

    /// <summary>
    /// Another tool rewrites the volume's label after a kill; the change that was being written holds other tracks, or the label's.
    /// </summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_label_that_another_tool_has_rewritten_stays(bool isInChange, bool isNewFile)
    {
        string path = Make("half written", out Dictionary<string, byte[]> backups);
        if (isInChange)
            MakeLabelChange(path);
        byte[] label = [.. Enumerable.Repeat((byte)0xE9, LabelSize)];
        byte[] image = File.ReadAllBytes(path);
        label.CopyTo(image.AsSpan(LabelOf(image)));
        Restore(path, image, isNewFile);
        if (isInChange)
        {
            AssertNotPatched(path, image, Foreign);
            return;
        }
        (List<string> said, string? refused) = Open(path);
        if (isNewFile)
        {
            // A copy of what was half written: the line leads to the one that can be finished; who has only this one removes the redo file.
            Assert.Contains($"a change of {Named} was left half written in the file that {path} was copied from", refused, StringComparison.Ordinal);
            AssertNotPatched(path, image, "was left half written in the file that");
            return;
        }
        Assert.Null(refused);
        Assert.Contains($"{Named} of {path} were half written and have been put in place", Assert.Single(said), StringComparison.Ordinal);
        byte[] whole = backups["just after"];
        label.CopyTo(whole.AsSpan(LabelOf(whole)));
        Assert.Equal(whole, File.ReadAllBytes(path));
    }

    private static (int Status, string Text) Check(string path, params string[] options)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int status = DasdCommand.Create(output, error).Parse(["check", path, .. options]).Invoke();
        return (status, output.ToString() + error);
    }

    private static int[] Pending(string path) =>
        [.. JsonDocument.Parse(Check(path, "--json").Text).RootElement.GetProperty("pending").EnumerateArray().Select(track => track.GetInt32())];

    /// <summary>What an open to write says, and why it is refused.</summary>
    private static (List<string> Said, string? Refused) Open(string path)
    {
        List<string> said = [];
        try
        {
            CkdImage.Open(HostImageFiles.Instance, path, new ImageOptions(Say: said.Add)).Dispose();
            return (said, null);
        }
        catch (ImageException error)
        {
            return (said, error.Message);
        }
    }

    private static void AssertNotPatched(string path, byte[] content, string? says)
    {
        string checks = Check(path).Text;
        (List<string> said, string? refused) = Open(path);
        Assert.Equal(content, File.ReadAllBytes(path));
        if (says is null)
        {
            Assert.Null(refused);
            Assert.Empty(said);
        }
        else
        {
            string line = says == Dropped ? Assert.Single(said) : refused!;
            Assert.Contains(says, line, StringComparison.Ordinal);
            Assert.Contains(line[line.IndexOf("a change of", StringComparison.Ordinal)..], checks, StringComparison.Ordinal);
        }
        if (says is not (null or Dropped))
        {
            Assert.Equal(refused, Open(path).Refused);
            File.Delete(path + ".redo");
        }
        (said, refused) = Open(path);
        Assert.Null(refused);
        Assert.Empty(said);
        Assert.Equal(content, File.ReadAllBytes(path));
    }

    private void Restore(string path, byte[] content, bool isNewFile)
    {
        if (!isNewFile)
        {
            using FileStream image = File.OpenWrite(path);
            image.Write(content);
            return;
        }
        File.WriteAllBytes(_files["restored"], content);
        File.Move(_files["restored"], path, overwrite: true);
    }

    /// <summary>Where the volume's serial number is in an image: behind the "LNX1" of the first track.</summary>
    private static int LabelOf(byte[] image) => image.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xD3, 0xD5, 0xE7, 0xF1]) + 4;

    /// <summary>Leaves a change of the label's track behind, never begun.</summary>
    private void MakeLabelChange(string path)
    {
        File.Delete(path + ".redo");
        byte[] before = File.ReadAllBytes(path);
        using (CkdImage image = CkdImage.Open(path))
        {
            var track = new CkdTrack(image.Geometry);
            Assert.Null(track.Load(image, 0));
            track.Data(3).Slice(4, LabelSize).Fill(0xC1);
            image.Write([new TrackImage(0, track.Image)]);
            Assert.Equal(0, _files.Run("cp", path + ".redo", "copy").Status);
        }
        byte[] redo = File.ReadAllBytes(_files["copy"]);
        BinaryPrimitives.WriteInt32LittleEndian(redo.AsSpan(ChangeAt), 1);
        Restore(path, before, isNewFile: false);
        File.WriteAllBytes(path + ".redo", redo);
    }

    /// <summary>An image and a redo file with a change of three tracks, as a kill leaves them, or as somebody else does.</summary>
    private string Make(string state) => Make(state, out _);

    private string Make(string state, out Dictionary<string, byte[]> backups)
    {
        string path = _files.Create("v.ckd", 1, VolumeFormat.Ldl, "OLDVOL");
        backups = new() { ["empty"] = File.ReadAllBytes(path) };
        IImageFiles files = state == "restarted" ? new OtherRun() : HostImageFiles.Instance;
        using (CkdImage image = CkdImage.Open(files, path, default))
        {
            var pattern = new TrackPattern(image.Geometry);
            Assert.Equal(s_tracks, pattern.Tracks(5));
            foreach ((string when, int generation) in ((string, int)[])[("just before", 0), ("just after", 5), ("later", 10)])
            {
                image.Write(pattern.Images(generation));
                Assert.Equal(0, _files.Run("cp", path, "backup").Status); // who copies needs no lock
                backups[when] = File.ReadAllBytes(_files["backup"]);
                if (generation == 5)
                    Assert.Equal(0, _files.Run("cp", path + ".redo", "copy").Status);
            }
        }
        byte[] redo = File.ReadAllBytes(_files["copy"]), now = [.. backups[state is "in place" or "void" ? "just after" : "just before"]];
        if (state != "void")
            BinaryPrimitives.WriteInt32LittleEndian(redo.AsSpan(ChangeAt), s_tracks.Length);
        if (state is "half written" or "copied" or "cut short" or "restarted" or "damaged" or "zero head" or "zeros but data")
            Tear(now, backups["just after"], s_tracks[1]);
        if (state == "foreign")
            now.AsSpan(512 + s_tracks[0] * 56_832 + 9_000, 600).Fill(0x77);
        if (state == "copied")
        {
            File.Copy(path, _files["copied"]);
            File.Move(_files["copied"], path, overwrite: true);
        }
        if (state == "damaged")
            redo[100] ^= 1;
        if (state == "zero head")
            redo.AsSpan(0, 512).Clear();
        if (state == "zeros but data")
            redo.AsSpan(0, 2 << 20).Clear();
        using (FileStream image = File.OpenWrite(path))
            image.Write(now);
        File.WriteAllBytes(path + ".redo", state == "cut short" ? redo[..^1] : redo);
        return path;
    }

    private static void Tear(byte[] image, byte[] after, int track)
    {
        int at = 512 + track * 56_832 + 8_192;
        after.AsSpan(at, 5_120).CopyTo(image.AsSpan(at));
    }

    /// <summary>The same files under another run of the kernel.</summary>
    private sealed class OtherRun : IImageFiles
    {
        public Guid BootId { get; } = Guid.NewGuid();

        public IImageFile? Open(string path, bool write) => HostImageFiles.Instance.Open(path, write);

        public IRedoPlace RedoOf(IImageFile image, string? path = null) => HostImageFiles.Instance.RedoOf(image, path);
    }
}
