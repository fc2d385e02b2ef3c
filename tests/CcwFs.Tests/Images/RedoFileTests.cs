using System.Buffers.Binary;
using System.Diagnostics;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.ImageFixture;

namespace CcwFs.Tests.Images;

/// <summary>A write is whole or not there, whenever the process is killed or the disk is full.</summary>
public sealed class RedoFileTests : IDisposable
{
    private const int Rounds = 40;
    private const int ChangeAt = 512, DataAt = 2 << 20; // of a redo file
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_kill_at_any_moment_loses_no_acknowledged_write_and_tears_no_track()
    {
        string path = _files.Create("v.ckd", 2, lazy: true);
        var random = new Random(1);
        (int next, int last) = (0, -1);
        for (int round = 0; round < Rounds; round++)
        {
            last = Math.Max(last, WriteAndKill(path, next, random.Next(1, 60)));
            int pendingAtMost = last + 1;
            using (CkdImage image = CkdImage.Open(path))
            {
                Assert.Empty(ImageChecker.Check(image));
                next = JudgeGenerations(image, last, TrackPattern.KillTracks) + 1;
            }
            Assert.InRange(next - 1, last, pendingAtMost);
        }
    }

    [Fact]
    public void A_pending_change_is_seen_by_readers_mentioned_by_check_and_put_in_place_by_the_next_writer()
    {
        string path = MakePending(out int[] tracks);
        using (CkdImage raw = CkdImage.OpenAsIs(HostImageFiles.Instance, path))
        {
            Assert.Equal(tracks, raw.PendingTracks);
            var track = new CkdTrack(raw.Geometry);
            Assert.All(tracks, number =>
            {
                Assert.Null(track.Load(raw, number));
                Assert.Null(TrackPattern.Generation(track)); // a mixture
            });
        }
        using (CkdImage reader = CkdImage.Open(path, readOnly: true))
        {
            Assert.Empty(ImageChecker.Check(reader));
            Assert.Equal(tracks.Length * 56_832, reader.KeptBytes); // those of the change, for as long as it is open
        }
        Assert.True(File.Exists(path + ".redo"));
        CkdImage.Open(path).Dispose();
        Assert.False(File.Exists(path + ".redo"));
        using CkdImage healed = CkdImage.Open(path, readOnly: true);
        Assert.Empty(healed.PendingTracks);
        Assert.Equal(5, JudgeGenerations(healed, 5));
    }

    [Fact]
    public void A_redo_file_cut_short_is_ignored_when_the_old_tracks_are_whole_and_told_when_they_are_not()
    {
        string path = MakePending(out _);
        byte[] redo = File.ReadAllBytes(path + ".redo"), torn = File.ReadAllBytes(path), before = File.ReadAllBytes(_files["before"]);
        byte[] damaged = (byte[])redo.Clone();
        damaged[DataAt + 5_000] ^= 1;
        foreach (byte[] bad in new[] { 5, 8, 13, 511, 512, 570, 600, 4_096, DataAt, redo.Length - 1 }.Select(length => redo[..length])
            .Append(damaged))
        {
            File.WriteAllBytes(path, before);
            File.WriteAllBytes(path + ".redo", bad);
            using (CkdImage reader = CkdImage.Open(path, readOnly: true))
                Assert.Empty(reader.PendingTracks);
            using (CkdImage image = CkdImage.Open(path))
                Assert.Equal(4, JudgeGenerations(image, 4));
            Assert.False(File.Exists(path + ".redo"));
        }
        foreach (byte[] bad in (byte[][])[damaged, redo[..DataAt], redo[..^1]])
        {
            File.WriteAllBytes(path, torn);
            File.WriteAllBytes(path + ".redo", bad);
            Assert.Contains("neither what it replaces nor what it writes", Refusal(path), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_mutated_redo_file_is_refused_in_one_line_or_changes_nothing()
    {
        string path = MakePending(out _);
        byte[] redo = File.ReadAllBytes(path + ".redo"), before = File.ReadAllBytes(_files["before"]), torn = File.ReadAllBytes(path);
        Guid boot = HostImageFiles.Instance.BootId;
        var random = new Random(3390);
        (int refused, int opened, int rounds) = (0, 0, ImageDirectory.Mutations(2_000));
        for (int round = 0; round < rounds; round++)
        {
            byte[] bad = Mutate(redo, random);
            byte[] image = (byte[])(round % 8 == 0 ? torn : before).Clone();
            var disk = new RecordedDisk(new DiskFile(BitConverter.ToUInt64(redo, 32), image), new DiskFile(2, bad), boot);
            try
            {
                using SlotStore opens = disk.OpenImage(ImageSync.None);
                if (round % 8 != 0) // half-written tracks stay so where nothing of the redo file can be read
                    Assert.InRange(JudgeGenerations(opens, 4), 4, 5);
                opened++;
            }
            catch (ImageException error)
            {
                Assert.DoesNotContain('\n', error.Message);
                refused++;
            }
        }
        Assert.True(refused > 100 && opened > 100, $"{refused} refused, {opened} opened");
    }

    [Fact]
    public void A_head_that_is_damaged_anywhere_is_refused_and_never_taken_for_a_new_file()
    {
        string path = MakePending(out _);
        byte[] redo = File.ReadAllBytes(path + ".redo"), torn = File.ReadAllBytes(path);
        for (int at = 0; at < ChangeAt + 64; at++)
        {
            byte[] bad = (byte[])redo.Clone();
            bad[at] ^= 0x10;
            Refused(bad, $"byte {at}");
        }
        byte[] cleared = (byte[])redo.Clone();
        cleared.AsSpan(0, 8).Clear();
        Refused(cleared, "no magic");

        void Refused(byte[] bad, string what)
        {
            var image = new DiskFile(BitConverter.ToUInt64(redo, 32), (byte[])torn.Clone());
            var disk = new RecordedDisk(image, new DiskFile(2, bad), HostImageFiles.Instance.BootId);
            foreach (bool readOnly in new[] { true, false })
            {
                string? refusal = Record.Exception(() => disk.OpenImage(ImageSync.None, readOnly: readOnly).Dispose())?.Message;
                Assert.True(refusal is not null, $"{what}: opened");
                Assert.DoesNotContain('\n', refusal);
            }
            Assert.Equal(bad, disk.Redo!.Bytes);
        }
    }

    [Fact]
    public void A_redo_file_of_another_image_or_of_no_image_is_refused()
    {
        string path = MakePending(out _);
        string other = _files.Create("other.ckd", 1, VolumeFormat.Cdl, "OTHER");
        File.Copy(path + ".redo", other + ".redo");
        Assert.Contains("neither what it replaces nor what it writes", Refusal(other), StringComparison.Ordinal);
        string larger = _files.Create("larger.ckd", 2);
        File.Copy(path + ".redo", larger + ".redo");
        Assert.Contains("belongs to another image", Refusal(larger), StringComparison.Ordinal);
        File.WriteAllText(other + ".redo", "a letter to a friend");
        Assert.Contains("not a redo file", Refusal(other), StringComparison.Ordinal);
        File.Delete(other + ".redo");
        File.CreateSymbolicLink(other + ".redo", path);
        Assert.Contains("symbolic link", Refusal(other), StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_refuses_the_write_and_leaves_the_old_tracks()
    {
        string disk = _files["disk"];
        Directory.CreateDirectory(disk);
        Assert.Equal((0, ""), _files.Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk));
        try
        {
            string path = _files.Create("disk/v.ckd", 4);
            using CkdImage image = CkdImage.Open(path);
            var pattern = new TrackPattern(image.Geometry);
            int generation = 0;
            ImageException error = Assert.Throws<ImageException>(() =>
            {
                for (; generation < 100; generation++)
                    image.Write(pattern.Images(generation));
            });
            Assert.Contains("no space left on device", error.Message, StringComparison.Ordinal);
            Assert.InRange(generation, 1, 18);
            Assert.Equal(generation - 1, JudgeGenerations(image, generation - 1));
            Assert.Empty(ImageChecker.Check(image));
            // What has its space goes on being written.
            image.Write(pattern.Images(0));
        }
        finally
        {
            Assert.Equal((0, ""), _files.Run("umount", disk));
        }
    }

    /// <summary>
    /// Lets a process write from <paramref name="first"/> on, kills it after so many acknowledged writes; gives the last acknowledged.
    /// </summary>
    private int WriteAndKill(string path, int first, int acknowledged)
    {
        using Process writer = _files.StartFixture("write", path, $"{first}");
        for (int line = 1; line < acknowledged; line++)
            Assert.NotNull(writer.NextLine());
        // Another moment within a write each time.
        Thread.SpinWait(acknowledged * 97 % 4_000);
        writer.Kill();
        string[] rest = writer.StandardOutput.ReadToEnd().Split('\n');
        writer.Ends();
        // The last piece follows the last newline: no acknowledgement.
        int lines = acknowledged - 1 + rest.Length - 1;
        return first + lines - 1;
    }

    /// <summary>
    /// Every track holds the youngest generation that wrote it, one of the whole volume, at least <paramref name="last"/>; gives which.
    /// </summary>
    private static int JudgeGenerations(SlotStore image, int last, int tracksPerWrite = 3)
    {
        var pattern = new TrackPattern(image.Geometry, tracksPerWrite);
        var track = new CkdTrack(image.Geometry);
        int[] found = new int[image.Geometry.Tracks];
        for (int number = 0; number < found.Length; number++)
        {
            Assert.Null(track.Load(image, number));
            int? generation = TrackPattern.Generation(track);
            Assert.True(generation is not null, $"track {number} is a mixture");
            found[number] = generation.Value;
        }
        int youngest = found.Max();
        Assert.True(youngest >= last, $"{youngest} is the youngest of the volume, {last} was acknowledged");
        int[] expected = [.. Enumerable.Repeat(-1, found.Length)];
        for (int generation = 0; generation <= youngest; generation++)
        {
            foreach (int number in pattern.Tracks(generation))
                expected[number] = generation;
        }
        Assert.Equal(expected, found);
        return youngest;
    }

    /// <summary>An image at generation 4 with its tracks torn, and generation 5 pending in its redo file, as a kill leaves it.</summary>
    private string MakePending(out int[] tracks)
    {
        string path = _files.Create("v.ckd", 1);
        using (CkdImage image = CkdImage.Open(path))
        {
            var pattern = new TrackPattern(image.Geometry);
            tracks = [.. pattern.Tracks(5)];
            for (int generation = 0; generation <= 5; generation++)
            {
                if (generation == 5)
                    Assert.Equal(0, _files.Run("cp", path, "before").Status);
                image.Write(pattern.Images(generation));
            }
            // Locked for as long as the image is open; .NET would heed that.
            Assert.Equal(0, _files.Run("cp", path + ".redo", "copy").Status);
        }
        byte[] redo = File.ReadAllBytes(_files["copy"]), before = File.ReadAllBytes(_files["before"]);
        BinaryPrimitives.WriteInt32LittleEndian(redo.AsSpan(ChangeAt), tracks.Length);
        File.WriteAllBytes(path + ".redo", redo);
        using FileStream file = File.OpenWrite(path);
        foreach (int track in tracks)
        {
            file.Position = 512 + (long)track * 56_832 + 8_192;
            file.Write(before.AsSpan((int)file.Position, 5_120));
        }
        return path;
    }

    private static byte[] Mutate(byte[] redo, Random random)
    {
        byte[] bad = redo[..(random.Next(10) == 0 ? random.Next(redo.Length) : redo.Length)];
        for (int change = random.Next(1, 4); change > 0 && bad.Length > 0; change--)
        {
            // Mostly where structure is: the head, the change, its table.
            int at =
                random.Next(4) switch { 0 => random.Next(80), 1 => 512 + random.Next(64), 2 => 576 + random.Next(400), _ => random.Next(bad.Length) };
            if (at < bad.Length)
                bad[at] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
        }
        return bad;
    }

    private static string Refusal(string path) => Assert.Throws<ImageException>(() => CkdImage.Open(path).Dispose()).Message;
}
