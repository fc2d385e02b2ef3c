using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Channel;

/// <summary>
/// Commands that do not end at once (SA22-7832, chapter 16). The device has 07 control that ends with channel end alone, 02 READ of 4 bytes that
/// waits for as long as <see cref="_waits"/>, and 0B control that ends at once.
/// </summary>
public class DeviceEndTests : IDisposable
{
    private const StatusControl Pending = StatusControl.Pending;
    private readonly TestDevice _device = new();
    private readonly Machine _machine;
    private int _controlled;
    private int _tried;
    private volatile bool _waits = true;

    public DeviceEndTests()
        : this(mayWait: false)
    {
    }

    private protected DeviceEndTests(bool mayWait)
    {
        _machine = new Machine(_device, chpids: [0x40, 0x41], mayWait: mayWait) { IsEndless = true };
        _device.Commands[0x07] = _ => DeviceStatus.ChannelEnd;
        _device.Commands[0x0B] = _ =>
        {
            Interlocked.Increment(ref _controlled);
            return TestDevice.Good;
        };
        _device.Commands[0x02] = data =>
        {
            Interlocked.Increment(ref _tried);
            if (_waits)
                return DeviceStatus.None;
            data.Send([1, 2, 3, 4]);
            return TestDevice.Good;
        };
    }

    public void Dispose()
    {
        _machine.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Channel_end_alone_is_primary_status_and_device_end_secondary_status_later()
    {
        Scsw primary = EndWithChannelEnd();
        Assert.Equal(
            (FunctionControl.Start, ActivityControl.DeviceActive, StatusControl.Primary | Pending, DeviceStatus.ChannelEnd),
            (primary.Function, primary.Activity, primary.StatusControl, primary.Device));
        Assert.Equal((DeviceState.Pending, ActivityControl.DeviceActive), (_machine.Device.State, Stored().Activity));
        Assert.Equal("EBUSY", Machine.Errno(_machine.StartAt(0x1000)));
        _device.DeviceEnd!(DeviceStatus.DeviceEnd);
        Scsw secondary = Await();
        Assert.Equal(
            (FunctionControl.None, ActivityControl.None, StatusControl.Secondary | Pending, 0x0400_0000u),
            (secondary.Function, secondary.Activity, secondary.StatusControl, secondary.Status));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
        RunsAgain();
    }

    [Fact]
    public void A_unit_check_with_device_end_brings_its_sense()
    {
        EndWithChannelEnd();
        _device.Reject();
        _device.DeviceEnd!(DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck);
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        Irb irb = _machine.ReadIrb();
        Assert.Equal(StatusControl.Secondary | StatusControl.Alert | Pending, irb.Scsw.StatusControl);
        Assert.Equal((Scsw.ExtendedControl, (byte)0x80), (irb.Scsw.Control & Scsw.ExtendedControl, irb[Irb.EcwOffset]));
    }

    [Fact]
    public void Device_end_that_finds_the_primary_status_untaken_is_shown_with_it()
    {
        _machine.Subchannel.Mask();
        _machine.Ccws(0x1000, 0x0720_0001_0000_2000);
        _machine.StartAt(0x1000);
        AwaitActivity(ActivityControl.DeviceActive);
        _device.DeviceEnd!(DeviceStatus.DeviceEnd);
        AwaitActivity(ActivityControl.None);
        _machine.Subchannel.Unmask();
        Scsw both = Await();
        Assert.Equal(
            (FunctionControl.Start, ActivityControl.None, StatusControl.Primary | StatusControl.Secondary | Pending, 0x0C00_0001u, 0x1008u),
            (both.Function, both.Activity, both.StatusControl, both.Status, both.CcwAddress));
        Assert.Equal(0u, Machine.Take(_machine.Device.IoInterrupt));
        RunsAgain();
    }

    [Fact]
    public void With_command_chaining_the_next_command_waits_for_device_end_and_nobody_is_told()
    {
        StartChained();
        Assert.Equal((0, 0u), (_controlled, Machine.Take(_machine.Device.IoInterrupt)));
        _device.DeviceEnd!(DeviceStatus.DeviceEnd);
        Scsw scsw = Await();
        Assert.Equal((StatusControl.Primary | StatusControl.Secondary | Pending, 0x0C00_0001u, 1), (scsw.StatusControl, scsw.Status, _controlled));
    }

    [Fact]
    public void Status_modifier_with_device_end_skips_a_command_and_unit_check_ends_the_program()
    {
        _machine.Ccws(0x1000, 0x0760_0001_0000_2000, 0x0240_0004_0000_2000, 0x0B20_0001_0000_2000);
        StartAndAwaitDevice();
        _device.DeviceEnd!(DeviceStatus.DeviceEnd | DeviceStatus.StatusModifier);
        Assert.Equal((0x0C00_0001u, 0x1018u), (Await() is var skipped ? skipped.Status : 0, skipped.CcwAddress));
        Assert.Equal((1, 0), (_controlled, _tried));
        StartChained();
        _device.DeviceEnd!(DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck);
        Scsw failed = Await();
        Assert.Equal((DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck, 0x1008u), (failed.Device, failed.CcwAddress));
        Assert.Equal(1, _controlled);
    }

    [Fact]
    public void Device_end_may_come_before_its_command_has_returned()
    {
        _device.Commands[0x07] = _ =>
        {
            _device.DeviceEnd!(DeviceStatus.DeviceEnd);
            return DeviceStatus.ChannelEnd;
        };
        _machine.Ccws(0x1000, 0x0760_0001_0000_2000, 0x0B20_0001_0000_2000);
        _machine.StartAt(0x1000);
        Assert.Equal((0x0C00_0001u, 1), (Await().Status, _controlled));
    }

    [Fact]
    public void A_program_controlled_interruption_comes_while_the_device_is_waited_for()
    {
        _machine.Ccws(0x1000, 0x0768_0001_0000_2000, 0x0B20_0001_0000_2000);
        _machine.StartAt(0x1000);
        Scsw interruption = Await();
        Assert.Equal((StatusControl.Intermediate | Pending, 0x0080_0000u), (interruption.StatusControl, interruption.Status & 0xFFFF_0000));
        _device.DeviceEnd!(DeviceStatus.DeviceEnd);
        Assert.Equal(0x0C00_0001u, Await().Status);
    }

    [Fact]
    public void A_command_that_the_device_waits_with_is_executed_again_and_not_fetched_again()
    {
        _machine.Ccws(0x1000, 0x0B60_0001_0000_2000, 0x0200_0004_0000_2000);
        StartAndAwaitDevice();
        Assert.Equal((1, 1), (_controlled, _tried));
        _device.NoLongerBusy!();
        Assert.True(SpinWait.SpinUntil(() => _tried == 2, Machine.Patience));
        _machine.Ccws(0x1008, 0xFF00_0004_0000_2000);
        AwaitActivity(ActivityControl.SubchannelActive | ActivityControl.DeviceActive);
        _waits = false;
        _device.NoLongerBusy!();
        Scsw scsw = Await();
        Assert.Equal((0x0C00_0000u, 0x1010u), (scsw.Status, scsw.CcwAddress));
        Assert.Equal(0x0102_0304u, BinaryPrimitives.ReadUInt32BigEndian(_machine.Memory.AsSpan(0x2000)));
        Assert.Equal(1, _device.Begun);
    }

    [Fact]
    public void A_device_that_has_moved_data_must_not_wait()
    {
        _device.Commands[0x02] = data =>
        {
            data.Send([1]);
            return DeviceStatus.None;
        };
        _machine.Ccws(0x1000, 0x0200_0004_0000_2000);
        _machine.StartAt(0x1000);
        Assert.Equal(SubchannelStatus.ChannelControlCheck, Await().Subchannel);
        Assert.Equal(1, _device.Abandoned);
    }

    /// <summary>What is waited for; the function; the answer.</summary>
    [Theory]
    [InlineData("chained", 1u, FunctionControl.Start | FunctionControl.Halt, StatusControl.Primary | StatusControl.Secondary | Pending, 0x0C00_0000u)]
    [InlineData("command", 1u, FunctionControl.Start | FunctionControl.Halt, StatusControl.Primary | StatusControl.Secondary | Pending, 0x0C00_0004u)]
    [InlineData("device end", 1u, FunctionControl.Halt, StatusControl.Secondary | Pending, 0x0400_0000u)]
    [InlineData("chained", 2u, FunctionControl.Clear, Pending, 0u)]
    [InlineData("command", 2u, FunctionControl.Clear, Pending, 0u)]
    [InlineData("device end", 2u, FunctionControl.Clear, Pending, 0u)]
    public void Halt_and_clear_end_the_wait_and_tell_the_device(string what, uint command, FunctionControl function, StatusControl control,
        uint status)
    {
        StartWaiting(what);
        Assert.Equal(8, _machine.Command(command));
        Scsw scsw = Await();
        Assert.Equal((function, control, status, ActivityControl.None), (scsw.Function, scsw.StatusControl, scsw.Status, scsw.Activity));
        Assert.Equal((1, 0), (_device.Abandoned, _device.SystemResets));
        RunsAgain();
    }

    [Theory]
    [InlineData("chained")]
    [InlineData("command")]
    [InlineData("device end")]
    public void A_system_reset_ends_the_wait_without_status(string what)
    {
        StartWaiting(what);
        Assert.Equal(0, (int)_machine.Device.Reset());
        Assert.Equal((1, 1, 0u), (_device.Abandoned, _device.SystemResets, Machine.Take(_machine.Device.IoInterrupt)));
        RunsAgain();
    }

    [Theory]
    [InlineData("chained", true)]
    [InlineData("command", true)]
    [InlineData("device end", false)]
    public void A_path_that_goes_away_ends_what_needs_it(string what, bool ends)
    {
        StartWaiting(what);
        Assert.True(_machine.Emulated.SetPath(0x40, false));
        if (!ends)
            _device.DeviceEnd!(DeviceStatus.DeviceEnd);
        Scsw scsw = Await();
        Assert.Equal(ends ? (SubchannelStatus.InterfaceControlCheck, 1) : (SubchannelStatus.None, 0), (scsw.Subchannel, _device.Abandoned));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
    }

    [Fact]
    public void Status_of_the_devices_own_waits_for_the_program()
    {
        EndWithChannelEnd();
        _device.Unsolicited!(DeviceStatus.Attention);
        Assert.False(_machine.Emulated.Test(out _));
        _device.DeviceEnd!(DeviceStatus.DeviceEnd);
        Assert.Equal(0x04u, Await().Status >> 24);
        Assert.Equal(0x80u, Await().Status >> 24);
    }

    private void StartWaiting(string what)
    {
        if (what == "device end")
        {
            EndWithChannelEnd();
            return;
        }
        if (what == "chained")
        {
            StartChained();
            return;
        }
        _machine.Ccws(0x1000, 0x0200_0004_0000_2000);
        StartAndAwaitDevice();
    }

    private Scsw EndWithChannelEnd()
    {
        _machine.Ccws(0x1000, 0x0720_0001_0000_2000);
        Assert.Equal(124, _machine.StartAt(0x1000));
        return Await();
    }

    private void StartChained()
    {
        _machine.Ccws(0x1000, 0x0760_0001_0000_2000, 0x0B20_0001_0000_2000);
        StartAndAwaitDevice();
    }

    /// <summary>On return the slice is settled: only then does a lost news show.</summary>
    private void StartAndAwaitDevice()
    {
        int executed = _device.Executed;
        Assert.Equal(124, _machine.StartAt(0x1000));
        Assert.True(SpinWait.SpinUntil(() => _device.Executed > executed, Machine.Patience));
        AwaitActivity(ActivityControl.SubchannelActive | ActivityControl.DeviceActive);
    }

    /// <summary>A device that nothing waits for any more takes the next program.</summary>
    private void RunsAgain()
    {
        _machine.Ccws(0x3000, 0x0B20_0001_0000_2000);
        Assert.Equal(124, _machine.StartAt(0x3000));
        Assert.Equal(0x0Cu, Await().Status >> 24);
    }

    private Scsw Await()
    {
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        return _machine.ReadIrb().Scsw;
    }

    private Scsw Stored()
    {
        Assert.True(_machine.Emulated.Store(out Schib schib));
        return schib.Scsw;
    }

    private void AwaitActivity(ActivityControl activity) => Assert.True(SpinWait.SpinUntil(() => Stored().Activity == activity, Machine.Patience));
}

/// <summary>The same where memory may wait for its owner.</summary>
public sealed class StagedDeviceEndTests() : DeviceEndTests(mayWait: true);
