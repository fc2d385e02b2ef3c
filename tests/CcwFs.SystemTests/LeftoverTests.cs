namespace CcwFs.SystemTests;

/// <summary>What a program that is killed leaves in the temporary directory: nothing.</summary>
public sealed class LeftoverTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    private string[] Left => [.. Directory.EnumerateFileSystemEntries(_scratch.At("tmp")).Select(path => Path.GetFileName(path)!)];

    private Dictionary<string, string> Environment(params (string Key, string Value)[] more) =>
        new(more.Select(m => KeyValuePair.Create(m.Key, m.Value))) { ["TMPDIR"] = _scratch.MakeDirectory("tmp") };

    [Fact]
    public void A_killed_mount_leaves_nothing()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], environment: Environment());
        Assert.Empty(Left);
        mounted.Kill();
        Assert.Empty(Left);
        Child.Ccwfs("umount", mounted.MountPoint).Ok();
    }

    [Fact]
    public void A_killed_daemon_leaves_nothing()
    {
        string point = _scratch.MakeDirectory("m");
        Child.Finish(Child.Start("/", Environment(), Places.Program, "mount", point, "--device", "dasd", "--daemon", "--log", _scratch.At("log")))
            .Ok();
        Assert.Empty(Left);
        const string Ask = """
            import json, os, sys
            f = os.open(sys.argv[1], os.O_RDWR)
            os.write(f, b'{"verb":"list"}')
            print(json.loads(os.read(f, 65536))['pid'])
            """;
        string pid = Child.Run("python3", "-c", Ask, point + "/control").Ok().Output.Trim();
        Child.Run("kill", "-KILL", pid).Ok();
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{pid}"), Child.Patience), "it does not end");
        Assert.Empty(Left);
        Child.Ccwfs("umount", point).Ok();
    }

    [Fact]
    public void An_output_file_is_there_whole_or_not_at_all()
    {
        const string Script = """
            head -c 60000 /dev/zero >zeros; CCWFS translate --format packed --with-data -o whole 'WRITE_DATA data=@zeros' >/dev/null
            mkdir small; mount -t tmpfs -o size=32k none small; cd small
            ! CCWFS translate --format packed --with-data -o program 'WRITE_DATA data=@../zeros'
            ! CCWFS translate --from packed ../whole --unpack memory >/dev/null
            echo "left: $(ls)"
            CCWFS translate --format packed -o program SENSE_ID >/dev/null
            CCWFS translate --format packed -o program SENSE_ID >/dev/null
            mkfifo fifo; cat fifo >read & CCWFS translate --format packed -o fifo SENSE_ID >/dev/null; wait
            stat -c '%n %a %s' program read
            """;
        Outcome outcome = Child.Finish(Child.Start(_scratch.Path, null, "unshare", "-m", "bash", "-euc",
            "umask 022\n" + Script.Replace("CCWFS", Places.Program, StringComparison.Ordinal)));
        Assert.Equal("left: \nprogram 644 4096\nread 644 4096\n", outcome.Ok().Output);
        Assert.Equal("ccwfs: program: no space left on device\nccwfs: memory: no space left on device\n", outcome.Error);
    }

    [Fact]
    public void A_developer_gets_the_runtimes_port_by_asking_for_it()
    {
        using var mounted = new MountedCcwfs(
            ["--device", "dasd"], environment: Environment(("DOTNET_EnableDiagnostics", "1")), program: Places.BuiltProgram);
        Assert.Contains(Left, name => name.StartsWith($"dotnet-diagnostic-{mounted.Pid}-", StringComparison.Ordinal));
    }
}
