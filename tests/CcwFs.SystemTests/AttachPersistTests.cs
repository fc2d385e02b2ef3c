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

    private string UnitPath => _host.Root + "/etc/systemd/system/ccwfs-attach-0.0.2b09.service";

    private string LinkPath => _host.Root + "/etc/systemd/system/multi-user.target.wants/ccwfs-attach-0.0.2b09.service";

    [Fact]
    public void Without_tools_a_unit_of_ours_attaches_at_boot_and_detach_takes_it_away()
    {
        string before = _host.Tree();
        _host.Ccwfs("attach", "0.0.0313", "--persist", "--uuid", Uuid).Ok();
        string attached = _host.Tree(), unit = File.ReadAllText(UnitPath);
        Assert.Equal("../ccwfs-attach-0.0.2b09.service", new FileInfo(LinkPath).LinkTarget);
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
        string unit = File.ReadAllText(_host.Root + "/etc/systemd/system/ccwfs-attach-0.0.3000.service");
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
        Assert.Equal($"driverctl -b css set-override 0.0.0313 vfio_ccw\nmdevctl define -a -u {Uuid} -p 0.0.0313 -t vfio_ccw-io\n",
            File.ReadAllText(_host.Root + "/calls"));
        _host.Ccwfs("attach", "0.0.2b09", "--persist").Ok();
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.EndsWith($"mdevctl undefine -u {Uuid} -p 0.0.0313\ndriverctl -b css unset-override 0.0.0313\n",
            File.ReadAllText(_host.Root + "/calls"), StringComparison.Ordinal);
        Assert.Equal(4, File.ReadAllLines(_host.Root + "/calls").Length);
    }

    [Theory]
    [InlineData("driverctl", "driverctl -b css set-override 0.0.0313 vfio_ccw: driverctl: no", "undone: override, unbind, offline, record")]
    [InlineData("mdevctl", "mdevctl: no", "undone: mdev, bind, driverctl, offline, record")]
    public void A_tool_that_fails_is_named_and_all_is_undone(string tool, string why, string undone)
    {
        _host.AddTools();
        _host.AddProgram(tool, $"echo '{tool}: no' >&2; exit 3");
        string before = _host.Tell("tree");
        string line = _host.Ccwfs("attach", "0.0.2b09", "--persist").Refused(1);
        Assert.Contains($"failed at step '{tool}': ", line, StringComparison.Ordinal);
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.EndsWith(undone, line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tell("tree"));
    }

    /// <summary>driverctl keeps no file then, but has unbound the subchannel and set its override.</summary>
    [Fact]
    public void What_driverctl_did_before_it_failed_is_undone_too()
    {
        _host.AddTools();
        string before = _host.Tell("tree");
        _host.Tell("fail-once 0 sys/bus/css/drivers_probe 0.0.0313");
        string line = _host.Ccwfs("attach", "0.0.2b09", "--persist").Refused(1);
        Assert.Contains("failed at step 'driverctl': driverctl -b css set-override 0.0.0313 vfio_ccw: driverctl: failed to bind", line,
            StringComparison.Ordinal);
        Assert.DoesNotContain("NOT undone", line, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tell("tree"));
    }

    [Fact]
    public void With_both_tools_all_is_as_before_after_detach()
    {
        _host.AddTools();
        string before = _host.Tell("tree");
        _host.Ccwfs("attach", "0.0.2b09", "--persist", "--uuid", Uuid).Ok();
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Equal(before, _host.Tell("tree"));
        Assert.Empty(Left());
    }

    /// <summary>Somebody's own driverctl override is neither taken for ours nor lost.</summary>
    [Fact]
    public void Another_driver_that_driverctl_was_told_of_comes_back()
    {
        _host.AddTools();
        _host.Shell("driverctl -b css set-override 0.0.0314 io_subchannel").Ok();
        string before = _host.Tree(), file = _host.Root + "/etc/driverctl.d/css-0.0.0314";
        _host.Ccwfs("attach", "0.0.2b0a", "--persist").Ok();
        Assert.Equal("vfio_ccw\n", File.ReadAllText(file));
        _host.Ccwfs("detach", "0.0.2b0a").Ok();
        Assert.Equal("io_subchannel\n", File.ReadAllText(file));
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_kernel_without_driver_override_is_attached_at_boot_by_the_unit_whatever_is_installed()
    {
        _host.AddTools();
        _host.Tell("old");
        _host.Ccwfs("attach", "0.0.2b09", "--persist").Ok();
        Assert.True(File.Exists(UnitPath));
        Assert.False(File.Exists(_host.Root + "/calls"));
    }

    /// <summary>The tools bring back neither a hidden device nor the mount's view of one.</summary>
    [Fact]
    public void A_hidden_device_has_the_unit_beside_the_tools()
    {
        _host.AddTools();
        string before = _host.Tell("tree");
        _host.Ccwfs("attach", "0.0.3000", "--persist").Ok();
        Assert.True(File.Exists(_host.Root + "/etc/systemd/system/ccwfs-attach-0.0.3000.service"));
        _host.Ccwfs("detach", "0.0.3000").Ok();
        Assert.Equal(before, _host.Tell("tree"));
        Assert.Empty(Left());
    }

    /// <summary>After a reboot a hidden device is not seen until the unit has run; another may have been taken from the machine.</summary>
    [Theory]
    [InlineData("0.0.3000", false, "reset")]
    [InlineData("0.0.3000", true, "reset")]
    [InlineData("0.0.2b09", false, "unplug 0.0.0313")]
    [InlineData("0.0.2b09", true, "unplug 0.0.0313")]
    [InlineData("sch:0.0.0313", true, "unplug 0.0.0313")]
    [InlineData(Uuid, true, "unplug 0.0.0313")]
    public void What_persists_of_a_device_that_is_not_there_can_be_detached(string name, bool tools, string change)
    {
        if (tools)
            _host.AddTools();
        _host.Ccwfs("attach", name == "0.0.3000" ? name : "0.0.2b09", "--persist", "--uuid", Uuid).Ok();
        _host.Tell(change);
        Assert.StartsWith($"detached: {name} (undone: ", _host.Ccwfs("detach", name).Ok().Output, StringComparison.Ordinal);
        Assert.Empty(Left());
        Assert.Contains("proc/cio_ignore 0.0.3000 \n", _host.Tree(), StringComparison.Ordinal);
    }

    /// <summary>Every place where a killed attach can have stopped: the state after each command of its dry run.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Detach_undoes_a_half_done_attach_that_was_to_persist(bool tools)
    {
        if (tools)
            _host.AddTools();
        string before = _host.Tell("tree");
        string[] acts = [.. string.Join('\n', _host.Ccwfs("attach", "0.0.2b09", "--persist", "--uuid", Uuid, "--dry-run").Ok().Output
            .Split('\n').Where(line => !line.StartsWith('#') && !line.StartsWith("until", StringComparison.Ordinal)))
                .Split("\n", StringSplitOptions.RemoveEmptyEntries)];
        string[] whole = Whole(acts);
        Assert.Equal(8, whole.Length);
        for (int done = 1; done <= whole.Length; done++)
        {
            _host.Shell(string.Join('\n', whole.Take(done))).Ok();
            _host.Ccwfs("detach", "0.0.2b09").Ok();
            Assert.Equal(before, _host.Tell("tree"));
            Assert.Empty(Left());
        }
    }

    /// <summary>Commands whose quoted text goes over lines, in one piece each.</summary>
    private static string[] Whole(string[] lines)
    {
        List<string> whole = [];
        foreach (string line in lines)
        {
            if (whole.Count > 0 && whole[^1].Count(c => c == '\'') % 2 != 0)
                whole[^1] += "\n" + line;
            else
                whole.Add(line);
        }
        return [.. whole];
    }

    /// <summary>mdevctl's definition has the uuid of the attach, also when the mediated device did not come back.</summary>
    [Fact]
    public void After_a_reboot_without_the_mediated_device_its_definition_is_found_by_the_record()
    {
        _host.AddTools();
        _host.Ccwfs("attach", "0.0.2b09", "--persist", "--uuid", Uuid).Ok();
        _host.Tell("reset");
        Assert.Contains($"is attached as {Uuid}; leave --uuid out", _host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid.Replace('1', '7')).Refused(1),
            StringComparison.Ordinal);
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Empty(Left());
    }

    [Fact]
    public void The_record_of_an_earlier_boot_is_not_brought_back()
    {
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        _host.Tell("reset");
        _host.Tell("boot 5d0c8a5e-0000-4000-8000-000000000002");
        Assert.Equal("0", _host.Tell("write sys/devices/css0/0.0.0313/0.0.2b09/online 0"));
        _host.Ccwfs("attach", "0.0.2b09").Ok();
        _host.Ccwfs("detach", "0.0.2b09").Ok();
        Assert.Contains("sys/devices/css0/0.0.0313/0.0.2b09/online 0 \n", _host.Tree(), StringComparison.Ordinal);
        Assert.Empty(Left());
    }

    private string[] Left() =>
        [.. Directory.GetFiles(_host.Root, "*", SearchOption.AllDirectories).Select(Path.GetFileName).OfType<string>()
            .Where(name => name is not "calls" && !name.EndsWith(".lock", StringComparison.Ordinal))];

    [GeneratedRegex("^ExecStart=(.*)$", RegexOptions.Multiline)]
    private static partial Regex ExecStart();
}
