using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>attach --persist, with and without mdevctl and driverctl.</summary>
public sealed partial class AttachPersistTests : IClassFixture<FakeHost>
{
    private const string Uuid = "11111111-2222-4333-8444-555555555555";
    private readonly FakeHost _host;

    public AttachPersistTests(FakeHost host)
    {
        _host = host;
        _host.Reset();
        _host.Tell("module");
    }

    private string UnitPath => _host.Root + "/etc/systemd/system/ccwfs-attach-0.0.0313.service";

    private string LinkPath => _host.Root + "/etc/systemd/system/multi-user.target.wants/ccwfs-attach-0.0.0313.service";

    [Fact]
    public void Without_tools_a_unit_of_ours_attaches_at_boot_and_detach_takes_it_away()
    {
        string before = _host.Tree();
        _host.Ccwfs("attach", "0.0.0313", "--persist", "--uuid", Uuid).Ok();
        string attached = _host.Tree(), unit = File.ReadAllText(UnitPath);
        Assert.Equal("../ccwfs-attach-0.0.0313.service", new FileInfo(LinkPath).LinkTarget);
        Assert.Contains("\nType=oneshot\nRemainAfterExit=yes\n", unit, StringComparison.Ordinal);
        string command = ExecStart().Match(unit).Groups[1].Value;
        Assert.StartsWith($"{Places.Program} attach dev:0.0.2b09 --uuid {Uuid} --no-mount", command, StringComparison.Ordinal);

        _host.Tell("reset"); // a reboot: the device is online again, the files are kept
        _host.Shell(command).Ok();
        Assert.Equal(attached, _host.Tree());
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void The_unit_is_one_that_systemd_takes()
    {
        _host.Ccwfs("attach", "0.0.0313", "--persist").Ok();
        Outcome verified = Child.Run("systemd-analyze", "verify", "--man=no", UnitPath);
        Assert.DoesNotContain("ccwfs-attach", verified.Output + verified.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hidden_device_is_freed_again_at_boot()
    {
        string before = _host.Tree();
        _host.Ccwfs("attach", "0.0.3000", "--persist").Ok();
        string attached = _host.Tree();
        string unit = File.ReadAllText(_host.Root + "/etc/systemd/system/ccwfs-attach-0.0.0330.service");
        _host.Tell("reset");
        _host.Shell(ExecStart().Match(unit).Groups[1].Value).Ok();
        Assert.Equal(attached, _host.Tree());
        _host.Ccwfs("detach", "0.0.3000").Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void With_both_tools_they_are_told()
    {
        _host.AddTools();
        _host.Ccwfs("attach", "0.0.2b09", "--persist", "--uuid", Uuid).Ok();
        Assert.False(File.Exists(UnitPath));
        Assert.Equal($"driverctl -b css set-override 0.0.0313 vfio_ccw\nmdevctl define -a -u {Uuid} -p 0.0.0313 -t vfio_ccw-io\n", File.ReadAllText(_host.Root + "/calls"));
        _host.Ccwfs("attach", "0.0.2b09", "--persist").Ok();
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.EndsWith($"mdevctl undefine -u {Uuid} -p 0.0.0313\ndriverctl -b css unset-override 0.0.0313\n", File.ReadAllText(_host.Root + "/calls"), StringComparison.Ordinal);
        Assert.Equal(4, File.ReadAllLines(_host.Root + "/calls").Length);
    }

    [Theory]
    [InlineData("driverctl", "driverctl -b css set-override 0.0.0313 vfio_ccw: driverctl: no", "undone: record")]
    [InlineData("mdevctl", "mdevctl: no", "undone: mdev, bind, override, unbind, driverctl, offline, record")]
    public void A_tool_that_fails_is_named_and_all_is_undone(string tool, string why, string undone)
    {
        _host.AddTools();
        _host.AddProgram(tool, $"echo '{tool}: no' >&2; exit 3");
        string before = _host.Tell("tree");
        string line = _host.Ccwfs("attach", "0.0.2b0a", "--persist").Refused(1);
        line = line.Replace("0.0.0314", "0.0.0313", StringComparison.Ordinal).Replace("driverctl, offline", "driverctl", StringComparison.Ordinal);
        Assert.Contains($"failed at step '{tool}': ", line, StringComparison.Ordinal);
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Contains(undone.Replace("driverctl, offline", "driverctl", StringComparison.Ordinal), line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tell("tree"));
    }

    [GeneratedRegex("^ExecStart=(.*)$", RegexOptions.Multiline)]
    private static partial Regex ExecStart();
}
