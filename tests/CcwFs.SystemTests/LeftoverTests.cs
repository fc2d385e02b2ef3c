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
        Child.Finish(Child.Start("/", Environment(), Places.Program, "mount", point, "--device", "dasd", "--daemon", "--log", _scratch.At("log"))).Ok();
        Assert.Empty(Left);
        const string Ask = """import json, os, sys; f = os.open(sys.argv[1], os.O_RDWR); os.write(f, b'{"verb":"list"}'); print(json.loads(os.read(f, 65536))['pid'])""";
        string pid = Child.Run("python3", "-c", Ask, point + "/control").Ok().Output.Trim();
        Child.Run("kill", "-KILL", pid).Ok();
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{pid}"), Child.Patience), "it does not end");
        Assert.Empty(Left);
        Child.Ccwfs("umount", point).Ok();
    }

    [Fact]
    public void A_developer_gets_the_runtimes_port_by_asking_for_it()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], environment: Environment(("DOTNET_EnableDiagnostics", "1")));
        Assert.Contains(Left, name => name.StartsWith($"dotnet-diagnostic-{mounted.Pid}-", StringComparison.Ordinal));
    }
}
