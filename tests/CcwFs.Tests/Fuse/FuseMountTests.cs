using System.Diagnostics;
using CcwFs.Fuse;

namespace CcwFs.Tests.Fuse;

public sealed class FuseMountTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ccwfs-mount-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_dead_mount_left_by_a_killed_process_is_replaced()
    {
        using (Process holder = Child.Start(_directory, "python3", "-c", """
            import ctypes, os
            fd = os.open('/dev/fuse', os.O_RDWR)
            c = ctypes.CDLL(None)
            assert c.mount(b'ccwfs', os.environ['D'].encode(), b'fuse.ccwfs', 6, b'fd=%d,rootmode=40000,user_id=0,group_id=0' % fd) == 0
            print('mounted', flush=True); os.read(0, 1)
            """))
        {
            holder.Says("mounted");
            FuseMountException refused = Assert.Throws<FuseMountException>(() => FuseMount.Mount(_directory).Dispose());
            Assert.Contains("a running ccwfs is mounted there", refused.Message, StringComparison.Ordinal);
            holder.Kill();
            holder.Ends();
        }
        using (FuseMount mount = FuseMount.Mount(_directory))
            Assert.Equal("fuse.ccwfs", Assert.Single(MountTable.Read(), entry => entry.MountPoint == _directory).Type);
        Assert.Null(MountTable.Find(_directory));
    }

    [Fact]
    public void Another_file_system_a_file_a_full_directory_and_nothing_at_all_are_refused_in_one_line()
    {
        string other = Directory.CreateDirectory(_directory + "/other").FullName;
        File.WriteAllText(_directory + "/file", "");
        Assert.Equal(0, Child.Run(Child.Start("/", "mount", "-t", "tmpfs", "x", other)).Status);
        try
        {
            Assert.Contains("a tmpfs is mounted there", MessageFor(other), StringComparison.Ordinal);
            FuseMountException notOurs = Assert.Throws<FuseMountException>(() => FuseMount.Unmount(other, lazy: true));
            Assert.Contains("not ours", notOurs.Message, StringComparison.Ordinal);
        }
        finally
        {
            Child.Run(Child.Start("/", "umount", other));
        }
        Assert.Contains("not a directory", MessageFor(_directory + "/file"), StringComparison.Ordinal);
        Assert.Contains("not empty", MessageFor(_directory), StringComparison.Ordinal);
        Assert.Contains("no such directory", MessageFor(_directory + "/none"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_mount_point_with_blanks_reached_through_a_link_is_found_in_the_table_and_unmounted_by_path()
    {
        string odd = Directory.CreateDirectory(_directory + "/a b\\c\tä").FullName;
        File.CreateSymbolicLink(_directory + "/link", "./a b\\c\tä");
        using FuseMount mount = FuseMount.Mount(_directory + "/link");
        Assert.Equal(odd, mount.Path);
        Assert.Equal("ccwfs", MountTable.Find(odd)?.Source);
        Assert.True(FuseMount.Unmount(_directory + "/link", lazy: false));
        Assert.Null(MountTable.Find(odd));
    }

    [Fact]
    public void A_process_in_the_mount_is_named_as_its_holder()
    {
        using Mounted mounted = new();
        using Process child = mounted.StartPython("os.chdir(D); print('in', flush=True); sys.stdin.readline()");
        child.Says("in");
        MountHolder holder = Assert.Single(mounted.Mount.FindHolders());
        Assert.Equal((child.Id, "working directory"), (holder.Pid, holder.What));
        Assert.StartsWith("python", holder.Command, StringComparison.Ordinal);
        Assert.False(mounted.Mount.Unmount(lazy: false));
        Assert.Equal(0, Child.Run(child).Status);
        Assert.True(mounted.Mount.Unmount(lazy: false));
    }

    [Fact]
    public void An_ordinary_user_mounts_uses_and_unmounts_through_fusermount3()
    {
        // Where /dev/fuse is closed to users, an open node lies over it in a mount namespace of the child's own.
        string fixture = Fixture();
        string copy = Directory.CreateDirectory(_directory + "/bin").FullName;
        Directory.CreateDirectory(_directory + "/m");
        (int status, string output) = Child.Run(Child.Start(_directory, "unshare", "-m", "bash", "-c", $$"""
            set -e; chmod 755 $D; cp -r {{fixture}}/. {{copy}}; chmod -R a+rX {{copy}}; chown nobody $D/m; cd /
            mknod -m 666 $D/fuse c 10 229; mount --bind $D/fuse /dev/fuse
            cat > $D/user.sh <<'EOF'
            coproc S { dotnet $D/bin/CcwFs.FuseFixture.dll $D/m; }
            IN=${S[1]} OUT=${S[0]} P=$S_PID
            read -r line <&$OUT; echo $line
            stat -c '%s %U' $D/m/null; head -c 200 $D/m/null | wc -c; printf abc > $D/m/null; head -c 3 $D/m/null; echo
            eval "exec $IN>&-"; read -r line <&$OUT; echo $line; wait $P
            EOF
            dotnet=$(dirname $(readlink -f $(command -v dotnet)))
            HOME=/tmp DOTNET_ROOT=$dotnet setpriv --reuid 65534 --regid 65534 --clear-groups bash $D/user.sh
            """));
        Assert.True(status == 0, output);
        Assert.Equal("mounted\n124 nobody\n124\nabc\nunmounted\n", output);
    }

    private static string MessageFor(string path)
    {
        string message = Assert.Throws<FuseMountException>(() => FuseMount.Mount(path).Dispose()).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    // The fixture is built with this project, in the same configuration.
    private static string Fixture()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory); // tests/CcwFs.Tests/bin/CONFIGURATION/net10.0
        string tests = output.Parent!.Parent!.Parent!.Parent!.FullName;
        string built = Path.Combine(tests, "CcwFs.FuseFixture", "bin", output.Parent.Name, output.Name);
        Assert.True(File.Exists(Path.Combine(built, "CcwFs.FuseFixture.dll")), built);
        return built;
    }
}
