namespace CcwFs.SystemTests;

/// <summary>
/// FUSE over io_uring. What takes the kernel's switch is looked at where root has switched it on, as scripts/test does while it runs.
/// </summary>
public sealed class UringTests
{
    private const string Switch = "/sys/module/fuse/parameters/enable_uring";
    private const string Used = "requests over io_uring", NotUsed = "requests over /dev/fuse";

    internal static bool IsOn => File.Exists(Switch) && File.ReadAllText(Switch).StartsWith('Y');

    [Theory]
    [InlineData("off", false)]
    [InlineData("auto", true)]
    [InlineData("on", true)]
    public void The_log_the_metrics_and_info_say_which_way_requests_come(string value, bool mayBeUsed)
    {
        if (value == "on" && !IsOn)
            return;
        using var mounted = new MountedCcwfs(["--device", "dasd", "--uring", value, "-v"]);
        bool used = mayBeUsed && IsOn;
        mounted.Logged(used ? Used : NotUsed);
        Assert.Equal(mayBeUsed && !IsOn, mounted.Log.Contains("FUSE over io_uring is not used: ", StringComparison.Ordinal));
        Assert.Contains($"\nccwfs_fuse_uring {(used ? 1 : 0)}\n", mounted.Bash("cat $D/metrics").Ok().Output, StringComparison.Ordinal);
        string info = mounted.Ccwfs("info").Ok().Output;
        Assert.Contains($"\nrequests     {(used ? "over io_uring" : "over /dev/fuse")}\n", info, StringComparison.Ordinal);
        Assert.Contains(
            "\nio_uring     " + (used ? "used\n" : value == "off" ? "not asked for by ccwfs mount --uring auto" : "it is switched off"), info,
            StringComparison.Ordinal);
        Assert.Equal(!IsOn, info.Contains($"root switches it on: echo Y >{Switch}\n", StringComparison.Ordinal));
        mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
    }

    [Fact]
    public void Where_root_has_not_switched_it_on_the_line_says_how()
    {
        if (IsOn)
            return;
        using var scratch = new Scratch();
        string line = Child.Ccwfs("mount", scratch.MakeDirectory("m"), "--device", "dasd", "--uring", "on").Refused(1);
        Assert.Contains("cannot serve the mount over io_uring: ", line, StringComparison.Ordinal);
        if (File.Exists(Switch))
            Assert.Contains($"root switches it on: echo Y >{Switch}", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(425, 1 /* EPERM */, "io_uring is forbidden here")] // io_uring_setup
    [InlineData(426, 1 /* EPERM */, "io_uring is forbidden here")] // io_uring_enter
    [InlineData(425, 38 /* ENOSYS */, "this kernel has no io_uring")]
    [InlineData(425, 12 /* ENOMEM */, "there is no memory for io_uring")]
    [InlineData(425, 24 /* EMFILE */, "no descriptor is left for io_uring: raise the limit (ulimit -n)")]
    public void Where_io_uring_cannot_be_had_the_mount_goes_on_without_or_is_refused(int call, int errno, string why)
    {
        string[] through = ["python3", Path.Combine(AppContext.BaseDirectory, "no_io_uring.py"), $"{call}", $"{errno}"];
        using (var mounted = new MountedCcwfs(["--device", "dasd", "--uring", "auto", "-v"], through: through))
        {
            mounted.Logged(NotUsed);
            Assert.Contains("not used: " + (IsOn ? why : ""), mounted.Log, StringComparison.Ordinal);
            mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        }
        using var scratch = new Scratch();
        string mountPoint = scratch.MakeDirectory("m");
        Outcome refused = Child.Run(through[0], [.. through[1..], Places.Program, "mount", mountPoint, "--device", "dasd", "--uring", "on"]);
        Assert.StartsWith("ccwfs: cannot serve the mount over io_uring: ", refused.Refused(1), StringComparison.Ordinal);
        Assert.DoesNotContain(mountPoint, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_mount_with_few_descriptors_keeps_them_for_itself()
    {
        if (!IsOn)
            return;
        int count;
        using (var plenty = new MountedCcwfs(["--device", "dasd", "--uring", "on"]))
            count = Directory.GetFiles($"/proc/{plenty.Pid}/fd").Length;
        using var mounted = new MountedCcwfs(["--device", "dasd", "--uring", "auto", "-v"], through: ["prlimit", $"--nofile={count + 20}"]);
        mounted.Logged(NotUsed);
        Assert.Contains("not used: no descriptor is left for io_uring: ", mounted.Log, StringComparison.Ordinal);
        mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
    }

    [Fact]
    public void Where_a_filter_forbids_what_makes_io_uring_quicker_it_is_used_all_the_same()
    {
        string[] through = ["python3", Path.Combine(AppContext.BaseDirectory, "no_io_uring.py"), "427", "1"]; // io_uring_register, EPERM
        using var mounted = new MountedCcwfs(["--device", "dasd", "--uring", IsOn ? "on" : "auto", "-v"], through: through);
        mounted.Logged(IsOn ? Used : NotUsed);
        mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
    }

    [Fact]
    public void Held_reads_end_by_signals_and_with_the_mount()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--uring", IsOn ? "on" : "auto", "-v"]);
        mounted.Python("""
            import subprocess
            readers = [subprocess.Popen(['cat', path('irq/io')], stdout=subprocess.PIPE) for i in range(40)]
            def is_held(pid):
                try: return open(f'/proc/{pid}/wchan').read() == 'request_wait_answer' and open(f'/proc/{pid}/syscall').read().split()[0] == '0'
                except OSError: return False
            while not all(is_held(r.pid) for r in readers): os.sched_yield()
            for r in readers: r.send_signal(signal.SIGINT)
            assert all(r.wait(30) == -signal.SIGINT for r in readers)
            """);
        using System.Diagnostics.Process held = Child.Start("/", null, "cat", mounted.MountPoint + "/0.0.0000/irq/io");
        Assert.True(SpinWait.SpinUntil(
            () => File.ReadAllText($"/proc/{held.Id}/wchan") == "request_wait_answer", Child.Patience), "the read is not held");
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        Assert.True(held.WaitForExit(Child.Patience), "the reader did not end");
    }
}
