namespace CcwFs.SystemTests;

/// <summary>What the level information tells: the mount, its devices as they come and go, the end.</summary>
public sealed class MountLogTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Mount_devices_and_end_are_a_line_each()
    {
        string image = _scratch.MakeImage("v.ckd"), real;
        using var kernel = new MountedCcwfs();
        real = $"{kernel.MountPoint}/0.0.0000/device";
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image}", "--device", "dasd,id=0.0.0005", "--log-level", "information"]);
        mounted.Logged($"ccwfs 0.1.0 mounted {mounted.MountPoint}; devices: 2");
        mounted.Ccwfs("add", $"vfio,id=0.0.0007,devno=0.0.0777,device={real}").Ok();
        mounted.Ccwfs("remove", "0.0.0000").Ok();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        string[] lines = mounted.Log.Split('\n');
        foreach (string said in (string[])[
            $"0.0.0000 added: dasd, image {image}", "0.0.0005 added: dasd, in memory", $"0.0.0007 added: vfio, device {real}",
                $"0.0.0000 removed: dasd, image {image}",
            "0.0.0005 removed: dasd, in memory", $"unmounted {mounted.MountPoint}"])
            Assert.Single(lines, line => line.EndsWith(said, StringComparison.Ordinal));
    }

    /// <summary>The lines wait in a pipe that is full until the mount has gone and longer than loggers wait by themselves.</summary>
    [Fact]
    public void The_last_line_is_written_where_lines_are_taken_late()
    {
        const string Script = """
            import fcntl, os, subprocess, sys
            reader, writer = os.pipe()
            mount = subprocess.Popen([sys.argv[1], 'mount', sys.argv[2], '--device', 'dasd', '-v'], stderr=writer, stdout=subprocess.PIPE)
            assert mount.stdout.readline().startswith(b'mounted ')
            fcntl.fcntl(writer, 1031, 4096)    # F_SETPIPE_SZ
            os.set_blocking(writer, False)
            try:
                while True:
                    os.write(writer, b'x')
            except BlockingIOError:
                os.set_blocking(writer, True), os.close(writer)
            mount.terminate()
            try:
                mount.wait(4)
            except subprocess.TimeoutExpired:
                log = open(reader, 'rb').read().replace(b'x', b'')
                assert b' unmounted ' in log, log
                sys.exit(mount.wait())
            sys.exit('it has ended without its log')
            """;
        Child.Run("python3", "-c", Script, Places.Program, _scratch.MakeDirectory("m")).Ok();
    }

    [Fact]
    public void Without_it_nothing_is_said()
    {
        using var mounted = new MountedCcwfs();
        mounted.Ccwfs("add", "dasd").Ok();
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        Assert.Equal("", mounted.Log.Trim());
    }
}
