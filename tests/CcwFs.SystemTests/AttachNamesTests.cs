using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>What attach and detach are told: the forms of names, uuids that nobody knows, dry runs for programs.</summary>
public sealed class AttachNamesTests : IClassFixture<FakeHost>
{
    private const string Uuid = "11111111-2222-4333-8444-555555555555",
        Forms = "a device is named 0.0.2b09 or 2b09, a subchannel 0.0.0313 or sch:0.0.0313, a mediated device by its uuid, an image by its path";
    private readonly FakeHost _host;

    public AttachNamesTests(FakeHost host)
    {
        _host = host;
        _host.Reset();
        _host.Tell("module");
    }

    /// <summary>As chzdev, chccwdev and cio_ignore take them.</summary>
    [Theory]
    [InlineData("2b09")]
    [InlineData("2B09")]
    [InlineData("0x2b09")]
    [InlineData("dev:2b09")]
    [InlineData("sch:313")]
    [InlineData("0.0.2B09")]
    public void A_bare_number_is_the_device_of_channel_subsystem_0_and_set_0(string word)
    {
        string before = _host.Tree();
        Assert.StartsWith("attached: device 0.0.2b09, subchannel 0.0.0313, ", _host.Ccwfs("attach", word).Ok().Output, StringComparison.Ordinal);
        Assert.StartsWith("detached: ", _host.Ccwfs("detach", word).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Theory]
    [InlineData("sch:0.0.zz", 2)]
    [InlineData("dev:", 2)]
    [InlineData("sch:./volume", 2)]
    [InlineData("0.0.zz", 1)]
    [InlineData("2b09x", 1)]
    [InlineData("volume.ckd", 1)]
    public void What_is_no_name_is_answered_with_the_forms_that_there_are(string word, int status)
    {
        foreach (string verb in new[] { "attach", "detach" })
        {
            foreach (string[] more in new string[][] { [], ["--dry-run"] })
                Assert.Contains(Forms, _host.Ccwfs([verb, word, .. more]).Refused(status), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_file_that_is_called_like_a_device_has_to_be_told_apart()
    {
        _host.AddProgram("2b09", ""); // programs are in the working directory
        foreach (string verb in new[] { "attach", "detach" })
            Assert.Contains("'2b09' is a file here, and a device number; write ./2b09 or 0.0.2b09", _host.Ccwfs(verb, "2b09").Refused(2),
                StringComparison.Ordinal);
        _host.Ccwfs("attach", "0.0.2b09").Ok();
    }

    /// <summary>What exists and is not attached is well; what exists nowhere is an error, so that a slip of the pen is seen.</summary>
    [Fact]
    public void A_uuid_that_nobody_knows_cannot_be_detached()
    {
        foreach (string[] more in new string[][] { [], ["--dry-run"], ["--json"] })
            Assert.Contains($"there is no mediated device {Uuid} on this host or in a mount", _host.Ccwfs(["detach", Uuid, .. more]).Refused(1),
                StringComparison.Ordinal);
        Assert.Contains("there is no 0.0.9999 on this host or in a mount", _host.Ccwfs("detach", "0.0.9999").Refused(1), StringComparison.Ordinal);
    }

    /// <summary>
    /// Detached twice by a uuid that somebody chose: known as long as it is there. By the subchannel's own uuid, and by device: always.
    /// </summary>
    [Fact]
    public void Detach_can_be_repeated_by_device_and_by_the_subchannels_own_uuid()
    {
        string own = JsonDocument.Parse(_host.Ccwfs("attach", "2b09", "--json").Ok().Output).RootElement.GetProperty("uuid").GetString()!;
        Assert.StartsWith($"detached: {own} ", _host.Ccwfs("detach", own).Ok().Output, StringComparison.Ordinal);
        foreach (string name in new[] { own, own.ToUpperInvariant(), "2b09", "0.0.0313" })
            Assert.Equal($"{name} is not attached\n", _host.Ccwfs("detach", name).Ok().Output);
        _host.Ccwfs("attach", "2b09", "--uuid", Uuid).Ok();
        Assert.Equal($"{own} is not attached\n", _host.Ccwfs("detach", own).Ok().Output); // attached by another one, which stays
        Assert.Contains(Uuid, _host.Tree(), StringComparison.Ordinal);
        _host.Ccwfs("detach", Uuid).Ok();
        _host.Ccwfs("detach", Uuid).Refused(1);
        Assert.Equal("2b09 is not attached\n", _host.Ccwfs("detach", "2b09").Ok().Output);
    }

    [Fact]
    public void A_half_done_attach_is_detached_by_the_uuid_that_it_was_to_get()
    {
        string before = _host.Tree();
        string attach = _host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid, "--dry-run").Ok().Output;
        _host.Shell(attach[..attach.IndexOf("# mdev", StringComparison.Ordinal)]).Ok();
        _host.Ccwfs("detach", Uuid).Ok();
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_uuid_that_is_another_subchannels_is_refused_before_anything_is_done()
    {
        _host.Ccwfs("attach", "0.0.2b0a", "--uuid", Uuid).Ok();
        string before = _host.Tree();
        Assert.Contains($"--uuid {Uuid} is the mediated device of subchannel 0.0.0314", _host.Ccwfs("attach", "0.0.2b09", "--uuid", Uuid).Refused(1),
            StringComparison.Ordinal);
        Assert.Equal(before, _host.Tree());
    }

    [Fact]
    public void A_dry_run_in_json_has_the_steps_and_their_commands()
    {
        string before = _host.Tree();
        string Commands(string verb) => string.Join('\n', Steps(verb, "0.0.2b09").SelectMany(step => step.Commands));
        string attach = Commands("attach");
        Assert.Equal(["offline", "unbind", "override", "bind", "mdev"],
            Steps("attach", "0.0.2b09").Where(step => step.Commands.Length > 0 && step.Name != "record").Select(step => step.Name));
        Assert.Equal(before, _host.Tree());
        _host.Shell(attach).Ok();
        Assert.NotEqual(before, _host.Tree());
        _host.Shell(Commands("detach")).Ok();
        Assert.Equal(before, _host.Tree());
        Assert.All(Steps("detach", "0.0.2b09"), step => Assert.Empty(step.Commands));
        Assert.Equal(["record", "unhide", "module"], Steps("attach", "0.0.3000").Select(step => step.Name));
        Assert.Equal([], Steps("detach", "0.0.3000"));
    }

    private (string Name, string[] Commands)[] Steps(string verb, string device)
    {
        using JsonDocument plan = JsonDocument.Parse(_host.Ccwfs(verb, device, "--dry-run", "--json").Ok().Output);
        Assert.Equal("planned", plan.RootElement.GetProperty("state").GetString());
        return [.. plan.RootElement.GetProperty("steps").EnumerateArray().Select(step =>
            (step.GetProperty("step").GetString()!,
                step.GetProperty("commands").EnumerateArray().Select(command => command.GetString()!).ToArray()))];
    }
}
