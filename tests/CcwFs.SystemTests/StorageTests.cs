using System.Diagnostics;
using System.Globalization;

namespace CcwFs.SystemTests;

/// <summary>The disk below fails or is full, or ccwfs is killed: what a guest was told to be written is there, and every error is told.</summary>
public sealed class StorageTests : IDisposable
{
    private const string Helpers = """
        import mmap
        control = mmap.mmap(os.open(T + '/orders', os.O_RDWR), 4096) if os.path.exists(T + '/orders') else None
        def fail(error, call, suffix, skip=0, times=1, partial=0):
            control[:96] = struct.pack('=iiiii12s64s', 0, skip, times, partial, 0, call.encode(), suffix.encode())
            control[0:4] = struct.pack('=i', error)
        def mend():
            hits = struct.unpack('=i', control[16:20])[0]
            control[0:4] = bytes(4)
            return hits
        def block(value): return struct.pack('>I', value) * 1024
        def write(value, track=35):
            status, _ = run(extent(0x80, track, track), locate(1, 12, track, 1, 4096), *[(0x85, 0, block(value))] * 12)
            return status
        def read(track=35):
            blocks = set(read_records(track, 1, 12, 4096))
            assert len(blocks) == 1, 'a mixture'
            return struct.unpack('>I', blocks.pop()[:4])[0]

        """;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("EIO")]
    [InlineData("EPERM")]
    [InlineData("EFBIG")]
    [InlineData("ECANCELED")]
    [InlineData("EBADF")]
    public void A_write_that_fails_anywhere_is_told_and_loses_nothing_that_was_acknowledged(string error)
    {
        string image = _scratch.MakeImage("v.ckd", 4, "cdl");
        using (MountedCcwfs mounted = MountFailing(image))
        {
            mounted.Python(With($"""
                error = errno.{error}
                assert write(1).dstat == 0x0c
                value = 1
                for place, suffix, skip in (('redo data', '.redo', 0), ('redo table', '.redo', 1), ('in place', 'v.ckd', 0), ('void', '.redo', 2)):
                    fail(error, 'pwrite', suffix, skip, partial=8192)
                    status = write(value + 1)
                    assert mend() == 1, place
                    acknowledged = status.dstat == 0x0c
                    assert acknowledged or (status.dstat == 0x0e and status.sense[0] == 0x10), (place, hex(status.dstat), status.sense.hex())
                    found = read()
                    assert found == value + 1 or (not acknowledged and found == value), (place, found, value)
                    assert write(value + 2).dstat == 0x0c, place
                    value += 2
                    assert read() == value, place
                open(T + '/value', 'w').write(str(value))
                """));
            Assert.True(mounted.IsRunning, mounted.Log);
            Assert.Contains("reported as equipment check", mounted.Log, StringComparison.Ordinal);
            Assert.DoesNotContain("Exception", mounted.Log, StringComparison.Ordinal);
            mounted.Kill();
            Child.Run("umount", "-l", mounted.MountPoint).Ok();
        }
        using var again = new MountedCcwfs(["--device", $"dasd,image={image}"]);
        again.Python(With("assert read() == int(open(T + '/value').read())"));
    }

    [Fact]
    public void What_could_not_be_put_in_place_is_served_to_readers_and_put_there_by_the_next_open()
    {
        string image = _scratch.MakeImage("v.ckd", 4, "cdl");
        using (MountedCcwfs mounted = MountFailing(image))
        {
            mounted.Python(With("""
                assert write(1).dstat == 0x0c
                fail(errno.EIO, 'pwrite', 'v.ckd', times=-1, partial=8192)
                assert write(2).dstat == 0x0e
                assert read() == 2, read()
                assert write(3).dstat == 0x0e and read() == 2
                """));
            mounted.Kill();
            Child.Run("umount", "-l", mounted.MountPoint).Ok();
        }
        Assert.Contains(
            $"{image}.redo: these were being written when ccwfs stopped, and the next open to write puts them in place: track 2/5\n",
            Child.Ccwfs("dasd", "check", image).Ok().Output, StringComparison.Ordinal);
        using var again = new MountedCcwfs(["--device", $"dasd,image={image}"]);
        again.Python(With("assert read() == 2, read()"));
        again.Logged("have been put in place");
    }

    /// <summary>CCWFS_DISK_ERRORS=all gives every errno at every call, else each call gets one; CCWFS_FUZZ_SEED says which.</summary>
    [Fact]
    public void Any_call_on_the_disk_may_fail_in_a_volumes_life_and_nobody_is_told_what_is_not_so()
    {
        bool all = Environment.GetEnvironmentVariable("CCWFS_DISK_ERRORS") == "all";
        string seed = Environment.GetEnvironmentVariable("CCWFS_FUZZ_SEED") ?? Random.Shared.Next().ToString(CultureInfo.InvariantCulture);
        using var disk = new Scratch("/dev/shm"); // its syncs take no time
        disk.MakeImage("v.ckd", 4);
        using MountedCcwfs mounted = MountFailing("dasd", disk);
        string script = $"import failing_calls; failing_calls.main('{disk.Path}', {seed}, {(all ? "True" : "False")})";
        Outcome outcome = Child.Finish(mounted.StartPython(script), patience: (all ? 60 : 2) * Child.Patience);
        Assert.True(outcome.Status == 0, $"{outcome.Output}{outcome.Error}\n{mounted.Log}");
        Assert.True(mounted.IsRunning);
        Assert.DoesNotContain("Exception", mounted.Log, StringComparison.Ordinal);
        Child.Ccwfs("umount", mounted.MountPoint).Ok();
    }

    [Theory]
    [InlineData("umount")]
    [InlineData("remove")]
    [InlineData("signal")]
    public void A_sync_that_fails_at_the_end_is_told_to_who_ended_it_and_to_the_next_open(string how)
    {
        string image = _scratch.MakeImage("v.ckd", 4, "cdl");
        using (MountedCcwfs mounted = MountFailing(image))
        {
            mounted.Python(With("""
                assert write(1).dstat == 0x0c
                fail(errno.EIO, 'sync', 'v.ckd', times=-1)
                """));
            const string Lost = "cannot be brought to the disk (input/output error): tracks that were written may be lost";
            if (how == "umount")
            {
                Assert.Contains(Lost, Child.Ccwfs("umount", mounted.MountPoint).Failed(1), StringComparison.Ordinal);
            }
            else if (how == "remove")
            {
                Assert.Contains(Lost, mounted.Ccwfs("remove", "0.0.0000").Refused(1), StringComparison.Ordinal);
                mounted.Signal("TERM");
            }
            else
            {
                mounted.Signal("TERM");
            }
            Assert.Equal(how == "remove" ? 0 : 1, mounted.WaitForExit());
            Assert.Contains(Lost, mounted.Log, StringComparison.Ordinal);
        }
        string refusal = Child.Ccwfs("dasd", "complete", image).Refused(1);
        Assert.Contains("could not be brought to the disk (input/output error)", refusal, StringComparison.Ordinal);
        Outcome check = Child.Ccwfs("dasd", "check", image);
        Assert.Contains(refusal["ccwfs: ".Length..].Split(": ")[0], check.Failed(1) + check.Output, StringComparison.Ordinal);
        File.Delete(image + ".redo");
        using var again = new MountedCcwfs(["--device", $"dasd,image={image}"]);
    }

    [Fact]
    public void A_signal_that_comes_with_the_first_is_no_second_one()
    {
        string image = _scratch.MakeImage("twice.ckd", 4, "cdl");
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image}", "--log-level", "information"]);
        mounted.Python("""
            assert run(extent(0x80, 35, 35), locate(1, 12, 35, 1, 4096), *[(0x85, 0, b'x' * 4096)] * 12)[0].dstat == 0x0c
            for _ in range(8):
                os.kill(int(P), signal.SIGTERM), os.kill(int(P), signal.SIGINT)     # timeout(1) sends two: to its child and to the group
            """);
        Assert.Equal(0, mounted.WaitForExit());
        Assert.DoesNotContain("second signal", mounted.Log, StringComparison.Ordinal);
        Assert.Contains("unmounted", mounted.Log, StringComparison.Ordinal);
        Assert.False(File.Exists(image + ".redo"));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("umount")]
    public void A_disk_that_hangs_keeps_no_other_image_open_at_the_end_and_a_second_signal_ends_at_once(string how)
    {
        string[] images = [.. Enumerable.Range(0, 6).Select(n => _scratch.MakeImage($"v{n}.ckd", 4, "cdl"))];
        using MountedCcwfs mounted = MountFailing(images);
        mounted.Python(With("""
            for n in range(6):
                status, _ = run(extent(0x80, 35, 35), locate(1, 12, 35, 1, 4096), *[(0x85, 0, block(1))] * 12, dev=f'0.0.000{n}')
                assert status.dstat == 0x0c
            fail(-1, 'sync', 'v2.ckd', times=-1)
            """));
        using Process? umount = how == "umount" ? Child.Start("/", null, Places.Program, "umount", mounted.MountPoint) : null;
        if (umount is null)
            mounted.Signal(how);
        bool IsFree(string image) => Child.Run("flock", "-x", "-n", image, "true").Status == 0;
        foreach (string image in images.Where(image => image != images[2]))
            Assert.True(SpinWait.SpinUntil(() => IsFree(image), Child.Patience), $"{image} is not closed");
        Assert.False(IsFree(images[2]));
        Assert.True(mounted.IsRunning);
        if (umount is not null)
            mounted.Signal("TERM");
        bool EndsAtOnce()
        {
            // one that comes with the first does not count
            Child.Run("kill", "-TERM", mounted.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return !mounted.IsRunning;
        }
        Assert.True(SpinWait.SpinUntil(EndsAtOnce, Child.Patience), "the second signal did not end it");
        Assert.Equal(1, mounted.WaitForExit());
        Assert.Contains($"ended by a second signal; not closed: 0.0.0002 (dasd, image {images[2]})", mounted.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(mounted.MountPoint, File.ReadAllText("/proc/self/mounts"), StringComparison.Ordinal);
        umount?.Kill();
        Assert.True(IsFree(images[2]));
    }

    [Fact]
    public void A_file_size_limit_is_an_error_of_the_write_and_not_the_end()
    {
        string image = _scratch.MakeImage("v.ckd", 4, "cdl");
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image}"]);
        Child.Run("prlimit", "--pid", $"{mounted.Pid}", "--fsize=1000000:1000000").Ok(); // the runtime does not start with one
        mounted.Python("""
            status, _ = run(extent(0x80, 50, 50), locate(1, 1, 50, 1, 4096), (0x85, 0, b'x' * 4096))
            assert (status.dstat, status.sense[0]) == (0x0e, 0x10), (hex(status.dstat), status.sense.hex())
            assert read_records(50, 1, 1, 4096) == [bytes(4096)]
            """);
        mounted.Logged("file too large");
        Assert.True(mounted.IsRunning);
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("HUP")]
    public void A_creation_that_is_ended_leaves_nothing(string signal)
    {
        string directory = _scratch.MakeDirectory("images");
        string image = Path.Combine(directory, "v.ckd");
        using Process create = Child.Start("/", null, Places.Program, "dasd", "create", image, "--model", "3390-54", "--format", "cdl");
        // It has its file, and hours of work on it would follow.
        Assert.True(SpinWait.SpinUntil(() => Child.Run("bash", "-c", $"ls -l /proc/{create.Id}/fd | grep -q {directory}").Status == 0,
            Child.Patience));
        Child.Run("kill", "-" + signal, $"{create.Id}").Ok();
        Assert.True(create.WaitForExit(Child.Patience));
        Assert.NotEqual(0, create.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(directory));
    }

    [Fact]
    public void Facts_of_a_sparse_volume_take_no_longer_than_those_of_a_small_one()
    {
        Child.Ccwfs("dasd", "create", _scratch.At("large.ckd"), "--model", "3390-54", "--lazy", "--format", "cdl").Ok();
        string small = _scratch.MakeImage("small.ckd");
        long Reads(string image) =>
            long.Parse(Child.Run("bash", "-c", $"{Places.Program} dasd info {image} >/dev/null; sed -n 's/^syscr: //p' /proc/$$/io").Ok().Output);
        Assert.InRange(Reads(_scratch.At("large.ckd")), 1, Reads(small) + 1_000); // the runtime's own differ a little
        Assert.Contains("982798", Child.Ccwfs("dasd", "info", _scratch.At("large.ckd")).Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void When_writes_are_synced_is_said_in_the_spec_and_shown()
    {
        string image = _scratch.MakeImage("v.ckd");
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image},sync=5", "--device", $"dasd,image={image}"]);
        Assert.Contains("every 5 s", mounted.Ccwfs("info", "0.0.0001").Ok().Output, StringComparison.Ordinal);
        mounted.Ccwfs("add", $"dasd,image={image},sync=program").Ok();
        string[] facts = mounted.Ccwfs("info", "0.0.0000").Ok().Output.Split('\n');
        Assert.Contains("program", facts.Single(line => line.StartsWith("sync", StringComparison.Ordinal)), StringComparison.Ordinal);
        const string Allowed = "it is none, program, or a number of seconds from 1 to 3600";
        foreach (string wrong in new[] { "0", "sometimes", "-1", "3601", "" })
            Assert.Contains(Allowed, mounted.Ccwfs("add", $"dasd,sync={wrong}").Refused(2), StringComparison.Ordinal);
    }

    private string With(string script) => $"T = '{_scratch.Path}'\n{Helpers}{script}";

    private MountedCcwfs MountFailing(params string[] images) => MountFailing([.. images.Select(image => $"dasd,image={image}")], _scratch);

    private static MountedCcwfs MountFailing(string device, Scratch directory) => MountFailing([device], directory);

    /// <summary>A mount whose calls obey the file `orders` in a directory.</summary>
    private static MountedCcwfs MountFailing(string[] devices, Scratch directory)
    {
        string library = directory.At("failing.so"), source = Path.Combine(AppContext.BaseDirectory, "failing.c");
        Child.Run("gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl").Ok();
        File.WriteAllBytes(directory.At("orders"), new byte[4_096]);
        return new MountedCcwfs(
            [.. devices.SelectMany(device => (string[])["--device", device])],
            environment: new Dictionary<string, string> { ["LD_PRELOAD"] = library, ["FAILING"] = directory.At("orders") });
    }
}
