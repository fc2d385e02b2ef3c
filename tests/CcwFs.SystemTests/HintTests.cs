namespace CcwFs.SystemTests;

/// <summary>The commands that errors and reports name can be pasted: they talk to the mount that the person talked to.</summary>
public sealed class HintTests : IDisposable
{
    private readonly MountedCcwfs _mounted = new(["--device", "dasd"], mountName: "a mount");

    public void Dispose() => _mounted.Dispose();

    [Theory]
    [InlineData("ccwfs list", "info", "0.0.9999")]
    [InlineData("ccwfs list", "run", "0.0.9999", "NOP")]
    [InlineData("ccwfs list", "path", "0.0.0000", "99", "off")]
    [InlineData("ccwfs list", "detach", "./nothing.ckd")]
    [InlineData("ccwfs list --all", "detach", "0.0.4711", "--sysfs", "/nowhere")]
    [InlineData("ccwfs list", "remove", "0.0.9999")]
    [InlineData("ccwfs remove 0.0.0000", "add", "dasd,id=0.0.0000")]
    public void An_error_names_a_command_that_works(string hint, string verb, params string[] arguments)
    {
        string line = _mounted.Ccwfs(verb, arguments).Refused(1);
        string command = $"{hint} --mount '{_mounted.MountPoint}'";
        Assert.EndsWith(": " + command, line, StringComparison.Ordinal);
        _mounted.Bash($"ccwfs() {{ \"$CCWFS\" \"$@\"; }}; {command}").Ok();
    }

    [Fact]
    public void Qemu_and_attach_name_it_too()
    {
        string line = Child.Ccwfs("qemu", "--mount", _mounted.MountPoint, "0.0.9999", "--", "qemu-system-s390x").Refused(1);
        Assert.EndsWith($": ccwfs list --mount '{_mounted.MountPoint}'", line, StringComparison.Ordinal);
        string image = _mounted.Scratch.MakeImage("v.ckd");
        Assert.Contains($"\nccwfs:    ccwfs qemu 0.0.0001 --mount '{_mounted.MountPoint}' -- qemu-system-s390x",
            _mounted.Ccwfs("attach", image).Ok().Output, StringComparison.Ordinal);
        foreach (string id in (string[])["0.0.0000", "0.0.0001"])
            _mounted.Ccwfs("remove", id).Ok();
        line = Child.Ccwfs("qemu", "--mount", _mounted.MountPoint, "--", "qemu-system-s390x").Refused(1);
        Assert.EndsWith($": ccwfs add dasd,image=PATH --mount '{_mounted.MountPoint}'", line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_that_ends_another_program_does_so()
    {
        _mounted.Python("loop_for_ever()");
        string line = _mounted.Ccwfs("run", "0.0.0000", "NOP").Refused(1);
        _mounted.Bash(line[(line.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]).Ok();
        _mounted.Python("assert wait() == 1");
        Assert.Contains("ended well", _mounted.Ccwfs("run", "0.0.0000", "NOP").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_of_the_control_file_gets_the_hint_apart() => _mounted.Python("""
        import json
        f = os.open(D + '/control', os.O_RDWR)
        os.write(f, b'{"verb":"info","id":"0.0.9999"}')
        reply = json.loads(os.read(f, 65536))
        assert reply == {'error': 'there is no subchannel 0.0.9999; see: ccwfs list', 'hint': 'ccwfs list'}, reply
        """);
}
