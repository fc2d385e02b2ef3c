using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Subchannel;

/// <summary>The state x event table, and the errnos that the regions give in every state that a client can reach.</summary>
public sealed class DeviceTransitionsTests
{
    public static TheoryData<DeviceState, DeviceEvent, DeviceAction, Errno> Cells => new()
    {
        { DeviceState.NotOperational, DeviceEvent.IoRequest, DeviceAction.RefuseGone, Errno.EIO },
        { DeviceState.NotOperational, DeviceEvent.AsyncRequest, DeviceAction.RefuseGone, Errno.EIO },
        { DeviceState.NotOperational, DeviceEvent.Interrupt, DeviceAction.Ignore, 0 },
        { DeviceState.NotOperational, DeviceEvent.Open, DeviceAction.RefuseNoDevice, Errno.ENODEV },
        { DeviceState.NotOperational, DeviceEvent.Close, DeviceAction.Ignore, 0 },
        { DeviceState.NotOperational, DeviceEvent.Gone, DeviceAction.Ignore, 0 },
        { DeviceState.Idle, DeviceEvent.Open, DeviceAction.Give, 0 },
        { DeviceState.Idle, DeviceEvent.Close, DeviceAction.EndProgram, 0 },
        { DeviceState.Idle, DeviceEvent.Gone, DeviceAction.EndProgram, 0 },
        { DeviceState.Processing, DeviceEvent.Open, DeviceAction.RefuseBusy, Errno.EBUSY },
        { DeviceState.Processing, DeviceEvent.Close, DeviceAction.EndProgram, 0 },
        { DeviceState.Processing, DeviceEvent.Gone, DeviceAction.EndProgram, 0 },
        { DeviceState.Pending, DeviceEvent.Open, DeviceAction.RefuseBusy, Errno.EBUSY },
        { DeviceState.Pending, DeviceEvent.Close, DeviceAction.EndProgram, 0 },
        { DeviceState.Pending, DeviceEvent.Gone, DeviceAction.EndProgram, 0 },
        { DeviceState.Idle, DeviceEvent.IoRequest, DeviceAction.Start, 0 },
        { DeviceState.Idle, DeviceEvent.AsyncRequest, DeviceAction.HaltOrClear, 0 },
        { DeviceState.Idle, DeviceEvent.Interrupt, DeviceAction.TakeStatus, 0 },
        { DeviceState.Processing, DeviceEvent.IoRequest, DeviceAction.RefuseRetry, Errno.EAGAIN },
        { DeviceState.Processing, DeviceEvent.AsyncRequest, DeviceAction.RefuseRetry, Errno.EAGAIN },
        { DeviceState.Processing, DeviceEvent.Interrupt, DeviceAction.TakeStatus, 0 },
        { DeviceState.Pending, DeviceEvent.IoRequest, DeviceAction.ResumeOrBusy, Errno.EBUSY },
        { DeviceState.Pending, DeviceEvent.AsyncRequest, DeviceAction.HaltOrClear, 0 },
        { DeviceState.Pending, DeviceEvent.Interrupt, DeviceAction.TakeStatus, 0 },
    };

    /// <summary>
    /// The errno document of the io region: control bits of the ORB, function, program address, first CCW, what is done before, result.
    /// </summary>
    public static TheoryData<string, uint, uint, uint, ulong, string, int> IoResults => new()
    {
        { "a START", Machine.Orb64, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "", 124 },
        { "no function", Machine.Orb64, 0, 0x1000, 0x0320_0001_0000_2000, "", 124 },
        { "HALT in io", Machine.Orb64, 0x2000, 0x1000, 0x0320_0001_0000_2000, "", -(int)Errno.EOPNOTSUPP },
        { "CLEAR in io", Machine.Orb64, 0x1000, 0x1000, 0x0320_0001_0000_2000, "", -(int)Errno.EOPNOTSUPP },
        { "START wins over HALT and CLEAR", Machine.Orb64, 0x7000, 0x1000, 0x0320_0001_0000_2000, "", 124 },
        { "transport mode", Machine.Orb64 | 0x0004_0000, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "", -(int)Errno.EOPNOTSUPP },
        { "transport mode without function", Machine.Orb64 | 0x0004_0000, 0, 0x1000, 0, "", 124 },
        { "reserved bit 02", Machine.Orb64 | 0x02, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "", -(int)Errno.EIO },
        { "reserved bits 7e", Machine.Orb64 | 0x7E, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "", -(int)Errno.EIO },
        { "MIDAW control", Machine.Orb64 | 0x40, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "", -(int)Errno.EIO },
        { "unmapped program", Machine.Orb64, Machine.Start, 0x90_0000, 0, "", -(int)Errno.EINVAL },
        { "unmapped data", Machine.Orb64, Machine.Start, 0x1000, 0xE420_0040_0090_0000, "", -(int)Errno.EINVAL },
        { "condition code 1", Machine.Orb64, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "cc1", -(int)Errno.EBUSY },
        { "condition code 2", Machine.Orb64, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "cc2", -(int)Errno.EBUSY },
        { "condition code 3, the last path", Machine.Orb64, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "cc3", -(int)Errno.ENODEV },
        { "a path that there is not, another is left", (Machine.Orb64 & ~0xFF00u) | 0x4000, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "",
            -(int)Errno.EACCES },
        { "unmapped program wins over status pending", Machine.Orb64, Machine.Start, 0x90_0000, 0, "cc1", -(int)Errno.EINVAL },
        { "while a program is suspended", Machine.Orb64, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "suspended", -(int)Errno.EBUSY },
        { "no function while suspended", Machine.Orb64, 0, 0x1000, 0, "suspended", -(int)Errno.EBUSY },
        { "unplugged", Machine.Orb64, Machine.Start, 0x1000, 0x0320_0001_0000_2000, "unplugged", -(int)Errno.EIO },
        { "unplugged, no function", Machine.Orb64, 0, 0x1000, 0, "unplugged", -(int)Errno.EIO },
    };

    /// <summary>The errno document of the cmd region.</summary>
    public static TheoryData<uint, string, int> CmdResults => new()
    {
        { 1, "", 8 },
        { 2, "", 8 },
        { 0, "", -(int)Errno.EINVAL },
        { 3, "", -(int)Errno.EINVAL },
        { 0xFFFF_FFFF, "", -(int)Errno.EINVAL },
        { 0x0100_0000, "", -(int)Errno.EINVAL },
        { 1, "suspended", 8 },
        { 2, "suspended", 8 },
        { 0, "suspended", -(int)Errno.EINVAL },
        { 1, "cc1", -(int)Errno.EBUSY },
        { 1, "cc2", -(int)Errno.EBUSY },
        { 1, "cc3", -(int)Errno.ENODEV },
        { 2, "cc3", -(int)Errno.ENODEV },
        { 1, "unplugged", -(int)Errno.EIO },
        { 2, "unplugged", -(int)Errno.EIO },
        { 0, "unplugged", -(int)Errno.EIO },
    };

    [Theory]
    [MemberData(nameof(Cells))]
    public void Every_cell_has_its_action_and_errno(DeviceState state, DeviceEvent happening, DeviceAction action, Errno errno)
    {
        Assert.Equal(action, DeviceTransitions.Action(state, happening));
        Assert.Equal(errno, DeviceTransitions.Refusal(action));
    }

    [Fact]
    public void The_table_of_cells_is_complete() =>
        Assert.Equal(Enum.GetValues<DeviceState>().Length * Enum.GetValues<DeviceEvent>().Length, Cells.Count);

    [Theory]
    [MemberData(nameof(IoResults))]
    public void A_request_in_io_gives_its_errno_and_stores_it(string what, uint control, uint function, uint cpa, ulong ccw, string before,
        int result)
    {
        using var machine = new Machine(suppressSuspended: true);
        machine.Ccws(0x1000, ccw);
        Before(machine, before);
        Assert.Equal((what, result), (what, machine.Write(RegionIndex.Io, 0, Machine.Request(cpa, control, function))));
        Assert.Equal(Math.Min(result, 0), machine.IoRetCode);
    }

    [Theory]
    [MemberData(nameof(CmdResults))]
    public void A_request_in_cmd_gives_its_errno_and_stores_it_there_alone(uint command, string before, int result)
    {
        using var machine = new Machine(suppressSuspended: true);
        Before(machine, before);
        Assert.Equal(result, machine.Command(command));
        Assert.Equal(Math.Min(result, 0), System.Runtime.InteropServices.MemoryMarshal.Read<int>(machine.Read(RegionIndex.Cmd).AsSpan(4)));
        Assert.Equal(0, machine.IoRetCode);
    }

    [Theory]
    [InlineData(RegionIndex.Io, 124)]
    [InlineData(RegionIndex.Cmd, 8)]
    [InlineData(RegionIndex.Schib, 52)]
    [InlineData(RegionIndex.Crw, 8)]
    public void An_access_that_is_not_wholly_inside_is_refused_and_does_nothing(RegionIndex region, int size)
    {
        using var machine = new Machine();
        foreach ((int position, int length) in ((int, int)[])[(0, size + 1), (size, 1), (size + 1, 0), (-1, 1), (int.MaxValue, 1), (size - 1, 2)])
        {
            byte[] bytes = Enumerable.Repeat((byte)0x5A, length).ToArray();
            Assert.Equal(-(int)Errno.EINVAL, machine.Device.ReadRegion(region, position, bytes));
            Assert.Equal(-(int)Errno.EINVAL, machine.Write(region, position, bytes));
            Assert.All(bytes, b => Assert.Equal(0x5A, b));
        }
        Assert.Equal(0, machine.Device.ReadRegion(region, size, []));
        Assert.All(machine.Read(RegionIndex.Io), b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData(RegionIndex.Schib)]
    [InlineData(RegionIndex.Crw)]
    public void Read_only_regions_refuse_every_write(RegionIndex region)
    {
        using var machine = new Machine();
        Assert.Equal(-(int)Errno.EINVAL, machine.Write(region, 0, [0]));
        Assert.Equal(-(int)Errno.EINVAL, machine.Write(region, 0, new byte[RegionLayout.Size(region)]));
    }

    [Theory]
    [InlineData(0, 124)]
    [InlineData(5, 124)]
    [InlineData(int.MaxValue, 124)]
    [InlineData(-16, -16)]
    [InlineData(-511, -511)]
    [InlineData(-512, 124)]
    [InlineData(int.MinValue, 124)]
    public void Without_a_function_the_callers_own_ret_code_is_the_answer_where_a_write_can_carry_it(int own, int result)
    {
        using var machine = new Machine();
        byte[] io = Machine.Request(0x1000, fctl: 0);
        System.Runtime.InteropServices.MemoryMarshal.Write(io.AsSpan(RegionLayout.IoRetCodeOffset), own);
        Assert.Equal(result, machine.Write(RegionIndex.Io, 0, io));
        Assert.Equal(own, machine.IoRetCode);
    }

    [Theory]
    [InlineData("", default(Errno))]
    [InlineData("suspended", default(Errno))]
    [InlineData("unplugged", Errno.EINVAL)]
    [InlineData("disabled", Errno.EINVAL)]
    public void A_reset_succeeds_in_every_state_but_not_operational(string before, Errno errno)
    {
        using var machine = new Machine(suppressSuspended: true);
        Before(machine, before);
        Assert.Equal(errno, machine.Device.Reset());
        Assert.Equal(errno == 0 ? DeviceState.Idle : DeviceState.NotOperational, machine.Device.State);
        Assert.Equal(errno == 0 ? 0u : 1u, Machine.Take(machine.Device.RequestInterrupt));
        Assert.Equal(0u, Machine.Take(machine.Device.IoInterrupt));
    }

    private static void Before(Machine machine, string before)
    {
        switch (before)
        {
            case "":
                break;
            case "suspended":
                machine.Ccws(0x8000, 0x0322_0001_0000_2000);
                Assert.Equal(124, machine.StartAt(0x8000, Machine.Orb64 | 0x0800_0000));
                Assert.Equal(DeviceState.Pending, machine.Device.State);
                break;
            case "unplugged":
                machine.Device.Unplug();
                break;
            case "disabled":
                machine.Subchannel.IsDisabled = true;
                break;
            default:
                machine.Subchannel.NextCondition = (ConditionCode)(before[^1] - '0');
                break;
        }
    }
}
