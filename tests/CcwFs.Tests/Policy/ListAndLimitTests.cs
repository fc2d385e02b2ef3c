using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;

namespace CcwFs.Tests.Policy;

/// <summary>Lists of commands and orders, and limits.</summary>
public sealed class ListAndLimitTests
{
    public static TheoryData<Shape> Shapes => [.. Enum.GetValues<Shape>()];

    [Fact]
    public void A_command_is_used_when_it_is_allowed_and_not_denied()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd)
        {
            Allow = PolicyRig.Commands("SENSE_ID.03"),
            Deny = PolicyRig.Commands("nop"),
        });
        rig.Run([Step.R(0xE4, 7).WithSli()]).Good();
        rig.Run([Step.R(0xE4, 7).WithSli(), Step.Nop]).Refused(0x80, 0, 1);
        rig.Run([Step.R(0x64, 64)]).Refused(0x80, 0, 1);
        Assert.Equal(2, rig.Log.Lines.Count);
        Assert.Contains("READ_DEVICE_CHARACTERISTICS", rig.Log.Lines[1], StringComparison.Ordinal);
        Assert.Contains("allow=", rig.Log.Lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Orders_are_told_apart(Shape shape)
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands("psf:18/0e.dso:81") });
        rig.Run([Prepare(0x41), Step.R(0x3E, 256)], shape).Good();
        rig.Run([Prepare(0x0E), Step.R(0x3E, 512)], shape).Refused(0x80, 0, 4);
        rig.Run([Step.Sized(0xF7, 24, 0x81)], shape).Refused(0x80, 0, 3); // so many ranges are not there
        rig.Run([Step.W(0xF7, [0x81, .. new byte[23]])], shape).Refused(0x80, 0, 4);
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Allow = PolicyRig.Commands("3e.psf:18/41.psf:1d") });
        rig.Run([Prepare(0x41), Step.R(0x3E, 256)], shape).Good();
        rig.Run([Step.Sized(0x27, 66, 0x1D)], shape).Good();
        rig.Run([Prepare(0x0E), Step.R(0x3E, 512)], shape).Refused(0x80, 0, 4);
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Allow = PolicyRig.Commands("3e.psf:18") });
        rig.Run([Prepare(0x0E), Step.R(0x3E, 512)], shape).Good();
        rig.Run([Step.Sized(0x27, 66, 0x1D)], shape).Refused(0x80, 0, 4);
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Allow = PolicyRig.Commands("3e.psf"), ReadOnly = true });
        rig.Run([Prepare(0x0E), Step.R(0x3E, 512)], shape).Good();
        rig.Run([Step.Sized(0x27, 66, 0x1B)], shape).WriteInhibited(); // nobody knows what it does
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void What_a_prefix_is_made_of_is_denied_with_it(Shape shape)
    {
        Step[] read = [WriteRuleTests.Prefix(15, 0x06, 0, 4096), Step.R(0x86, 4096)];
        foreach (string denied in (string[])["DEFINE_EXTENT", "LOCATE_RECORD_EXTENDED", "PREFIX"])
        {
            using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands(denied) });
            rig.Run(read, shape).Refused(0x80, 0, 1);
            Assert.Contains($"deny={denied}", rig.Log.Lines[^1], StringComparison.Ordinal);
            byte[] later = [.. read[0].Out];
            later[0] = 3;
            rig.Run([Step.W(0xE7, later), read[1]], shape).Refused(0x80, 0, (byte)(denied == "PREFIX" ? 1 : 4));
        }
        using var other = new PolicyRig(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands("LOCATE_RECORD") });
        other.Run(read, shape).Good();
        other.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Allow = PolicyRig.Commands("PREFIX.86") });
        other.Run(read, shape).Good();
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void An_order_in_a_prefix_is_judged_as_one_by_itself(Shape shape)
    {
        Step[] order = [WriteRuleTests.PrefixWithOrder(15, Prepare(0x0E).Out), Step.R(0x3E, 512)];
        foreach (string denied in (string[])["DEFINE_EXTENT", "PSF", "psf:18", "psf:18/0e", "PREFIX"])
        {
            using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands(denied) });
            rig.Run(order, shape).Refused(0x80, 0, (byte)(denied.StartsWith("psf:", StringComparison.Ordinal) ? 4 : 1));
        }
        using var other = new PolicyRig(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands("LOCATE_RECORD_EXTENDED.psf:18/41") });
        other.Run(order, shape).Good();
        other.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Allow = PolicyRig.Commands("PREFIX.3E") });
        other.Run(order, shape).Refused(0x80, 0, 4);
        other.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Allow = PolicyRig.Commands("PREFIX.3E.psf:18"), ReadOnly = true });
        other.Run(order, shape).Good();
        byte[] unknown = new byte[66];
        unknown[0] = 0x1B;
        other.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        other.Run([WriteRuleTests.PrefixWithOrder(15, unknown)], shape).WriteInhibited();
    }

    [Fact]
    public void A_program_has_at_most_so_many_CCWs_and_bytes()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { MaxCcws = 3 });
        rig.Run([Step.Nop, Step.Tic(2), Step.Nop, Step.Nop]).Good();
        rig.Run([Step.Nop, Step.Nop, Step.Nop, Step.Nop]).Refused(0x80, 0, 0);
        rig.Run([Step.Extent(0x40, 0, 0), Step.Locate(0x06, 1, 0, 1, 4096)], Shape.DataChained).Refused(0x80, 0, 0);
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { MaxBytes = 4128 });
        Step[] read = [Step.Extent(0x40, 0, 0), Step.Locate(0x06, 1, 0, 1, 4096), Step.R(0x86, 4096)];
        rig.Run(read).Good();
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { MaxBytes = 4127 });
        rig.Run(read).Refused(0x80, 0, 0);
        Assert.Contains("max-bytes=4127", rig.Log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_search_is_gone_back_to_when_the_length_is_limited()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { MaxCcws = 100 });
        rig.Run([Step.Seek(0, 0), Step.SearchId(0, 0, 12), Step.Tic(1), Step.R(0x06, 4096)]).Good();
        rig.Run([Step.Seek(0, 0), Step.R(0x12, 8), Step.SearchId(0, 0, 12), Step.Tic(1), Step.R(0x06, 4096)]).Refused(0x80, 0, 0);
        rig.Run([Step.Seek(0, 0), Step.Tic(0)]).Refused(0x80, 0, 0);
    }

    [Fact]
    public void A_policy_is_replaced_while_a_program_runs_under_the_old_one()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { MaxCcws = 9 });
        rig.Control |= OrbControl.Suspend;
        uint at = PolicyRig.Program;
        rig.Place(ref at, new Ccw(0x03, CcwFlags.ChainCommand, 0, 0x2_0000));
        rig.Place(ref at, new Ccw(0x03, CcwFlags.ChainCommand | CcwFlags.Suspend, 0, 0x2_0000));
        rig.Place(ref at, new Ccw(0x63, 0, 16, 0x2_0000));
        Step.DefineExtentBytes(0x40, 0, 0).CopyTo(rig.Machine.Memory, 0x2_0000);
        rig.Machine.StartAt(PolicyRig.Program, rig.Control);
        rig.Machine.Await(rig.Machine.Device.IoInterrupt);
        Assert.Equal(ActivityControl.Suspended, rig.Machine.ReadIrb().Scsw.Activity);
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { MaxCcws = 1 });
        rig.Machine.Memory.AsSpan(0x2_0000, 16).Fill(0xFF); // nor does the argument change
        rig.Machine.Resume();
        rig.Machine.Await(rig.Machine.Device.IoInterrupt);
        rig.Machine.ReadIrb().Good();
        rig.Run([Step.Nop, Step.Nop]).Refused(0x80, 0, 0);
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd));
        Assert.Null(rig.Machine.Device.Policy);
        rig.Run([Step.Nop, Step.Nop]).Good();
    }

    [Theory]
    [InlineData(RegionLayout.CommandHalt)]
    [InlineData(RegionLayout.CommandClear)]
    public void A_refused_program_leaves_a_halt_or_clear_that_is_under_way_to_its_end(uint command)
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { MaxCcws = 1 });
        VfioCcwDevice device = rig.Machine.Device;
        Assert.Equal(RegionLayout.CmdSize, device.WriteRegion(RegionIndex.Cmd, 0, BitConverter.GetBytes((ulong)command)));
        rig.Put([Step.Nop, Step.Nop]);
        Assert.Equal(RegionLayout.IoSize, device.WriteRegion(RegionIndex.Io, 0, Subchannel.Machine.Request(PolicyRig.Program)));
        device.GoOn(WorkThread.Caller);
        List<FunctionControl> ended = [];
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                if (device.IoInterrupt.TryTake(out _))
                    ended.Add(rig.Machine.ReadIrb().Scsw.Function);
                return ended.Count == 2;
            },
            Subchannel.Machine.Patience));
        FunctionControl function = command == RegionLayout.CommandHalt ? FunctionControl.Halt : FunctionControl.Clear;
        Assert.Equal([function, FunctionControl.Start], ended.OrderBy(f => f == FunctionControl.Start));
        rig.Run([Step.Nop]).Good();
    }

    [Fact]
    public void A_refused_program_is_pending_until_its_status_is_taken()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { MaxCcws = 1 });
        rig.Put([Step.Nop, Step.Nop]);
        var request = Subchannel.Machine.Request(PolicyRig.Program);
        Assert.Equal(RegionLayout.IoSize, rig.Machine.Device.WriteRegion(RegionIndex.Io, 0, request));
        Assert.True(rig.Machine.Device.HasWork);
        Assert.Equal(DeviceState.Pending, rig.Machine.Device.State);
        Assert.Equal("EBUSY", Subchannel.Machine.Errno(rig.Machine.Command(RegionLayout.CommandHalt)));
        Assert.Equal(8, rig.Machine.Command(RegionLayout.CommandClear));
        rig.Machine.Await(rig.Machine.Device.IoInterrupt);
        Assert.Equal(FunctionControl.Clear, rig.Machine.ReadIrb().Scsw.Function);
        Assert.Single(rig.Log.Lines);
        rig.Run([Step.Nop, Step.Nop]).Refused(0x80, 0, 0);
    }

    [Theory]
    [InlineData("READ_DATA.86.psf:18/0e", true)]
    [InlineData("psf:18/0e/1", false)]
    [InlineData("psf:", false)]
    [InlineData("PEEK", false)]
    [InlineData("", false)]
    [InlineData("06.", false)]
    public void Lists_are_read(string text, bool good) => Assert.Equal(good, CommandList.TryParse(text, Families.Eckd, out _) is null);

    [Theory]
    [InlineData("0-9", true)]
    [InlineData("0/3-9/14.12", true)]
    [InlineData("9-0", false)]
    [InlineData("0/15", false)]
    [InlineData("1-2-3", false)]
    [InlineData("-1", false)]
    [InlineData("", false)]
    public void Ranges_are_read(string text, bool good) => Assert.Equal(good, ExtentRanges.TryParse(text, Families.Eckd, out _) is null);

    [Fact]
    public void A_policy_is_shown_as_it_is_written()
    {
        var policy = new DevicePolicy(Families.Eckd)
        {
            ReadOnly = true,
            Deny = PolicyRig.Commands("dso:81"),
            Extents = PolicyRig.Tracks("0-9"),
            MaxBytes = 5,
        };
        Assert.Equal("readonly deny=dso:81 extents=0-9 max-bytes=5", policy.ToString());
        Assert.Equal(policy, policy with { Extents = PolicyRig.Tracks("0-9") });
        Assert.Equal("none", new DevicePolicy(Families.Eckd).ToString());
    }

    private static Step Prepare(byte suborder) => Step.W(0x27, [0x18, 0, 0, 0, 0, 0x50, suborder, 0, 0, 0, 0, 0]);
}
