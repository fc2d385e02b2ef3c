using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Faults;
using CcwFs.Faults.Rules;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;
using CcwFs.Trace;

namespace CcwFs.Tests.Faults;

/// <summary>A 3390 of ten cylinders with rules, under a policy and a trace, and programs for it in 1 MiB of guest memory.</summary>
internal sealed class FaultRig : IDisposable
{
    internal const uint Program = 0x1000;
    private const int Data = 0x2_0000, PerStep = 0x2000;

    private readonly ChannelExecutor _executor = new();

    internal FaultRig(FaultHub? hub = null, ushort number = 0, Func<byte[], IMemoryStore>? memory = null)
    {
        var id = new SubchannelId(0, 0, number);
        Rig.Formatted(0, 12, 4096).Formatted(15, 12, 4096).Formatted(16, 12, 4096);
        var backend = new EmulatedSubchannel(id, new DeviceId(0, 0, number), [0x40, 0x41], Rig.Device, _executor);
        Faults = new FaultLayer(backend, id, Log, hub, Time);
        Trace = new TraceLayer(new PolicyLayer(Faults, Log, time: Time), id, TraceLayer.DefaultFlight);
        IMemoryStore store = memory?.Invoke(Memory) ?? new ArrayStore(Memory);
        Device = new VfioCcwDevice(Trace, new AddressSpace(IovaMap.Identity(store)), Log);
        Signals = new Signals(Device);
    }

    internal Rig Rig { get; } = new();

    internal ManualTime Time { get; } = new();

    internal LogLines Log { get; } = new();

    internal FaultLayer Faults { get; }

    internal TraceLayer Trace { get; }

    internal VfioCcwDevice Device { get; }

    internal Signals Signals { get; }

    /// <summary>How far into its place the data of a program's last step lies.</summary>
    internal int Into { get; set; }

    internal byte[] Memory { get; } = new byte[Machine.MemorySize];

    /// <summary>A block of one byte, repeated.</summary>
    internal static byte[] Block(byte fill) => [.. Enumerable.Repeat(fill, 4096)];

    /// <summary>Updates records of a track, from the first one on.</summary>
    internal static Step[] Update(int track, params byte[] fills) =>
        [Step.Extent(0x80, track, track), Step.Locate(0x01, fills.Length, track, 1, 4096), .. fills.Select(fill => Step.W(0x85, Block(fill)))];

    /// <summary>Reads records of a track, from the first one on.</summary>
    internal static Step[] Read(int track, int records = 1) =>
        [Step.Extent(0x40, track, track), Step.Locate(0x06, records, track, 1, 4096), .. Enumerable.Repeat(Step.R(0x86, 4096), records)];

    /// <summary>Where the data of a step lies.</summary>
    internal static int DataOf(int step) => Data + (step * PerStep);

    /// <summary>Where a step's CCW lies.</summary>
    internal static uint CcwOf(int step) => Program + (uint)(step * Ccw.Size);

    /// <summary>Adds a rule that is right; gives it.</summary>
    internal FaultRule Add(string text)
    {
        Assert.Null(FaultRule.TryParse(text, Faults.Target, out IReadOnlyList<FaultRule> rules));
        Assert.NotNull(Faults.Add(rules));
        return rules[0];
    }

    /// <summary>Starts a program, and lets it run; gives the result of the write.</summary>
    internal int Start(Step[] steps, bool prefetch = true)
    {
        for (int i = 0; i < steps.Length; i++)
        {
            CcwFlags flags = (i + 1 < steps.Length ? CcwFlags.ChainCommand : 0) | (steps[i].Sli ? CcwFlags.SuppressLength : 0);
            int data = DataOf(i) + (i + 1 < steps.Length ? 0 : Into);
            steps[i].Out.CopyTo(Memory, data);
            if (steps[i].Target >= 0)
            {
                new Ccw(CommandCode.TransferInChannel, 0, 0, CcwOf(steps[i].Target)).WriteFormat1(Memory.AsSpan((int)CcwOf(i)));
                continue;
            }
            ushort count = (ushort)Math.Max(steps[i].Out.Length, steps[i].Read);
            new Ccw(steps[i].Code, flags, count, (uint)data).WriteFormat1(Memory.AsSpan((int)CcwOf(i)));
        }
        uint control = Machine.Orb64 & ~OrbControl.Format2Idaws & ~(prefetch ? 0u : OrbControl.Prefetch);
        int result = Device.WriteRegion(RegionIndex.Io, 0, Machine.Request(Program, control));
        if (result >= 0)
            Device.GoOn(WorkThread.Own);
        return result;
    }

    /// <summary>Runs a program to its next status.</summary>
    internal Irb Run(Step[] steps, bool prefetch = true)
    {
        Assert.True(Start(steps, prefetch) > 0);
        return Next();
    }

    /// <summary>Waits for a status, and takes it.</summary>
    internal Irb Next()
    {
        Assert.Equal(1u, Signals.Await(Device.IoInterrupt));
        return Shown();
    }

    /// <summary>The status that is shown.</summary>
    internal Irb Shown()
    {
        var irb = default(Irb);
        Device.ReadRegion(RegionIndex.Io, RegionLayout.IrbOffset, irb);
        return irb;
    }

    /// <summary>HALT or CLEAR.</summary>
    internal int Command(uint command)
    {
        byte[] bytes = new byte[RegionLayout.CmdSize];
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes, command);
        int result = Device.WriteRegion(RegionIndex.Cmd, 0, bytes);
        if (result >= 0)
            Device.GoOn(WorkThread.Own);
        return result;
    }

    /// <summary>The backend has ended the program: what is kept is kept by the layer.</summary>
    internal void AwaitBackend() =>
        Assert.True(SpinWait.SpinUntil(() => Faults.Next.Store(out Schib schib) && schib.Scsw.Activity == 0, Machine.Patience));

    /// <summary>The fact of the device that is about faults.</summary>
    internal string Fact => Faults.Describe().Single(fact => fact.Key == "faults").Value;

    public void Dispose()
    {
        Device.Dispose();
        Signals.Dispose();
        _executor.Dispose();
        Rig.Dispose();
    }
}
