namespace CcwFs.SystemTests;

/// <summary>Policies from outside: SPEC, config file, info, the log.</summary>
public sealed class PolicyTests
{
    private const string Write =
        "status, _ = run(extent(0, {0}, {0}, 4), locate(3, 1, {0}, 0, 512), (0x1d, SLI, count_field({0}, 1, 0, 512)), dev='0.0.0000')\n";

    [Fact]
    public void A_device_is_policed_as_its_SPEC_says()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd,extents=1-2,deny=psf:18/0e.READ_IPL,max-ccws=200"]);
        Assert.Matches(@"(?m)^policy +deny=psf:18/0e\.READ_IPL extents=1-2 max-ccws=200$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        mounted.Python(Text(1) + "assert not status.dstat & 0x02, status.bytes.hex()");
        mounted.Python(Text(0) + "assert status.dstat & 0x02, status.bytes.hex()");
        mounted.Logged("0.0.0000: the policy refused a program because of LOCATE_RECORD");
        Outcome refused = mounted.Ccwfs("run", "0.0.0000", "READ_IPL sli");
        Assert.Contains("command reject", refused.Output + refused.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Run_and_info_name_the_rule_and_the_CCW()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd,deny=READ_IPL"]);
        Assert.Matches("(?m)^refused +none$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        string[] program = ["NOP", "READ_IPL sli count=24"];
        const string Ccw = "READ_IPL sli count=24 address=00000010";
        string text = mounted.Ccwfs("run", ["0.0.0000", .. program]).Output;
        Assert.Contains("unit check", text, StringComparison.Ordinal);
        Assert.StartsWith($"The policy refused it (deny=READ_IPL) because of {Ccw} (line 2, at 00000008).\n", text, StringComparison.Ordinal);
        Assert.Matches($"(?m)^refused +{Ccw} at 00000008: deny=READ_IPL$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);

        Outcome failed = mounted.Ccwfs("run", ["0.0.0000", "--json", .. program]);
        Assert.Equal(1, failed.Status);
        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(failed.Output);
        Assert.Equal("deny=READ_IPL", json.RootElement.GetProperty("refusal").GetProperty("rule").GetString());

        string packed = mounted.Scratch.At("packed");
        Child.Ccwfs(["translate", "--format", "packed", "-o", packed, .. program]).Ok();
        Assert.Contains("(CCW 1, at 00000008).\n", mounted.Ccwfs("run", "0.0.0000", "--program", packed).Output, StringComparison.Ordinal);

        string good = mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok().Output;
        Assert.DoesNotContain("policy", good, StringComparison.Ordinal);
    }

    [Fact]
    public void A_config_file_has_the_same_keys()
    {
        using var scratch = new Scratch();
        string config = scratch.At("ccwfs.json");
        File.WriteAllText(config, """{ "devices": [ { "kind": "dasd", "readonly": true, "max-bytes": 100000, "allow": "SENSE_ID.READ_DATA" } ] }""");
        using var mounted = new MountedCcwfs(["--config", config]);
        Assert.Matches(@"(?m)^policy +readonly allow=SENSE_ID\.READ_DATA max-bytes=100000$", mounted.Ccwfs("info", "0.0.0000").Ok().Output);
    }

    [Theory]
    [InlineData("extents=9-1", "no range of tracks")]
    [InlineData("allow=PEEK", "no command")]
    [InlineData("max-ccws=0", "a number from 1")]
    public void A_wrong_rule_is_refused(string key, string why)
    {
        using var scratch = new Scratch();
        Assert.Contains(why, Child.Ccwfs("mount", scratch.At("mnt"), "--device", "dasd," + key).Refused(2), StringComparison.Ordinal);
    }

    // Cylinders are given as tracks: C times 15.
    private static string Text(int cylinder) =>
        Write.Replace("{0}", (15 * cylinder).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
