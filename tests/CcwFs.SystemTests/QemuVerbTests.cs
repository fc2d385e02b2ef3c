using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>
/// `ccwfs qemu` with a script in QEMU's place that tells what it was given. It answers the questions for version, devices and plugin as VERSION,
/// NO_CCW, NO_IOMMUFD and PLUGIN in its environment want it.
/// </summary>
public sealed class QemuVerbTests(QemuVerbTests.Mounted mounted) : IClassFixture<QemuVerbTests.Mounted>
{
    private const string Fake = """
        #!/bin/bash
        case "$*" in
            --version) echo "QEMU emulator version ${VERSION-10.0.2} (fake)"; exit ;;
            "-device vfio-ccw,help") [ -z "$NO_CCW" ] || exit 1; echo 'vfio-ccw options:'; echo '  fd=<string>'; [ -n "$NO_IOMMUFD" ] || echo '  iommufd=<link<iommufd>>'; exit ;;
            "-machine none "*) if [[ -n $PLUGIN && $* =~ ,marks=([0-9]+) ]]; then printf '\1' >&${BASH_REMATCH[1]}; fi; exit 1 ;;
        esac
        echo "pid $$"
        for word in "$@"; do
            echo "word $word"
            if [[ $word =~ (^|,)fd=([0-9]+) ]]; then echo "open $(readlink /proc/$$/fd/${BASH_REMATCH[2]}) $(sed -n 's/^flags:\s*//p' /proc/$$/fdinfo/${BASH_REMATCH[2]})"; fi
            if [[ $word =~ sysfsdev=([^,]*) ]]; then real=$(realpath "${BASH_REMATCH[1]}"); echo "real $real $(cat ${real%/*}/pimpampom)"; fi
        done
        echo "chp $(cat /sys/devices/css0/chp0.40/type) cpus $(ls -d /sys/devices/system/cpu/cpu0)"
        while read -r key value; do case $key in SigBlk:|SigIgn:) masks+=" $value" ;; esac; done < /proc/$$/status
        echo "signals$masks"
        trap 'echo terminated; exit 5' TERM
        echo ready
        if [ -n "$WAIT" ]; then while :; do read -t 1 line <> <(:); done; fi
        exit ${STATUS-0}
        """;

    /// <summary>Two subchannels; the mount point has what a shell and QEMU take specially.</summary>
    public sealed class Mounted : MountedCcwfs
    {
        public Mounted()
            : base(["--device", "dasd", "--device", "dasd,id=1.0.0007,devno=1.0.1234"], mountName: "it's a, mount")
        {
            Script = Scratch.At("qemu-system-s390x");
            File.WriteAllText(Script, Fake + "\n");
            File.SetUnixFileMode(Script, (UnixFileMode)0x1ED);
        }

        public string Script { get; }
    }

    private Outcome Qemu(string environment, params string[] arguments) => Child.Finish(Start(environment, arguments));

    private Process Start(string environment, params string[] arguments)
    {
        Dictionary<string, string> variables = [];
        foreach (string setting in environment.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            variables[setting.Split('=')[0]] = setting.Split('=')[1];
        return Child.Start("/", variables, Places.Program, ["qemu", "--mount", mounted.MountPoint, .. arguments]);
    }

    private static void AssertGiven(string[] lines, string mountPoint)
    {
        Assert.Contains("word memory-backend-memfd,id=ccwfs-memory,size=1G,share=on,seal=on", lines);
        Assert.Contains("word memory-backend=ccwfs-memory", lines);
        Assert.Contains(lines, l => l.StartsWith($"open {mountPoint}/iommu ", StringComparison.Ordinal) && l.EndsWith('2')); // O_RDWR
        Assert.Contains(lines, l => l.StartsWith($"open {mountPoint}/0.0.0000/device ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("word vfio-ccw,fd=", StringComparison.Ordinal)
            && l.EndsWith(",devno=fe.0.0150", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("real /sys/devices/css0/0.0.0000/", StringComparison.Ordinal)
            && l.EndsWith(" 80 80 ff", StringComparison.Ordinal));
        Assert.Contains("chp 1b cpus /sys/devices/system/cpu/cpu0", lines);
    }

    [Fact]
    public void Qemu_gets_descriptors_paths_numbers_and_shared_memory_in_the_same_process()
    {
        using Process process = Start("", "--", mounted.Script, "-m", "1G", "-append", "a b");
        int pid = process.Id;
        string[] lines = Child.Finish(process).Ok().Output.TrimEnd('\n').Split('\n');
        Assert.Equal($"pid {pid}", lines[0]);
        Assert.Contains("word a b", lines);
        string[] masks = lines.Single(l => l.StartsWith("signals ", StringComparison.Ordinal)).Split(' ');
        const ulong BrokenPipe = 1 << (13 - 1); // the runtime ignores it for itself
        Assert.Equal((0ul, 0ul), (Convert.ToUInt64(masks[1], 16), Convert.ToUInt64(masks[2], 16) & BrokenPipe)); // blocked, ignored
        AssertGiven(lines, mounted.MountPoint);
        Assert.Contains(lines, l => l.StartsWith("real /sys/devices/css1/1.0.0007/", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.EndsWith(",devno=fe.0.1234", StringComparison.Ordinal));
        Assert.False(Directory.Exists("/sys/devices/css0")); // nothing of it outside
        Assert.Empty(mounted.Bash("ls -A \"$D/sys/devices/system\"").Ok().Output);
    }

    [Fact]
    public void Chosen_subchannels_only_with_their_properties()
    {
        string output = Qemu("", "1.0.0007,devno=0.0.0042,bootindex=1", "--private-memory", "--", mounted.Script).Ok().Output;
        Assert.Contains(",devno=0.0.0042,bootindex=1\n", output, StringComparison.Ordinal);
        Assert.Equal(3, output.Split("\nopen ").Length - 1); // iommu, device and the channel
        Assert.DoesNotContain("0.0.0000", output, StringComparison.Ordinal);
        Assert.DoesNotContain("memfd", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_channel_is_given_and_the_plugin_where_qemu_takes_it()
    {
        string plain = Qemu("", "--", mounted.Script).Ok().Output, marked = Qemu("PLUGIN=1", "--", mounted.Script).Ok().Output;
        foreach (string output in (string[])[plain, marked])
        {
            Assert.Matches(@"(?m)^word socket,id=ccwfs-code,fd=\d+\nopen socket:\[\d+\] ", output);
            Assert.Contains("\nword -qtest\nword chardev:ccwfs-code\n", output, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("-plugin", plain, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^word .*/ccwfs-code\.so,marks=\d+$", marked);
        Assert.DoesNotContain("-plugin", Qemu("PLUGIN=1", "--no-plugin", "--", mounted.Script).Ok().Output, StringComparison.Ordinal);
        // one of the user's own
        Assert.DoesNotContain("ccwfs-code", Qemu("PLUGIN=1", "--", mounted.Script, "-qtest", "null").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_exit_status_and_signals_are_qemus()
    {
        Assert.Equal(42, Qemu("STATUS=42", "--", mounted.Script).Status);
        using Process process = Start("WAIT=1", "--", mounted.Script);
        while (process.NextLine() is { } line && line != "ready")
        {
        }
        Child.Run("kill", "-TERM", process.Id.ToString()).Ok();
        Outcome outcome = Child.Finish(process);
        Assert.Equal((5, "terminated\n"), (outcome.Status, outcome.Output));
    }

    [Fact]
    public void What_is_printed_runs_in_a_shell_and_gives_the_same()
    {
        string printed = Qemu("", "--print", "--", mounted.Script, "-m", "1G", "-append", "it's $HOME").Ok().Output;
        Assert.Single(printed.TrimEnd('\n').Split('\n'));
        foreach (string shell in (string[])["bash", "sh"])
        {
            string[] lines = Child.Run(shell, "-c", printed).Ok().Output.TrimEnd('\n').Split('\n');
            AssertGiven(lines, mounted.MountPoint);
            Assert.Contains("word it's $HOME", lines);
        }
    }

    [Theory]
    [InlineData("VERSION=8.2.1", "8.2; it takes 9.0 or newer")]
    [InlineData("VERSION=x", "is no QEMU")]
    [InlineData("NO_CCW=1", "no vfio-ccw device")]
    [InlineData("NO_IOMMUFD=1", "without iommufd")]
    public void A_qemu_that_cannot_do_it_is_told(string environment, string because) =>
        Assert.Contains(because, Qemu(environment, "--", mounted.Script).Refused(1), StringComparison.Ordinal);

    [Theory]
    [InlineData("no subchannel 0.0.9999", 1, "0.0.9999", "--", "x")]
    [InlineData("is not found", 1, "--", "no-such-qemu")]
    [InlineData("is not found or not executable", 1, "--", "/etc/passwd")]
    [InlineData("command is missing", 2, "0.0.0000")]
    [InlineData("command is missing", 2, "0.0.0000", "--")]
    [InlineData("named twice", 2, "0.0.0000", "0.0.0000", "--", "x")]
    [InlineData("both be fe.0.1234", 1, "0.0.0000,devno=fe.0.1234", "1.0.0007", "--", "x")]
    [InlineData("unknown option '--foo'", 2, "--foo", "--", "x")]
    public void Other_refusals_are_one_line(string because, int status, params string[] arguments) =>
        Assert.Contains(because, Qemu("", arguments).Refused(status), StringComparison.Ordinal);

    [Fact]
    public void Without_a_mount_or_unshare_it_says_so()
    {
        Assert.Contains("no ccwfs is mounted", Child.Ccwfs("qemu", "--mount", "/proc", "--", "x").Refused(1), StringComparison.Ordinal);
        string tools = mounted.Scratch.MakeDirectory("tools");
        foreach (string tool in (string[])["bash", "sh", "mount"])
            File.CreateSymbolicLink($"{tools}/{tool}", $"/bin/{tool}");
        Assert.Contains("unshare is not found", Qemu($"PATH={tools}", "--", mounted.Script).Refused(1), StringComparison.Ordinal);
        File.WriteAllText($"{tools}/unshare", "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2; exit 1\n");
        File.SetUnixFileMode($"{tools}/unshare", (UnixFileMode)0x1ED);
        Assert.Contains("Operation not permitted; root needs CAP_SYS_ADMIN", Qemu($"PATH={tools}", "--", mounted.Script).Refused(1),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_starts_it_with_the_users_own_mount_and_not_with_anothers()
    {
        Outcome outcome = mounted.Bash($$"""
            cat > $S/as-user <<'EOF'
            set -e; cd /; export PATH=$S:$PATH
            $S/bin/ccwfs qemu --mount "$D" -- $S/qemu-system-s390x 2>&1 && exit 9
            coproc M { exec $S/bin/ccwfs mount $S/own --device dasd; }
            pid=$M_PID
            read -r line <&${M[0]}; [ "$line" = "mounted $S/own" ]
            $S/bin/ccwfs qemu --mount $S/own -- qemu-system-s390x -m 1G
            $S/bin/ccwfs umount $S/own; wait $pid
            EOF
            chmod 755 $S; mkdir $S/bin $S/own; chown nobody $S/own; cp -r {{Places.ProgramDirectory}}/. $S/bin; chmod -R a+rX $S/bin
            export S D
            unshare -m bash -c 'mknod -m 666 $S/fuse c 10 229; mount --bind $S/fuse /dev/fuse; exec setpriv --reuid 65534 --regid 65534 --clear-groups bash $S/as-user'
            """);
        string[] lines = outcome.Ok().Output.TrimEnd('\n').Split('\n');
        Assert.Contains("ermission denied", lines[0], StringComparison.Ordinal);
        AssertGiven(lines, mounted.Scratch.At("own"));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)] // root has the capability that it asks
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void Yama_is_asked_whether_ccwfs_may_reach_the_memory(int scope, bool starts)
    {
        Outcome outcome = mounted.Bash($$"""
            exec unshare -m bash -c 'mount -t tmpfs none /proc/sys/kernel; mkdir /proc/sys/kernel/yama; echo {{scope}} > /proc/sys/kernel/yama/ptrace_scope
            exec "$CCWFS" qemu --mount "$D" -- "{{mounted.Script}}" -m 1G'
            """);
        if (starts)
            Assert.EndsWith("\nready\n", outcome.Ok().Output, StringComparison.Ordinal);
        else
            Assert.Contains("may not reach QEMU's memory: /proc/sys/kernel/yama/ptrace_scope is 3", outcome.Refused(1), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("HUP", 129)]
    [InlineData("KILL", 137)]
    public void A_signal_ends_qemu_and_its_status_says_so(string signal, int status)
    {
        using Process process = Start("WAIT=1", "--", mounted.Script);
        while (process.NextLine() is { } line && line != "ready")
        {
        }
        Child.Run("kill", "-" + signal, process.Id.ToString()).Ok();
        Assert.Equal(status, Child.Finish(process).Status);
    }

    [Theory]
    [InlineData("private")] // it keeps a copy, which nobody uses
    [InlineData("shared")] // what is unmounted goes there too
    public void It_keeps_no_other_mount_alive(string propagation)
    {
        string image = mounted.Scratch.MakeImage($"{propagation}.ckd");
        mounted.Scratch.MakeDirectory(propagation);
        Assert.EndsWith("\ngone\n", mounted.Bash($$"""
            cat > $S/{{propagation}}.sh <<'EOF'
            mount --make-r{{propagation}} /
            other=$S/{{propagation}}
            coproc M { exec "$CCWFS" mount $other --device dasd,image={{image}}; }
            server=$M_PID; read -r line <&${M[0]}; echo "$line"
            exec 3< <(WAIT=1 exec "$CCWFS" qemu --mount "$D" -- "$S/qemu-system-s390x")
            while read -r line <&3 && [ "$line" != ready ]; do case $line in pid*) qemu=${line#pid } ;; esac; done
            umount $other; wait $server; flock -n {{image}} true
            kill -0 $qemu
            if [ {{propagation}} = shared ]; then ! grep -F " $other " /proc/$qemu/mountinfo; fi
            kill $qemu; echo gone
            EOF
            exec unshare -m bash -euo pipefail $S/{{propagation}}.sh
            """).Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dozen_devices_are_printed_for_bash()
    {
        using var many = new MountedCcwfs(["--device", "dasd,count=12"]);
        string printed = Child.Ccwfs("qemu", "--print", "--mount", many.MountPoint, "--", mounted.Script).Ok().Output;
        Assert.Equal(12, Child.Run("bash", "-c", printed).Ok().Output.Split("/device ").Length - 1);
    }
}
