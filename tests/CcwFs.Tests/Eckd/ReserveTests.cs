using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>Reserve: who holds it, and which command comes from whom over which path.</summary>
public sealed class ReserveTests
{
    private static readonly byte[] _group = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    /// <summary>Commands that pass a reserve, and some that do not, with the steps to give them.</summary>
    public static TheoryData<byte, bool> Commands() => new()
    {
        { 0xE4, true }, { 0x04, true }, { 0xFA, true }, { 0x34, true }, { 0xAF, true }, { 0x14, true },
        { 0x03, false }, { 0x64, false }, { 0x27, false }, { 0x07, false }, { 0x63, false }, { 0x02, false }, { 0xB4, false }, { 0x94, false },
        { 0x54, false }, { 0xE7, false }, { 0xFF, false },
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public void Only_the_holder_and_its_path_group_pass_with_all_commands(byte code, bool passes)
    {
        foreach (string who in (string[])["holder", "group", "other path", "other device", "nobody holds"])
        {
            using var rig = new Rig();
            using EckdDevice other = rig.Add(0x0151);
            foreach (int path in (int[])[0, 1])
                rig.Device.RunOn(path, Step.W(0xAF, [0x80, .. _group])).Ok();
            if (who != "nobody holds")
                rig.Device.Run(Step.R(0xB4, 32)).Ok();
            EckdDevice device = who == "other device" ? other : rig.Device;
            Outcome outcome = device.RunOn(who switch { "group" => 1, "other path" => 2, _ => 0 }, Any(code));
            bool mayPass = passes || who is "holder" or "group" or "nobody holds";
            Assert.True(mayPass == (outcome.Status != DeviceStatus.Busy), $"{code:X2} from {who}: {outcome.Status}");
        }
    }

    [Fact]
    public void SNID_tells_by_path_who_holds_the_volume()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        rig.Device.RunOn(0, Step.W(0xAF, [0x80, .. _group])).Ok();
        rig.Device.RunOn(1, Step.W(0xAF, [0x80, .. _group])).Ok();
        Assert.Equal((0, 0), (State2(rig.Device, 0), State2(other, 0)));
        rig.Device.RunOn(0, Step.R(0xB4, 32)).Ok();
        Assert.Equal((0x30, 0x30, 0x20, 0x20), (State2(rig.Device, 0), State2(rig.Device, 1), State2(rig.Device, 2), State2(other, 0)));
        rig.Device.RunOn(1, Step.R(0x94, 32)).Ok();
        Assert.Equal((0, 0), (State2(rig.Device, 0), State2(other, 0)));
    }

    [Fact]
    public void A_reserve_stays_with_the_group_when_its_path_resigns_or_goes_away_and_ends_with_a_lone_path()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        for (int path = 0; path < 3; path++)
            rig.Device.RunOn(path, Step.W(0xAF, [0x80, .. _group])).Ok();
        rig.Device.RunOn(0, Step.R(0xB4, 32)).Ok();
        rig.Device.RunOn(0, Step.W(0xAF, [0xC0, .. _group])).Ok();
        Assert.Equal((0x20, 0x30, 0x30), (State2(rig.Device, 0), State2(rig.Device, 1), State2(rig.Device, 2)));
        rig.Device.LosePath(1);
        Assert.Equal((0x20, 0x30, 0x20), (State2(rig.Device, 1), State2(rig.Device, 2), State2(other, 0)));
        Assert.Equal(new byte[11], rig.Device.RunOn(1, Step.R(0x34, 12)).Ok().Data[0][1..]);
        rig.Device.LosePath(2);
        Assert.Equal((0, 0), (State2(rig.Device, 2), State2(other, 0)));
    }

    [Fact]
    public void A_reserve_waits_for_a_running_program_and_nobody_begins_before_it()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151), third = rig.Add(0x0152);
        bool told = false;
        other.NoLongerBusy = () => told = true;
        rig.Device.BeginProgram(0);
        Assert.Equal(Outcome.Good, rig.Device.Execute(0x03, new FakeTransfer(Step.Nop)));
        Assert.Equal(DeviceStatus.Busy, Begin(other, 0xB4));
        Assert.Equal(DeviceStatus.Busy, Begin(third, 0x03));
        Assert.Equal(Outcome.Good, rig.Device.Execute(0x03, new FakeTransfer(Step.Nop)));
        Assert.False(told);
        rig.Device.EndProgram(Outcome.Good);
        Assert.True(told);
        other.Run(Step.R(0xB4, 32)).Ok();
        Assert.Equal(DeviceStatus.Busy, Begin(third, 0x03));
    }

    [Fact]
    public void A_reserve_that_was_waiting_when_its_program_was_ended_is_void()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        rig.Device.BeginProgram(0);
        rig.Device.Execute(0x03, new FakeTransfer(Step.Nop));
        Begin(other, 0xB4);
        other.AbandonProgram(reset: false);
        rig.Device.EndProgram(Outcome.Good);
        rig.Device.Run(Step.Nop).Ok();
        Assert.Equal(0, State2(rig.Device, 0));
    }

    [Fact]
    public void A_steal_ends_running_programs_and_tells_the_former_holder_once()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        rig.Device.Run(Step.R(0xB4, 32)).Ok();
        rig.Device.BeginProgram(0);
        rig.Device.Execute(0x03, new FakeTransfer(Step.Nop));
        other.Run(Step.R(0x14, 32)).Ok();
        Assert.Equal(Outcome.Good | DeviceStatus.UnitCheck, rig.Device.Execute(0x03, new FakeTransfer(Step.Nop)));
        rig.Device.EndProgram(Outcome.Good | DeviceStatus.UnitCheck);
        byte[] sense = new byte[32];
        Assert.Equal(32, rig.Device.TakeSense(sense));
        Assert.Equal((0x3F, 0x80), (sense[7], sense[27] & 0x80)); // what Linux takes as "reservation lost"
        Assert.Equal(DeviceStatus.Busy, Begin(rig.Device, 0x03));
        other.Run(Step.R(0x94, 32)).Ok();
        rig.Device.Run(Step.Nop).Ok();
    }

    private static DeviceStatus Begin(EckdDevice device, byte code)
    {
        device.BeginProgram(0);
        return device.Execute(code, new FakeTransfer(Step.R(code, 32)));
    }

    private static int State2(EckdDevice device, int path) => device.RunOn(path, Step.R(0x34, 12)).Ok().Data[0][0] & 0x30;

    private static Step Any(byte code) => code switch
    {
        0xAF => Step.W(code, [0x80, .. _group]),
        0x27 => OrderTests.Prepare(0x41),
        0x07 => Step.Seek(0, 0),
        0x63 => Step.Extent(0, 0, 1),
        0x03 => Step.Nop,
        _ => Step.R(code, 300).WithSli(),
    };
}
