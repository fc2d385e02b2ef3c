using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>From mount to unmount: signals, busy and dead mounts, daemons, configuration, wrong usage.</summary>
public sealed class MountLifeTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    private static bool IsMounted(string path) => File.ReadAllText("/proc/self/mounts").Contains($" {path} fuse.ccwfs ", StringComparison.Ordinal);

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    public void A_signal_unmounts_and_ends_with_status_0(string signal)
    {
        using var mounted = new MountedCcwfs();
        mounted.Signal(signal);
        Assert.Equal(0, mounted.WaitForExit());
        Assert.False(IsMounted(mounted.MountPoint));
        Assert.Equal("", mounted.Log.Trim());
    }

    [Fact]
    public void Umount_ends_it_too()
    {
        using var mounted = new MountedCcwfs();
        Child.Ccwfs("umount", mounted.MountPoint).Ok();
        Assert.Equal(0, mounted.WaitForExit());
        Assert.False(IsMounted(mounted.MountPoint));
    }

    [Fact]
    public void A_busy_mount_names_its_holders_is_detached_and_ends_held_reads()
    {
        using var mounted = new MountedCcwfs();
        using Process holder = mounted.StartPython("""
            os.chdir(D + '/0.0.0000'); fd = os.open('irq/io', os.O_RDONLY); print('in')
            print(name(call(os.read, fd, 8)))
            """);
        holder.Says("in");
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        Assert.Contains($"pid {holder.Id}", mounted.Log, StringComparison.Ordinal);
        Assert.False(IsMounted(mounted.MountPoint));
        Assert.Matches("^(EINTR|ENODEV|ENOTCONN|ECONNABORTED)\n$", Child.Finish(holder).Ok().Output);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Names_of_processes_and_files_put_no_control_characters_on_a_terminal_or_in_the_log(bool byVerb)
    {
        using var mounted = new MountedCcwfs();
        using Process holder = mounted.StartPython("""
            ctypes.CDLL(None).prctl(15, b'\x1b[2J\n\x07x', 0, 0, 0)    # PR_SET_NAME
            fd = os.open(D + '/control', os.O_RDWR); print('in', flush=True)
            sys.stdin.readline()
            """);
        holder.Says("in");
        string text = "";
        if (byVerb)
            text = mounted.Ccwfs("info", "0.0\x1b[2J\nx").Refused(2) + "\n" + Child.Ccwfs("umount", mounted.MountPoint).Error;
        else
            mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        text = byVerb ? text : mounted.Log;
        Assert.Contains($"pid {holder.Id} (\"?[2J??x\": ", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.Equal(byVerb ? 2 : 1, text.TrimEnd('\n').Split('\n').Length);
        Child.Finish(holder);
    }

    [Fact]
    public void A_dead_mount_is_replaced_and_a_live_one_refused()
    {
        string image = _scratch.MakeImage("v.ckd");
        string point = _scratch.MakeDirectory("m");
        using var first = new MountedCcwfs(["--device", "dasd,image=" + image], mountPoint: point);
        Child.Ccwfs("mount", point, "--device", "dasd").Refused(1);
        first.Kill();
        Child.Ccwfs("list", "--mount", point).Refused(1);
        using var second = new MountedCcwfs(["--device", "dasd,image=" + image], mountPoint: point);
        second.Python("ran((0xe4, SLI, 40))");
    }

    [Fact]
    public void A_configuration_mounts_and_an_option_wins()
    {
        _scratch.MakeImage("v.ckd");
        File.WriteAllText(_scratch.At("c.json"), """
            { // comments are fine
              "memory": "32M", "mode": "0660",
              "devices": [ "dasd,image=v.ckd", { "kind": "dasd", "id": "0.0.0005", "count": 2 } ],
            }
            """);
        using var mounted = new MountedCcwfs(["--config", "c.json", "--memory", "16M"], workingDirectory: _scratch.Path);
        Assert.Equal("16777216 660\n0.0.0000 0.0.0005 0.0.0006 control iommu memory metrics sys\n",
            mounted.Bash("stat -c '%s %a' $D/memory; ls $D | paste -sd' '").Ok().Output);
    }

    [Theory]
    [InlineData("{\n \"colour\": 1 }", 2)]
    [InlineData("{\n\n \"memory\": 5 }", 3)]
    [InlineData("{\n \"devices\": [\n  \"tape\" ] }", 3)]
    [InlineData("{\n \"devices\": [ { \"kind\": \"dasd\",\n \"count\": 0 } ] }", 3)]
    [InlineData("{\n \"memory\": ", 2)]
    [InlineData("[]", 1)]
    [InlineData("", 1)]
    public void A_configuration_error_names_file_and_line(string text, int line)
    {
        string file = _scratch.At("c.json");
        File.WriteAllText(file, text);
        Assert.Contains($"{file}:{line}: ", Child.Ccwfs("mount", _scratch.MakeDirectory("m"), "--config", file).Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_answers_once_mounted_and_logs_to_its_file()
    {
        string point = _scratch.MakeDirectory("m"), log = _scratch.At("log");
        Assert.Equal($"mounted {point}\n", Child.Ccwfs("mount", point, "--device", "dasd", "--daemon", "--log", log, "-v").Ok().Output);
        try
        {
            Assert.Contains("0.0.0000", Child.Ccwfs("list", "--mount", point).Ok().Output, StringComparison.Ordinal);
            Assert.True(File.Exists(log));
        }
        finally
        {
            Child.Ccwfs("umount", point).Ok();
        }
        Child.Ccwfs("mount", point, "--device", "dasd,image=/nowhere", "--daemon").Refused(1);
    }

    [Fact]
    public void Umount_of_a_busy_mount_names_the_holder_and_ends_its_reads()
    {
        using var mounted = new MountedCcwfs();
        using Process reader = Child.Start(
            "/", null, "python3", "-c", "import os,sys; fd=os.open(sys.argv[1],os.O_RDONLY); print('open'); os.read(fd,8)",
                $"{mounted.MountPoint}/0.0.0000/irq/io");
        reader.Says("open");
        Outcome umount = Child.Ccwfs("umount", mounted.MountPoint).Ok();
        Assert.Contains($"pid {reader.Id} (\"python3\": ", umount.Error, StringComparison.Ordinal);
        Assert.True(reader.WaitForExit(Child.Patience), "the held read did not end");
        Assert.Equal("", Child.Run("findmnt", "-n", mounted.MountPoint).Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("dance")]
    [InlineData("mount --no-such-option")]
    [InlineData("mount a b")]
    [InlineData("mount --device")]
    [InlineData("mount /tmp --mode 0999")]
    [InlineData("mount /tmp --mode 0755")]
    [InlineData("mount /tmp --owner no-such-user")]
    [InlineData("mount /tmp --device dasd,colour=red")]
    [InlineData("mount /tmp --log x")]
    [InlineData("list extra")]
    [InlineData("list --jsno")]
    [InlineData("info 0.0.0000 x")]
    [InlineData("remove")]
    [InlineData("path 0.0.0000 40")]
    [InlineData("path 0.0.0000 40 sideways")]
    [InlineData("decode")]
    [InlineData("translate")]
    [InlineData("dasd")]
    [InlineData("dasd create")]
    [InlineData("dasd create x --cylinders many")]
    public void Wrong_usage_is_one_line_and_status_2(string arguments) =>
        Child.Ccwfs(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Refused(2);

    [Fact]
    public void Thousands_of_devices_are_ready_listed_and_usable()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd,count=4096"]);
        Assert.Equal("4096\n", mounted.Bash("ls -d $D/0.* | wc -l").Ok().Output);
        Assert.Contains("0.0.0fff", mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        mounted.Python("ran((0xe4, SLI, 40), dev='0.0.0fff')");
    }
}
