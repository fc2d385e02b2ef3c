using CcwFs.ChannelIo;
using CcwFs.FileSystem;
using CcwFs.Service.Reload;

namespace CcwFs.Tests.Service;

/// <summary>What a reload is to do, told from the devices that are there and those that are wanted; without a mount.</summary>
public sealed class ReloadPlanTests : ConfiguredTest
{
    [Fact]
    public void The_same_devices_are_kept()
    {
        Add("dasd,id=0.0.0001", "dasd", "dasd");
        ReloadPlan plan = Plan("dasd", "dasd,id=0.0.0001", "dasd");
        Assert.Equal(3, plan.Kept.Count);
        Assert.Empty(plan.Lines);
    }

    [Fact]
    public void A_line_tells_each_change()
    {
        Add("dasd,id=0.0.0001", "dasd,id=0.0.0002,count=2", "dasd,id=0.0.0004");
        Assert.Equal(
            [
                "remove 0.0.0002, 0.0.0003: dasd,id=0.0.0002,count=2",
                "0.0.0004: policy readonly deny=SENSE_ID",
                "add dasd,id=0.0.0002",
                "add dasd",
            ],
            Plan("dasd,id=0.0.0004,deny=SENSE_ID,readonly", "dasd,id=0.0.0002", "dasd,id=0.0.0001", "dasd").Lines);
    }

    [Fact]
    public void A_plan_changes_nothing_until_it_is_carried_out()
    {
        Add("dasd,id=0.0.0001", "dasd,id=0.0.0002");
        MountedSubchannel[] before = [.. Table.All];
        ReloadPlan plan = Plan("dasd,id=0.0.0003", "dasd,id=0.0.0002,deny=SENSE_ID");
        Assert.Equal(before, Table.All);
        Assert.Null(before[1].Device.Policy);

        List<string> changed = [];
        Assert.Empty(Configured.CarryOut(plan, changed.Add));
        Assert.Equal(["0.0.0002: policy deny=SENSE_ID"], changed);
        Assert.Equal([new SubchannelId(0, 0, 2), new SubchannelId(0, 0, 3)], Table.All.Select(device => device.Id));
        Assert.Same(before[1], Table.All[0]);
        Assert.NotNull(before[1].Device.Policy?.Deny);
        Assert.Empty(Plan("dasd,id=0.0.0003", "dasd,id=0.0.0002,deny=SENSE_ID").Lines);
    }

    [Fact]
    public void What_was_made_to_read_alone_is_made_again_to_be_written()
    {
        Add("dasd,id=0.0.0001,readonly");
        Assert.Equal(["remove 0.0.0001: dasd,id=0.0.0001,readonly", "add dasd,id=0.0.0001"], Plan("dasd,id=0.0.0001").Lines);
    }

    [Fact]
    public void What_was_removed_by_hand_comes_again()
    {
        Add("dasd,id=0.0.0001", "dasd,id=0.0.0002");
        Assert.True(Factory.Remove(new SubchannelId(0, 0, 1), force: false, out _));
        Assert.Equal(["add dasd,id=0.0.0001"], Plan("dasd,id=0.0.0001", "dasd,id=0.0.0002").Lines);
    }

    [Fact]
    public void What_comes_waits_for_those_that_keep_its_image()
    {
        Files.Create("v.ckd", 1);
        Add("dasd,id=0.0.0001,image=v.ckd,readonly", "dasd,id=0.0.0002,image=v.ckd,readonly", "dasd,id=0.0.0003");
        ReloadPlan plan = Plan("dasd,id=0.0.0001,image=v.ckd");
        Arrival arrival = Assert.Single(plan.Coming);
        Assert.Equal(plan.Leaving.Take(2), arrival.After);
        Assert.Equal(plan.InTheWay, arrival.After);
        Assert.Equal("add dasd,image=v.ckd,id=0.0.0001 after closing 0.0.0001, 0.0.0002", arrival.Line);
        Assert.Empty(Configured.CarryOut(plan, _ => { }));
        Assert.Equal([new SubchannelId(0, 0, 1)], Table.All.Select(device => device.Id));
    }

    [Fact]
    public void An_image_that_a_device_keeps_which_stays_cannot_be_had()
    {
        Files.Create("v.ckd", 1);
        Add("dasd,id=0.0.0001,image=v.ckd,readonly", "dasd,id=0.0.0002,image=v.ckd,readonly");
        ReloadPlan plan = Plan("dasd,id=0.0.0001,image=v.ckd", "dasd,id=0.0.0002,image=v.ckd,readonly");
        Arrival arrival = Assert.Single(plan.Coming);
        Assert.Empty(arrival.After);
        Assert.StartsWith("0.0.0002 (dasd, image ", arrival.Problem, StringComparison.Ordinal);
        Assert.Equal("0.0.0001 stays as it is, nothing is changed", arrival.Stays);
        Assert.StartsWith("cannot add dasd,image=v.ckd,id=0.0.0001: 0.0.0002 ", arrival.Line, StringComparison.Ordinal);

        MountedSubchannel[] before = [.. Table.All];
        string failure = Assert.Single(Configured.CarryOut(plan, _ => { }));
        Assert.Equal($"device 'dasd,image=v.ckd,id=0.0.0001': {arrival.Problem}; {arrival.Stays}", failure);
        Assert.Equal(before, Table.All);
    }

    [Fact]
    public void Where_no_device_keeps_a_file_none_is_looked_at()
    {
        Add("dasd,id=0.0.0001");
        ReloadPlan plan = Plan("dasd,id=0.0.0002,image=nowhere.ckd");
        Assert.Null(Assert.Single(plan.Coming).Problem);
        Assert.EndsWith("; nothing is changed", Assert.Single(Configured.CarryOut(plan, _ => { })), StringComparison.Ordinal);
        Assert.Equal([new SubchannelId(0, 0, 1)], Table.All.Select(device => device.Id));
    }

    [Theory]
    [InlineData("dasd,id=0.0.0009,image=nowhere.ckd", "nothing is changed")]
    [InlineData("dasd,id=0.0.0001,image=nowhere.ckd", "0.0.0001 stays as it is, nothing is changed")]
    [InlineData("dasd,id=0.0.0001,count=2,image=nowhere.ckd", "0.0.0001 and 1 more stay as they are, nothing is changed")]
    [InlineData("dasd,image=nowhere.ckd", "0.0.0000 stays as it is, nothing is changed")]
    public void A_plan_says_what_stays_when_a_device_cannot_be_had(string wanted, string stays)
    {
        const string Keeper = "dasd,id=0.0.0008,image=v.ckd,readonly"; // where one keeps a file, files are looked at
        Files.Create("v.ckd", 1);
        Add("dasd", "dasd,id=0.0.0001", "dasd,id=0.0.0002", Keeper);
        Arrival arrival = Assert.Single(Plan(wanted, Keeper).Coming);
        Assert.Contains("nowhere.ckd", arrival.Problem, StringComparison.Ordinal);
        Assert.Equal(stays, arrival.Stays);
    }
}
