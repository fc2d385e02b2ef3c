using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>attach, detach and list --all with a mounted ccwfs beside the host.</summary>
public sealed class AttachMountTests : IClassFixture<FakeHost>, IClassFixture<MountedCcwfs>
{
    private const string Uuid = "11111111-2222-4333-8444-555555555555";
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
        Assert.Matches(@"^0\.0\.2b09 0\.0\.0313  3390/0c 3990/e9 yes  c0  c0  ff   40410000 00000000 host      online   - \(dasd-eckd\)$", lines[2]);
        Assert.Matches(@" offline  - \(dasd-eckd\)$", lines[3]);
        _host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid).Ok();
        Assert.Contains($" attached {Uuid} (vfio_ccw)\n", _host.Ccwfs("list", "--all").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void List_all_as_json_tells_driver_and_state()
    {
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        using JsonDocument list = JsonDocument.Parse(_host.Ccwfs("list", "--all", "--json").Ok().Output);
        JsonElement first = list.RootElement[0];
        Assert.Equal("", list.RootElement[1].GetProperty("uuid").GetString());
        Assert.Equal(["0.0.0313", "0.0.2b09", "host", "attached", "vfio_ccw"],
            new[] { "subchannel", "device", "backend", "state", "driver" }.Select(name => first.GetProperty(name).GetString()));
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
        Assert.StartsWith($"attached: image {image}, subchannel 0.0.0777, device ", In("attach", "a,b.ckd", "--keys", "id=0.0.0777").Ok().Output,
            StringComparison.Ordinal);
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

    /// <summary>The kernel's own /sys, where the mount looks, has no such device.</summary>
    [Fact]
    public void A_mount_that_refuses_the_device_is_a_failed_step_and_the_host_is_as_before()
    {
        string before = _host.Tree();
        string line = _host.Ccwfs("attach", "0.0.2b09", "--mount", _mounted.MountPoint).Refused(1);
        Assert.Contains("failed at step 'mount': ", line, StringComparison.Ordinal);
        Assert.EndsWith("; undone: mdev, bind, override, unbind, offline, module, record", line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Theory]
    [InlineData("nonsense=1", "unknown key 'nonsense'")]
    [InlineData("device=x", "device is given twice")]
    public void Wrong_keys_are_wrong_usage_before_anything_is_done(string keys, string why)
    {
        foreach (string[] more in new string[][] { ["--mount", _mounted.MountPoint], [], ["--dry-run"] }) // without --mount, --no-mount is given
            Assert.Contains(why, _host.Ccwfs(["attach", "0.0.2b09", "--keys", keys, .. more]).Refused(2), StringComparison.Ordinal);
        Assert.Equal("", _host.Tell("writes"));
        Assert.False(Directory.Exists(_host.Root + "/var"));
    }

    [Theory]
    [InlineData("id=0.0.0000", "0.0.0000 exists already in ")]
    [InlineData("devno=0.0.0150", "device 0.0.0150 exists already in ")]
    public void Ids_that_another_device_of_the_mount_has_are_refused_before_anything_is_done(string keys, string why)
    {
        Assert.Contains(why, _host.Ccwfs("attach", "0.0.2b09", "--keys", keys, "--mount", _mounted.MountPoint).Refused(1), StringComparison.Ordinal);
        Assert.Equal("", _host.Tell("writes"));
        Assert.False(Directory.Exists(_host.Root + "/var"));
    }

    /// <summary>The tools know nothing of the mount.</summary>
    [Fact]
    public void What_persists_in_a_mount_has_the_unit_beside_the_tools()
    {
        _host.AddTools();
        using JsonDocument plan =
            JsonDocument.Parse(_host.Ccwfs("attach", "0.0.2b09", "--persist", "--dry-run", "--json", "--mount", _mounted.MountPoint).Ok().Output);
        string[] steps =
            [.. plan.RootElement.GetProperty("steps").EnumerateArray().Where(step => step.GetProperty("commands").GetArrayLength() > 0)
            .Select(step => step.GetProperty("step").GetString()!)];
        Assert.Equal(["record", "module", "offline", "unbind", "override", "driverctl", "bind", "mdev", "mdevctl", "unit", "mount"], steps);
        Assert.Contains($" --mount {_mounted.MountPoint}", plan.RootElement.GetProperty("steps").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_is_refused_what_only_a_device_of_the_host_can_have()
    {
        string image = _mounted.Scratch.MakeImage("plain.ckd");
        string Try(params string[] options) => _mounted.Ccwfs("attach", [image, .. options]).Refused(2);
        Assert.Contains("--persist is for devices of the host", Try("--persist"), StringComparison.Ordinal);
        Assert.Contains("--uuid is for devices of the host", Try("--uuid", Uuid), StringComparison.Ordinal);
        Assert.Contains("only a vfio has the key 'iommu'", Try("--keys", "iommu=/dev/null"), StringComparison.Ordinal);
        Assert.DoesNotContain(image, _mounted.Ccwfs("info", "0.0.0000").Ok().Output, StringComparison.Ordinal);
        Assert.Single(JsonDocument.Parse(_mounted.Ccwfs("list", "--json").Ok().Output).RootElement.EnumerateArray());
    }

    [Fact]
    public void A_dry_run_of_an_image_says_what_would_be_done_or_why_not()
    {
        string image = _mounted.Scratch.MakeImage("dry.ckd"), missing = _mounted.Scratch.At("missing.ckd");
        Assert.Equal($"# mount\nccwfs add dasd,image={image} --mount {_mounted.MountPoint}\n",
            _mounted.Ccwfs("attach", image, "--dry-run").Ok().Output);
        Assert.Contains($"{missing}: no such file", _mounted.Ccwfs("attach", missing, "--dry-run").Refused(1), StringComparison.Ordinal);
        Assert.Contains("0.0.0000", _mounted.Ccwfs("attach", image, "--dry-run", "--keys", "id=0.0.0000").Refused(1), StringComparison.Ordinal);
        using JsonDocument plan = JsonDocument.Parse(_mounted.Ccwfs("attach", image, "--dry-run", "--json").Ok().Output);
        Assert.Equal("planned", plan.RootElement.GetProperty("state").GetString());
        Assert.Equal($"ccwfs add dasd,image={image} --mount {_mounted.MountPoint}",
            plan.RootElement.GetProperty("steps")[0].GetProperty("commands")[0].GetString());
        Assert.Single(JsonDocument.Parse(_mounted.Ccwfs("list", "--json").Ok().Output).RootElement.EnumerateArray());
    }

    [Fact]
    public void Keys_for_what_is_in_the_mount_already_are_said_to_be_left()
    {
        string image = _mounted.Scratch.MakeImage("twice.ckd");
        Assert.Equal("", _mounted.Ccwfs("attach", image, "--keys", "id=0.0.0778").Ok().Error);
        Outcome again = _mounted.Ccwfs("attach", image, "--keys", "readonly").Ok();
        Assert.StartsWith("already attached: ", again.Output, StringComparison.Ordinal);
        Assert.StartsWith("ccwfs: 0.0.0778 was there already, with the keys that it was added with; for --keys readonly, ", again.Error,
            StringComparison.Ordinal);
        _mounted.Ccwfs("detach", image).Ok();
    }

    [Fact]
    public void An_emulated_device_is_detached_by_any_name_of_it_that_is_clear()
    {
        foreach (string name in new[] { "sch:0.0.0777", "777", "dev:0.0.0777", "0x777", "uuid" })
        {
            _mounted.Ccwfs("add", "dasd,id=0.0.0777,devno=0.0.0777").Ok();
            using JsonDocument list = JsonDocument.Parse(_mounted.Ccwfs("list", "--json").Ok().Output);
            string word = name == "uuid" ? list.RootElement[1].GetProperty("uuid").GetString()! : name;
            Assert.Equal($"detached: {word} (undone: mount)\n", _mounted.Ccwfs("detach", word).Ok().Output);
        }
        _mounted.Ccwfs("add", "dasd,id=0.0.0777,devno=0.0.0778").Ok();
        _mounted.Ccwfs("add", "dasd,id=0.0.0778,devno=0.0.0779").Ok();
        Assert.Contains("write sch:0.0.0778 or dev:0.0.0778", _mounted.Ccwfs("detach", "0.0.0778").Refused(1), StringComparison.Ordinal);
        _mounted.Ccwfs("detach", "dev:0.0.0778").Ok();
        Assert.Contains("0.0.0779 0.0.0778 ", _mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        _mounted.Ccwfs("detach", "779").Ok();
    }

    [Fact]
    public void A_mount_that_dies_meanwhile_is_nothing_to_undo()
    {
        using var dying = new MountedCcwfs();
        string before = _host.Tree();
        _host.AddProgram("modprobe", $"kill -9 {dying.Pid}; echo 'modprobe: no' >&2; exit 1");
        string line = _host.Ccwfs("attach", "0.0.2b09", "--mount", dying.MountPoint).Refused(1);
        Child.Run("umount", "-l", dying.MountPoint).Ok();
        Assert.EndsWith("failed at step 'module': modprobe vfio_ccw: modprobe: no; undone: record", line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    /// <summary>Hosts often ignore all numbers but a few.</summary>
    [Fact]
    public void An_emulated_device_is_found_though_the_host_ignores_its_number()
    {
        _host.Tell("ignore 0.0.0000-0.0.1fff");
        _mounted.Ccwfs("add", "dasd,id=0.0.0777,devno=0.0.0777").Ok();
        Assert.Equal("0.0.0776 is not attached\n", _host.Ccwfs("detach", "0.0.0776", "--mount", _mounted.MountPoint).Ok().Output);
        Assert.Equal("detached: 777 (undone: mount)\n", _host.Ccwfs("detach", "777", "--mount", _mounted.MountPoint).Ok().Output);
    }

    [Fact]
    public void A_mount_that_is_not_there_is_refused_before_anything_is_done()
    {
        string before = _host.Tree();
        Assert.Contains("no ccwfs is mounted at ", _host.Ccwfs("attach", "0.0.2b09", "--mount", _mounted.Scratch.Path).Refused(1),
            StringComparison.Ordinal);
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
    /// The whole way, in a mount namespace where the model's sysfs is /sys and the device nodes of the mediated device are those of another ccwfs,
    /// whose ioctls go through the kernel as those of a real vfio-ccw would.
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
            $CCWFS attach 0.0.2b09 --keys id=0.0.0005,readonly $on
            echo "at another id"
            $CCWFS list --all --mount $S/b
            $CCWFS attach 0.0.2b09 --keys readonly $on
            $CCWFS detach 2b09 $on
            '
            """).Ok();
        string[] lines = outcome.Output.Split('\n');
        Assert.Equal(2, lines.Count(line => line.StartsWith("attached: device 0.0.2b09, subchannel 0.0.0313,", StringComparison.Ordinal)));
        Assert.Equal(2, lines.Count(line => line.StartsWith("already attached: device 0.0.2b09,", StringComparison.Ordinal)));
        Assert.Contains($"ccwfs:    ccwfs qemu 0.0.0313 --mount {_mounted.Scratch.At("space")}/b -- qemu-system-s390x …", lines);
        Assert.Matches("^0\\.0\\.2b09 0\\.0\\.0313 .* vfio ",
            Assert.Single(Before("at another id"), line => line.StartsWith("0.0.2b09 ", StringComparison.Ordinal)));
        Assert.Matches("^0\\.0\\.2b09 0\\.0\\.0005 .* vfio ",
            Assert.Single(lines.Except(Before("at another id")), line => line.StartsWith("0.0.2b09 ", StringComparison.Ordinal)));
        Assert.Equal(
            "ccwfs: 0.0.0005 was there already, with the keys that it was added with; for --keys readonly, if they differ, first: ccwfs remove 0.0.0005\n", outcome.Error);
        Assert.Contains("ended well: channel end, device end", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("detached: 0.0.2b09 (undone: mount, mdev, bind, override, unbind, offline, record)", lines);
        Assert.Contains("detached: 2b09 (undone: mount, mdev, bind, override, unbind, offline, record)", lines);
        Assert.Equal(before, _host.Tree());
        IEnumerable<string> Before(string mark) => lines.TakeWhile(line => line != mark);
    }
}
