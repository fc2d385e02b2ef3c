using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>Two attaches or detaches at once: one after the other, whichever way the first one ends.</summary>
public sealed class AttachLockTests : IDisposable
{
    private const string Device = "0.0.2b09";
    private readonly FakeHost _host = new();

    public AttachLockTests()
    {
        _host.Reset();
        _host.Shell("mkfifo $FAKE/../began $FAKE/../go").Ok();

        // The module comes when the test says so; what it loads stays, as of a modprobe whose caller was killed.
        _host.AddProgram("modprobe", "echo $PPID > $FAKE/../began; read line < $FAKE/../go; echo \"$*\" > $FAKE/fake/modprobe");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void The_second_waits_or_says_who_has_it()
    {
        string before = _host.Tree();
        using Process first = Hold();
        string who = $"process {first.Id} (attach {Device}) is at work; run it again when that has ended, or wait longer with --wait SECONDS";
        foreach (string verb in new[] { "attach", "detach" })
            Assert.Equal("ccwfs: " + who, _host.Ccwfs(verb, Device, "--wait", "0").Refused(1));
        _host.Ccwfs("attach", Device, "--dry-run").Ok(); // it changes nothing, so it need not wait
        using Process second = _host.Start("attach", Device, "--wait", "40");
        _host.Shell("echo > $FAKE/../go").Ok();
        Assert.StartsWith("attached: ", Child.Finish(first).Ok().Output, StringComparison.Ordinal);
        Assert.StartsWith("already attached: ", Child.Finish(second).Ok().Output, StringComparison.Ordinal);
        _host.Ccwfs("detach", Device).Ok();
        _host.Shell("echo -r vfio_ccw > $FAKE/fake/modprobe").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_first_one_that_is_killed_is_waited_for_by_nobody()
    {
        string before = _host.Tree();
        using Process first = Hold();
        first.Kill(); // its modprobe lives on, and does not hold the lock
        first.Ends();
        Assert.StartsWith("detached: ", _host.Ccwfs("detach", Device, "--wait", "0").Ok().Output, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
        _host.Shell("echo > $FAKE/../go").Ok();
    }

    [Fact]
    public void One_image_that_is_attached_twice_at_once_is_one_device()
    {
        using var mounted = new MountedCcwfs();
        string image = mounted.Scratch.MakeImage("one.ckd");
        Process[] all =
            [.. Enumerable.Range(0, 4)
            .Select(_ => Child.Start("/", null, Places.Program, "attach", image, "--wait", "40", "--mount", mounted.MountPoint))];
        string[] said = [.. all.Select(process => Child.Finish(process).Ok().Output)];
        Assert.Single(said, text => text.StartsWith("attached: ", StringComparison.Ordinal));
        Assert.Equal(3, said.Count(text => text.StartsWith("already attached: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Who_locks_the_control_file_of_a_mount_keeps_root_from_nothing()
    {
        using var mounted = new MountedCcwfs();
        string image = mounted.Scratch.MakeImage("one.ckd");
        mounted.Python($$"""
            fd = os.open(f'{D}/control', os.O_RDWR)
            fcntl.flock(fd, fcntl.LOCK_EX)
            for verb in 'attach', 'detach':
                subprocess.run([CCWFS, verb, '{{image}}', '--wait', '5', '--mount', D], check=True)
            """);
    }

    [Fact]
    public void Who_locks_the_control_file_of_a_mount_keeps_no_other_user_from_anything()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--owner", "65534", "--mode", "666"]);
        mounted.Python($$"""
            home = '{{mounted.Scratch.Path}}/home'
            os.chmod('{{mounted.Scratch.Path}}', 0o755), os.mkdir(home), os.chown(home, 65534, 65534)
            mounter = dict(user=65534, group=65534, extra_groups=[], cwd='/', env={'HOME': home, 'PATH': os.environ['PATH']})
            subprocess.run([CCWFS, 'dasd', 'create', home + '/one.ckd', '--cylinders', '1'], check=True, **mounter)
            hold = 'import fcntl, sys; file = open(sys.argv[1], "rb+", 0); fcntl.flock(file, fcntl.LOCK_EX); print("held", flush=True); sys.stdin.readline()'
            other = subprocess.Popen(['python3', '-c', hold, D + '/control'], user=1234, group=1234, extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert other.stdout.readline() == b'held\n'
            for verb in 'attach', 'detach':
                subprocess.run([CCWFS, verb, home + '/one.ckd', '--wait', '5', '--mount', D], check=True, **mounter)
            assert other.poll() is None
            other.stdin.close(), other.wait()
            """);
    }

    /// <summary>An attach that has the lock and waits for its modprobe.</summary>
    private Process Hold()
    {
        Process first = _host.Start("attach", Device, "--wait", "40");
        Assert.Equal($"{first.Id}\n", _host.Shell("cat $FAKE/../began").Ok().Output);
        return first;
    }
}
