namespace CcwFs.SystemTests;

/// <summary>The program as somebody who is not root: own mounts through fusermount3, and another user's mount with one's own rights.</summary>
public sealed class OrdinaryUserTests
{
    private const string AsNobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";

    [Fact]
    public void A_user_mounts_in_the_users_own_places()
    {
        using var scratch = new Scratch();
        Outcome outcome = Bash(scratch, """
            mkdir $S/run $S/data; chown nobody $S/run $S/data
            mknod -m 666 $S/fuse c 10 229; mount --bind $S/fuse /dev/fuse
            cat > $S/user.sh <<'EOF'
            set -e
            export XDG_RUNTIME_DIR=$S/run XDG_DATA_HOME=$S/data HOME=$S/data
            coproc M { exec $S/bin/ccwfs mount; }
            pid=$M_PID
            read -r line <&${M[0]}; echo "$line"
            stat -c '%a %U' $S/run/ccwfs $S/run/ccwfs/0.0.0000/io
            ls $S/data/ccwfs
            $S/bin/ccwfs run 0.0.0000 'SENSE_ID sli count=40' | head -n 1
            $S/bin/ccwfs umount; wait $pid; echo ended
            EOF
            NOBODY bash $S/user.sh
            """);
        string expected =
            $"mounted {scratch.Path}/run/ccwfs\n700 nobody\n600 nobody\ndefault.ckd\nended well: channel end, device end; residual 28.\nended\n";
        Assert.Equal(expected, outcome.Ok().Output);
    }

    /// <summary>What a ring takes counts as locked memory, with some kernels.</summary>
    [Theory]
    [InlineData("$(ulimit -l)")]
    [InlineData("0")]
    public void A_user_needs_no_rights_for_io_uring_where_root_has_switched_it_on(string memory)
    {
        using var scratch = new Scratch();
        Outcome outcome = Bash(scratch, """
            mkdir $S/m; chown nobody $S/m; mknod -m 666 $S/fuse c 10 229; mount --bind $S/fuse /dev/fuse
            cat > $S/user.sh <<'EOF'
            set -e
            coproc M { exec $S/bin/ccwfs mount $S/m --device dasd --uring auto -v 2>$S/log; }
            pid=$M_PID; read -r line <&${M[0]}
            sed -n 's/^ccwfs_fuse_uring //p' $S/m/metrics
            $S/bin/ccwfs run 0.0.0000 'SENSE_ID sli count=40' --mount $S/m | head -n 1
            $S/bin/ccwfs umount $S/m; wait $pid
            EOF
            touch $S/log; chown nobody $S/log; ulimit -l MEMORY; NOBODY bash $S/user.sh
            """.Replace("MEMORY", memory, StringComparison.Ordinal));
        bool isRefused = memory == "0" && File.ReadAllText(scratch.At("log")).Contains(
            "FUSE over io_uring is not used: there is no memory for io_uring (ulimit -l, ", StringComparison.Ordinal);
        Assert.Equal($"{(UringTests.IsOn && !isRefused ? 1 : 0)}\nended well: channel end, device end; residual 28.\n", outcome.Ok().Output);
    }

    [Fact]
    public void Where_fusermount3_may_not_mount_the_line_says_what_to_do()
    {
        using var scratch = new Scratch();
        Outcome outcome = Bash(scratch, """
            mkdir $S/m; chown nobody $S/m; mknod -m 666 $S/fuse c 10 229; mount --bind $S/fuse /dev/fuse
            NOBODY --bounding-set -sys_admin $S/bin/ccwfs mount $S/m --device dasd 2>&1 || echo "status $?"
            """);
        Assert.Matches(
            $@"^ccwfs: cannot mount {scratch.Path}/m: fusermount3: mount failed: Operation not permitted: fusermount3 is confined: choose a mount point below .*CAP_SYS_ADMIN.*\nstatus 1\n$",
            outcome.Ok().Output);
    }

    [Fact]
    public void Root_ends_the_mount_of_a_user_which_lets_nobody_else_in()
    {
        using var scratch = new Scratch();
        Outcome outcome = Bash(scratch, """
            mkdir $S/m; chown nobody $S/m; mknod -m 666 $S/fuse c 10 229; mount --bind $S/fuse /dev/fuse
            coproc M { exec NOBODY $S/bin/ccwfs mount $S/m --device dasd; }
            pid=$M_PID; read -r line <&${M[0]}; echo "$line"
            ! ls $S/m 2>/dev/null
            unshare -m --propagation private sleep 1000 >/dev/null & idle=$!
            until [ "$(readlink /proc/$idle/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; do :; done
            $S/bin/ccwfs umount $S/m; echo "status $?"
            [ -z "$(ls /proc/$pid/fd)" ]; wait $pid; echo "ended $?"; kill $idle
            """);
        Assert.Equal($"mounted {scratch.Path}/m\nstatus 0\nended 0\n", outcome.Ok().Output);
    }

    [Fact]
    public void A_user_of_anothers_mount_opens_images_with_the_users_own_rights()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666"]);
        Scratch scratch = mounted.Scratch;
        scratch.MakeImage("secret.ckd");
        scratch.MakeImage("own.ckd");
        Outcome outcome = Bash(scratch, """
            mkdir $S/home; mv $S/own.ckd $S/home; chown -R nobody $S/home; chmod 600 $S/secret.ckd $S/home/own.ckd
            cd $S/home
            NOBODY $S/bin/ccwfs add dasd,image=$S/secret.ckd,id=0.0.0007 --mount $S/mnt 2>&1 && exit 9
            NOBODY ln -s $S/secret.ckd link.ckd
            NOBODY $S/bin/ccwfs add dasd,image=link.ckd,id=0.0.0007 --mount $S/mnt 2>&1 && exit 9
            NOBODY $S/bin/ccwfs add dasd,image=own.ckd,id=0.0.0008 --mount $S/mnt
            # The redo file of the first write is the user's, not root's; a link in its place is not followed.
            NOBODY $S/bin/ccwfs run 0.0.0008 --mount $S/mnt 'SEEK to=0/1' 'search: SEARCH_ID_EQUAL id=0/1/0' 'tic=search' 'WRITE_COUNT_KEY_DATA id=0/1/1 kl=0 dl=8 zero=8' | head -n 1
            stat -c %U own.ckd.redo
            """);
        string[] lines = outcome.Ok().Output.TrimEnd('\n').Split('\n');
        Assert.All(lines[..2], line => Assert.Contains("ermission denied", line, StringComparison.Ordinal));
        Assert.Equal(["added 0.0.0008", "ended well: channel end, device end; residual 0.", "nobody"], lines[2..]);
    }

    /// <summary>Runs a script as root in a mount namespace of its own; the program is copied to where everybody may read it.</summary>
    private static Outcome Bash(Scratch scratch, string script) => Child.Finish(Child.Start(
        "/", new Dictionary<string, string> { ["S"] = scratch.Path }, "unshare", "-m", "bash", "-c",
        $"set -e; chmod 755 $S; mkdir $S/bin; cp -r {Places.ProgramDirectory}/. $S/bin; chmod -R a+rX $S/bin\n{script.Replace("NOBODY", AsNobody, StringComparison.Ordinal)}"));
}
