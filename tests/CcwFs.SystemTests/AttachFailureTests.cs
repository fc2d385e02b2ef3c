namespace CcwFs.SystemTests;

/// <summary>
/// Every step of attach and detach fails, with every errno and without any: one line says which and why, and nothing is left half done.
/// </summary>
public sealed class AttachFailureTests : IClassFixture<FakeHost>
{
    private const string Device = "0.0.2b09", Hidden = "0.0.3000", Subchannel = "sys/devices/css0/0.0.0313", Drivers = "sys/bus/css/drivers";
    private const string Uuid = "11111111-2222-4333-8444-555555555555";

    /// <summary>EIO, EBUSY, ENODEV in the C library's words; 0: the kernel takes the write and nothing comes of it.</summary>
    private static readonly (int Errno, string Words)[] s_errors =
        [(5, "input/output error"), (16, "device or resource busy"), (19, "no such device"), (0, "")];

    private static readonly (string Step, string Device, string Path, string Text)[] s_attach =
    [
        ("unhide", Hidden, "proc/cio_ignore", $"free {Hidden}"),
        ("unhide", Hidden, "proc/cio_settle", "1"),
        ("module", Device, "fake/modprobe", "vfio_ccw"),
        ("offline", Device, $"{Subchannel}/{Device}/online", "0"),
        ("unbind", Device, $"{Drivers}/io_subchannel/unbind", "0.0.0313"),
        ("override", Device, $"{Subchannel}/driver_override", "vfio_ccw"),
        ("bind", Device, "sys/bus/css/drivers_probe", "0.0.0313"),
        ("mdev", Device, $"{Subchannel}/mdev_supported_types/vfio_ccw-io/create", Uuid),
    ];

    private static readonly (string Step, string Device, string Path, string Text)[] s_detach =
    [
        ("mdev", Device, $"{Subchannel}/{Uuid}/remove", "1"),
        ("bind", Device, $"{Drivers}/vfio_ccw/unbind", "0.0.0313"),
        ("override", Device, $"{Subchannel}/driver_override", ""),
        ("unbind", Device, "sys/bus/css/drivers_probe", "0.0.0313"),
        ("offline", Device, $"{Subchannel}/{Device}/online", "1"),
        ("unhide", Hidden, "proc/cio_ignore", $"add {Hidden}"),
        ("unhide", Hidden, "proc/cio_ignore", "purge"),
    ];

    private readonly FakeHost _host;

    public AttachFailureTests(FakeHost host)
    {
        _host = host;
        _host.Reset();
    }

    public static TheoryData<string, string, string, string, int> AttachFailures => Cases(s_attach);

    public static TheoryData<string, string, string, string, int> DetachFailures => Cases(s_detach);

    [Theory]
    [MemberData(nameof(AttachFailures))]
    public void A_failed_attach_leaves_everything_as_it_was(string step, string device, string path, string text, int errno)
    {
        string before = _host.Tree();
        _host.Tell($"fail-once {errno} {path} {text}");
        string line = _host.Ccwfs("attach", device, "--uuid", Uuid, "--wait", "0").Refused(1);
        Assert.Contains($"attaching {device} failed at step '{step}': ", line, StringComparison.Ordinal);
        Assert.Contains("; undone: ", line, StringComparison.Ordinal);
        if (step != "module") // modprobe has words of its own
            Assert.Contains(WordsOf(errno), line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    /// <summary>A file where a directory of ours is to be: what a full or read-only disk does.</summary>
    [Theory]
    [InlineData("record", "/var/lib", "undone: nothing, nothing had been changed")]
    [InlineData("unit", "/etc/systemd", "undone: mdev, bind, override, unbind, offline, record")]
    public void A_file_of_ours_that_cannot_be_written_is_a_failed_step(string step, string file, string undone)
    {
        _host.Tell("module");
        _host.Shell($"mkdir -p $ROOT{Path.GetDirectoryName(file)}; touch $ROOT{file}").Ok();
        string before = _host.Tree();
        string line = _host.Ccwfs("attach", Device, "--persist").Refused(1);
        Assert.Contains($"failed at step '{step}': ", line, StringComparison.Ordinal);
        Assert.Contains(file, line, StringComparison.Ordinal);
        Assert.EndsWith(undone, line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Theory]
    [InlineData("mdevctl", "mdevctl undefine")]
    [InlineData("driverctl", "driverctl -b css unset-override")]
    public void A_tool_that_fails_in_detach_is_named_and_detach_can_go_on(string tool, string call)
    {
        _host.AddTools();
        _host.Ccwfs("attach", Device, "--persist", "--uuid", Uuid).Ok();
        _host.AddProgram(tool, "echo no >&2; exit 3");
        string line = _host.Ccwfs("detach", Device).Refused(1);
        Assert.Contains($"failed at step '{tool}': {call} ", line, StringComparison.Ordinal);
        Assert.Contains("run it again", line, StringComparison.Ordinal);
        _host.AddTools();
        _host.Ccwfs("detach", Device).Ok();
        Assert.DoesNotContain("0.0.0313/driver_override vfio_ccw", _host.Tree(), StringComparison.Ordinal);
        Assert.DoesNotContain("/etc/", _host.Tree(), StringComparison.Ordinal);
        Assert.Contains($"{Subchannel}/{Device}/online 1 \n", _host.Tree(), StringComparison.Ordinal);
    }

    /// <summary>The subchannel goes away under attach's hands.</summary>
    [Fact]
    public void A_subchannel_that_vanishes_is_a_failed_step_and_nothing_of_it_is_left()
    {
        _host.Tell("module");
        _host.AddProgram("modprobe", "");
        _host.Tell($"fail 0 {Drivers}/io_subchannel/unbind 0.0.0313");
        using System.Diagnostics.Process attach = _host.Start("attach", Device, "--wait", "40");
        Assert.True(SpinWait.SpinUntil(() => _host.Tree().Contains($"{Subchannel}/{Device}/online 0", StringComparison.Ordinal), Child.Patience));
        _host.Tell("unplug 0.0.0313");
        string line = Child.Finish(attach).Refused(1);
        Assert.EndsWith("subchannel 0.0.0313 is gone; undone: record", line, StringComparison.Ordinal);
        Assert.DoesNotContain(".json", _host.Tree(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_ends_a_wait_for_the_kernel()
    {
        _host.Tell("module");
        string before = _host.Tree();
        _host.Tell($"fail-once 0 {Subchannel}/mdev_supported_types/vfio_ccw-io/create *");
        using System.Diagnostics.Process attach = _host.Start("attach", Device, "--wait", "600");
        Assert.True(SpinWait.SpinUntil(() => _host.Tell("failures") == "0", Child.Patience)); // the mediated device will not come
        Child.Run("kill", "-HUP", attach.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)).Ok();
        Assert.Contains("failed at step 'mdev': interrupted by a signal; undone: bind, override, unbind, offline, record",
            Child.Finish(attach).Refused(1), StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void Who_may_not_write_is_told_to_be_root_and_can_attach_afterwards()
    {
        _host.Tell($"fail-once 13 {Subchannel}/{Device}/online 0");
        Assert.Contains("online: permission denied; be root; undone: module, record", _host.Ccwfs("attach", Device).Refused(1),
            StringComparison.Ordinal);
        _host.Ccwfs("attach", Device).Ok();
    }

    [Theory]
    [MemberData(nameof(DetachFailures))]
    public void A_failed_detach_says_where_it_stopped_and_can_go_on(string step, string device, string path, string text, int errno)
    {
        _host.Tell("module");
        string before = _host.Tree();
        _host.Ccwfs("attach", device, "--uuid", Uuid).Ok();
        _host.Tell($"fail-once {errno} {path} {text}");
        string line = _host.Ccwfs("detach", device, "--wait", "0").Refused(1);
        Assert.Contains($"detaching {device} failed at step '{step}': ", line, StringComparison.Ordinal);
        Assert.Contains(WordsOf(errno), line, StringComparison.Ordinal);
        Assert.Contains("run it again", line, StringComparison.Ordinal);
        _host.Ccwfs("detach", device).Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Theory]
    [InlineData($"{Drivers}/vfio_ccw/unbind", "0.0.0313", "bind")]
    [InlineData($"{Subchannel}/driver_override", "", "override")]
    [InlineData($"{Subchannel}/{Device}/online", "1", "offline")]
    public void What_cannot_be_undone_is_said_and_a_later_detach_does_it(string path, string text, string left)
    {
        _host.Tell("module");
        string before = _host.Tree();
        _host.Tell($"fail 5 {Subchannel}/mdev_supported_types/vfio_ccw-io/create *");
        _host.Tell($"fail 5 {path} {text}");
        string line = _host.Ccwfs("attach", Device, "--wait", "0").Refused(1);
        Assert.Contains("failed at step 'mdev'", line, StringComparison.Ordinal);
        Assert.Contains($"NOT undone: {left} (writing '{text}' to ", line, StringComparison.Ordinal);
        Assert.Contains("run: ccwfs detach sch:0.0.0313", line, StringComparison.Ordinal);
        _host.Tell("heal");
        _host.Ccwfs("detach", "sch:0.0.0313").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void Without_a_channel_subsystem_nothing_is_attached_or_listed()
    {
        string[] nowhere = ["--sysfs", "/nonexistent", "--proc", "/nonexistent", "--root", _host.Root, "--no-mount"];
        Assert.Contains("is not there: this is no s390x Linux", Child.Ccwfs(["attach", Device, .. nowhere]).Refused(1), StringComparison.Ordinal);
        Child.Ccwfs(["detach", Device, .. nowhere]).Refused(1);
        Assert.Equal("[]\n", Child.Ccwfs("list", "--json", "--sysfs", "/nonexistent", "--no-mount").Ok().Output);
    }

    private static string WordsOf(int errno) => s_errors.First(error => error.Errno == errno).Words;

    private static TheoryData<string, string, string, string, int> Cases((string Step, string Device, string Path, string Text)[] writes)
    {
        var cases = new TheoryData<string, string, string, string, int>();
        foreach ((string step, string device, string path, string text) in writes)
        {
            foreach ((int errno, _) in s_errors)
            {
                // A cio_settle that does nothing is the usual one.
                if (errno != 0 || path != "proc/cio_settle")
                    cases.Add(step, device, path, text, errno);
            }
        }
        return cases;
    }
}
