namespace CcwFs.SystemTests;

/// <summary>The configuration: every error with file and line, the nearest key to a mistyped one, and what a good one would mount.</summary>
public sealed class ConfigTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_good_one_is_called_good_and_told_in_SPECs()
    {
        string image = _scratch.MakeImage("a,b.ckd"), file = Write($$"""
            {
              // every key there is
              "mountpoint": "/run/elsewhere", "memory": "1G", "owner": "root", "group": 0, "mode": "0660",
              "allow-other": true, "uring": "auto", "log": "journal", "log-level": "information", "verbose": false,
              "devices": [
                { "count": 2, "kind": "dasd", "readonly": true, "ese": false },
                { "kind": "dasd", "image": "{{_scratch.At("a,b.ckd")}}", "id": "0.0.0100" },
                "dasd,id=0.0.0200,chpids=40.41"
              ]
            }
            """.Replace("\"group\": 0", "\"group\": \"0\"", StringComparison.Ordinal));
        Assert.Equal(
            $"""
            {file}: good
            mounts /run/elsewhere with these devices:
              dasd,readonly,count=2
              dasd,image={image.Replace(",", "\\,", StringComparison.Ordinal)},id=0.0.0100
              dasd,id=0.0.0200,chpids=40.41

            """, Child.Ccwfs("config", "check", file).Ok().Output);
    }

    [Fact]
    public void Every_error_is_told_with_its_line()
    {
        string file = Write("""
            {
              "memroy": "1G",
              "allow-other": "yes",
              "mode": "0999",
              "mode": "0600",
              "owner": "nobody-of-that-name",
              "log-level": "debgu",
              "memory": "1000",
              "devices": [
                "dasd,imgae=x",
                { "kind": "dsad" },
                { "kind": "dasd",
                  "chipds": 40, "count": 0 },
                { "id": "0.0.0001" },
                5,
                "dasd,id=0.0.0001", "dasd,id=0.0.0001",
                "dasd,image=/nowhere.ckd"
              ]
            }
            """);
        string[] errors = Child.Ccwfs("config", "check", file).Failed(1).TrimEnd('\n').Split('\n');
        Assert.Collection(
            errors,
            e => Says(e, 2, "unknown key 'memroy'", "did you mean 'memory'?"),
            e => Says(e, 3, "allow-other", "true or false"),
            e => Says(e, 4, "mode: 0999", "octal"),
            e => Says(e, 5, "mode is given twice"),
            e => Says(e, 6, "nobody-of-that-name", "no such user"),
            e => Says(e, 7, "did you mean 'debug'?"),
            e => Says(e, 8, "multiple of 4096"),
            e => Says(e, 10, "unknown key 'imgae'", "did you mean 'image'?"),
            e => Says(e, 11, "unknown kind 'dsad'", "did you mean 'dasd'?"),
            e => Says(e, 13, "unknown key 'chipds'", "did you mean 'chpids'?"),
            e => Says(e, 13, "count=0"),
            e => Says(e, 14, "\"kind\""),
            e => Says(e, 15, "a device"),
            e => Says(e, 16, "0.0.0001"),
            e => Says(e, 17, "/nowhere.ckd"));

        void Says(string error, int line, params string[] words)
        {
            Assert.StartsWith($"ccwfs: {file}:{line}: ", error, StringComparison.Ordinal);
            Assert.All(words, word => Assert.Contains(word, error, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void What_only_shows_on_this_machine_is_told_all_at_once()
    {
        File.WriteAllBytes(_scratch.At("bad.ckd"), new byte[1 << 20]);
        File.WriteAllText(_scratch.At("file"), "");
        string file = Write($$"""
            {
              "mountpoint": "{{_scratch.At("file")}}",
              "memory": "900T",
              "log": "{{_scratch.At("nowhere/log")}}",
              "devices": [
                "dasd,image={{_scratch.At("bad.ckd")}}",
                "dasd,image={{_scratch.At("file")}},id=0.0.0001,devno=0.0.0150",
                "vfio,device=/nonexist",
                "vfio,device=0.0.fffe",
                { "kind": "vfio", "device": "/dev" },
                { "kind": "dasd",
                  "kind": "dasd" },
                { "kind": "dasd", "readonly": true,
                  "readonly": false },
                { "kind": "dasd",
                  "colour": false },
                { "kind": "dasd",
                  "image": false },
                "dasd,image=/nowhere%d.ckd,count=2,id=0.0.ffff",
                "dasd,ese,profile=minimal"
              ]
            }
            """);
        Assert.Collection(
            Child.Ccwfs("config", "check", file).Failed(1).TrimEnd('\n').Split('\n'),
            e => Says(e, 12, "kind is given twice"),
            e => Says(e, 14, "readonly is given twice"),
            e => Says(e, 16, "unknown key 'colour'"),
            e => Says(e, 18, "image needs a value"),
            e => Says(e, 2, "mountpoint", "is not a directory"),
            e => Says(e, 3, "memory", "900T", "this machine has"),
            e => Says(e, 4, "log", "nowhere/log", "cannot be written"),
            e => Says(e, 6, "bad.ckd"),
            e => Says(e, 7, "device 0.0.0150", "as 0.0.0000 is already"),
            e => Says(e, 7, _scratch.At("file"), "it is empty"),
            e => Says(e, 8, "/nonexist: no such file"),
            e => Says(e, 9, "0.0.fffe"),
            e => Says(e, 10, "/dev is no device"),
            e => Says(e, 19, "over ffff"),
            e => Says(e, 19, "/nowhere0.ckd"),
            e => Says(e, 19, "/nowhere1.ckd"),
            e => Says(e, 20, "ese"));

        void Says(string error, int line, params string[] words)
        {
            Assert.StartsWith($"ccwfs: {file}:{line}: ", error, StringComparison.Ordinal);
            Assert.All(words, word => Assert.Contains(word, error, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Looking_it_over_changes_nothing_and_needs_no_lock()
    {
        string image = _scratch.MakeImage("v.ckd");
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image}"]);
        string before = Child.Run("find", _scratch.Path, "-printf", "%p %T@ %s\n").Ok().Output;
        string file = _scratch.At("../" + Path.GetFileName(_scratch.Path) + ".json");
        try
        {
            File.WriteAllText(file, $$"""{ "mountpoint": "{{mounted.MountPoint}}", "log": "{{_scratch.At("log")}}", "devices": [ "dasd,image={{image}}", "vfio,device={{mounted.MountPoint}}/0.0.0000/device,id=0.0.0009" ] }""");
            Child.Ccwfs("config", "check", file).Ok();
        }
        finally
        {
            File.Delete(file);
        }
        Assert.Equal(before, Child.Run("find", _scratch.Path, "-printf", "%p %T@ %s\n").Ok().Output);
        Assert.DoesNotContain(" yes ", mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal); // not opened
    }

    [Theory]
    [InlineData("{ \"devices\": [ \"dasd\"")]
    [InlineData("{ } trailing")]
    [InlineData("\u0000")]
    [InlineData("{ \"mode\": \"\\ud800\" }")]
    [InlineData("{ \"devices\": { \"kind\": [[[]]] } }")]
    [InlineData("{ \"devices\": [ { \"kind\": null } ] }")]
    public void What_is_no_configuration_is_refused_in_lines(string text)
    {
        string file = Write(text);
        Assert.All(
            Child.Ccwfs("config", "check", file).Failed(1).TrimEnd('\n').Split('\n'),
            line => Assert.StartsWith($"ccwfs: {file}:1: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_not_there_is_named() =>
        Assert.Contains("/nowhere.json", Child.Ccwfs("config", "check", "/nowhere.json").Refused(1), StringComparison.Ordinal);

    [Theory]
    [InlineData("did you mean 'image'?", "mount", "/tmp", "--device", "dasd,imag=x")]
    [InlineData("did you mean 'dasd'?", "mount", "/tmp", "--device", "dasdd")]
    [InlineData("did you mean '--memory'?", "mount", "/tmp", "--memry", "1G")]
    [InlineData("did you mean 'mount'?", "muont")]
    [InlineData("did you mean 'warning'?", "mount", "/tmp", "--log-level", "warn")]
    public void A_slip_on_the_command_line_gets_the_nearest_word(string hint, params string[] arguments) =>
        Assert.Contains(hint, Child.Ccwfs(arguments).Refused(2), StringComparison.Ordinal);

    [Fact]
    public void The_keys_are_the_options_of_mount()
    {
        string help = Child.Ccwfs("mount", "--help").Ok().Output, keys = Child.Ccwfs("config", "keys").Ok().Output;
        string[] names =
            [.. keys.Split('\n').Skip(1).TakeWhile(l => l.StartsWith(' ')).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0])];
        Assert.Contains("memory", names);
        Assert.All(names, name => Assert.Contains(
            name switch { "mountpoint" => "<MOUNTPOINT>", "devices" => "--device ", _ => $"--{name} " },
                help.Replace(",", " ", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    private string Write(string text)
    {
        string file = _scratch.At("c.json");
        File.WriteAllText(file, text);
        return file;
    }
}
