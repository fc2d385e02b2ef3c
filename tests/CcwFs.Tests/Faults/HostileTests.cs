using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Faults;

/// <summary>A device that does random things.</summary>
public sealed class HostileTests
{
    [Fact]
    public void The_same_seed_gives_the_same_faults_and_another_seed_others()
    {
        List<string> first = Run(7, 150);
        Assert.InRange(first.Distinct().Count(), 20, 150);
        Assert.Equal(first, Run(7, 150));
        Assert.NotEqual(first, Run(8, 150));
    }

    /// <summary>Runs programs as a patient driver does; gives what each came to.</summary>
    private static List<string> Run(ulong seed, int programs)
    {
        using var rig = new FaultRig();
        rig.Faults.Configure([], seed);
        List<string> ends = [];
        for (int i = 0; i < programs; i++)
        {
            while (Machine.Take(rig.Device.IoInterrupt) > 0)
                rig.Shown();
            long before = rig.Faults.InjectedFaults;
            int started = rig.Start(FaultRig.Read(15, records: 2));
            string end = started > 0 ? Settle(rig) : $"errno {-started}";
            ends.Add(rig.Faults.InjectedFaults == before ? "well" : end);
        }
        Assert.Equal(1, rig.Rig.Records(15, 1, 4096)[0]);
        Assert.Matches($"^none, hostile={seed} \\({programs} programs\\), \\d+ injected, last: hostile={seed} program \\d+", rig.Fact);
        return ends;
    }

    private static string Settle(FaultRig rig)
    {
        rig.AwaitBackend();
        for (int i = 0; i < 100 && rig.Device.State != DeviceState.Idle; i++)
        {
            rig.Time.Advance(TimeSpan.FromMilliseconds(10));
            SpinWait.SpinUntil(() => rig.Device.State == DeviceState.Idle, 1);
        }
        if (rig.Device.State != DeviceState.Idle)
        {
            Assert.True(rig.Command(RegionLayout.CommandClear) > 0);
            Assert.True(SpinWait.SpinUntil(() => rig.Device.State == DeviceState.Idle, Machine.Patience));
            return "cleared";
        }
        Irb irb = rig.Shown();
        return Convert.ToHexString(irb[..64]);
    }
}
