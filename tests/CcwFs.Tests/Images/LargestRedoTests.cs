using System.Buffers.Binary;
using CcwFs.Control;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using CcwFs.Service.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Images;

/// <summary>
/// A redo file of the largest legal size: 1,024 different whole tracks, 60 MB. Who may add an image chooses what its redo file says.
/// </summary>
public sealed class LargestRedoTests : IDisposable
{
    private const int Tracks = 1_024, TrackSize = 56_832, HeadSize = 512, ChangeAt = 512, DataAt = 2 << 20;
    private const int Cylinders = 69; // more tracks than that
    private const int First = 1;      // behind the one whose home address every open looks at
    private const int Torn = 7;       // the track that is not in place
    private const uint Nobody = 65_534;
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void It_is_put_in_place_within_the_memory_that_an_open_may_take()
    {
        string path = Leave();
        long allocated = Allocated(() => CkdImage.Open(path).Dispose());
        Assert.InRange(allocated, 1, CkdImage.OpeningBytes);
        Assert.False(File.Exists(path + ".redo"));
        using CkdImage image = CkdImage.Open(path, readOnly: true);
        AssertWritten(image);
    }

    [Fact]
    public void Its_tracks_are_kept_for_readers_once_somebody_answers_for_them()
    {
        string path = Leave();
        var files = new CountedFiles { Most = Tracks * TrackSize };
        long allocated = Allocated(() =>
        {
            using CkdImage image = CkdImage.Open(files, path, new ImageOptions(ReadOnly: true));
            AssertWritten(image);
            Assert.Equal(files.Taken, image.KeptBytes);
        });
        Assert.InRange(allocated, 1, CkdImage.OpeningBytes + files.Taken + TrackSize);
        Assert.Equal(Tracks * TrackSize, files.Taken);
        files = new CountedFiles { Most = Tracks * TrackSize - 1 };
        allocated = Allocated(() => Assert.Throws<InsufficientMemoryException>(() => CkdImage.Open(files, path, new ImageOptions(ReadOnly: true))));
        Assert.InRange(allocated, 1, CkdImage.OpeningBytes);
        CkdImage.Open(path).Dispose(); // nothing was left open
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_user_has_no_share_for_is_refused_before_it_is_read(bool readOnly)
    {
        string path = Leave();
        foreach (string file in (string[])[path, path + ".redo"])
            Assert.Equal((0, ""), _files.Run("chown", $"{Nobody}", file));
        File.SetUnixFileMode(_files.Path, (UnixFileMode)0x1FF); // 0777
        // Half of what is kept for readers, or of what opening takes.
        long share = readOnly ? Tracks * TrackSize / 2 : CkdImage.OpeningBytes / 2;
        var quota = new DeviceQuota(self: 0, owner: null, new SystemLimits(Descriptors: 1_600, Threads: 1_600, Mappings: 1_600, Memory: share * 8));
        var volumes = new Volumes(quota, new GarbageTrim());
        var user = new CallerIdentity(Nobody, Nobody, []);
        long allocated = Allocated(() =>
        {
            CommandException refusal = Assert.Throws<CommandException>(() =>
                volumes.OpenImage(new EckdImages(), path, readOnly, ImageSync.None, user, NullLogger.Instance, static volume => volume.Name));
            Assert.Contains("MiB for volumes in memory", refusal.Message, StringComparison.Ordinal);
        });
        Assert.InRange(allocated, 1, CkdImage.OpeningBytes);
        quota.Refuse(Nobody, DeviceResource.Memory, share); // all of it was given back
        quota.Refuse(Nobody, DeviceResource.Descriptors, 200);
    }

    [Theory]
    [InlineData(0)]      // as long as a redo file may be: what is in it is looked at
    [InlineData(1)]      // longer: it is none of ours
    [InlineData(1 << 20)]
    public void A_file_without_a_head_is_read_no_further_than_a_redo_file_reaches(int more)
    {
        const int Most = DataAt + Tracks * TrackSize;
        byte[] image = File.ReadAllBytes(_files.Create("v.ckd", 1));
        var disk = new RecordedDisk(new DiskFile(1, image), new DiskFile(2, new byte[Most + more]), Guid.NewGuid());
        int reads = 0;
        disk.Fail = what =>
        {
            reads += what == "redo read" ? 1 : 0;
            return 0;
        };
        if (more == 0)
            disk.OpenImage(ImageSync.None).Dispose(); // all zeros: nothing was done under it
        else
            Assert.Contains("damaged", Assert.Throws<ImageException>(() => disk.OpenImage(ImageSync.None)).Message, StringComparison.Ordinal);
        Assert.InRange(reads, 1, more == 0 ? 2_000 : 1);
    }

    private static long Allocated(Action work)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void AssertWritten(CkdImage image)
    {
        byte[] slot = new byte[TrackSize];
        for (int track = First; track < First + Tracks; track++)
        {
            image.Read(track, slot);
            Assert.True(slot.AsSpan().IndexOfAnyExcept(Value(track)) < 0, $"track {track}");
        }
    }

    private static byte Value(int track) => (byte)(1 + track % 255);

    /// <summary>An image and a redo file as a kill leaves them: one track of the change is not in place.</summary>
    private string Leave()
    {
        string path = _files.Create("v.ckd", Cylinders, lazy: true);
        byte[][] slots = [.. Enumerable.Range(1, 255).Select(value => Enumerable.Repeat((byte)value, TrackSize).ToArray())];
        byte[] torn = new byte[TrackSize];
        using (CkdImage image = CkdImage.Open(path))
        {
            image.Read(Torn, torn);
            image.Write([.. Enumerable.Range(First, Tracks).Select(track => new TrackImage(track, slots[track % 255]))]);
            Assert.Equal((0, ""), _files.Run("cp", "-a", path + ".redo", "copy"));
        }
        using (FileStream image = File.OpenWrite(path))
        {
            image.Position = HeadSize + Torn * TrackSize;
            image.Write(torn);
        }
        byte[] count = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(count, Tracks);
        using (FileStream redo = File.OpenWrite(_files["copy"]))
        {
            Assert.Equal(DataAt + Tracks * TrackSize, redo.Length);
            redo.Position = ChangeAt;
            redo.Write(count);
        }
        File.Move(_files["copy"], path + ".redo");
        return path;
    }

    /// <summary>Files of this machine, for somebody who may keep so many bytes.</summary>
    private sealed class CountedFiles : IImageFiles
    {
        public long Most { get; init; }

        public long Taken { get; private set; }

        public Guid BootId => HostImageFiles.Instance.BootId;

        public IImageFile? Open(string path, bool write) => HostImageFiles.Instance.Open(path, write);

        public IRedoPlace RedoOf(IImageFile image, string? path = null) => HostImageFiles.Instance.RedoOf(image, path);

        public void TakeMemory(long bytes) => Taken = Taken + bytes <= Most ? Taken + bytes : throw new InsufficientMemoryException();
    }
}
