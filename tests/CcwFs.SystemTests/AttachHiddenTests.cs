namespace CcwFs.SystemTests;

/// <summary>Devices on the list of ignored ones (cio_ignore): freed by attach, hidden by detach, and nobody else with them.</summary>
public sealed class AttachHiddenTests : IClassFixture<FakeHost>
{
    private const string Hidden = "0.0.3000", Other = "0.0.2b0a";
    private readonly FakeHost _host;

    public AttachHiddenTests(FakeHost host)
    {
        _host = host;
        _host.Reset();
        _host.Tell("module");
    }

    private string[] Ignoring => [.. _host.Tell("writes").Split('\n').Where(write => write.StartsWith("proc/cio_ignore", StringComparison.Ordinal))];

    [Fact]
    public void A_device_that_is_shown_is_hidden_with_one_purge()
    {
        string before = _host.Tree();
        _host.Ccwfs("attach", Hidden).Ok();
        _host.Ccwfs("detach", Hidden).Ok();
        Assert.Equal(before, _host.Tree());
        Assert.Equal([$"proc/cio_ignore free {Hidden}", $"proc/cio_ignore add {Hidden}", "proc/cio_ignore purge"], Ignoring);
        _host.Ccwfs("detach", Hidden).Ok();
        Assert.Equal(3, Ignoring.Length);
    }

    /// <summary>The device is on the list and not in the machine.</summary>
    [Fact]
    public void A_device_that_does_not_come_is_put_on_the_list_again_without_a_purge()
    {
        _host.Tell("unplug 0.0.0330");
        string before = _host.Tree();
        Assert.Contains("did not come; is it there?; undone: unhide, record", _host.Ccwfs("attach", Hidden, "--wait", "0").Refused(1),
            StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
        Assert.Equal([$"proc/cio_ignore free {Hidden}", $"proc/cio_ignore add {Hidden}"], Ignoring);
    }

    [Fact]
    public void A_detach_that_was_cut_short_after_the_list_was_written_goes_on_with_the_purge_alone()
    {
        string before = _host.Tree();
        _host.Ccwfs("attach", Hidden).Ok();
        _host.Tell("fail-once 5 proc/cio_ignore purge");
        Assert.Contains("failed at step 'unhide': writing 'purge' to ", _host.Ccwfs("detach", Hidden).Refused(1), StringComparison.Ordinal);
        _host.Ccwfs("detach", Hidden).Ok();
        Assert.Equal(before, _host.Tree());
        Assert.Equal(3, Ignoring.Length);
    }

    /// <summary>purge takes every ignored device that is not online.</summary>
    [Fact]
    public void No_purge_takes_a_device_of_somebody_else_away()
    {
        _host.Ccwfs("attach", Hidden).Ok();
        _host.Tell($"ignore {Other}"); // offline, on the list, and shown all the same
        Outcome outcome = _host.Ccwfs("detach", Hidden).Ok();
        Assert.StartsWith($"ccwfs: {Hidden} is ignored again, but stays to be seen: to purge it would take {Other} away too; ", outcome.Error,
            StringComparison.Ordinal);
        Assert.Contains($"sys/bus/ccw/devices/{Other} ", _host.Tree(), StringComparison.Ordinal);
        Assert.Equal([$"proc/cio_ignore free {Hidden}", $"proc/cio_ignore add {Hidden}"], Ignoring);
        Assert.Equal($"{Hidden} is not attached\n", _host.Ccwfs("detach", Hidden).Ok().Output);
    }

    /// <summary>Killed between the record and the coming of the device: the list still has it, or it has not come.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_half_done_freeing_is_undone(int commands)
    {
        if (commands == 2)
            _host.Tell("unplug 0.0.0330");
        string before = _host.Tree();
        string[] lines =
            [.. _host.Ccwfs("attach", Hidden, "--dry-run").Ok().Output.Split('\n').Where(line => line.StartsWith("echo ", StringComparison.Ordinal))];
        string record = _host.Ccwfs("attach", Hidden, "--dry-run").Ok().Output.Split("# unhide")[0];
        _host.Shell(record + string.Join('\n', lines.Take(commands - 1))).Ok();
        Assert.NotEqual(before, _host.Tree());
        Assert.StartsWith("detached: ", _host.Ccwfs("detach", Hidden).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }
}
