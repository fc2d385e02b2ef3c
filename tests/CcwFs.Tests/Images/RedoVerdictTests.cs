using System.Buffers.Binary;
using CcwFs.Cli.Dasd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.ImageFixture;

namespace CcwFs.Tests.Images;

/// <summary>`ccwfs dasd check` says of a redo file what the next open to write then does.</summary>
public sealed class RedoVerdictTests : IDisposable
{
    private const int ChangeAt = 512;
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
    public void Check_and_open_say_the_same(string state, int checkStatus, string? refusal)
    {
        string path = Make(state);
        (int status, string text) = Check(path);
        List<string> said = [];
        ImageException? refused = null;
        try
        {
            CkdImage.Open(HostImageFiles.Instance, path, new ImageOptions(Say: said.Add)).Dispose();
        }
        catch (ImageException error)
        {
            refused = error;
        }
        Assert.Equal(refusal is not null, refused is not null);
        Assert.Equal(checkStatus, status);
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (refused is not null)
        {
            Assert.Contains(refusal!, refused.Message, StringComparison.Ordinal);
            Assert.Contains(lines, line => refused.Message.EndsWith(line, StringComparison.Ordinal));
            return;
        }
        Assert.Equal(state == "in place" ? 0 : 1, said.Count);
        Assert.Equal(state == "half written", text.Contains("the next open to write puts them in place", StringComparison.Ordinal));
        Assert.Equal(state == "never begun", text.Contains("it is dropped", StringComparison.Ordinal));
        Assert.Equal((0, $"{path}: 15 tracks checked, 0 findings\n"), Check(path));
    }

    private static (int Status, string Text) Check(string path)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int status = DasdCommand.Create(output, error).Parse(["check", path]).Invoke();
        return (status, output.ToString() + error);
    }

    /// <summary>An image and a redo file with a change of three tracks, as a kill leaves them, or as somebody else does.</summary>
    private string Make(string state)
    {
        string path = _files.Create("v.ckd", 1);
        int[] tracks;
        IImageFiles files = state == "restarted" ? new OtherRun() : HostImageFiles.Instance;
        using (CkdImage image = CkdImage.Open(files, path, default))
        {
            var pattern = new TrackPattern(image.Geometry);
            image.Write(pattern.Images(0));
            Assert.Equal(0, _files.Run("cp", path, "before").Status);
            image.Write(pattern.Images(5));
            Assert.Equal(0, _files.Run("cp", path + ".redo", "copy").Status);
            tracks = [.. pattern.Tracks(5)];
        }
        byte[] redo = File.ReadAllBytes(_files["copy"]), before = File.ReadAllBytes(_files["before"]), now = File.ReadAllBytes(path);
        BinaryPrimitives.WriteInt32LittleEndian(redo.AsSpan(ChangeAt), tracks.Length);
        if (state != "in place")
            before.CopyTo(now.AsSpan());
        if (state is "half written" or "copied" or "cut short" or "restarted" or "damaged")
            Tear(now, File.ReadAllBytes(path), tracks[1]);
        if (state == "foreign")
            now.AsSpan(512 + tracks[0] * 56_832 + 9_000, 600).Fill(0x77);
        if (state == "copied")
        {
            File.Copy(path, _files["copied"]);
            File.Move(_files["copied"], path, overwrite: true);
        }
        if (state == "damaged")
            redo[100] ^= 1;
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

        public IRedoPlace RedoOf(IImageFile image) => HostImageFiles.Instance.RedoOf(image);
    }
}
