using System.Globalization;
using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>ccwfs under a service manager, and as a daemon without one.</summary>
public sealed class ServiceTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_service_manager_hears_of_every_step(bool isAbstract)
    {
        using var manager = new NotifySocket(isAbstract ? "@" + _scratch.At("notify") : _scratch.At("notify"));
        File.WriteAllText(_scratch.At("c.json"), """{ "devices": [ "dasd,count=2" ] }""");
        using var mounted = new MountedCcwfs(["--config", _scratch.At("c.json")], environment: manager.Environment);
        Assert.Equal($"2 subchannels at {mounted.MountPoint}", manager.Expect("READY=1"));

        long before = MonotonicMicroseconds();
        mounted.Signal("HUP");
        Dictionary<string, string> reloading = manager.Next();
        Assert.Equal("1", reloading["RELOADING"]);
        Assert.InRange(long.Parse(reloading["MONOTONIC_USEC"], CultureInfo.InvariantCulture), before, MonotonicMicroseconds());
        manager.Expect("READY=1");

        mounted.Signal("TERM");
        manager.Expect("STOPPING=1");
        Assert.Equal(0, mounted.WaitForExit());
    }

    [Theory]
    [InlineData("/nowhere/notify")]
    [InlineData("vsock:2:1234")]
    [InlineData("@")]
    [InlineData("")]
    public void A_manager_that_cannot_be_reached_is_no_reason_to_stop(string address)
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], environment: new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address });
        mounted.Ccwfs("list").Ok();
    }

    [Fact]
    public void A_daemon_takes_relative_paths_from_where_it_was_started()
    {
        _scratch.MakeImage("v.ckd");
        _scratch.MakeDirectory("m");
        File.WriteAllBytes(_scratch.At("store"), new byte[1 << 20]);
        File.WriteAllText(_scratch.At("c.json"), """{ "memory": "store", "devices": [ "dasd,image=v.ckd" ] }""");
        Assert.Equal($"mounted {_scratch.At("m")}\n",
            Child.CcwfsIn(_scratch.Path, "mount", "m", "--config", "c.json", "--daemon", "--log", "log", "--log-level", "information").Ok().Output);
        try
        {
            Assert.Contains("0.0.0000", Child.Ccwfs("list", "--mount", _scratch.At("m")).Ok().Output, StringComparison.Ordinal);
            Assert.Equal("1048576\n", Child.Run("stat", "-c", "%s", _scratch.At("m/memory")).Ok().Output);
            Assert.True(File.Exists(_scratch.At("log")));
        }
        finally
        {
            Child.Ccwfs("umount", _scratch.At("m")).Ok();
        }
    }

    [Fact]
    public void A_daemon_reloads_from_where_it_was_started_and_says_so_in_its_log()
    {
        string image = _scratch.MakeImage("v.ckd"), point = _scratch.MakeDirectory("m");
        using var manager = new NotifySocket(_scratch.At("notify"));
        File.WriteAllText(_scratch.At("c.json"), """{ "log": "log", "log-level": "information", "devices": [] }""");
        Outcome started =
            Child.Finish(Child.Start(_scratch.Path, manager.Environment, Places.Program, "mount", point, "--config", "c.json", "--daemon"));
        Assert.Equal($"mounted {point}\n", started.Ok().Output);
        try
        {
            manager.Expect("READY=1");
            File.WriteAllText(_scratch.At("c.json"), """{ "log": "log", "log-level": "information", "devices": [ "dasd,image=v.ckd" ] }""");
            Child.Run("kill", "-HUP", Pid(point)).Ok();
            manager.Expect("RELOADING=1");
            Assert.Contains("reloaded", manager.Expect("READY=1"), StringComparison.Ordinal);
            Assert.Contains(image, Child.Ccwfs("info", "0.0.0000", "--mount", point).Ok().Output, StringComparison.Ordinal);
            Assert.Contains("0.0.0000 added", File.ReadAllText(_scratch.At("log")), StringComparison.Ordinal);
        }
        finally
        {
            Child.Ccwfs("umount", point).Ok();
        }
    }

    [Fact]
    public void A_daemon_of_the_shared_runtime_starts_itself_again()
    {
        string point = _scratch.MakeDirectory("m");
        Assert.Equal($"mounted {point}\n", Child.Run("dotnet", Places.BuiltProgram + ".dll", "mount", point, "--device", "dasd", "--daemon").Ok().Output);
        Child.Ccwfs("umount", point).Ok();
    }

    [Fact]
    public void Log_lines_go_to_the_journal_with_their_priorities()
    {
        // A journal of our own in place of the host's, in a mount namespace: the header of its stream, then lines with priorities.
        _scratch.MakeDirectory("m");
        File.WriteAllText(_scratch.At("c.json"), """{ "log": "journal", "log-level": "information", "devices": [] }""");
        Outcome outcome = Child.Finish(Child.Start(_scratch.Path, new Dictionary<string, string> { ["CCWFS"] = Places.Program }, "unshare", "-m", "python3", "-c", """
            import os, signal, socket, subprocess
            os.makedirs('/run/systemd', exist_ok=True)
            subprocess.run(['mount', '-t', 'tmpfs', 'ccwfs-test', '/run/systemd'], check=True)
            os.mkdir('/run/systemd/journal')
            journal = socket.socket(socket.AF_UNIX); journal.bind('/run/systemd/journal/stdout'); journal.listen(); journal.settimeout(40)
            ccwfs = subprocess.Popen([os.environ['CCWFS'], 'mount', 'm', '--config', 'c.json'], stdout=subprocess.PIPE, text=True)
            print(ccwfs.stdout.readline(), end='', flush=True)
            stream = journal.accept()[0]; stream.settimeout(40); lines = stream.makefile()
            print([lines.readline().strip() for line in range(7)])
            print(lines.readline(), end='')
            open('c.json', 'w').write('{ "memroy": 1 }')
            ccwfs.send_signal(signal.SIGHUP)
            print(lines.readline(), lines.readline(), sep='', end='')
            ccwfs.send_signal(signal.SIGTERM); print(ccwfs.wait(40))
            """));
        string[] lines = outcome.Ok().Output.Split('\n');
        Assert.Equal("['ccwfs', '', '6', '1', '0', '0', '0']", lines[1]);
        Assert.StartsWith("<6>mount", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("<3>reload", lines[3], StringComparison.Ordinal);
        Assert.Contains("did you mean 'memory'?", lines[3], StringComparison.Ordinal);
        Assert.StartsWith("<6>reload", lines[4], StringComparison.Ordinal);
        Assert.Equal("0", lines[5]);
        Assert.DoesNotContain("memroy", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_logs_to_the_journal_where_there_is_one()
    {
        _scratch.MakeDirectory("m");
        string[] lines = Child.Finish(Child.Start(_scratch.Path, new Dictionary<string, string> { ["CCWFS"] = Places.Program }, "unshare", "-m", "python3", "-c", """
            import os, socket, subprocess
            os.makedirs('/run/systemd', exist_ok=True)
            subprocess.run(['mount', '-t', 'tmpfs', 'ccwfs-test', '/run/systemd'], check=True)
            os.mkdir('/run/systemd/journal')
            journal = socket.socket(socket.AF_UNIX); journal.bind('/run/systemd/journal/stdout'); journal.listen(); journal.settimeout(40)
            ccwfs = subprocess.run([os.environ['CCWFS'], 'mount', 'm', '--device', 'dasd', '--daemon', '--log-level', 'information'], capture_output=True, text=True, check=True)
            print(ccwfs.stderr, flush=True)
            name = ''
            while not name:    # whoever only looks whether a journal is there says nothing
                stream = journal.accept()[0]; stream.settimeout(40); lines = stream.makefile()
                name = lines.readline()
            print(name, *[lines.readline() for line in range(8)], sep='', end='')
            subprocess.run([os.environ['CCWFS'], 'umount', 'm'], check=True)
            """)).Ok().Output.Split('\n');
        Assert.Equal(["", "ccwfs"], lines[..2]);
        Assert.Equal("<6>device[3] 0.0.0000 added: dasd, in memory", lines[8]);
        Assert.StartsWith("<6>mount[1] ccwfs ", lines[9], StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_says_when_nobody_keeps_its_log()
    {
        Outcome outcome =
            Child.Finish(Child.Start("/", new Dictionary<string, string> { ["CCWFS"] = Places.Program, ["S"] = _scratch.MakeDirectory("m") },
            "unshare", "-m", "bash", "-c",
            "mkdir -p /run/systemd && mount -t tmpfs ccwfs-test /run/systemd && $CCWFS mount $S --device dasd --daemon && $CCWFS umount $S")).Ok();
        Assert.StartsWith($"mounted {_scratch.At("m")}\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal("ccwfs: its log is lost, for this machine has no journal; give --log FILE to keep it\n", outcome.Error);
        Assert.Contains("give --log journal, or --log FILE", Child.Ccwfs("mount", _scratch.At("m"), "--daemon", "--log", "console").Refused(2),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_journal_the_error_says_what_to_do() =>
        Assert.Contains("--log console",
            Child.Finish(Child.Start("/", new Dictionary<string, string> { ["CCWFS"] = Places.Program, ["S"] = _scratch.MakeDirectory("m") },
            "unshare", "-m", "bash", "-c",
            "mkdir -p /run/systemd && mount -t tmpfs ccwfs-test /run/systemd && exec $CCWFS mount $S --device dasd --log journal")).Refused(1),
                StringComparison.Ordinal);

    internal static string Pid(string point)
    {
        string answer = Child.Finish(Child.Start("/", null, "python3", "-c", """
            import os, sys
            fd = os.open(sys.argv[1] + '/control', os.O_RDWR); os.write(fd, b'{"verb":"list"}'); print(os.read(fd, 1 << 20).decode())
            """, point)).Ok().Output;
        return JsonDocument.Parse(answer).RootElement.GetProperty("pid").GetInt32().ToString(CultureInfo.InvariantCulture);
    }

    private static long MonotonicMicroseconds() =>
        long.Parse(Child.Run("python3", "-c", "import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)").Ok().Output,
            CultureInfo.InvariantCulture);
}
