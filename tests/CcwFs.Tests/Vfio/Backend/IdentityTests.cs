using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>What a real device says that it is, before anybody has it.</summary>
public sealed class IdentityTests
{
    private const ulong Answer = HostArena.Base + 16;
    private static readonly byte[] s_3390 = [0xFF, 0x39, 0x90, 0xE9, 0x33, 0x90, 0x0C];

    private readonly FakeKernel _kernel = new();
    private readonly LogLines _log = new();

    [Theory]
    [InlineData(0, "3390/0c", "3990/e9")]
    [InlineData(3, "", "3990/e9")] // a control unit that says no more
    [InlineData(7, "", "")]
    public void It_is_asked_with_SENSE_ID_and_the_answer_has_a_length(ushort residual, string device, string controlUnit)
    {
        _kernel.Started = () =>
        {
            _kernel.Send(Answer, s_3390);
            _kernel.Interrupt(End(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, residual));
        };
        using BackendRig rig = Identified();
        Assert.Equal((device, controlUnit), (rig.Subchannel.Identity.DeviceType, rig.Subchannel.Identity.ControlUnitType));
        Assert.Empty(_log.Lines);
        Assert.Equal(new Ccw(0xE4, CcwFlags.SuppressLength, 7, (uint)Answer), Ccw.ReadFormat1(_kernel.Memory(HostArena.Base, 8)));
        var orb = Orb.Read(_kernel.Io);
        Assert.Equal((HostArena.Base, true, true, true), (orb.ProgramAddress, orb.Format1, orb.Format2Idaws, orb.Prefetch));
        Assert.Equal(0, orb.LogicalPathMask); // any path: a mask that fails would be taken out of the kernel's

        // It leaves nothing: no status waits, and a late signal for it is none.
        _kernel.Signal(DeviceInterrupt.Io);
        _kernel.Settle();
        Assert.Equal(0ul, Machine.Take(rig.Device.IoInterrupt));
        Works(rig);
    }

    [Fact]
    public void A_device_that_does_not_answer_is_reset_and_can_be_used()
    {
        using BackendRig rig = Identified();
        Assert.Equal(("", ""), (rig.Subchannel.Identity.DeviceType, rig.Subchannel.Identity.ControlUnitType));
        Assert.Equal("0.0.0313: the device did not say what it is: no answer in 1 s", Assert.Single(_log.Lines));
        Assert.Contains("device Reset 0", _kernel.Log);
        Works(rig);
    }

    [Fact]
    public void A_device_that_cannot_answer_can_be_used()
    {
        _kernel.Started = () => _kernel.Interrupt(End(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck, 7));
        using BackendRig rig = Identified();
        Assert.Equal(("", ""), (rig.Subchannel.Identity.DeviceType, rig.Subchannel.Identity.ControlUnitType));
        Assert.Equal("0.0.0313: the device did not say what it is: SENSE ID ends with device status 0E, subchannel status 00",
            Assert.Single(_log.Lines));
        Works(rig);
    }

    [Fact]
    public void A_kernel_that_refuses_the_start_is_named()
    {
        _kernel.Fails["write Io"] = new([-(int)Errno.EACCES]);
        using BackendRig rig = Identified();
        Assert.Contains("START is refused, permission denied", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Works(rig);
    }

    [Fact]
    public void A_device_that_has_gone_by_then_goes_as_soon_as_somebody_is_there_to_hear_it()
    {
        _kernel.Fails["write Io"] = new([-(int)Errno.EIO]);
        _kernel.Fails["read Schib"] = new(Enumerable.Repeat(-(int)Errno.ENODEV, 100));
        using BackendRig rig = Identified();
        BackendRig.Eventually(() => rig.Device.State == DeviceState.NotOperational, "it is still there");
    }

    private static Irb End(DeviceStatus status, ushort residual)
    {
        var irb = default(Irb);
        irb.Scsw =
            Scsw.Build(0, FunctionControl.Start, 0, StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending, HostArena.Base + 8,
            status, 0, residual);
        return irb;
    }

    private BackendRig Identified() => new(_kernel, logger: _log, identify: true);

    private void Works(BackendRig rig)
    {
        _kernel.Started = null;
        rig.Ccws(0x1000, 0x0320_0001_0000_0000);
        Assert.Equal(124, rig.Start());
        _kernel.Interrupt(BackendRig.Final(HostArena.Base + 8));
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
    }
}
