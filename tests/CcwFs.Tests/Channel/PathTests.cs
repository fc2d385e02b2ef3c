using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Channel;

/// <summary>Paths that go away and come back under programs, and starts that wait for a busy device.</summary>
public sealed class PathTests : IDisposable
{
    private const uint AllPaths = Machine.Orb64 | 0xFF00; // the logical-path mask
    private readonly TestDevice _device = new();
    private readonly Machine _machine;
    private volatile bool _busy;

    public PathTests()
    {
        _machine = new Machine(_device, chpids: [0x40, 0x41]) { IsEndless = true };
        _device.Commands[0x03] = _ => _busy ? DeviceStatus.Busy : TestDevice.Good;
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_running_program_ends_with_interface_control_check_and_the_next_goes_over_the_other_path()
    {
        _machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        Assert.Equal(124, _machine.StartAt(0x1000, AllPaths));
        Assert.True(_machine.Emulated.SetPath(0x40, false));
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        Scsw scsw = _machine.ReadIrb().Scsw;
        Assert.Equal(
            (FunctionControl.Start, ActivityControl.None,
                StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending),
            (scsw.Function, scsw.Activity, scsw.StatusControl));
        Assert.Equal((DeviceStatus.None, SubchannelStatus.InterfaceControlCheck), (scsw.Device, scsw.Subchannel));
        Assert.Equal([0], _device.LostPaths);
        Assert.Equal(1, _device.Abandoned);
        Assert.Equal((byte)0x40, Path());
        Assert.True(_machine.Emulated.SetPath(0x40, true));
        Assert.Equal((byte)0x80, Path());
    }

    [Fact]
    public void A_path_that_no_program_uses_goes_away_unnoticed_by_it()
    {
        _machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        _machine.StartAt(0x1000, AllPaths);
        Assert.True(_machine.Emulated.SetPath(0x41, false));
        Assert.Equal(DeviceState.Pending, _machine.Device.State);
        Assert.Equal(0u, Machine.Take(_machine.Device.IoInterrupt));
        Assert.Equal(0, (int)_machine.Device.Reset());
    }

    [Fact]
    public void A_start_waits_for_a_busy_device_and_then_runs()
    {
        StartBusy();
        Assert.Equal(ActivityControl.StartPending, Schib().Scsw.Activity);
        Assert.Equal(0u, Machine.Take(_machine.Device.IoInterrupt));
        _device.NoLongerBusy!(); // too early: one more try, which is busy again
        _busy = false;
        _device.NoLongerBusy!();
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        Assert.Equal(0x0C00_0000u, _machine.ReadIrb().Scsw.Status & 0xFFFF_0000);
    }

    [Fact]
    public void A_waiting_start_moves_to_the_path_that_is_left()
    {
        StartBusy();
        Assert.True(_machine.Emulated.SetPath(0x40, false));
        _busy = false;
        _device.NoLongerBusy!();
        _machine.Await(_machine.Device.IoInterrupt);
        Assert.Equal((0x0Cu, 0x40), (_machine.ReadIrb().Scsw.Status >> 24, Schib().Pmcw.Lpum));
        Assert.Equal(1, _device.LastPath);
    }

    [Fact]
    public void A_waiting_start_without_a_path_ends_as_not_operational()
    {
        StartBusy();
        _machine.Emulated.SetPath(0x41, false);
        _machine.Emulated.SetPath(0x40, false);
        _machine.Await(_machine.Device.IoInterrupt);
        Scsw scsw = _machine.ReadIrb().Scsw;
        Assert.Equal((3, Scsw.PathNotOperational), (scsw.DeferredConditionCode, scsw.Control & Scsw.PathNotOperational));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
    }

    [Theory]
    [InlineData(1u, FunctionControl.Start | FunctionControl.Halt)]
    [InlineData(2u, FunctionControl.Clear)]
    public void Halt_and_clear_end_a_waiting_start(uint command, FunctionControl function)
    {
        StartBusy();
        Assert.Equal(8, _machine.Command(command));
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        Scsw scsw = _machine.ReadIrb().Scsw;
        Assert.Equal((function, StatusControl.Pending, 0u), (scsw.Function, scsw.StatusControl, scsw.Status));
        _busy = false;
        _device.NoLongerBusy!();
        Assert.Equal((byte)0x80, Path());
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void A_reset_is_a_system_reset_for_the_device_unless_only_the_program_is_meant(bool system, int resets)
    {
        StartBusy();
        Assert.Equal(0, (int)_machine.Device.Reset(system));
        Assert.Equal((resets, 1), (_device.SystemResets, _device.Abandoned));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
    }

    [Fact]
    public void Clear_takes_the_devices_own_pending_status_away()
    {
        using var executor = new ChannelExecutor();
        var device = new TestDevice();
        using var subchannel = new EmulatedSubchannel(new SubchannelId(0, 0, 1), new DeviceId(0, 0, 1), [0x40], device, executor);
        subchannel.Connect(new Deaf());
        device.Unsolicited!(DeviceStatus.Attention);
        Assert.Equal(ConditionCode.Initiated, subchannel.Clear().Condition);
        subchannel.GoOn(WorkThread.Caller);
        Assert.True(SpinWait.SpinUntil(() => subchannel.Test(out Irb irb) && irb.Scsw.Function == FunctionControl.Clear, Machine.Patience));
        Assert.False(subchannel.Test(out _));
    }

    private void StartBusy()
    {
        _busy = true;
        _machine.Ccws(0x1000, 0x0320_0001_0000_2000);
        Assert.Equal(124, _machine.StartAt(0x1000, AllPaths));
        Assert.True(SpinWait.SpinUntil(() => Schib().Scsw.Activity == ActivityControl.StartPending, Machine.Patience));
    }

    private byte Path()
    {
        _machine.Ccws(0x3000, 0x0320_0001_0000_2000);
        Assert.Equal(124, _machine.StartAt(0x3000, AllPaths));
        _machine.Await(_machine.Device.IoInterrupt);
        Assert.Equal(0x0Cu, _machine.ReadIrb().Scsw.Status >> 24);
        return Schib().Pmcw.Lpum;
    }

    private Schib Schib()
    {
        Assert.True(_machine.Emulated.Store(out Schib schib));
        return schib;
    }

    private sealed class Deaf : ISubchannelEvents
    {
        public void Interrupt()
        {
        }

        public void Report(Crw crw)
        {
        }

        public void ReturnRequested()
        {
        }

        public void Vanished()
        {
        }

        public void Failed(Exception failure)
        {
        }
    }
}
