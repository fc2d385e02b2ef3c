using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>attach, detach and list --all with a mounted ccwfs beside the host.</summary>
public sealed class AttachMountTests : IClassFixture<FakeHost>, IClassFixture<MountedCcwfs>
{
    private readonly FakeHost _host;
    private readonly MountedCcwfs _mounted;

    public AttachMountTests(FakeHost host, MountedCcwfs mounted)
    {
        (_host, _mounted) = (host, mounted);
        _host.Reset();
    }

    [Fact]
    public void List_all_without_a_mount_shows_what_the_host_could_attach()
    {
        string[] lines = _host.Ccwfs("list", "--all").Ok().Output.TrimEnd('\n').Split('\n');
        Assert.StartsWith("Device   Subchan.  DevType CU Type Use  PIM PAM POM  CHPIDs ", lines[0], StringComparison.Ordinal);
        Assert.Contains(" MDEV ", lines[0], StringComparison.Ordinal);
        Assert.Equal(["0.0.2b09", "0.0.2b0a", "0.0.f5f0", "0.1.0150"], lines[2..].Select(line => line.Split(' ')[0]));
        Assert.Matches(@"^0\.0\.2b09 0\.0\.0313  3390/0c 3990/e9 yes  c0  c0  ff   40410000 00000000 host      online   [0-9a-f-]{36} \(dasd-eckd\)$", lines[2]);
        Assert.Matches(@" offline  [0-9a-f-]{36} \(dasd-eckd\)$", lines[3]);
    }

    [Fact]
    public void List_all_as_json_tells_driver_and_state()
    {
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        using JsonDocument list = JsonDocument.Parse(_host.Ccwfs("list", "--all", "--json").Ok().Output);
        JsonElement first = list.RootElement[0];
        Assert.Equal(["0.0.0313", "0.0.2b09", "host", "attached", "vfio_ccw"], new[] { "subchannel", "device", "backend", "state", "driver" }.Select(name => first.GetProperty(name).GetString()));
        Assert.False(first.GetProperty("use").GetBoolean());
    }

    [Fact]
    public void Real_and_emulated_devices_are_in_one_table()
    {
        string output = _host.Ccwfs("list", "--all", "--mount", _mounted.MountPoint).Ok().Output;
        Assert.Contains("0.0.0150 0.0.0000 ", output, StringComparison.Ordinal);
        Assert.Contains("0.0.2b09 0.0.0313 ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("0.0.2b09", _mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_is_attached_and_detached_by_the_same_verbs()
    {
        string image = _mounted.Scratch.MakeImage("a,b.ckd");
        string[] mount = ["--mount", _mounted.MountPoint];
        Outcome In(params string[] arguments) => Child.CcwfsIn(_mounted.Scratch.Path, [.. arguments, .. mount]);
        Assert.StartsWith($"attached: image {image}, subchannel 0.0.0777, device ", In("attach", "a,b.ckd", "--keys", "id=0.0.0777").Ok().Output, StringComparison.Ordinal);
        Assert.StartsWith($"already attached: image {image}, subchannel 0.0.0777,", In("attach", image).Ok().Output, StringComparison.Ordinal);
        Assert.Contains("0.0.0777", _mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        Assert.Contains("undone: mount", In("detach", "a,b.ckd").Ok().Output, StringComparison.Ordinal);
        Assert.Equal("a,b.ckd is not attached\n", In("detach", "a,b.ckd").Ok().Output);
        In("attach", image, "--keys", "id=0.0.0777").Ok();
        In("detach", "0.0.0777").Ok();
        Assert.DoesNotContain("0.0.0777", _mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        In("detach", "0.0.0777").Refused(1);
        In("attach", "missing.ckd").Refused(1);
        In("detach", "missing.ckd").Refused(1);
    }

    [Fact]
    public void A_mount_that_refuses_the_device_is_a_failed_step_and_the_host_is_as_before()
    {
        string before = _host.Tree();
        string line = _host.Ccwfs("attach", "0.0.2b09", "--keys", "nonsense=1", "--mount", _mounted.MountPoint).Refused(1);
        Assert.Contains("failed at step 'mount': ", line, StringComparison.Ordinal);
        Assert.Contains("; undone: mdev, bind, override, unbind, offline, module, record", line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_mount_that_is_not_there_is_refused_before_anything_is_done()
    {
        string before = _host.Tree();
        Assert.Contains("no ccwfs is mounted at ", _host.Ccwfs("attach", "0.0.2b09", "--mount", _mounted.Scratch.Path).Refused(1), StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void Without_a_mount_attach_says_what_to_do_next()
    {
        Outcome outcome = _host.Shell($"""
            exec unshare -m sh -ec 'mount -t tmpfs ccwfs-test /run
            exec "$0" attach 0.0.2b09 --sysfs $FAKE/sys --proc $FAKE/proc --root $ROOT' {Places.Program}
            """).Ok();
        Assert.Matches(
            "^ccwfs: no ccwfs is mounted at /run/ccwfs, so the subchannel is only a vfio device now; mount one, then: ccwfs add vfio,device=[0-9a-f-]{36},id=0\\.0\\.0313\n$", outcome.Error);
    }

    /// <summary>
    /// The whole way, in a mount namespace where the model's sysfs is /sys and the device nodes of the mediated device are those of another ccwfs, whose
    /// ioctls go through the kernel as those of a real vfio-ccw would.
    /// </summary>
    [Fact]
    public void An_attached_device_runs_programs_in_the_mount_until_it_is_detached()
    {
        _host.Tell("module");
        string before = _host.Tree();
        Outcome outcome = _host.Shell($$"""
            export A={{_mounted.MountPoint}} S={{_mounted.Scratch.MakeDirectory("space")}} CCWFS={{Places.Program}}
            exec unshare -m bash -euo pipefail -c '
            mkdir $S/dev $S/b
            mount -t tmpfs ccwfs-test $S/dev
            for node in null zero full random urandom fuse tty; do touch $S/dev/$node; mount --bind /dev/$node $S/dev/$node; done
            ln -s /proc/self/fd $S/dev/fd
            mkdir -p $S/dev/vfio/devices
            ln -s $A/0.0.0000/device $S/dev/vfio/devices/vfio0
            ln -s $A/iommu $S/dev/iommu
            mount --rbind $S/dev /dev
            mount --bind $FAKE/sys /sys
            coproc B { exec $CCWFS mount $S/b --device dasd,id=0.0.0001 2>&1; }
            pid=$B_PID
            trap "kill $pid; wait $pid" EXIT
            while read -r line <&"${B[0]}"; do echo "$line"; [[ $line != "mounted $S/b" ]] || break; done
            on="--mount $S/b --proc $FAKE/proc --root $ROOT"
            $CCWFS attach 0.0.2b09 $on
            $CCWFS attach 0.0.2b09 $on
            $CCWFS list --all --mount $S/b
            $CCWFS run 0.0.0313 "SENSE_ID sli count=40" --mount $S/b
            $CCWFS detach 0.0.2b09 $on
            $CCWFS list --mount $S/b
            '
            """).Ok();
        string[] lines = outcome.Output.Split('\n');
        Assert.Single(lines, line => line.StartsWith("attached: device 0.0.2b09, subchannel 0.0.0313,", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("already attached: device 0.0.2b09,", StringComparison.Ordinal));
        Assert.Contains("ccwfs:    ccwfs qemu 0.0.0313 -- qemu-system-s390x …", lines);
        Assert.Matches("^0\\.0\\.2b09 0\\.0\\.0313 .* vfio ", Assert.Single(lines, line => line.StartsWith("0.0.2b09 ", StringComparison.Ordinal)));
        Assert.Contains("ended well: channel end, device end", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("detached: 0.0.2b09 (undone: mount, mdev, bind, override, unbind, offline, record)", lines);
        Assert.Equal(before, _host.Tree());
    }
}
