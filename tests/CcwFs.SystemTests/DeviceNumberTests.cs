namespace CcwFs.SystemTests;

/// <summary>Ids and device numbers of devices: each once, what nobody names is found, what cannot be is refused.</summary>
public sealed class DeviceNumberTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    [Fact]
    public void A_device_number_that_another_device_has_is_refused_with_both_named()
    {
        Refuses(mounted.Ccwfs("add", "dasd,id=0.0.0007,devno=0.0.0150").Refused(1), "0.0.0007", "0.0.0000");
        Refuses(mounted.Ccwfs("add", "dasd,id=0.0.0007,devno=0.0.014e,count=4").Refused(1), "0.0.0009", "0.0.0000");
        Assert.DoesNotContain("0.0.0007", mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        using var scratch = new Scratch();
        string[] two = ["dasd,devno=0.0.0150", "dasd,devno=0.0.0150"];
        Refuses(Child.Ccwfs("mount", scratch.MakeDirectory("m"), "--device", two[0], "--device", two[1]).Refused(1), "0.0.0001", "0.0.0000");
        File.WriteAllText(scratch.At("c.json"), $"{{ \"devices\": [ \"{two[0]}\",\n\"{two[1]}\" ] }}");
        string line = Child.Ccwfs("config", "check", scratch.At("c.json")).Refused(1);
        Refuses(line, "0.0.0001", "0.0.0000");
        Assert.Contains("c.json:2: ", line, StringComparison.Ordinal);
    }

    private static void Refuses(string line, string wanted, string holder) =>
        Assert.Matches($@"{wanted}: device 0\.0\.0150 would be shown as 0\.0\.0150, as {holder} is already; give another devno=", line);

    [Fact]
    public void Where_nobody_names_a_device_number_the_next_free_one_is_taken()
    {
        Assert.Equal("0.0.2000", Number("dasd,id=0.0.0100,devno=0.0.2000"));
        Assert.Equal("0.0.2001", Number("dasd,id=0.0.1eb0"));     // 0150 and 1eb0 are 2000
        Assert.Equal("0.0.ffff", Number("dasd,id=0.0.feaf"));
        Assert.Equal("0.0.0000", Number("dasd,id=0.0.feb0"));     // behind ffff
        Assert.Equal("0.0.014f", Number("dasd,id=0.0.ffff"));
        Assert.Equal("0.0.0151", Number("dasd,id=0.0.fff0,devno=0.0.0151"));
        Assert.Equal("0.0.0152", Number("dasd"));                 // 0.0.0001
    }

    [Theory]
    [InlineData("dasd,id=4.0.0001", "id=4.0.0001: there is no channel subsystem 4: it is 0 to 3, or fe")]
    [InlineData("dasd,id=ff.0.0001", "there is no channel subsystem ff")]
    [InlineData("dasd,id=0.0.0001,devno=8.0.0150", "devno=8.0.0150: there is no channel subsystem 8")]
    [InlineData("vfio,id=fd.0.0001,device=/dev/null", "there is no channel subsystem fd")]
    [InlineData("dasd,css=4", "css=4: it is 0 to 3, or fe")]
    [InlineData("dasd,css=", "it is 0 to 3, or fe")]
    public void A_channel_subsystem_that_cannot_be_is_refused(string spec, string because) =>
        Assert.Contains(because, mounted.Ccwfs("add", spec).Refused(2), StringComparison.Ordinal);

    private string Number(string spec)
    {
        string id = mounted.Ccwfs("add", spec).Ok().Output["added ".Length..].TrimEnd();
        return mounted.Ccwfs("info", id).Ok().Output.Split('\n').Single(l => l.StartsWith("device ", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
    }
}
