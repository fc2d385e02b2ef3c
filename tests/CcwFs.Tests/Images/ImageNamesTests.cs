using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>An image that is opened by another name than before: what is pending beside the old name must not be overlooked.</summary>
public sealed class ImageNamesTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("mv")]
    [InlineData("ln")]
    public void A_redo_file_beside_another_name_in_the_directory_is_found_and_named(string tool)
    {
        string path = LeaveRedo(), other = _files["w.ckd"];
        Assert.Equal(0, _files.Run(tool, path, other).Status);
        foreach (bool readOnly in new[] { true, false })
        {
            string refusal = Assert.Throws<ImageException>(() => CkdImage.Open(other, readOnly).Dispose()).Message;
            Assert.Contains($"{path}.redo", refusal, StringComparison.Ordinal);
            Assert.Contains($"rename it to {other}.redo", refusal, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refusal);
        }
        File.Move(path + ".redo", other + ".redo");
        CkdImage.Open(other).Dispose();
    }

    [Fact]
    public void Redo_files_of_others_in_the_directory_are_nobodys_business()
    {
        string path = LeaveRedo();
        using CkdImage other = CkdImage.Open(_files.Create("other.ckd", 1));
        File.WriteAllText(_files["strange.redo"], "strange");
        Assert.Equal(0, _files.Run("mkfifo", _files["fifo.redo"]).Status);
        Assert.Equal(0, _files.Run("mv", path, _files["w.ckd"]).Status);
        Assert.Equal(0, _files.Run("chown", "65533", path + ".redo").Status); // whoever may write the directory could have made it
        CkdImage.Open(_files["w.ckd"]).Dispose();
    }

    [Fact]
    public void That_an_image_has_other_names_elsewhere_is_said()
    {
        string path = _files.Create("v.ckd", 1);
        Directory.CreateDirectory(_files["elsewhere"]);
        Assert.Equal(0, _files.Run("ln", path, _files["elsewhere/v.ckd"]).Status);
        List<string> said = [];
        CkdImage.Open(HostImageFiles.Instance, path, new ImageOptions(Say: said.Add)).Dispose();
        string line = Assert.Single(said);
        Assert.Contains($"{path}: the file has 2 names", line, StringComparison.Ordinal);
        Assert.Contains("open it by the same name always", line, StringComparison.Ordinal);
    }

    private string LeaveRedo()
    {
        string path = _files.Create("v.ckd", 1);
        using (CkdImage image = CkdImage.Open(path))
        {
            var track = new CkdTrack(image.Geometry);
            VolumeLayout.Create(image.Geometry, VolumeFormat.Ldl, 4_096, "NAMES").Format(5, track);
            image.Write([new TrackImage(5, track.Image)]);
            Assert.Equal(0, _files.Run("cp", "-a", path + ".redo", "copy").Status);
        }
        File.Move(_files["copy"], path + ".redo");
        return path;
    }
}
