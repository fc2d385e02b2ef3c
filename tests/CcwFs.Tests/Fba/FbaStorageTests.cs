using CcwFs.ChannelIo;
using CcwFs.Emulation.Fba;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Images;
using CcwFs.Tests.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Fba;

/// <summary>Disks in files: what may be one, what is in it, what becomes of errors.</summary>
public sealed class FbaStorageTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void The_file_holds_the_blocks_and_nothing_else()
    {
        string path = Make("d.raw", 64);
        byte[] bytes = FbaRig.Bytes(3 * 512, 1);
        using (FbaRig rig = Open(path))
        {
            rig.Put(10, bytes);
            Assert.Equal(bytes, Now(path, 10 * 512, 3 * 512)); // while it is open
            Assert.Throws<ImageException>(() => Open(path));
        }
        byte[] all = File.ReadAllBytes(path);
        Assert.Equal((64 * 512, -1, -1),
            (all.Length, all.AsSpan(0, 10 * 512).IndexOfAnyExcept((byte)0), all.AsSpan(13 * 512).IndexOfAnyExcept((byte)0)));
        using FbaRig again = Open(path);
        Assert.Equal(bytes, again.Get(10, 3));
        Assert.Single(Directory.GetFiles(_files.Path));
    }

    [Fact]
    public void Zeros_give_space_back()
    {
        string path = Make("d.raw", 8192);
        using FbaRig rig = Open(path);
        rig.Put(0, FbaRig.Bytes(8192 * 512, 1));
        ulong full = Blocks(path);
        rig.Device.Run(FbaRig.Extent(0, 0, 0, 8191), FbaRig.Locate(FbaRig.Write, 8000, 100), Step.W(0x41).WithSli()).Ok();
        Assert.InRange(Blocks(path), 1UL, full / 10);
        Assert.Equal((8192L * 512, -1), (new FileInfo(path).Length, rig.Get(100, 8000).AsSpan().IndexOfAnyExcept((byte)0)));
    }

    [Fact]
    public void Where_holes_cannot_be_made_zeros_are_written()
    {
        using RecordedRig disk = new(300);
        disk.Rig.Put(0, FbaRig.Bytes(300 * 512, 1));
        disk.Disk.Fail = what => what == "image discard" ? -(int)Errno.EOPNOTSUPP : 0;
        disk.Rig.Device.Run(FbaRig.Extent(0, 0, 0, 299), FbaRig.Locate(FbaRig.Write, 250, 1), Step.W(0x41).WithSli()).Ok();
        byte[] all = disk.Rig.Get(0, 300);
        Assert.Equal((-1, false, false), (all.AsSpan(512, 250 * 512).IndexOfAnyExcept((byte)0), IsZero(all, 0), IsZero(all, 251)));
    }

    [Theory]
    [InlineData("image read", "cannot be read")]
    [InlineData("image write", "cannot be written")]
    [InlineData("image discard", "cannot be given back")]
    [InlineData("image sync", "cannot be brought to the disk")]
    public void An_error_of_the_disk_is_an_equipment_check_and_one_line(string call, string told)
    {
        using RecordedRig disk = new(100, ImageSync.Program);
        disk.Rig.Put(0, FbaRig.Bytes(512, 1));
        disk.Disk.Fail = what => what == call ? -(int)Errno.EIO : 0;
        for (int i = 0; i < 50; i++)
        {
            Step[] program = call switch
            {
                "image read" => [FbaRig.Extent(0x40, 0, 0, 9), FbaRig.Locate(FbaRig.Read, 1, 0), Step.R(0x42, 512)],
                "image discard" => [FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 1, 0), Step.W(0x41).WithSli()],
                _ => [FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 1, 0), Step.Sized(0x41, 512, 7)],
            };
            disk.Rig.Device.Run(program).Refused(0x10, 0x80, 2);
        }
        Assert.InRange(disk.Rig.Log.Warnings.Count, 1, 10);
        Assert.All(disk.Rig.Log.Warnings, line => Assert.Contains(told, line, StringComparison.Ordinal));
        disk.Disk.Fail = null;
        if (call == "image sync")
            disk.Rig.Device.Run(FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 1, 0), Step.Sized(0x41, 512, 7)).Refused(0x10, 0x80, 2);
        else
            disk.Rig.Put(5, FbaRig.Bytes(512, 2));
    }

    [Fact]
    public void A_sync_that_fails_after_a_program_was_given_up_is_told_to_the_log_alone()
    {
        using RecordedRig disk = new(100, ImageSync.Program);
        disk.Disk.Fail = what => what == "image sync" ? -(int)Errno.EIO : 0;
        FbaDevice device = disk.Rig.Device;
        device.BeginProgram(0);
        foreach (Step step in (Step[])[FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 1, 0), Step.Sized(0x41, 512, 7)])
            Assert.Equal(Outcome.Good, device.Execute(step.Code, new FakeTransfer(step)));
        device.AbandonProgram(reset: false);
        Assert.EndsWith("the program was abandoned, so nobody is told but this log", Assert.Single(disk.Rig.Log.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sync_that_fails_is_told_at_the_end()
    {
        RecordedRig disk = new(100);
        disk.Rig.Put(0, FbaRig.Bytes(512, 1));
        disk.Disk.Fail = what => what == "image sync" ? -(int)Errno.EIO : 0;
        disk.Dispose();
        Assert.Contains("may be lost", disk.Rig.Volume.CloseFault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public void A_sync_comes_when_it_is_asked_for(bool everyProgram, int syncs)
    {
        RecordedRig disk = new(100, everyProgram ? ImageSync.Program : ImageSync.None);
        for (int i = 0; i < 3; i++)
            disk.Rig.Put((uint)i, FbaRig.Bytes(512, i));
        disk.Rig.Get(0);
        disk.Dispose();
        Assert.Equal(syncs, disk.Disk.Steps.Count(step => step.Act == DiskAct.Sync));
        Assert.Null(disk.Rig.Volume.CloseFault);
    }

    [Fact]
    public void A_sync_of_the_timer_comes_after_the_write()
    {
        using RecordedRig disk = new(100, new ImageSync(EveryProgram: false, 1));
        using var synced = new ManualResetEventSlim();
        disk.Disk.Fail = what =>
        {
            if (what == "image sync")
                synced.Set();
            return 0;
        };
        disk.Rig.Put(0, FbaRig.Bytes(512, 1));
        Assert.True(synced.Wait(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void A_file_that_became_shorter_is_an_equipment_check()
    {
        string path = Make("d.raw", 100);
        using FbaRig rig = Open(path);
        Assert.Equal((0, ""), _files.Run("truncate", "-s", "5120", path));
        rig.Device.Run(FbaRig.Extent(0x40, 0, 0, 99), FbaRig.Locate(FbaRig.Read, 5, 8), Step.R(0x42, 5 * 512)).Refused(0x10, 0x80, 2);
        Assert.Contains("ends at block 10", Assert.Single(rig.Log.Warnings), StringComparison.Ordinal);
        Assert.Equal(new byte[512], rig.Get(9));
    }

    [Fact]
    public void A_file_that_became_shorter_is_not_written_so_that_what_it_lost_does_not_read_as_zeros()
    {
        string path = Make("d.raw", 100);
        using FbaRig rig = Open(path);
        Assert.Equal((0, ""), _files.Run("truncate", "-s", "5120", path));
        Step extent = FbaRig.Extent(0xC0, 0, 0, 99);
        rig.Device.Run(extent, FbaRig.Locate(FbaRig.Write, 1, 90), Step.W(0x41, new byte[512])).Refused(0x10, 0x80, 2);
        rig.Device.Run(extent, FbaRig.Locate(FbaRig.Write, 2, 90), Step.W(0x41).WithSli()).Refused(0x10, 0x80, 2);
        Assert.Contains("ends at block 10", rig.Log.Warnings[0], StringComparison.Ordinal);
        Assert.Equal(5120, new FileInfo(path).Length);
    }

    [Theory]
    [InlineData(0, 512, null, "it is empty; give it a size: truncate -s 1G FILE")]
    [InlineData(1000, 512, null, "its 1000 bytes are no whole blocks of 512 bytes; make the last one whole: truncate -s %512 FILE")]
    [InlineData(1536, 1024, null, "truncate -s %1024 FILE")]
    [InlineData(5120, 512, 11u, "it has 10 blocks, and 11 are wanted; make it longer: truncate -s 5632 FILE")]
    [InlineData(-1, 512, null, "it does not exist; make it: truncate -s 1G FILE")]
    [InlineData(-1, 4096, 100u, "it does not exist; make it: truncate -s 409600 FILE")]
    public void What_can_be_no_disk_is_refused_with_what_to_do(int length, int blockSize, uint? blocks, string said)
    {
        string path = _files["d.raw"];
        if (length >= 0)
            File.WriteAllBytes(path, new byte[length]);
        string message =
            Assert.Throws<ImageException>(() =>
            FileBlockStore.Open(HostImageFiles.Instance, path, new BlockOptions(blockSize, blocks), default)).Message;
        Assert.StartsWith(path + ": ", message, StringComparison.Ordinal);
        Assert.EndsWith(said, message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_blocks_than_a_9336_has_are_refused_and_fewer_may_be_taken()
    {
        string path = _files["large.raw"];
        using (FileStream file = File.Create(path))
            file.SetLength(4_294_967_296L * 512); // holes
        Assert.Contains("give a larger block-size", Assert.Throws<ImageException>(() => Open(path)).Message, StringComparison.Ordinal);
        using (FbaRig rig = Open(path, new BlockOptions(4096)))
            Assert.Equal(536_870_912u, rig.Volume.Geometry.Blocks);
        using FbaRig some = Open(path, new BlockOptions(512, 4_294_967_295));
        byte[] last = FbaRig.Bytes(512, 1);
        some.Put(4_294_967_294, last);
        Assert.Equal(last, some.Get(4_294_967_294));
    }

    [Fact]
    public void Readers_share_a_file_and_keep_writers_out()
    {
        string path = Make("d.raw", 10);
        using FbaRig one = Open(path, readOnly: true), two = Open(path, readOnly: true);
        Assert.Contains("in use", Assert.Throws<ImageException>(() => Open(path)).Message, StringComparison.Ordinal);
        one.Device.Run(FbaRig.Extent(0, 0, 0, 9), FbaRig.Locate(FbaRig.Write, 1, 0)).Refused(0x80, 0x02, 1);
    }

    [Fact]
    public void Two_devices_on_one_disk_see_each_others_blocks_and_the_last_one_closes_it()
    {
        string path = Make("d.raw", 10);
        using FbaRig rig = Open(path);
        byte[] bytes = FbaRig.Bytes(1024, 1);
        FbaDevice other = rig.Add(0x0151);
        rig.Put(3, bytes);
        Assert.Equal(bytes, rig.Get(3, 2, other));
        other.Run(Step.R(0xB4, 24)).Ok();
        Assert.Equal(DeviceStatus.Busy, rig.Device.Run(Step.R(0x64, 32)).Status);
        rig.Device.Dispose();
        Assert.Equal(bytes, rig.Get(3, 2, other));
        other.Dispose();
        Open(path).Dispose();
    }

    [Fact]
    public void A_write_that_a_sync_came_in_between_is_not_taken_for_synced()
    {
        var disk = new RecordedRig(100, new ImageSync(EveryProgram: false, 1));
        disk.Rig.Put(1, FbaRig.Bytes(512, 1)); // its timer is set
        int steps = disk.Disk.Steps.Count;
        disk.Disk.Fail = what =>
        {
            if (what == "image write")
                Assert.True(SpinWait.SpinUntil(() => disk.Disk.Steps.Count > steps, Machine.Patience), "no sync came");
            return 0;
        };
        disk.Rig.Put(2, FbaRig.Bytes(512, 2)); // while it is written, the timer syncs what was before
        disk.Disk.Fail = null;
        disk.Dispose();
        Assert.Equal([DiskAct.Sync, DiskAct.Write, DiskAct.Sync], disk.Disk.Steps.Skip(steps).Select(step => step.Act));
    }

    [Fact]
    public void A_disk_that_is_gone_asks_for_intervention()
    {
        using var rig = new FbaRig();
        rig.Volume.Dispose();
        rig.Device.Run(Step.R(0x64, 32)).Refused(0x40, 0, 0);
    }

    /// <summary>Makes a loop device, which takes root; others have no right to one.</summary>
    [Fact]
    public void A_block_device_is_a_disk_that_nobody_else_has()
    {
        if (Descriptors.EffectiveUser != 0)
        {
            Assert.Throws<ImageException>(() => Open("/dev/loop0"));
            return;
        }
        string path = Make("d.raw", 8192);
        (int status, string device) = _files.Run("losetup", "-f", "--show", path);
        Assert.True(status == 0, device);
        device = device.Trim();
        try
        {
            using (FbaRig rig = Open(device))
            {
                Assert.Equal(8192u, rig.Volume.Geometry.Blocks);
                Assert.Contains("this machine uses it", Assert.Throws<ImageException>(() => Open(device)).Message, StringComparison.Ordinal);
                rig.Put(8, FbaRig.Bytes(64 * 512, 1));
                rig.Device.Run(FbaRig.Extent(0, 0, 0, 99), FbaRig.Locate(FbaRig.Write, 32, 16), Step.W(0x41).WithSli()).Ok();
                byte[] all = rig.Get(8, 64);
                Assert.Equal((-1, false, false), (all.AsSpan(8 * 512, 32 * 512).IndexOfAnyExcept((byte)0), IsZero(all, 7), IsZero(all, 40)));
            }
            using FbaRig again = Open(device);
            Assert.False(IsZero(again.Get(8), 0));
        }
        finally
        {
            _files.Run("losetup", "-d", device);
        }
    }

    private static bool IsZero(byte[] bytes, int block) => bytes.AsSpan(block * 512, 512).IndexOfAnyExcept((byte)0) < 0;

    /// <summary>Bytes of a file that somebody has locked.</summary>
    private static byte[] Now(string path, long offset, int length)
    {
        byte[] bytes = new byte[length];
        Assert.Equal(0, FileDescriptor.Open(path, OpenOptions.ReadOnly, 0, out FileDescriptor file));
        using (file)
            Assert.Equal(length, file.ReadAt(offset, bytes));
        return bytes;
    }

    private static ulong Blocks(string path)
    {
        Assert.True(FileDescriptor.Status(path, follow: true, out FileStatus status) >= 0);
        return status.Blocks;
    }

    private string Make(string name, int blocks)
    {
        using FileStream file = File.Create(_files[name]);
        file.SetLength(blocks * 512L);
        return file.Name;
    }

    private static FbaRig Open(string path, BlockOptions? disk = null, bool readOnly = false) =>
        new(store: FileBlockStore.Open(HostImageFiles.Instance, path, disk ?? new BlockOptions(), new ImageOptions(readOnly)));

    private sealed class RecordedRig : IDisposable
    {
        internal RecordedRig(int blocks, ImageSync sync = default)
        {
            Disk = new RecordedDisk(new DiskFile(1, new byte[blocks * 512]), null, Guid.NewGuid());
            Rig = new FbaRig(store: FileBlockStore.Open(Disk, "disk.raw", new BlockOptions(), new ImageOptions(Sync: sync)));
        }

        internal RecordedDisk Disk { get; }

        internal FbaRig Rig { get; }

        public void Dispose() => Rig.Dispose();
    }
}
