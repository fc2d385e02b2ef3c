using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Fba;
using CcwFs.Tests.Eckd;

namespace CcwFs.Tests.ControlUnit;

/// <summary>What every device kind on the base must do, over each of them: sense, identity, reserve, reset.</summary>
public abstract class UnitConformanceTests : IDisposable
{
    private readonly List<IChannelDevice> _devices = [];

    private protected UnitConformanceTests()
    {
    }

    /// <summary>SENSE ID as it must be.</summary>
    private protected abstract byte[] SenseId { get; }

    private protected abstract int SenseSize { get; }

    /// <summary>A command that works, is no common one, and may come first.</summary>
    private protected abstract Step Own { get; }

    /// <summary>A code that the kind does not know.</summary>
    private protected abstract byte Unknown { get; }

    /// <summary>The commands of path groups, where the kind has them.</summary>
    private protected virtual Step[] PathCommands => [];

    private protected abstract IChannelDevice Make(ushort number);

    public void Dispose()
    {
        _devices.ForEach(d => d.Dispose());
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Sense_id_says_what_the_device_is()
    {
        IChannelDevice device = New();
        Outcome outcome = device.Run(Step.R(0xE4, SenseId.Length)).Ok();
        Assert.Equal(Convert.ToHexString(SenseId), Convert.ToHexString(outcome.Data[0]));
        DeviceIdentity identity = device.Identity;
        Assert.Equal(
            (identity.ControlUnitType, identity.ControlUnitModel, identity.DeviceType, identity.DeviceModel),
            ((ushort)((SenseId[1] << 8) | SenseId[2]), SenseId[3], (ushort)((SenseId[4] << 8) | SenseId[5]), SenseId[6]));
    }

    [Fact]
    public void An_unknown_command_is_refused_with_sense_that_can_be_taken_once()
    {
        IChannelDevice device = New();
        Refuse(device);
        byte[] sense = new byte[64];
        Assert.Equal(SenseSize, device.TakeSense(sense));
        Assert.NotEqual(0, sense[0]);
        Assert.Equal(0, device.TakeSense(sense));
    }

    [Fact]
    public void Sense_outlives_no_operation_and_is_given_once_by_sense()
    {
        IChannelDevice device = New();
        Refuse(device);
        device.Run(Step.Nop).Ok();
        byte[] sense = device.Run(Step.R(0x04, SenseSize)).Ok().Data[0];
        Assert.NotEqual(0, sense[0]);
        Assert.Equal(0, device.Run(Step.R(0x04, SenseSize)).Ok().Data[0][0]);
        Assert.Equal(0, device.TakeSense(sense));
    }

    [Fact]
    public void Any_other_command_makes_sense_void()
    {
        IChannelDevice device = New();
        foreach (Step step in (Step[])[Own, Step.R(0xE4, SenseId.Length), .. PathCommands, Step.R(0xB4, SenseSize), Step.R(0x94, SenseSize)])
        {
            Refuse(device);
            device.Run(step).Ok();
            Assert.Equal((step.Code, 0), (step.Code, device.TakeSense(new byte[64])));
        }
    }

    [Fact]
    public void Only_the_first_command_may_be_one_of_paths_and_reserve()
    {
        IChannelDevice device = New();
        foreach (Step step in (Step[])[.. PathCommands, Step.R(0xB4, SenseSize), Step.R(0x14, SenseSize)])
        {
            Outcome outcome = device.Run(Step.Nop, step);
            Assert.Equal((step.Code, 1, UnitCheck), (step.Code, outcome.Last, outcome.Status));
        }
        device.Run(Step.Nop, Step.R(0x94, SenseSize)).Ok();
    }

    [Fact]
    public void A_reserve_makes_the_others_busy_and_its_end_brings_the_device_end_that_they_are_owed_once()
    {
        IChannelDevice holder = New(), other = New(), idle = New();
        List<string> told = Told(("holder", holder), ("other", other), ("idle", idle));
        holder.Run(Step.R(0xB4, SenseSize)).Ok();
        Assert.Equal(DeviceStatus.Busy, other.Run(Own).Status);
        holder.Run(Own).Ok();
        foreach (Step step in (Step[])[Step.R(0xE4, SenseId.Length), Step.R(0x04, SenseSize), .. PathCommands])
            other.Run(step).Ok();
        Assert.Empty(told);
        holder.Run(Step.R(0x94, SenseSize)).Ok();
        Assert.Equal(["other"], told);
        other.Run(Own).Ok();
        holder.Run(Step.R(0xB4, SenseSize), Step.R(0x94, SenseSize)).Ok();
        Assert.Equal(["other"], told);
    }

    [Fact]
    public void An_unconditional_reserve_takes_the_unit_ends_the_others_program_and_says_so_once()
    {
        IChannelDevice former = New(), thief = New();
        former.Run(Step.R(0xB4, SenseSize)).Ok();
        former.BeginProgram(0);
        Assert.Equal(Outcome.Good, former.Execute(0x03, new FakeTransfer(Step.Nop)));
        thief.Run(Step.R(0x14, SenseSize)).Ok();
        Assert.Equal(UnitCheck, former.Execute(0x03, new FakeTransfer(Step.Nop)));
        Assert.Equal(SenseSize, former.TakeSense(new byte[64]));
        former.EndProgram(UnitCheck);
        Assert.Equal(DeviceStatus.Busy, former.Run(Step.Nop).Status);
        List<string> told = Told(("former", former));
        thief.Run(Step.R(0x94, SenseSize)).Ok();
        Assert.Equal(["former"], told);
        former.Run(Step.Nop).Ok();
    }

    [Fact]
    public void A_reserve_waits_for_programs_that_run()
    {
        IChannelDevice running = New(), reserving = New();
        List<string> told = Told(("reserving", reserving));
        running.BeginProgram(0);
        Assert.Equal(Outcome.Good, running.Execute(0x03, new FakeTransfer(Step.Nop)));
        Assert.Equal(DeviceStatus.Busy, reserving.Run(Step.R(0xB4, SenseSize)).Status);
        Assert.Equal(Outcome.Good, running.Execute(Own.Code, new FakeTransfer(Own)));
        Assert.Empty(told);
        running.EndProgram(Outcome.Good);
        Assert.Equal(["reserving"], told);
        Assert.Equal(DeviceStatus.Busy, running.Run(Step.Nop).Status);
        reserving.Run(Step.R(0xB4, SenseSize)).Ok();
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("end")]
    public void A_system_reset_frees_the_reserve_and_so_does_the_devices_end(string how)
    {
        IChannelDevice holder = New(), other = New();
        holder.Run(Step.R(0xB4, SenseSize)).Ok();
        holder.AbandonProgram(reset: false);
        Assert.Equal(DeviceStatus.Busy, other.Run(Own).Status);
        List<string> told = Told(("other", other));
        if (how == "end")
            holder.Dispose();
        else
            holder.AbandonProgram(reset: true);
        Assert.Equal(["other"], told);
        other.Run(Own).Ok();
    }

    [Fact]
    public void A_reset_forgets_sense_and_what_the_device_lost()
    {
        IChannelDevice former = New(), thief = New();
        former.Run(Step.R(0xB4, SenseSize)).Ok();
        thief.Run(Step.R(0x14, SenseSize), Step.R(0x94, SenseSize)).Ok();
        former.AbandonProgram(reset: true);
        former.Run(Own).Ok();
        Refuse(former);
        former.AbandonProgram(reset: true);
        Assert.Equal(0, former.TakeSense(new byte[64]));
    }

    [Fact]
    public void A_start_that_was_given_up_while_busy_leaves_nothing_behind()
    {
        IChannelDevice running = New(), reserving = New();
        List<string> told = Told(("reserving", reserving));
        running.BeginProgram(0);
        Assert.Equal(Outcome.Good, running.Execute(0x03, new FakeTransfer(Step.Nop)));
        Assert.Equal(DeviceStatus.Busy, reserving.Run(Step.R(0xB4, SenseSize)).Status);
        reserving.AbandonProgram(reset: false);
        running.EndProgram(Outcome.Good);
        running.Run(Own).Ok();
        Assert.Empty(told);
    }

    private protected static DeviceStatus UnitCheck => Outcome.Good | DeviceStatus.UnitCheck;

    private protected IChannelDevice New()
    {
        IChannelDevice device = Make((ushort)(0x0150 + _devices.Count));
        _devices.Add(device);
        return device;
    }

    /// <summary>Unit check whose sense nobody takes.</summary>
    private void Refuse(IChannelDevice device)
    {
        device.BeginProgram(0);
        Assert.Equal(UnitCheck, device.Execute(Unknown, new FakeTransfer(Step.R(Unknown, 1))));
        Assert.Equal(UnitCheck, device.EndProgram(UnitCheck));
    }

    private protected static List<string> Told(params (string Name, IChannelDevice Device)[] devices)
    {
        var told = new List<string>();
        foreach ((string name, IChannelDevice device) in devices)
            device.NoLongerBusy = () => told.Add(name);
        return told;
    }

}

/// <summary>What a kind must do that has path groups too.</summary>
public abstract class GroupedConformanceTests : UnitConformanceTests
{
    private static readonly byte[] _id = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    private static readonly byte[] _otherId = [.. _id.Reverse()];

    private protected GroupedConformanceTests()
    {
    }

    private protected override Step[] PathCommands { get; } = [Step.R(0x34, 12), Step.W(0xAF, [0x80, .. _id])];

    [Fact]
    public void A_path_is_in_one_group_at_a_time_and_shares_the_groups_reserve()
    {
        IChannelDevice device = New();
        foreach (int path in (int[])[0, 1])
            device.RunOn(path, Step.W(0xAF, [0x80, .. _id])).Ok();
        Assert.Equal(UnitCheck, device.RunOn(1, Step.W(0xAF, [0x80, .. _otherId])).Status);
        Assert.Equal(UnitCheck, device.RunOn(1, Step.W(0xAF, [0xC0, .. _otherId])).Status);
        Assert.Equal(UnitCheck, device.RunOn(1, Step.W(0xAF, new byte[12])).Status);
        Assert.Equal(UnitCheck, device.RunOn(1, Step.W(0xAF, [0x81, .. _id])).Status);
        Assert.Equal(UnitCheck, device.RunOn(1, Step.W(0xAF, _id)).Status);
        Assert.Equal((byte[])[0xC8, .. _id], device.RunOn(1, Step.R(0x34, 12)).Ok().Data[0]);
        device.RunOn(0, Step.R(0xB4, SenseSize)).Ok();
        device.RunOn(1, Own).Ok();
        Assert.Equal(DeviceStatus.Busy, device.RunOn(2, Own).Status);
        Assert.Equal((0xF8, 0xF8, 0x20), (State(device, 0), State(device, 1), State(device, 2)));
        device.LosePath(0);
        Assert.Equal((0x20, 0xF8), (State(device, 0), State(device, 1)));
        device.LosePath(1);
        Assert.Equal((0, 0), (State(device, 0), State(device, 1)));
        device.RunOn(2, Own).Ok();
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("end")]
    public void A_system_reset_frees_reserve_and_groups_and_so_does_the_devices_end(string how)
    {
        IChannelDevice holder = New(), other = New();
        holder.Run(Step.W(0xAF, [0x80, .. _id])).Ok();
        holder.Run(Step.R(0xB4, SenseSize)).Ok();
        holder.AbandonProgram(reset: false);
        Assert.Equal(0xF8, State(holder, 0));
        Assert.Equal(DeviceStatus.Busy, other.Run(Own).Status);
        List<string> told = Told(("other", other));
        if (how == "end")
            holder.Dispose();
        else
            holder.AbandonProgram(reset: true);
        Assert.Equal(["other"], told);
        other.Run(Own).Ok();
        if (how == "reset")
            Assert.Equal(0, State(holder, 0));
    }

    private static int State(IChannelDevice device, int path) => device.RunOn(path, Step.R(0x34, 12)).Ok().Data[0][0];
}

/// <summary>The emulated DASD.</summary>
public sealed class EckdConformanceTests : GroupedConformanceTests
{
    private readonly EckdVolume _volume = new(new FakeStore(10, readOnly: false));

    private protected override byte[] SenseId => Convert.FromHexString("FF3990E933900A0040FA0100");

    private protected override int SenseSize => 32;

    private protected override Step Own => Step.Seek(0, 0);

    private protected override byte Unknown => 0xFF;

    private protected override IChannelDevice Make(ushort number) => new EckdDevice(_volume, new EckdOptions(new DeviceId(0, 0, number)));
}

/// <summary>The emulated disk of blocks, which has no path groups.</summary>
public sealed class FbaConformanceTests : UnitConformanceTests
{
    private readonly FbaVolume _volume = new(new MemoryBlockStore(new BlockGeometry(512, 100)));

    private protected override byte[] SenseId => Convert.FromHexString("FF631001933610");

    private protected override int SenseSize => 24;

    private protected override Step Own => Step.R(0x64, 32);

    private protected override byte Unknown => 0x34;

    private protected override IChannelDevice Make(ushort number) => new FbaDevice(_volume, new FbaOptions(new DeviceId(0, 0, number)));
}

/// <summary>The least device kind.</summary>
public sealed class CounterConformanceTests : GroupedConformanceTests
{
    private readonly SharedUnit _unit = new();

    private protected override byte[] SenseId => Convert.FromHexString("FFC0C0010C0C02");

    private protected override int SenseSize => 2;

    private protected override Step Own => Step.R(0x02, 4);

    private protected override byte Unknown => 0xFF;

    private protected override IChannelDevice Make(ushort number) => new Counter(_unit, number);

    [Fact]
    public void A_familys_own_rules_and_sense_are_the_familys()
    {
        using var device = new Counter(_unit, 0x0001);
        device.Run(Step.W(0x01, 1, 2, 3, 4)).Ok();
        Outcome refused = device.Run(Step.R(0x02, 4), Step.W(0x01, 5, 6, 7, 8));
        Assert.Equal((1, 1 + (int)UnitFault.InvalidSequence, 4), (refused.Last, refused.Sense[0], refused.Sense[1]));
        Assert.Equal((byte[])[1, 2, 3, 4], device.Run(Step.R(0x02, 4)).Ok().Data[0]);
    }

    [Fact]
    public void A_program_has_its_allegiance_until_device_end_which_comes_once()
    {
        using Counter moving = new(_unit, 0x0001), reserving = new(_unit, 0x0002);
        var heard = new List<string>();
        moving.DeviceEnd = status => heard.Add($"{status}");
        reserving.NoLongerBusy = () => heard.Add("free");
        Assert.Equal(DeviceStatus.ChannelEnd, moving.Run(Step.R(0x07, 0)).Status);
        Assert.Equal(DeviceStatus.Busy, reserving.Run(Step.R(0xB4, SenseSize)).Status);
        Assert.Empty(heard);
        moving.Finish();
        moving.Finish();
        Assert.Equal(["DeviceEnd", "free"], heard);
        reserving.Run(Step.R(0xB4, SenseSize)).Ok();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_that_was_told_to_give_up_brings_no_device_end(bool reset)
    {
        using Counter moving = new(_unit, 0x0001), reserving = new(_unit, 0x0002);
        moving.DeviceEnd = _ => Assert.Fail("device end of a command that was given up");
        moving.Run(Step.R(0x07, 0));
        moving.AbandonProgram(reset);
        moving.Finish();
        reserving.Run(Step.R(0xB4, SenseSize)).Ok();
    }

    [Fact]
    public void A_command_that_waits_passes_the_gate_once_and_hears_of_a_steal()
    {
        using Counter waiting = new(_unit, 0x0001), other = new(_unit, 0x0002);
        waiting.Ready = false;
        waiting.BeginProgram(0);
        Assert.Equal(DeviceStatus.None, waiting.Execute(0x06, new FakeTransfer(Step.R(0x06, 4))));
        Assert.Equal(DeviceStatus.Busy, other.Run(Step.R(0xB4, SenseSize)).Status);
        Assert.Equal(DeviceStatus.None, waiting.Execute(0x06, new FakeTransfer(Step.R(0x06, 4))));
        waiting.Ready = true;
        Assert.Equal(Outcome.Good, waiting.Execute(0x06, new FakeTransfer(Step.R(0x06, 4))));
        waiting.EndProgram(Outcome.Good);
        other.AbandonProgram(reset: true);
        waiting.Ready = false;
        waiting.BeginProgram(0);
        Assert.Equal(DeviceStatus.None, waiting.Execute(0x06, new FakeTransfer(Step.R(0x06, 4))));
        other.Run(Step.R(0x14, SenseSize)).Ok();
        waiting.Ready = true;
        Assert.Equal(Outcome.Good | DeviceStatus.UnitCheck, waiting.Execute(0x06, new FakeTransfer(Step.R(0x06, 4))));
    }

    [Fact]
    public void A_unit_that_is_gone_takes_no_device_and_executes_nothing()
    {
        using var device = new Counter(_unit, 0x0001);
        _unit.IsGone = true;
        Assert.Equal(1 + (int)UnitFault.Gone, device.Run(Own).Sense[0]);
        Assert.Throws<ObjectDisposedException>(() => new Counter(_unit, 0x0002));
    }
}
