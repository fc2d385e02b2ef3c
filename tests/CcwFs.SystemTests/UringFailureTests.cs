using System.Diagnostics;
using System.Numerics;

namespace CcwFs.SystemTests;

/// <summary>
/// io_uring that is there and then fails. failing_io_uring.py answers io_uring_enter(2) in place of the kernel. Each worker calls that once to try
/// its ring, once to register its queue, and then for each request.
/// </summary>
public sealed class UringFailureTests : IDisposable
{
    private const int NotPermitted = 1, NoMemory = 12; // EPERM, ENOMEM

    private static readonly int s_workers = File.ReadLines("/proc/self/status")
        .First(line => line.StartsWith("Cpus_allowed:", StringComparison.Ordinal)).Split('\t')[1].Replace(",", "", StringComparison.Ordinal)
        .Sum(digit => BitOperations.PopCount(Convert.ToUInt32($"{digit}", 16)));

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_registration_that_fails_before_the_kernel_has_it_leaves_the_way_through_the_device()
    {
        if (!UringTests.IsOn)
            return;
        using var mounted = new MountedCcwfs(
            ["--device", "dasd", "--uring", "auto", "-v"], through: Failing(NotPermitted, $"{s_workers + 1}-{s_workers + 1}"));
        mounted.Logged("FUSE over io_uring is not used: a queue cannot be registered: ");
        mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        Assert.Contains("\nrequests     over /dev/fuse\nio_uring     a queue cannot be registered: ", mounted.Ccwfs("info").Ok().Output,
            StringComparison.Ordinal);
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
    }

    [Theory]
    [InlineData("auto", "-", ", and the kernel waits for it: mount again without io_uring")]
    [InlineData("on", "-", ", and the kernel waits for it: mount again without io_uring")]
    [InlineData("on", "", "")]
    public void A_mount_that_could_not_be_served_is_refused(string value, string forEver, string end)
    {
        if (!UringTests.IsOn)
            return;
        string mountPoint = _scratch.MakeDirectory("m");
        string calls = $"{s_workers + 1}-" + (forEver.Length > 0 ? "" : $"{s_workers + 1}");
        string[] command = [.. Failing(NotPermitted, calls), Places.Program, "mount", mountPoint, "--device", "dasd", "--uring", value];
        string line = Child.Run(command[0], command[1..]).Refused(1);
        Assert.StartsWith("ccwfs: cannot serve the mount over io_uring: a queue cannot be registered: ", line, StringComparison.Ordinal);
        Assert.EndsWith(end, line, StringComparison.Ordinal);
        Assert.DoesNotContain(mountPoint, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(NotPermitted)]
    [InlineData(NoMemory)]
    public void A_queue_that_breaks_ends_the_mount_and_every_caller(int errno)
    {
        if (!UringTests.IsOn)
            return;
        string broken = _scratch.At("broken");
        using var mounted = new MountedCcwfs(["--device", "dasd", "--uring", "on"], through: Failing(errno, broken));
        using Process held = Child.Start("/", null, "cat", mounted.MountPoint + "/0.0.0000/irq/io");
        Assert.True(
            SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{held.Id}/wchan") == "request_wait_answer", Child.Patience), "the read is not held");
        File.WriteAllText(broken, "");
        Outcome caller = Child.Run("cat", mounted.MountPoint + "/0.0.0000/schib");
        Assert.Equal(1, caller.Status);
        Assert.True(held.WaitForExit(Child.Patience), "the reader did not end");
        Assert.Equal(1, mounted.WaitForExit());
        Assert.Single(mounted.Log.Split('\n'), line => line.Contains("a queue of FUSE over io_uring broke: ", StringComparison.Ordinal));
        Assert.DoesNotContain(mounted.MountPoint, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_of_the_moment_is_tried_again()
    {
        if (!UringTests.IsOn)
            return;
        string failing = _scratch.At("failing");
        using var mounted = new MountedCcwfs(["--device", "dasd", "--uring", "on"], through: Failing(NoMemory, failing + ":20"));
        File.WriteAllText(failing, "");
        for (int i = 0; i < 5; i++)
            mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        Assert.DoesNotContain("io_uring", mounted.Log, StringComparison.Ordinal);
    }

    private static string[] Failing(int errno, string when) =>
        ["python3", Path.Combine(AppContext.BaseDirectory, "failing_io_uring.py"), $"{errno}", when];
}
