using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>Whose redo file is used, and whose may be made: others may write the directory.</summary>
public sealed class RedoTrustTests : IDisposable
{
    private const uint Nobody = 65_534, Somebody = 65_533;
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("0600", 0u)]
    [InlineData("0640", 0u)]
    [InlineData("0644", Nobody)]
    [InlineData("0660", Nobody)]
    public void It_is_made_with_the_owner_and_mode_of_the_image(string mode, uint owner)
    {
        string path = _files.Create("v.ckd", 1);
        Run("chmod", mode, path);
        Run("chown", $"{owner}:{owner}", path);
        using CkdImage image = CkdImage.Open(path);
        Write(image);
        Assert.Equal($"{mode[1..]} {owner} {owner}\n", Run("stat", "-c", "%a %u %g", path + ".redo"));
    }

    [Fact]
    public void An_access_list_of_the_image_or_the_directory_gives_nobody_the_redo_file()
    {
        string path = _files.Create("v.ckd", 1);
        Run("chown", $"0:{Nobody}", path);
        Run("chmod", "0640", path);
        SetList("access", path, group: 0, user: Somebody);                   // the mode is 0660 now, and its group may not even read
        SetList("default", _files.Path, group: 6, user: Somebody);
        using CkdImage image = CkdImage.Open(path);
        Write(image);
        Assert.Equal("600 0\n", Run("stat", "-c", "%a %u", path + ".redo"));
        AssertHasNoList(path + ".redo");
    }

    [Fact]
    public void A_list_of_the_directory_alone_is_not_kept_by_the_redo_file()
    {
        string path = _files.Create("v.ckd", 1);
        Run("chmod", "0660", path);
        SetList("default", _files.Path, group: 6, user: Somebody);
        using CkdImage image = CkdImage.Open(path);
        Write(image);
        Assert.Equal("660 0 0\n", Run("stat", "-c", "%a %u %g", path + ".redo"));
        AssertHasNoList(path + ".redo");
    }

    [Theory]
    [InlineData(true, false)]  // the image's group bits are the mask of its list
    [InlineData(false, true)]  // the redo file's list names somebody
    [InlineData(true, true)]
    public void A_redo_file_that_others_may_write_by_a_list_is_refused(bool listOfImage, bool listOfRedo)
    {
        string path = LeaveRedo();
        Run("chmod", "0660", path, path + ".redo");
        if (listOfImage)
            SetList("access", path, group: 0, user: Somebody);
        if (listOfRedo)
            SetList("access", path + ".redo", group: 6, user: Nobody);
        foreach (bool readOnly in new[] { false, true })
            Assert.Contains("others may write it", Refusal(path, readOnly), StringComparison.Ordinal);
        Assert.True(File.Exists(path + ".redo"));
        Run("chmod", "0600", path + ".redo");
        CkdImage.Open(path).Dispose();
    }

    [Theory]
    [InlineData("it belongs to user 65533", "chown", "65533")]
    [InlineData("others may write it", "chmod", "0666")]
    [InlineData("others may write it", "chmod", "0620")]
    public void One_that_somebody_else_may_have_written_is_refused_and_left_alone(string reason, string tool, string argument)
    {
        string path = LeaveRedo();
        Run(tool, argument, path + ".redo");
        string before = Run("sha256sum", path + ".redo");
        foreach (bool readOnly in new[] { false, true })
            Assert.Contains(reason, Refusal(path, readOnly), StringComparison.Ordinal);
        Assert.Equal(before, Run("sha256sum", path + ".redo"));
    }

    [Fact]
    public void One_of_the_user_who_opens_is_used_only_where_that_user_may_write_the_image()
    {
        string path = LeaveRedo();
        Run("chmod", "0644", path);
        Run("chown", $"{Nobody}", path + ".redo");
        var files = new HostImageFiles(Nobody);
        string refusal = Assert.Throws<ImageException>(() => CkdImage.Open(files, path, new ImageOptions(ReadOnly: true))).Message;
        Assert.Contains("belongs to user 65534", refusal, StringComparison.Ordinal);
        CkdImage.Open(files, path, default).Dispose();
    }

    [Fact]
    public void A_link_a_second_name_a_fifo_and_a_directory_are_refused_without_waiting()
    {
        string path = _files.Create("v.ckd", 1);
        string precious = _files["precious"];
        File.WriteAllText(precious, "precious");
        foreach ((string[] make, string reason) in ((string[], string)[])[
            (["ln", "-s", precious, path + ".redo"], "symbolic link"), (["ln", precious, path + ".redo"], "2 names"),
            (["mkfifo", path + ".redo"], "no regular file"),
            (["mkdir", path + ".redo"], "no regular file")])
        {
            Run(make[0], make[1..]);
            Assert.Contains(reason, Refusal(path), StringComparison.Ordinal);
            Run("rm", "-rf", path + ".redo");
        }
        Assert.Equal("precious", File.ReadAllText(precious));
    }

    [Fact]
    public async Task A_link_that_comes_and_goes_leads_nowhere()
    {
        string path = _files.Create("v.ckd", 1), precious = _files["precious"];
        File.WriteAllText(precious, "precious");
        File.SetUnixFileMode(precious, UnixFileMode.UserRead);
        using var end = new CancellationTokenSource();
        Task flips = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    File.CreateSymbolicLink(path + ".redo", precious);
                    File.Delete(path + ".redo");
                }
                catch (IOException)
                {
                    // the other one was faster
                }
            }
        });
        (int written, int refused) = (0, 0);
        for (int round = 0; round < 20_000 && (written < 20 || refused < 20); round++)
        {
            try
            {
                using CkdImage image = CkdImage.Open(path);
                Write(image, (byte)round);
                written++;
            }
            catch (ImageException)
            {
                refused++;
            }
        }
        await end.CancelAsync();
        await flips;
        Assert.True(written > 0 && refused > 0, $"{written} written, {refused} refused");
        Assert.Equal("precious", File.ReadAllText(precious));
    }

    [Fact]
    public void It_lies_beside_the_image_itself_wherever_a_link_to_it_is()
    {
        string path = _files.Create("v.ckd", 1);
        Directory.CreateDirectory(_files["elsewhere"]);
        File.CreateSymbolicLink(_files["elsewhere/link.ckd"], path);
        using CkdImage image = CkdImage.Open(_files["elsewhere/link.ckd"]);
        Write(image);
        Assert.True(File.Exists(path + ".redo"));
        Assert.Equal([_files["elsewhere/link.ckd"]], Directory.GetFiles(_files["elsewhere"]));
    }

    [Fact]
    public void A_user_who_may_write_a_group_image_makes_his_own_and_nobody_gets_more_rights_by_it()
    {
        string path = _files.Create("v.ckd", 1);
        Run("chown", $"{Somebody}:{Nobody}", path);
        Run("chmod", "0660", path);
        Run("chown", $"{Nobody}:{Nobody}", _files.Path);
        Run("chmod", "0755", _files.Path);
        string fixture = Path.Combine(AppContext.BaseDirectory, "CcwFs.ImageFixture.dll");
        using Process writer = _files.Start(
            "setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "dotnet", fixture, "write", path, "0");
        writer.Says("0");
        Assert.Equal($"660 {Nobody} {Nobody}\n", Run("stat", "-c", "%a %u %g", path + ".redo"));
        writer.Kill();
        writer.Ends();
        Assert.Contains($"let him open it once, or give the file to the image's owner (chown {Somebody})", Refusal(path), StringComparison.Ordinal);
        Run("chown", $"{Somebody}", path + ".redo");
        CkdImage.Open(path).Dispose();
    }

    private static void Write(CkdImage image, byte value = 7)
    {
        var track = new CkdTrack(image.Geometry);
        VolumeLayout.Create(image.Geometry, VolumeFormat.Ldl, 4_096, "TRUST").Format(5, track);
        track.Data(1).Fill(value);
        image.Write([new TrackImage(5, track.Image)]);
    }

    /// <summary>An image with a redo file beside it, as a kill leaves them.</summary>
    private string LeaveRedo()
    {
        string path = _files.Create("v.ckd", 1);
        using (CkdImage image = CkdImage.Open(path))
        {
            Write(image);
            Run("cp", "-a", path + ".redo", _files["copy"]);
        }
        Run("mv", _files["copy"], path + ".redo");
        Run("chmod", "0600", path);
        Run("chmod", "0600", path + ".redo");
        return path;
    }

    /// <summary>
    /// A list of version 2 (linux/posix_acl_xattr.h: tag, rights, id): the owner, this user and the mask have read and write, the group has what is
    /// given.
    /// </summary>
    private void SetList(string kind, string path, int group, uint user) => Run("/usr/bin/python3", "-c", """
        import os, struct, sys
        entries = (1, 6, -1), (2, 6, int(sys.argv[4])), (4, int(sys.argv[3]), -1), (16, 6, -1), (32, 0, -1)
        os.setxattr(sys.argv[2], 'system.posix_acl_' + sys.argv[1], struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *entry) for entry in entries))
        """, kind, path, $"{group}", $"{user}");

    private void AssertHasNoList(string path) => Assert.Equal("none\n", Run("/usr/bin/python3", "-c", """
        import os, sys
        print('system.posix_acl_access' in os.listxattr(sys.argv[1]) or 'none')
        """, path));

    private string Run(string tool, params string[] arguments)
    {
        (int status, string text) = _files.Run(tool, arguments);
        Assert.True(status == 0, $"{tool} {string.Join(' ', arguments)}: {text}");
        return text.Split(' ') is [{ Length: 64 } sum, ..] ? sum : text;
    }

    private static string Refusal(string path, bool readOnly = false) =>
        Assert.Throws<ImageException>(() => CkdImage.Open(path, readOnly).Dispose()).Message;
}
