using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Faults;

/// <summary>Off means off, and a rule that does not act allocates nothing.</summary>
public sealed class FaultAllocationTests
{
    private const int Warm = 200, Measured = 50;

    [Theory]
    [InlineData(null)]
    [InlineData("write at=9-9 -> check data_check")]
    [InlineData("read nth=1000000 -> check data_check")]
    public void A_program_without_a_fault_allocates_nothing(string? rule)
    {
        using var rig = new FaultRig();
        if (rule is not null)
            rig.Add(rule);
        Step[] steps = FaultRig.Read(15);
        rig.Run(steps);
        byte[] request = Machine.Request(FaultRig.Program, Machine.Orb64 & ~OrbControl.Format2Idaws);
        byte[] io = new byte[RegionLayout.IoSize];
        int rounds = 0;
        for (int i = 0; i < Warm + Measured; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            rig.Device.WriteRegion(RegionIndex.Io, 0, request);
            rig.Device.GoOn(WorkThread.Caller);
            bool inTime = rig.Device.State == DeviceState.Idle;
            Assert.True(SpinWait.SpinUntil(() => rig.Device.State == DeviceState.Idle, Machine.Patience));
            long after = GC.GetAllocatedBytesForCurrentThread();
            rig.Signals.Await(rig.Device.IoInterrupt);
            Assert.Equal(io.Length, rig.Device.ReadRegion(RegionIndex.Io, 0, io));
            Assert.Equal(0x0C00_0000u, Scsw.Read(io.AsSpan(RegionLayout.IrbOffset)).Status & 0xFFFF_0000);
            if (i >= Warm && inTime && after - before > 128) // SpinUntil's closure
                rounds++;
        }
        Assert.InRange(rounds, 0, Measured / 10);
    }
}
