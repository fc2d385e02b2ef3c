using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>
/// Whoever unmounts is told the truth: the process is gone and its image free, or somebody is named who keeps them. Other mount namespaces, bind
/// mounts and open files keep a file system alive after umount(2).
/// </summary>
public sealed class UnmountTests : IDisposable
{
    private readonly MountedCcwfs _mounted;
    private readonly string _image;
    private readonly List<Process> _helpers = [];

    public UnmountTests()
    {
        var scratch = new Scratch();
        _image = scratch.MakeImage("v.ckd");
        _mounted = new MountedCcwfs(["--device", "dasd,image=" + _image]);
    }

    public void Dispose()
    {
        foreach (Process helper in _helpers)
        {
            helper.Kill(entireProcessTree: true);
            helper.Dispose();
        }
        Child.Run("umount", "-l", _mounted.Scratch.At("bound"));
        _mounted.Dispose();
        Directory.Delete(Path.GetDirectoryName(_image)!, recursive: true);
    }

    /// <summary>
    /// A process with a mount namespace of its own, which nothing that is unmounted here reaches; it has done the words of a shell before it is
    /// there.
    /// </summary>
    private Process Elsewhere(string does = ":")
    {
        Process process =
            Child.Start("/", new Dictionary<string, string> { ["D"] = _mounted.MountPoint }, "unshare", "-m", "--propagation", "private",
            "bash", "-c", does + "; echo there; read -r end");
        _helpers.Add(process);
        process.Says("there");
        return process;
    }

    private void AssertEnded()
    {
        Assert.Equal(0, _mounted.WaitForExit());
        AssertFree();
    }

    private void AssertFree() => Child.Run("flock", "-x", "-n", _image, "true").Ok();

    private bool IsMounted => File.ReadAllText("/proc/self/mounts").Contains($" {_mounted.MountPoint} fuse.ccwfs ", StringComparison.Ordinal);

    [Fact]
    public void Umount_returns_when_the_process_is_gone_and_its_image_is_free()
    {
        Child.Ccwfs("umount", _mounted.MountPoint + "/").Ok();
        AssertFree();
        Assert.False(Directory.Exists($"/proc/{_mounted.Pid}/fd")
            && Directory.EnumerateFileSystemEntries($"/proc/{_mounted.Pid}/fd").Any(), "it has files open");
        AssertEnded();
    }

    [Fact]
    public void An_idle_mount_in_another_namespace_does_not_keep_it()
    {
        Process idle = Elsewhere("cd $D");
        Child.Ccwfs("umount", _mounted.MountPoint).Ok();
        AssertFree();
        AssertEnded();
        Assert.False(idle.HasExited);
    }

    [Theory]
    [InlineData("umount")]
    [InlineData("umount -l")]
    [InlineData("fusermount3 -u")]
    public void Without_us_it_notices_and_ends_by_itself(string command)
    {
        Process idle = Elsewhere();
        Child.Run("bash", "-c", $"{command} '{_mounted.MountPoint}'").Ok();
        AssertEnded();
        // other namespaces of the machine may have a copy too
        Assert.Contains("nobody uses it where it is left: ", _mounted.Log, StringComparison.Ordinal);
        Assert.Contains($"in the mount namespace of pid {idle.Id} (\"bash\") at \"{_mounted.MountPoint}\"", _mounted.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_files_in_another_namespace_keep_it_and_are_named(bool throughUs)
    {
        Process user = Elsewhere("exec 3<>$D/0.0.0000/device");
        if (throughUs)
        {
            string said = Child.Ccwfs("umount", _mounted.MountPoint).Refused(1);
            Assert.Contains("of another mount namespace", said, StringComparison.Ordinal);
            Assert.Contains($"pid {user.Id} (\"bash\": \"{_mounted.MountPoint}/0.0.0000/device\")", said, StringComparison.Ordinal);
            Assert.Contains($"(pid {_mounted.Pid}) goes on", said, StringComparison.Ordinal);
            Assert.Contains($"which root can end: kill {user.Id}", said, StringComparison.Ordinal);
            Assert.EndsWith($"root can end it for all of them, and it closes its images: kill {_mounted.Pid}", said, StringComparison.Ordinal);
        }
        else
        {
            Child.Run("umount", _mounted.MountPoint).Ok();
        }
        Assert.False(IsMounted);
        _mounted.Logged($"still in use by pid {user.Id} (\"bash\": ");
        Assert.True(_mounted.IsRunning);
        Child.Run("nsenter", "-t", user.Id.ToString(), "-m", Places.Program, "info", "0.0.0000", "--mount", _mounted.MountPoint).Ok();
        user.StandardInput.Close();
        AssertEnded();
    }

    [Fact]
    public void A_lazily_detached_mount_goes_on_for_its_users_and_ends_with_them()
    {
        using Process user = _mounted.StartPython(
            "fd = os.open(D + '/0.0.0000/schib', os.O_RDONLY); print('open'); sys.stdin.readline(); print(len(os.read(fd, 52)))");
        user.Says("open");
        Child.Run("umount", "-l", _mounted.MountPoint).Ok();
        _mounted.Logged($"pid {user.Id} (\"python3\": ");
        Assert.Equal("52\n", Child.Finish(user).Ok().Output);
        AssertEnded();
    }

    [Fact]
    public void A_bind_mount_keeps_it_and_is_named()
    {
        string bound = _mounted.Scratch.MakeDirectory("bound");
        Child.Run("mount", "--bind", _mounted.MountPoint, bound).Ok();
        Assert.Contains($"it is mounted at {bound} too", Child.Ccwfs("umount", _mounted.MountPoint).Refused(1), StringComparison.Ordinal);
        Assert.False(IsMounted);
        Child.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40", "--mount", bound).Ok();
        Child.Ccwfs("umount", bound).Ok();
        AssertEnded();
    }

    [Fact]
    public void A_moved_mount_is_no_unmount()
    {
        string moved = _mounted.Scratch.MakeDirectory("bound");
        Child.Run("mount", "--move", _mounted.MountPoint, moved).Ok();
        Child.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40", "--mount", moved).Ok();
        Child.Ccwfs("umount", moved).Ok();
        AssertEnded();
    }

    [Theory]
    [InlineData("mount --move $D $B")]
    [InlineData("mount --bind $D $B")]
    [InlineData("mount --bind $D $B; umount $D")]
    [InlineData("mount --bind $D $B; mount --move $B $C; mount --bind $C $B")]
    [InlineData("mount --move $D $B; exec 3<$B/0.0.0000/schib; sleep 60 &")]
    public void A_signal_unmounts_it_wherever_it_is_by_now(string moved)
    {
        string bound = _mounted.Scratch.MakeDirectory("bound"), other = _mounted.Scratch.MakeDirectory("other");
        Process holder = Child.Start("/", new Dictionary<string, string> { ["D"] = _mounted.MountPoint, ["B"] = bound, ["C"] = other },
            "bash", "-ec", $"{moved}\necho moved; read -r end");
        _helpers.Add(holder);
        holder.Says("moved");
        _mounted.Signal("TERM");
        AssertEnded();
        Assert.DoesNotContain(_mounted.Scratch.Path, File.ReadAllText("/proc/self/mounts"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_descriptor_left_the_watch_goes_on_and_sees_the_unmount_when_there_is_one()
    {
        Elsewhere(); // a copy there: that the file system ends is not what tells of the unmount
        Child.Run("prlimit", "--pid", $"{_mounted.Pid}", "--nofile=3:").Ok(); // the three that every process has
        string watch = Directory.GetDirectories($"/proc/{_mounted.Pid}/task").Single(task => File.ReadAllText(task + "/comm") == "mount watch\n");
        long Waits() =>
            long.Parse(File.ReadLines(watch + "/status").First(line => line.StartsWith("voluntary", StringComparison.Ordinal)).Split(':')[1]);
        long before = Waits();
        Child.Run("umount", "-l", _mounted.MountPoint).Ok();
        Assert.True(SpinWait.SpinUntil(() => Waits() > before + 2, Child.Patience), "it does not look again");
        Assert.True(_mounted.IsRunning);
        Child.Run("prlimit", "--pid", $"{_mounted.Pid}", "--nofile=1024:").Ok();
        AssertEnded();
    }

    [Fact]
    public void A_process_whose_memory_does_not_answer_keeps_no_unmount_waiting()
    {
        using var other = new MountedCcwfs();
        using Process held = other.StartPython("""
            from vfio import *
            page = Held(D)
            threading.Thread(target=lambda: LIBC.memchr(ctypes.c_void_p(page.address), 0, 1), daemon=True).start()
            print('held', flush=True)
            while True:
                mmap.mmap(-1, 4096)    # waits for the page too, and who looks at the mappings behind it
            """);
        held.Says("held");
        Child.Ccwfs("umount", _mounted.MountPoint).Ok();
        AssertEnded();
        held.Kill();
        other.Kill(); // its reader gets an error
        Child.Run("umount", "-l", other.MountPoint).Ok();
    }

    [Fact]
    public void Files_of_another_mount_that_does_not_answer_keep_nobody_waiting()
    {
        using var other = new MountedCcwfs();
        foreach (MountedCcwfs mounted in (MountedCcwfs[])[other, _mounted])
        {
            Process user = Child.Start("/", new Dictionary<string, string> { ["D"] = mounted.MountPoint }, "bash", "-c",
                "exec 3<$D/0.0.0000/schib; echo open; read -r end");
            _helpers.Add(user);
            user.Says("open");
        }
        other.Signal("STOP");
        try
        {
            Assert.Contains($"in use by pid {_helpers[^1].Id} ", Child.Ccwfs("umount", _mounted.MountPoint).Ok().Error, StringComparison.Ordinal);
        }
        finally
        {
            other.Signal("CONT");
        }
    }

    [Fact]
    public void One_that_answers_what_is_not_understood_is_unmounted_all_the_same()
    {
        string point = _mounted.Scratch.MakeDirectory("bound");
        Process strange = Child.Start("/", null, "python3", AppContext.BaseDirectory + "/strange.py", point);
        _helpers.Add(strange);
        strange.Says("mounted");
        Assert.Contains("a reply that is not understood", Child.Ccwfs("list", "--mount", point).Refused(1), StringComparison.Ordinal);
        Child.Ccwfs("umount", point).Ok();
        Assert.True(strange.WaitForExit(Child.Patience));
    }

    [Fact]
    public void In_another_namespace_only_its_own_mount_goes()
    {
        Process there = Elsewhere();
        string[] umount = ["-t", there.Id.ToString(), "-m", Places.Program, "umount", _mounted.MountPoint];
        Assert.Contains($"(pid {_mounted.Pid}) goes on: it was mounted in another mount namespace",
            Child.Run("nsenter", umount).Refused(1), StringComparison.Ordinal);
        Assert.True(IsMounted);
        _mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        Child.Ccwfs("umount", _mounted.MountPoint).Ok();
        AssertEnded();
    }

    [Fact]
    public void One_that_does_not_answer_is_said_to_be_alive()
    {
        _mounted.Signal("STOP");
        string said = Child.Ccwfs("umount", _mounted.MountPoint).Refused(1); // in a line: nobody else is said to use it
        Assert.Contains($"ccwfs (pid {_mounted.Pid}) goes on: it does not answer", said, StringComparison.Ordinal);
        Assert.Contains($"where it was stopped (kill -CONT {_mounted.Pid})", said, StringComparison.Ordinal);
        Assert.EndsWith($"kill -KILL {_mounted.Pid}", said, StringComparison.Ordinal);
        Assert.False(IsMounted);
        _mounted.Signal("CONT");
        AssertEnded();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_killed_one_is_unmounted_and_mounted_again_whoever_held_it(bool umountFirst)
    {
        Process there = Elsewhere("exec 3<>$D/0.0.0000/device");
        using Process here = _mounted.StartPython("os.chdir(D); print('in'); sys.stdin.readline()");
        here.Says("in");
        _mounted.Kill();
        if (umountFirst)
        {
            Assert.Contains($"pid {here.Id} (\"python3\": working directory)", Child.Ccwfs("umount", _mounted.MountPoint).Ok().Error,
                StringComparison.Ordinal);
            Assert.False(IsMounted);
        }
        using var again = new MountedCcwfs(["--device", "dasd,image=" + _image], mountPoint: _mounted.MountPoint);
        again.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        here.StandardInput.Close();
        Assert.False(there.HasExited);
    }

    [Theory]
    [InlineData("0.05")]
    [InlineData("0.15")]
    [InlineData("0.25")]
    public void An_umount_that_is_killed_leaves_nothing_that_another_cannot_end(string seconds)
    {
        Child.Run("timeout", "-s", "KILL", seconds, Places.Program, "umount", _mounted.MountPoint); // at whatever it is by then
        Outcome again = Child.Ccwfs("umount", _mounted.MountPoint);
        if (again.Status != 0)
            Assert.Contains("no ccwfs is mounted", again.Refused(1), StringComparison.Ordinal);
        AssertEnded();
        Assert.False(IsMounted);
    }
}
