using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Policy;
using CcwFs.Tests.Eckd;

namespace CcwFs.Tests.Policy;

/// <summary>readonly and extents: what may be written, whichever way the arguments come.</summary>
public sealed class WriteRuleTests
{
    private static readonly DevicePolicy s_cylinderOne = new(Families.Eckd) { Extents = PolicyRig.Tracks("1-1") };
    private static readonly byte[] s_block = [.. Enumerable.Repeat((byte)0xAB, 4096)];

    public static TheoryData<Shape> Shapes => [.. Enum.GetValues<Shape>()];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Inside_the_extents_a_program_writes_and_outside_nothing_of_it_runs(Shape shape)
    {
        using var rig = new PolicyRig(s_cylinderOne);
        rig.Run(Update(15), shape).Good();
        Assert.Equal(s_block, rig.Track(15)[..4096]);
        byte[] before = rig.Track(0);
        Irb irb = rig.Run(Update(0), shape).WriteInhibited();
        Assert.Equal(before, rig.Track(0));
        Assert.InRange(irb.Scsw.CcwAddress, PolicyRig.Program + Ccw.Size, PolicyRig.Program + 0x40);
        string line = Assert.Single(rig.Log.Lines);
        Assert.Contains("LOCATE_RECORD", line, StringComparison.Ordinal);
        Assert.Contains("extents=1-1", line, StringComparison.Ordinal);
        Assert.Contains("0.0.0000", line, StringComparison.Ordinal);
        Assert.Matches("address=0002[23]", line); // the guest's own
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Reading_goes_everywhere(Shape shape)
    {
        using var rig = new PolicyRig(s_cylinderOne with { ReadOnly = true });
        rig.Run([Step.Extent(0x40, 0, 149), Step.Locate(0x06, 1, 0, 1, 4096), Step.R(0x86, 4096)], shape).Good();
        rig.Run([Step.Seek(0, 0), Step.SearchId(0, 0, 1), Step.Tic(1), Step.R(0x06, 4096)], shape).Good();
        Assert.Empty(rig.Log.Lines);
    }

    public static TheoryData<string> Writers => [.. s_writers.Keys];

    private static readonly Dictionary<string, Step[]> s_writers = new()
    {
        ["update"] = Update(15),
        ["format"] = [Step.Extent(0x00, 15, 15), Step.Locate(0x03, 1, 15, 0, 4096), Step.W(0x1D, Step.Count(1, 0, 1, 0, 4096)).WithSli()],
        ["search and write"] = [Step.Extent(0x80, 15, 15), Step.Seek(1, 0), Step.SearchId(1, 0, 1), Step.Tic(2), Step.W(0x05, s_block)],
        ["erase"] =
            [Step.Extent(0x00, 15, 15), Step.Seek(1, 0), Step.SearchId(1, 0, 1), Step.Tic(2), Step.W(0x11, Step.Count(1, 0, 2, 0, 8)).WithSli()],
        ["prefix"] = [Prefix(15, 0x01, 0, 4096), Step.W(0x85, s_block)],
        ["full track"] = [Prefix(15, 0x3F, 0x11, 0), Step.Sized(0x95, 57_326).WithSli()],
        ["track data"] = [Prefix(15, 0x3F, 0x23, 4096), Step.Sized(0xA5, 4096)],
        ["locate extended"] = [Step.Extent(0x80, 15, 15), LocateExtended(15, 0x3F, 0x23, 4096), Step.Sized(0xA5, 4096)],
        ["home address"] = [Step.Extent(0xC0, 15, 15), Step.Seek(1, 0), Step.Sized(0x19, 5)],
        ["unknown code"] = [Step.Extent(0x00, 15, 15), Step.Seek(1, 0), Step.Sized(0x87, 8)],
        ["diagnostic control"] = [Step.Extent(0x00, 15, 15), Step.Seek(1, 0), Step.Sized(0xF3, 4)],
    };

    [Theory]
    [MemberData(nameof(Writers))]
    public void Every_write_is_inhibited_when_nothing_may_be_written(string writer)
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        byte[] before = rig.Track(15);
        rig.Run(s_writers[writer]).WriteInhibited();
        Assert.Equal(before, rig.Track(15));
    }

    [Theory]
    [MemberData(nameof(Writers))]
    public void Every_write_is_inhibited_when_its_extent_is_outside_or_missing(string writer)
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { Extents = PolicyRig.Tracks("2-3.5/0-5/14") });
        byte[] before = rig.Track(15);
        rig.Run(s_writers[writer]).WriteInhibited();
        Assert.Equal(before, rig.Track(15));
        rig.Machine.Device.SetPolicy(s_cylinderOne);
        if (s_writers[writer][0].Code == 0x63)
            rig.Run(s_writers[writer][1..]).WriteInhibited();
    }

    [Theory]
    [InlineData("update")]
    [InlineData("format")]
    [InlineData("search and write")]
    [InlineData("erase")]
    [InlineData("prefix")]
    [InlineData("track data")]
    [InlineData("locate extended")]
    public void And_done_when_its_extent_is_inside(string writer)
    {
        using var rig = new PolicyRig(s_cylinderOne);
        byte[] before = rig.Track(15);
        rig.Run(s_writers[writer]).Good();
        Assert.Empty(rig.Log.Lines);
        rig.Machine.Device.SetPolicy(null);
    }

    [Fact]
    public void A_head_that_was_moved_before_the_extent_was_defined_may_stand_anywhere()
    {
        using var rig = new PolicyRig(s_cylinderOne);
        byte[] before = rig.Track(0);
        Step[] program = [Step.Seek(0, 0), Step.Extent(0x00, 15, 15), Step.SearchId(0, 0, 1), Step.Tic(2), Step.W(0x05, s_block)];
        rig.Run(program).WriteInhibited();
        Assert.Equal(before, rig.Track(0));
    }

    [Fact]
    public void Every_order_of_execution_counts()
    {
        using var rig = new PolicyRig(s_cylinderOne);
        // Status modifier may skip the extent that may be written, and then the one before it holds.
        Step skipped = Step.Extent(0x00, 0, 0);
        rig.Run([skipped, Step.Seek(0, 0), Step.SearchId(0, 0, 1), Step.Extent(0x00, 15, 15), Step.Locate(0x01, 1, 15, 1, 4096),
            Step.W(0x85, s_block)])
            .WriteInhibited();
        // A transfer over the extent, into the middle.
        rig.Run([Step.Nop, Step.Tic(3), Step.Extent(0x00, 15, 15), Step.Locate(0x01, 1, 15, 1, 4096), Step.W(0x85, s_block)]).WriteInhibited();
        // The same, told from what is only there and never reached.
        rig.Run([Step.Nop, Step.Tic(3), Step.W(0x85, s_block), Step.Extent(0x00, 15, 15), Step.Locate(0x01, 1, 15, 1, 4096), Step.W(0x85, s_block)])
            .Good();
    }

    [Theory]
    [InlineData(0x85)]
    [InlineData(0x06)] // judged by its code as the command it would be
    public void A_command_in_the_middle_of_chained_data_is_refused(byte code)
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        uint at = PolicyRig.Program;
        rig.Place(ref at, new Ccw(0x03, CcwFlags.ChainCommand, 1, 0x2_0000));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 0x20));
        rig.Place(ref at, new Ccw(0x03, CcwFlags.ChainCommand, 1, 0x2_0000));
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainData, 8, 0x2_0000));
        rig.Place(ref at, new Ccw(code, CcwFlags.ChainCommand, 8, 0x2_0008));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 0x10));
        rig.Place(ref at, new Ccw(0x03, 0, 1, 0x2_0000));
        Irb irb = rig.Machine.Run(PolicyRig.Program);
        Assert.Equal(DeviceStatus.UnitCheck, irb.Scsw.Device & DeviceStatus.UnitCheck);
        Assert.Single(rig.Log.Lines);
    }

    [Fact]
    public void Chained_data_that_runs_in_a_circle_or_through_two_commands_is_refused()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        uint at = PolicyRig.Program;
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainData, 8, 0x2_0000));
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainData, 8, 0x2_0000));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 8));
        rig.Place(ref at, new Ccw(0x03, 0, 1, 0x2_0000));
        rig.Machine.Run(PolicyRig.Program).Refused(0x80, 0, 2);

        at = PolicyRig.Program;
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainData, 8, 0x2_0000));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 0x20));
        rig.Place(ref at, new Ccw(0x27, CcwFlags.ChainData, 8, 0x2_0000));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 0x20));
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainCommand, 8, 0x2_0000));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 0x10));
        rig.Machine.Run(PolicyRig.Program).Refused(0x80, 0, 2);
    }

    [Fact]
    public void The_imbedded_command_of_a_locate_record_extended_is_judged_as_a_command()
    {
        byte[] locate = LocateExtended(15, 0x06, 0, 0).Out;
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        (locate[1], locate[2]) = (0x20, 0x85);
        rig.Run([Step.Extent(0x40, 15, 15), Step.W(0x4B, locate), Step.R(0x86, 4096)]).WriteInhibited();
        byte[] prefix = Prefix(15, 0x06, 0, 0).Out;
        (prefix[45], prefix[46]) = (0x20, 0x85);
        rig.Run([Step.W(0xE7, prefix), Step.R(0x86, 4096)]).WriteInhibited();
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Deny = PolicyRig.Commands("85") });
        rig.Run([Step.Extent(0x40, 15, 15), Step.W(0x4B, locate), Step.R(0x86, 4096)]).Refused(0x80, 0, 1);
        rig.Run([Step.W(0xE7, prefix), Step.R(0x86, 4096)]).Refused(0x80, 0, 1);
        Assert.All(rig.Log.Lines[2..], l => Assert.Contains("(imbedded WRITE_UPDATE_DATA)", l, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Space_is_released_inside_the_extents_alone(Shape shape)
    {
        using var rig = new PolicyRig(s_cylinderOne, spaceEfficient: true);
        rig.Run([Release(15, 29)], shape).Good();
        rig.Run([Release(15, 30)], shape).WriteInhibited();
        rig.Run([Release(0, 29)], shape).WriteInhibited();
        byte[] whole = Release(15, 29).Out[..24];
        (whole[2], whole[21]) = (0, 0);
        rig.Run([Step.W(0xF7, whole)], shape).WriteInhibited();
        rig.Machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        rig.Run([Release(15, 29)], shape).WriteInhibited();
    }

    [Fact]
    public void An_argument_that_is_short_or_too_long_is_refused()
    {
        using var rig = new PolicyRig(s_cylinderOne);
        rig.Run([Step.W(0x63, Step.DefineExtentBytes(0, 15, 15)[..15])]).Refused(0x80, 0, 3);
        rig.Run([Step.Extent(0, 15, 15, extended: 0x02)]).Refused(0x80, 0, 3);
        rig.Run([Step.Sized(0x63, 4096)]).Refused(0x80, 0, 2);
        byte[] prefix = Prefix(15, 0x06, 0, 0).Out;
        prefix[0] = 3;
        rig.Run([Step.W(0xE7, prefix)]).Refused(0x80, 0, 4);
        rig.Run([PrefixWithOrder(15, [0x18, 0, 0, 0, 0, 0, 0x41])]).Refused(0x80, 0, 3);
        rig.Run([PrefixWithOrder(15, [])]).Refused(0x80, 0, 3);
    }

    internal static Step[] Update(int track) => [Step.Extent(0x80, track, track), Step.Locate(0x01, 1, track, 1, 4096), Step.W(0x85, s_block)];

    internal static Step LocateExtended(int track, byte operation, byte extended, int length)
    {
        byte[] plain = Step.Locate(operation, 1, track, extended == 0x11 ? 0 : 1, length).Out;
        return Step.W(0x4B, [.. plain, 0, extended, 0, (byte)(extended == 0x11 ? 2 : 0), .. extended == 0x11 ? new byte[] { 0x80, 0 } : []]);
    }

    internal static Step PrefixWithOrder(int track, byte[] order) =>
        Step.W(0xE7, [2, 0x80, .. new byte[10], .. Step.DefineExtentBytes(0x40, track, track), .. new byte[34], .. order]);

    internal static Step Prefix(int track, byte operation, byte extended, int length)
    {
        byte[] head = [1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        return Step.W(0xE7, [.. head, .. Step.DefineExtentBytes(operation == 0x06 ? (byte)0x40 : (byte)0xC0, track, track), .. new byte[16],
            .. LocateExtended(track, operation, extended, length).Out]);
    }

    private static Step Release(int first, int last)
    {
        byte[] bytes = new byte[32];
        (bytes[0], bytes[2], bytes[4], bytes[5], bytes[21]) = (0x81, 0x20, 0x01, 0x50, 1);
        Step.Cchhr(first / 15, first % 15, 0).AsSpan(0, 4).CopyTo(bytes.AsSpan(24));
        Step.Cchhr(last / 15, last % 15, 0).AsSpan(0, 4).CopyTo(bytes.AsSpan(28));
        return Step.W(0xF7, bytes);
    }
}
