using System.Text.Json;
using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>attach and detach on a host that behaves like one.</summary>
public sealed partial class AttachTests : IClassFixture<FakeHost>
{
    private const string Uuid = "11111111-2222-4333-8444-555555555555";
    private readonly FakeHost _host;

    public AttachTests(FakeHost host)
    {
        _host = host;
        _host.Reset();
    }

    [Theory]
    [InlineData("0.0.2b09", "0.0.0313", "fe.0.2b09")]
    [InlineData("0.0.0313", "0.0.0313", "fe.0.2b09")]
    [InlineData("0.1.0150", "0.1.0005", "fe.1.0150")]
    public void Attach_binds_vfio_ccw_and_makes_the_mediated_device(string word, string subchannel, string guest)
    {
        string output = _host.Ccwfs("attach", word, "--uuid", Uuid).Ok().Output;
        string sysfsdev = $"{_host.MountPoint}/sys/bus/mdev/devices/{Uuid}";
        Assert.Contains($"-device vfio-ccw,sysfsdev={sysfsdev},devno={guest}\n", output, StringComparison.Ordinal);
        Assert.Contains($"<hostdev mode='subsystem' type='mdev' model='vfio-ccw'><source><address uuid='{Uuid}'/></source></hostdev>\n", output,
            StringComparison.Ordinal);
        string tree = _host.Tree();
        Assert.Contains($"sys/bus/css/drivers/vfio_ccw/{subchannel} ", tree, StringComparison.Ordinal);
        Assert.Contains($"sys/bus/mdev/devices/{Uuid} ../../../devices/css0/{subchannel}/{Uuid}\n", tree, StringComparison.Ordinal);
    }

    [Fact]
    public void The_steps_are_those_of_the_kernels_documentation_in_their_order()
    {
        _host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid).Ok();
        Assert.Equal(
            """
            fake/modprobe vfio_ccw
            sys/devices/css0/0.0.0313/0.0.2b09/online 0
            sys/bus/css/drivers/io_subchannel/unbind 0.0.0313
            sys/devices/css0/0.0.0313/driver_override vfio_ccw
            sys/bus/css/drivers_probe 0.0.0313
            sys/devices/css0/0.0.0313/mdev_supported_types/vfio_ccw-io/create 11111111-2222-4333-8444-555555555555
            """, _host.Tell("writes"));
    }

    /// <summary>The module stays: others may use it.</summary>
    [Theory]
    [InlineData("0.0.2b09", "0.0.2b09")]
    [InlineData("0.0.2b09", "0.0.0313")]
    [InlineData("0.0.2b0a", Uuid)]
    [InlineData("0.0.3000", "0.0.3000")]
    [InlineData("0.1.0150", "sch:0.1.0005")]
    public void Detach_undoes_all_of_attach_and_both_can_be_repeated(string attached, string detached)
    {
        _host.Tell("module");
        string before = _host.Tree();
        Assert.StartsWith("attached: ", _host.Ccwfs("attach", attached, "--uuid", Uuid).Ok().Output, StringComparison.Ordinal);
        string during = _host.Tree();
        Assert.StartsWith("already attached: ", _host.Ccwfs("attach", attached).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(during, _host.Tree());
        Assert.StartsWith("detached: ", _host.Ccwfs("detach", detached).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
        Assert.Equal($"{attached} is not attached\n", _host.Ccwfs("detach", attached).Ok().Output);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_kernel_without_driver_override_is_bound_the_old_way()
    {
        _host.Tell("old");
        _host.Tell("module");
        string before = _host.Tree();
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        Assert.Contains("sys/bus/css/drivers/vfio_ccw/bind 0.0.0313", _host.Tell("writes"), StringComparison.Ordinal);
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_driver_that_somebody_chose_for_the_subchannel_is_chosen_again()
    {
        _host.Tell("module");
        Assert.Equal("0", _host.Tell("write sys/devices/css0/0.0.0314/driver_override io_subchannel"));
        string before = _host.Tree();
        _host.Ccwfs("attach", "0.0.2b0a").Ok();
        _host.Ccwfs("detach", "0.0.2b0a").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void The_default_uuid_is_always_the_same()
    {
        string first = UuidOf(_host.Ccwfs("attach", "0.0.2b09", "--json").Ok().Output);
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Equal(first, UuidOf(_host.Ccwfs("attach", "0.0.0313", "--json").Ok().Output));
        static string UuidOf(string json) => JsonDocument.Parse(json).RootElement.GetProperty("uuid").GetString()!;
    }

    [Fact]
    public void Json_tells_ids_device_nodes_and_what_was_done()
    {
        using JsonDocument attached = JsonDocument.Parse(_host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid, "--json").Ok().Output);
        Assert.Equal(["attached", "0.0.0313", "0.0.2b09", Uuid, "/dev/vfio/devices/vfio0", "/dev/vfio/0"],
            new[] { "state", "subchannel", "device", "uuid", "cdev", "group" }.Select(name => attached.RootElement.GetProperty(name).GetString()));
        Assert.Equal(["record", "module", "offline", "unbind", "override", "bind", "mdev"], Changed(attached));
        using JsonDocument detached = JsonDocument.Parse(_host.Ccwfs("detach", "0.0.2b09", "--json").Ok().Output);
        Assert.Equal(["mdev", "bind", "override", "unbind", "offline", "record"], Changed(detached));
        static IEnumerable<string?> Changed(JsonDocument json) =>
            json.RootElement.GetProperty("changed").EnumerateArray().Select(step => step.GetString());
    }

    [Fact]
    public void A_dry_run_changes_nothing_and_its_commands_do_the_same_in_a_shell()
    {
        _host.Tell("module");
        string before = _host.Tree();
        string attach = _host.Ccwfs("attach", "0.0.2b09", "--dry-run").Ok().Output;
        Assert.Equal(before, _host.Tree());
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        string attached = _host.Tree(), detach = _host.Ccwfs("detach", "0.0.2b09", "--dry-run").Ok().Output;
        Assert.Equal(attached, _host.Tree());
        _host.Shell(detach).Ok();
        Assert.Equal(before, _host.Tree());
        _host.Shell(attach).Ok();
        Assert.Equal(attached, _host.Tree());
    }

    [Fact]
    public void A_dry_run_of_a_hidden_device_says_that_its_subchannel_is_not_known_yet()
    {
        string before = _host.Tree();
        string output = _host.Ccwfs("attach", "0.0.3000", "--dry-run").Ok().Output;
        Assert.Contains("echo 'free 0.0.3000' > ", output, StringComparison.Ordinal);
        Assert.Contains("then the subchannel of 0.0.3000 is known", output, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    /// <summary>Every place where a killed attach can have stopped: the state after the first n commands of its dry run.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Detach_undoes_a_half_done_attach(int commands)
    {
        _host.Tell("module");
        string before = _host.Tree();
        string[] lines = _host.Ccwfs("attach", "0.0.2b09", "--dry-run").Ok().Output.Split('\n');
        string[] acts =
            [.. ActStart().Split(string.Join('\n', lines.Where(line => !line.StartsWith('#') && !line.StartsWith("until", StringComparison.Ordinal))))
            .Where(act => act.Length > 0)];
        Assert.Equal(6, acts.Length);
        _host.Shell(string.Join('\n', acts.Take(commands))).Ok();
        Assert.NotEqual(before, _host.Tree());
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void Attach_goes_on_from_a_half_done_attach_and_detach_still_knows_what_was_before()
    {
        _host.Tell("module");
        string before = _host.Tree();
        string attach = _host.Ccwfs("attach", "0.0.2b09", "--dry-run").Ok().Output;
        _host.Shell(attach[..attach.IndexOf("# override", StringComparison.Ordinal)]).Ok();
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void What_another_tool_attached_can_be_detached_and_stays_offline()
    {
        _host.Tell("module");
        foreach (string write in new[]
        {
            "sys/devices/css0/0.0.0313/0.0.2b09/online 0", "sys/bus/css/drivers/io_subchannel/unbind 0.0.0313",
                "sys/devices/css0/0.0.0313/driver_override vfio_ccw",
            "sys/bus/css/drivers_probe 0.0.0313", "sys/devices/css0/0.0.0313/mdev_supported_types/vfio_ccw-io/create " + Uuid,
        })
            Assert.Equal("0", _host.Tell("write " + write));
        _host.Ccwfs("detach", Uuid).Ok();
        Assert.Contains("sys/devices/css0/0.0.0313/0.0.2b09/online 0 \n", _host.Tree(), StringComparison.Ordinal);
        Assert.Equal("0.0.2b09 is not attached\n", _host.Ccwfs("detach", "0.0.2b09").Ok().Output);
    }

    [Theory]
    [InlineData("mount dasda1 /srv", "0.0.2b09", "dasda1 is mounted at /srv")]
    [InlineData("module", "0.0.f5f0", "it is part of the group device 0.0.f5f0")]
    public void A_device_that_Linux_uses_is_refused(string state, string device, string reason)
    {
        _host.Tell(state);
        string before = _host.Tree();
        Assert.Contains($"{device} is in use: {reason};", _host.Ccwfs("attach", device).Refused(1), StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void Force_takes_a_device_offline_safely_and_the_kernel_has_the_last_word()
    {
        _host.Tell("mount dasda1 /srv");
        string before = _host.Tree();
        string line = _host.Ccwfs("attach", "0.0.2b09", "--force", "--wait", "0").Refused(1);
        Assert.Contains("failed at step 'offline': writing '1' to ", line, StringComparison.Ordinal);
        Assert.Contains("/safe_offline: device or resource busy", line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Theory]
    [InlineData("/dev/vfio/0")]
    [InlineData("/dev/vfio/devices/vfio0")]
    public void A_mediated_device_that_a_process_has_open_is_not_detached_without_force(string node)
    {
        _host.Tell("module");
        string before = _host.Tree();
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        _host.Tell("holder 4711 qemu-system-s39 " + node);
        string attached = _host.Tree();
        Assert.Contains("0.0.2b09 is in use: process 4711 (\"qemu-system-s39\") has it open;", _host.Ccwfs("detach", "0.0.2b09").Refused(1),
            StringComparison.Ordinal);
        Assert.Equal(attached, _host.Tree());
        _host.Ccwfs("detach", "0.0.2b09", "--force").Ok();
        Assert.StartsWith(before[..before.IndexOf("proc/self", StringComparison.Ordinal)],
            _host.Tree().Replace(HolderLines().Match(_host.Tree()).Value, "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.9999", "this host has no subchannel, device or mediated device 0.0.9999")]
    [InlineData("0.0.0ff0", "is no I/O subchannel")]
    [InlineData("sch:0.0.2b09", "this host has no subchannel")]
    [InlineData("nonsense", "there is no file nonsense, and it names no device: a device is named 0.0.2b09 or 2b09, a subchannel ")]
    [InlineData("./nonsense", "can only be attached to a mounted ccwfs")]
    public void What_cannot_be_attached_is_refused(string word, string why) =>
        Assert.Contains(why, _host.Ccwfs("attach", word).Refused(1), StringComparison.Ordinal);

    [Fact]
    public void Another_uuid_than_the_attached_one_is_refused()
    {
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        Assert.Contains("leave --uuid out", _host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid).Refused(1), StringComparison.Ordinal);
        _host.Ccwfs("attach", "0.0.2b09", "--uuid", "nonsense").Refused(2);
        _host.Ccwfs("attach", "0.0.2b09", "--wait", "-1").Refused(2);
    }

    [Fact]
    public void A_kernel_without_the_module_is_named_in_one_line()
    {
        _host.AddProgram("modprobe", "echo 'modprobe: FATAL: Module vfio_ccw not found in directory /lib/modules/6.1.0-1-s390x' >&2; exit 1");
        string before = _host.Tree();
        string line = _host.Ccwfs("attach", "0.0.2b09").Refused(1);
        Assert.Contains("failed at step 'module': modprobe vfio_ccw: modprobe: FATAL: Module vfio_ccw not found", line, StringComparison.Ordinal);
        Assert.Contains("this kernel has no vfio_ccw: Debian's s390x kernel is built without it, those of Ubuntu, Fedora, RHEL and SLES have it; undone: record", line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_module_that_cannot_be_loaded_for_another_reason_is_not_said_to_be_missing()
    {
        _host.AddProgram("modprobe", "echo \"modprobe: ERROR: could not insert 'vfio_ccw': Operation not permitted\" >&2; exit 1");
        Assert.EndsWith("Operation not permitted; undone: record", _host.Ccwfs("attach", "0.0.2b09").Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_undoes_what_was_done()
    {
        _host.AddProgram("modprobe", "echo \"$*\" > $FAKE/fake/modprobe; [ \"$1\" = -r ] || kill -TERM $PPID");
        string before = _host.Tree();
        Assert.Contains("interrupted by a signal; undone: module, record", _host.Ccwfs("attach", "0.0.2b09").Refused(1), StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [GeneratedRegex("\n(?=mkdir |echo )")]
    private static partial Regex ActStart();

    [GeneratedRegex("(?:proc/4711.*\n)+")]
    private static partial Regex HolderLines();
}
