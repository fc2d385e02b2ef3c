namespace CcwFs.SystemTests;

/// <summary>
/// Files that a mount opens by name, with other users' traps in their places: links, second names, FIFOs that nobody reads. Each is refused at once,
/// by the mount and by `config check` in the same words.
/// </summary>
public sealed class NamedFileTests : IDisposable
{
    private const string AsNobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";

    /// <summary>
    /// Gives nobody rights by an access control list: `LIST FILE RIGHTS`. Version 2 (linux/posix_acl_xattr.h: tag, rights, id): the owner may read
    /// and write, nobody and the mask have RIGHTS, the group and all others may read.
    /// </summary>
    private const string AccessList = """
        python3 -c '
        import os, struct, sys
        rights = int(sys.argv[2])
        entries = (1, 6, -1), (2, rights, 65534), (4, 4, -1), (16, rights, -1), (32, 4, -1)
        os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries))
        '
        """;

    private readonly Scratch _scratch = new();

    public NamedFileTests() => Shell("chmod 1777 .; mkdir m own; echo root >secret; chmod 600 secret; truncate -s 1M memory");

    public void Dispose()
    {
        Child.Run("umount", "-l", _scratch.At("m")); // where what was to be refused was not
        _scratch.Dispose();
    }

    private void Shell(string script)
    {
        script = script.Replace("NOBODY", AsNobody, StringComparison.Ordinal).Replace("LIST", AccessList, StringComparison.Ordinal);
        Child.Finish(Child.Start(_scratch.Path, null, "bash", "-euc", script)).Ok();
    }

    /// <summary>The words of `config check`, after asserting that the mount has the same.</summary>
    private void AssertRefused(string key, string says, string[] daemon, string name = "file")
    {
        string path = _scratch.At(name);
        Assert.Contains($"{path}: {says}",
            Child.Ccwfs(["mount", _scratch.At("m"), "--device", "dasd", "--" + key, path, .. daemon]).Refused(1), StringComparison.Ordinal);
        File.WriteAllText(_scratch.At("c.json"), $$"""{ "mountpoint": "{{_scratch.At("m")}}", "devices": [], "{{key}}": "{{path}}" }""");
        Assert.Contains($"{path}: {says}", Child.Ccwfs("config", "check", _scratch.At("c.json")).Refused(1), StringComparison.Ordinal);
        Assert.Equal("root\n", File.ReadAllText(_scratch.At("secret")));
    }

    [Theory]
    [InlineData("NOBODY ln -s secret file", "is a symbolic link of user 65534")]
    [InlineData("NOBODY ln -s nothing file", "is a symbolic link of user 65534")]
    [InlineData("ln -s secret file", "is a symbolic link of user 0")]
    [InlineData("ln secret file", "has another name too")]
    [InlineData("NOBODY touch file; chmod 666 file", "belongs to user 65534")]
    [InlineData("NOBODY mkfifo file", "is a FIFO")]
    [InlineData("mkfifo file; sleep 20 <>file >/dev/null 2>&1 &", "is a FIFO")] // it has a reader
    [InlineData("mkdir file", "is a directory")]
    [InlineData("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"file\")'", "is a socket")]
    [InlineData("mknod file b 7 0", "is a device")]
    public void A_log_that_is_a_trap_is_refused(string setup, string says)
    {
        Shell(setup);
        AssertRefused("log", says, ["--daemon"]);
        Assert.False(File.Exists(_scratch.At("nothing")));
    }

    [Theory]
    [InlineData("NOBODY ln -s own link", "link/log", "passes the symbolic link SCRATCH/link of user 65534")]
    [InlineData("NOBODY ln -s own link; ln -s link way", "way/log", "passes the symbolic link SCRATCH/link of user 65534")]
    [InlineData("NOBODY mkdir theirs", "theirs/log", "lies in SCRATCH/theirs, which belongs to user 65534")]
    [InlineData("NOBODY mkdir theirs; mkdir theirs/mine", "theirs/mine/log", "lies in SCRATCH/theirs, which belongs to user 65534")]
    [InlineData("mkdir open; chmod 777 open; touch open/log", "open/log", "lies in SCRATCH/open, which everybody may write")]
    [InlineData("NOBODY mkdir theirs; ln -s theirs/../own way", "way/log", "lies in SCRATCH/theirs, which belongs to user 65534")]
    public void A_log_is_not_looked_for_where_another_user_may_lead_elsewhere(string setup, string log, string says)
    {
        Shell(setup);
        AssertRefused("log", says.Replace("SCRATCH", _scratch.Path, StringComparison.Ordinal), ["--daemon"], log);
        Assert.False(File.Exists(_scratch.At("own/log")));
    }

    [Theory]
    [InlineData("/dev/stderr", "err")]
    [InlineData("/dev/stdout", "out")]
    [InlineData("/dev/fd/2", "err")]
    [InlineData("/dev/fd/7", "seven")]
    [InlineData("/proc/self/fd/1", "out")]
    public void A_log_may_be_a_stream_that_it_was_started_with(string log, string file)
    {
        Shell($"{Places.Program} mount m --device dasd --daemon -v --log {log} >out 2>err 7>seven; {Places.Program} umount m");
        Assert.Contains(" unmounted ", File.ReadAllText(_scratch.At(file)), StringComparison.Ordinal);
        Shell($$"""
            rm out err seven; {{Places.Program}} mount m --device dasd -v --log {{log}} >out 2>err 7>seven &
            until grep -qs ' mounted ' {{file}}; do kill -0 $!; done
            kill -TERM $!; wait $!
            """);
        Assert.Contains(" unmounted ", File.ReadAllText(_scratch.At(file)), StringComparison.Ordinal);
        Shell($$"""echo '{ "mountpoint": "'$PWD'/m", "devices": [], "log": "{{log}}" }' >c.json; {{Places.Program}} config check c.json""");
    }

    [Theory]
    [InlineData("9>&-", "is not open")]
    [InlineData("9</dev/null", "is open to read alone")]
    public void A_log_is_no_stream_that_cannot_be_written(string redirection, string says)
    {
        string mount = $"{Places.Program} mount {_scratch.At("m")} --device dasd --daemon --log /dev/fd/9 {redirection}";
        Assert.Contains($"--log /dev/fd/9: {says}", Child.Run("bash", "-c", mount).Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_is_a_device_is_not_opened_to_check_it()
    {
        Shell("""mknod file c 240 77; echo '{ "mountpoint": "'$PWD'/m", "devices": [], "log": "'$PWD'/file" }' >c.json""");
        Child.Ccwfs("config", "check", _scratch.At("c.json")).Ok(); // no driver has it: to open it is an error
        Assert.Contains("no such device", Child.Ccwfs("mount", "--config", _scratch.At("c.json"), "--daemon").Refused(1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NOBODY ln -s memory file", "is a symbolic link of user 65534")]
    [InlineData("ln memory file", "has another name too")]
    [InlineData("NOBODY truncate -s 1M file", "belongs to user 65534; give a file of your own, or that user's name with --owner")]
    [InlineData("mkfifo file", "is a FIFO")]
    [InlineData("mknod file c 1 5", "is a device")]
    public void Guest_storage_that_is_a_trap_is_refused(string setup, string says)
    {
        Shell(setup);
        AssertRefused("memory", says, []);
    }

    [Fact]
    public void Guest_storage_may_belong_to_the_owner_of_the_mount()
    {
        Shell("NOBODY truncate -s 1M file");
        using var mounted = new MountedCcwfs(["--device", "dasd", "--memory", _scratch.At("file"), "--owner", "nobody"]);
        Assert.Equal("1048576\n", mounted.Bash("stat -c %s $D/memory").Ok().Output);
    }

    [Theory]
    [InlineData("mkfifo file", "is a FIFO")]
    [InlineData("echo '{}' >there; NOBODY ln -s there file", "is a symbolic link of user 65534")]
    [InlineData("echo '{}' >there; NOBODY ln -s there link; ln -s link file", "is a symbolic link of user 65534")]
    [InlineData("NOBODY bash -c 'echo {} >file'", "belongs to user 65534")]
    [InlineData("NOBODY bash -c 'echo {} >there'; ln -s there file", "belongs to user 65534")]
    [InlineData("echo '{}' >file; chmod 666 file", "may be written by everybody")]
    [InlineData("echo '{}' >file; chgrp 65534 file; chmod 664 file", "may be written by group 65534")]
    [InlineData("echo '{}' >file; LIST file 6", "may be written by users of its access control list")]
    [InlineData("echo '{}' >there; LIST there 6; ln -s there file", "may be written by users of its access control list")]
    [InlineData("echo '{}' >file; chgrp 65534 file; LIST file 6", "may be written by users of its access control list")]
    [InlineData("NOBODY mkdir theirs; echo '{}' >theirs/c.json; ln -s theirs/c.json file", "lies in SCRATCH/theirs, which belongs to user 65534")]
    [InlineData("chmod 770 own; chgrp 65534 own; echo '{}' >own/c.json; ln -s own/c.json file", "lies in SCRATCH/own, which group 65534 may write")]
    [InlineData("chmod 770 own; chgrp 65534 own; mkdir own/d; echo '{}' >own/d/c.json; ln -s own/d/c.json file",
        "lies in SCRATCH/own, which group 65534 may write")]
    [InlineData("chmod 770 own; chgrp 65534 own; echo '{}' >c.json; ln -s ../c.json own/link; ln -s own/link file",
        "lies in SCRATCH/own, which group 65534 may write")]
    [InlineData("LIST own 7; echo '{}' >own/c.json; ln -s own/c.json file", "lies in SCRATCH/own, which users of its access control list may write")]
    [InlineData("chmod 1770 own; chgrp 65534 own; NOBODY mkdir own/d; echo '{}' >own/d/c.json; ln -s own/d/c.json file",
        "lies in SCRATCH/own/d, which belongs")]
    public void A_configuration_that_is_a_trap_is_refused(string setup, string says)
    {
        Shell(setup);
        string path = _scratch.At("file");
        says = says.Replace("SCRATCH", _scratch.Path, StringComparison.Ordinal);
        Assert.Contains($"{path}: {says}", Child.Ccwfs("config", "check", path).Refused(1), StringComparison.Ordinal);
        Assert.Contains($"{path}: {says}", Child.Ccwfs("mount", _scratch.At("m"), "--config", path).Refused(1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NOBODY bash -c 'echo {} >file'")]
    [InlineData("echo {} >file; chmod 644 file")]
    [InlineData("echo {} >file; LIST file 4")]
    [InlineData("echo {} >file; chmod 664 file")]
    [InlineData("NOBODY bash -c 'echo {} >file; chmod 664 file'")]
    [InlineData("chmod 775 own; echo {} >own/c.json; ln -s own/c.json file")] // root's group
    [InlineData("chmod 775 own; chgrp 65534 own; echo {} >own/c.json; ln -s own/c.json file")] // his own
    [InlineData("chmod 1775 own; chgrp 4 own; echo {} >own/c.json; ln -s own/c.json file")] // nobody of the group can take away what is root's
    [InlineData("LIST own 5; echo {} >own/c.json; ln -s own/c.json file")]
    [InlineData("LIST own 7; chmod +t own; echo {} >own/c.json; ln -s own/c.json file")]
    public void A_user_takes_the_configuration_of_his_own_and_roots(string setup)
    {
        Shell($$"""{{setup}}; mkdir -m 700 run; chown 65534 run; NOBODY env XDG_RUNTIME_DIR=$PWD/run {{Places.Program}} config check file""");
    }

    [Fact]
    public void Ones_own_files_and_links_are_taken()
    {
        Shell("""ln -s own way; echo '{ "devices": [ "dasd" ] }' >own/c.json; ln -s own/c.json c.json""");
        string log = _scratch.At("way/log"), point = _scratch.At("m");
        for (int turn = 1; turn <= 2; turn++)
        {
            Child.Ccwfs("mount", point, "--config", _scratch.At("c.json"), "--daemon", "--log", log, "-v").Ok();
            Child.Ccwfs("umount", point).Ok();
            Assert.Equal(turn, File.ReadAllText(_scratch.At("own/log")).Split(" unmounted ").Length - 1);
        }
        Assert.Equal("600\n", Child.Run("stat", "-c", "%a", _scratch.At("own/log")).Ok().Output);
        Child.Ccwfs("mount", point, "--device", "dasd", "--daemon", "--log", "/dev/null").Ok();
        Child.Ccwfs("umount", point).Ok();
    }
}
