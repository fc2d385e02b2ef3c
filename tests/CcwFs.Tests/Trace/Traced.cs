using System.Buffers;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Memory;
using CcwFs.Metrics;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Trace;
using CcwFs.Trace.Views;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Trace;

/// <summary>A device with a trace over its metrics and its policy, and 1 MiB of guest memory.</summary>
internal sealed class Traced : IDisposable
{
    private readonly ChannelExecutor _executor = new();

    public Traced(IChannelDevice device, int flight = TraceLayer.DefaultFlight)
    {
        var id = new SubchannelId(0, 0, 0);
        Policy = new PolicyLayer(new EmulatedSubchannel(id, new DeviceId(0, 0, 0x150), [0x40], device, _executor), NullLogger.Instance);
        Metrics = new MetricsLayer(Policy);
        Layer = new TraceLayer(Metrics, id, flight);
        Device = new VfioCcwDevice(Layer, new AddressSpace(IovaMap.Identity(new ArrayStore(Memory))), NullLogger.Instance);
    }

    public byte[] Memory { get; } = new byte[Machine.MemorySize];

    public PolicyLayer Policy { get; }

    public MetricsLayer Metrics { get; }

    public TraceLayer Layer { get; }

    public VfioCcwDevice Device { get; }

    /// <summary>Puts CCWs of format 1 one after the other.</summary>
    public void Ccws(uint address, params Ccw[] ccws)
    {
        for (int i = 0; i < ccws.Length; i++)
            ccws[i].WriteFormat1(Memory.AsSpan((int)address + (i * Ccw.Size)));
    }

    /// <summary>Starts a program and waits until its status was taken.</summary>
    public int Run(uint program, uint control = Machine.Orb64)
    {
        int result = Device.WriteRegion(RegionIndex.Io, 0, Machine.Request(program, control));
        Device.GoOn(WorkThread.Caller);
        Assert.True(SpinWait.SpinUntil(() => Device.State != DeviceState.Pending, Machine.Patience));
        var irb = default(Irb);
        Device.ReadRegion(RegionIndex.Io, RegionLayout.IrbOffset, irb);
        return result;
    }

    /// <summary>Starts a program 2,000 times and then again; gives the fewest bytes that 50 starts have allocated.</summary>
    public long LeastBytesOfStarts(uint program)
    {
        byte[] request = Machine.Request(program);
        byte[] io = new byte[RegionLayout.IoSize];
        for (int i = 0; i < 2000; i++)
            Round();
        return Allocations.Least(() =>
        {
            for (int i = 0; i < 50; i++)
                Round();
        });

        void Round()
        {
            Device.WriteRegion(RegionIndex.Io, 0, request);
            Device.GoOn(WorkThread.Caller);
            SpinWait spin = default;
            while (Device.State == DeviceState.Pending)
                spin.SpinOnce();
            Device.ReadRegion(RegionIndex.Io, 0, io);
        }
    }

    /// <summary>What a reader has, as text without the time, an event after the other.</summary>
    public static List<string> Texts(TraceReader reader, CommandSet commands)
    {
        List<string> all = [];
        var view = new TextView(commands);
        var made = new ArrayBufferWriter<byte>();
        while (reader.TryRead(out TraceRecord record))
        {
            made.ResetWrittenCount();
            view.Write(record, made);
            string text = Encoding.UTF8.GetString(made.WrittenSpan).TrimEnd('\n');
            all.Add(text[(text.IndexOf(' ') + 1)..]);
        }
        return all;
    }

    public void Dispose()
    {
        Device.Dispose();
        _executor.Dispose();
    }
}
