namespace CcwFs.SystemTests;

/// <summary>Every step of attach and detach fails, with every errno and without any: one line says which and why, and nothing is left half done.</summary>
public sealed class AttachFailureTests : IClassFixture<FakeHost>
{
    private const string Device = "0.0.2b09", Hidden = "0.0.3000", Subchannel = "sys/devices/css0/0.0.0313", Drivers = "sys/bus/css/drivers";
    private const string Uuid = "11111111-2222-4333-8444-555555555555";

    /// <summary>EIO, EBUSY, ENODEV in the C library's words; 0: the kernel takes the write and nothing comes of it.</summary>
    private static readonly (int Errno, string Words)[] s_errors = [(5, "input/output error"), (16, "device or resource busy"), (19, "no such device"), (0, "")];

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

    [Fact]
    public void Who_may_not_write_is_told_to_be_root_and_can_attach_afterwards()
    {
        _host.Tell($"fail-once 13 {Subchannel}/{Device}/online 0");
        Assert.Contains("online: permission denied; be root; undone: module, record", _host.Ccwfs("attach", Device).Refused(1), StringComparison.Ordinal);
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
