using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>Several devices on one volume, several paths on one device.</summary>
public sealed class SharingTests
{
    private static readonly byte[] _id = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    private static readonly byte[] _otherId = [.. _id.Reverse()];

    [Fact]
    public void Only_some_commands_run_while_another_device_has_reserved()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        Assert.Equal(0x80, rig.Device.Run(Step.R(0xB4, 32)).Ok().Data[0][27]);
        foreach (byte code in (byte[])[0x03, 0x64, 0x07, 0x63, 0x02, 0xB4, 0x94, 0x27, 0x00])
            Assert.Equal(DeviceStatus.Busy, other.Run(Step.R(code, 1)).Status);
        other.Run(Step.R(0xE4, 12)).Ok();
        other.Run(Step.R(0x04, 32)).Ok();
        other.Run(Step.R(0xFA, 256)).Ok();
        other.Run(Step.W(0xAF, [0x80, .. _id])).Ok();
        Assert.Equal(0xE8, other.Run(Step.R(0x34, 12)).Ok().Data[0][0]);
        Assert.Equal(0x30, rig.Device.Run(Step.R(0x34, 12)).Ok().Data[0][0]);
    }

    [Fact]
    public void A_device_that_was_busy_is_told_once_when_the_volume_is_released()
    {
        using var rig = new Rig();
        using EckdDevice busy = rig.Add(0x0151), idle = rig.Add(0x0152);
        var heard = new List<string>();
        busy.NoLongerBusy = () => heard.Add("busy");
        idle.NoLongerBusy = () => heard.Add("idle");
        rig.Device.Run(Step.R(0xB4, 32)).Ok();
        busy.Run(Step.Nop);
        rig.Device.Run(Step.R(0x94, 32)).Ok();
        rig.Device.Run(Step.R(0x94, 32)).Ok();
        Assert.Equal(["busy"], heard);
        busy.Run(Step.Seek(0, 0)).Ok();
    }

    [Fact]
    public void Unconditional_reserve_takes_the_volume_away_and_may_be_chained_to_release()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        rig.Device.Run(Step.R(0xB4, 32)).Ok();
        other.Run(Step.R(0x14, 32)).Ok();
        rig.Device.Run(Step.R(0xE4, 12)).Ok();
        rig.Device.Run(Step.Nop).Fails(0x10, 0, 0x3F);
        Assert.Equal(DeviceStatus.Busy, rig.Device.Run(Step.Nop).Status);
        Assert.Contains(rig.Log.Lines, l => l.Contains("0.0.0150", StringComparison.Ordinal) || l.Contains("0.0.0151", StringComparison.Ordinal));
        other.Run(Step.R(0x14, 32), Step.R(0x94, 32)).Ok();
        rig.Device.Run(Step.Nop).Ok();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reserve_ends_with_a_reset_or_with_its_device(bool reset)
    {
        using var rig = new Rig();
        EckdDevice holder = rig.Add(0x0151);
        holder.Run(Step.R(0xB4, 32)).Ok();
        bool told = false;
        rig.Device.NoLongerBusy = () => told = true;
        rig.Device.Run(Step.Nop);
        if (reset)
            holder.AbandonProgram(true);
        else
            holder.Dispose();
        Assert.True(told);
        rig.Device.Run(Step.Nop).Ok();
        holder.Dispose();
    }

    [Fact]
    public void A_halted_program_keeps_its_reserve_and_path_group()
    {
        using var rig = new Rig();
        rig.Device.Run(Step.W(0xAF, [0x80, .. _id])).Ok();
        rig.Device.Run(Step.R(0xB4, 32)).Ok();
        rig.Device.AbandonProgram(false);
        Assert.Equal(0xF8, rig.Device.Run(Step.R(0x34, 12)).Ok().Data[0][0]);
        rig.Device.AbandonProgram(true);
        Assert.Equal(new byte[12], rig.Device.Run(Step.R(0x34, 12)).Ok().Data[0]);
    }

    /// <summary>State before, function, whose id; state after, or none when refused.</summary>
    [Theory]
    [InlineData(0x00, 0x80, true, 0xC8)]
    [InlineData(0x00, 0x00, true, 0xC0)]
    [InlineData(0xC8, 0x80, true, 0xC8)]
    [InlineData(0xC8, 0x80, false, -1)]
    [InlineData(0xC8, 0xC0, true, 0x80)]
    [InlineData(0xC8, 0xA0, true, 0x80)]
    [InlineData(0xC8, 0xA0, false, -1)]
    [InlineData(0xC8, 0xC0, false, -1)]
    [InlineData(0x80, 0x80, false, 0xC8)]
    [InlineData(0x80, 0xA0, true, 0x80)]
    [InlineData(0x00, 0xC0, true, 0x00)]
    [InlineData(0x00, 0xA0, true, 0x00)]
    public void A_path_group_goes_from_state_to_state(byte before, byte function, bool same, int after)
    {
        using var rig = new Rig();
        if (before != 0)
            rig.Device.RunOn(2, Step.W(0xAF, [0x80, .. _id])).Ok();
        if (before == 0x80)
            rig.Device.RunOn(2, Step.W(0xAF, [0xC0, .. _id])).Ok();
        Outcome outcome = rig.Device.RunOn(2, Step.W(0xAF, [function, .. same ? _id : _otherId]));
        if (after < 0)
            outcome.Fails(0x80, 0, 0x04);
        else
            outcome.Ok();
        Assert.Equal(after < 0 ? before : after, rig.Device.RunOn(2, Step.R(0x34, 12)).Ok().Data[0][0]);
        Assert.Equal(new byte[12], rig.Device.RunOn(3, Step.R(0x34, 12)).Ok().Data[0]);
    }

    [Fact]
    public void Disband_takes_every_path_out_of_the_group_and_resign_only_its_own()
    {
        using var rig = new Rig();
        for (int path = 0; path < 8; path++)
            rig.Device.RunOn(path, Step.W(0xAF, [0x80, .. _id])).Ok();
        rig.Device.RunOn(0, Step.W(0xAF, [0xC0, .. _id])).Ok();
        Assert.Equal([0x80, 0xC8, 0xC8], States().Take(3));
        rig.Device.RunOn(7, Step.W(0xAF, [0xA0, .. _id])).Ok();
        Assert.All(States(), s => Assert.Equal(0x80, s));

        IEnumerable<int> States() => Enumerable.Range(0, 8).Select(p => (int)rig.Device.RunOn(p, Step.R(0x34, 12)).Ok().Data[0][0]).ToList();
    }

    /// <summary>A program of two writes to two tracks; another device's program runs between them.</summary>
    [Fact]
    public void The_end_of_one_program_writes_no_half_of_another()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16).Formatted(2, 1, 16).Formatted(3, 1, 16);
        using EckdDevice other = rig.Add(0x0151);
        rig.Store.Writes.Clear();
        rig.Device.BeginProgram(0);
        Begin(Step.Extent(0, 1, 2), Step.Locate(0x01, 1, 1, 1, 16), Step.Sized(0x85, 16, 0x77));
        other.Run(Step.Extent(0, 3, 3), Step.Locate(0x01, 1, 3, 1, 16), Step.Sized(0x85, 16, 0x66)).Ok();
        Assert.Equal([[3]], rig.Store.Writes);
        Begin(Step.Locate(0x01, 1, 2, 1, 16), Step.Sized(0x85, 16, 0x77));
        Assert.Equal(Outcome.Good, rig.Device.EndProgram(Outcome.Good));
        Assert.Equal([[3], [1, 2]], rig.Store.Writes);

        void Begin(params Step[] steps) =>
            Assert.All(steps, step => Assert.Equal(Outcome.Good, rig.Device.Execute(step.Code, new FakeTransfer(step))));
    }

    /// <summary>A program of two writes to two tracks; another device releases a track, or one that the first has changed, between them.</summary>
    [Theory]
    [InlineData(3, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void A_release_writes_no_half_of_another_program(int released, bool fails)
    {
        using Rig rig = new Rig(spaceEfficient: true).Formatted(1, 1, 16).Formatted(2, 1, 16).Formatted(3, 1, 16);
        using EckdDevice other = rig.Add(0x0151, spaceEfficient: true);
        rig.Store.Writes.Clear();
        rig.Store.FailReleases = fails;
        rig.Device.BeginProgram(0);
        Begin(Step.Extent(0, 1, 2), Step.Locate(0x01, 1, 1, 1, 16), Step.Sized(0x85, 16, 0x77));
        byte[] order = SpaceTests.Release(0x20, (released, released)).Out;
        order[5] = 0x51;
        Outcome outcome = other.Run(Step.W(0xF7, order));
        Assert.Empty(rig.Store.Writes);
        Assert.Equal(fails, (outcome.Status & DeviceStatus.UnitCheck) != 0);
        Begin(Step.Locate(0x01, 1, 2, 1, 16), Step.Sized(0x85, 16, 0x77));
        Assert.Equal(fails, rig.Device.EndProgram(Outcome.Good) != Outcome.Good); // who lost a track is told, where nobody emptied it
        Assert.Equal([released == 1 ? [2] : [1, 2]], rig.Store.Writes);

        void Begin(params Step[] steps) =>
            Assert.All(steps, step => Assert.Equal(Outcome.Good, rig.Device.Execute(step.Code, new FakeTransfer(step))));
    }

    [Fact]
    public void What_one_device_writes_the_other_reads()
    {
        using Rig rig = new Rig().Formatted(1, 2, 16);
        using EckdDevice other = rig.Add(0x0151);
        other.Run(Step.Extent(0, 1, 1), Step.Locate(0x01, 1, 1, 2, 16), Step.Sized(0x85, 16, 0x77)).Ok();
        Assert.Equal(0x77, rig.Device.Run(Step.Extent(0, 1, 1), Step.Locate(0x06, 1, 1, 2), Step.R(0x86, 16)).Ok().Data[0][0]);
    }

    [Fact]
    public void The_last_device_takes_the_volume_and_its_store_with_it()
    {
        var rig = new Rig();
        EckdDevice other = rig.Add(0x0151);
        rig.Device.Dispose();
        Assert.False(rig.Store.Disposed);
        other.Dispose();
        Assert.True(rig.Store.Disposed);
        Assert.Throws<ObjectDisposedException>(() => rig.Add(0x0152));
    }
}
