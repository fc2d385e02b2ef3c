using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Policy;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// One subchannel with a device, as a client of its regions sees it: 1 MiB of guest memory at address 0, programs run on the caller's
/// thread as far as they are short.
/// </summary>
internal sealed class Machine : IDisposable
{
    public const int MemorySize = 0x10_0000;
    public const uint Start = 0x0000_4000;          // fctl in the SCSW area's first word
    public const uint Orb64 = OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws | 0x8000;

    /// <summary>Longest time that anything here takes before a test fails (a watchdog, not a measure).</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ChannelExecutor _executor = new();
    private readonly Signals _signals;

    public Machine(IChannelDevice? device = null, bool suppressSuspended = false, byte[]? chpids = null, IovaMap? map = null, ushort number = 0,
        bool mayWait = false,
        ILogger? logger = null, TimeProvider? time = null, bool layered = false)
    {
        TestDevice = device as TestDevice ?? (device is null ? new TestDevice() : null!);
        Memory = new byte[MemorySize];
        Map = map ?? IovaMap.Identity(mayWait ? new HeldStore(Memory) : new ArrayStore(Memory));
        Emulated = new EmulatedSubchannel(new SubchannelId(0, 0, number), new DeviceId(0, 0, number), chpids ?? [0], device ?? TestDevice, _executor);
        Subchannel = new TestSubchannel(Emulated) { SuppressSuspended = suppressSuspended };
        Device = new VfioCcwDevice(Over(Subchannel, layered, logger, time), new AddressSpace(Map), logger ?? NullLogger.Instance, time: time);
        _signals = new Signals(Device);
    }

    /// <summary>The layers over a backend, as a mount has them; <paramref name="layered"/>: with layers that do nothing between every pair.</summary>
    public static ISubchannel Over(ISubchannel backend, bool layered = false, ILogger? logger = null, TimeProvider? time = null)
    {
        ISubchannel below = layered ? new IdleLayer(backend) : backend;
        var policy = new PolicyLayer(below, logger ?? NullLogger.Instance, time: time);
        return layered ? new IdleLayer(policy) : policy;
    }

    /// <summary>The program does not end by itself: nobody waits for it.</summary>
    public bool IsEndless { get; set; }

    public TestDevice TestDevice { get; }

    public byte[] Memory { get; }

    public IovaMap Map { get; }

    public EmulatedSubchannel Emulated { get; }

    public TestSubchannel Subchannel { get; }

    public VfioCcwDevice Device { get; }

    public static byte[] Request(uint cpa, uint control = Orb64, uint fctl = Start, uint parameter = 0x1122_3344)
    {
        byte[] io = new byte[RegionLayout.IoSize];
        new Orb(parameter, control, cpa).Write(io);
        BinaryPrimitives.WriteUInt32BigEndian(io.AsSpan(RegionLayout.ScswOffset), fctl);
        return io;
    }

    /// <summary>Puts format-1 CCWs one behind the other.</summary>
    public Machine Ccws(uint address, params ulong[] ccws)
    {
        foreach (ulong ccw in ccws)
        {
            BinaryPrimitives.WriteUInt64BigEndian(Memory.AsSpan((int)address), ccw);
            address += Ccw.Size;
        }
        return this;
    }

    public int Write(RegionIndex region, int position, ReadOnlySpan<byte> bytes)
    {
        int result = Device.WriteRegion(region, position, bytes);
        if (result >= 0 && Device.HasWork)
        {
            Device.GoOn(WorkThread.Caller);
            Assert.True(IsEndless || SpinWait.SpinUntil(HasSettled, Patience), "the program does not end");
        }
        return result;
    }

    /// <summary>The program has ended, or stands still, and its status was taken (a cold or a long one goes on in another thread).</summary>
    public bool HasSettled()
    {
        bool suspended = Emulated.Store(out Schib schib) && (schib.Scsw.Activity & ActivityControl.Suspended) != 0;
        return Device.State != DeviceState.Pending || suspended || Subchannel.IsMasked;
    }

    public int StartAt(uint cpa, uint control = Orb64) => Write(RegionIndex.Io, 0, Request(cpa, control));

    public int Command(uint command)
    {
        byte[] bytes = new byte[RegionLayout.CmdSize];
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes, command);
        return Write(RegionIndex.Cmd, 0, bytes);
    }

    /// <summary>RSCH through the io region: resume pending and suspended in the SCSW area.</summary>
    public int Resume()
    {
        byte[] io = Read(RegionIndex.Io);
        BinaryPrimitives.WriteUInt32BigEndian(
            io.AsSpan(RegionLayout.ScswOffset), Start | ((uint)(ActivityControl.ResumePending | ActivityControl.Suspended) << 5));
        return Write(RegionIndex.Io, 0, io);
    }

    public byte[] Read(RegionIndex region)
    {
        byte[] bytes = new byte[RegionLayout.Size(region)];
        Assert.Equal(bytes.Length, Device.ReadRegion(region, 0, bytes));
        return bytes;
    }

    public Irb ReadIrb()
    {
        var irb = default(Irb);
        Assert.Equal(Irb.Size, Device.ReadRegion(RegionIndex.Io, RegionLayout.IrbOffset, irb));
        return irb;
    }

    public int IoRetCode => System.Runtime.InteropServices.MemoryMarshal.Read<int>(Read(RegionIndex.Io).AsSpan(RegionLayout.IoRetCodeOffset));

    /// <summary>Takes a signal; 0 when there is none now.</summary>
    public static ulong Take(InterruptLine line) => line.TryTake(out ulong count) ? count : 0;

    /// <summary>Waits for a signal and takes it.</summary>
    public ulong Await(InterruptLine line) => _signals.Await(line);

    /// <summary>Runs a program to its final status and takes that.</summary>
    public Irb Run(uint cpa, uint control = Orb64)
    {
        Assert.Equal(RegionLayout.IoSize, StartAt(cpa, control));
        Assert.Equal(1u, Await(Device.IoInterrupt));
        return ReadIrb();
    }

    public static string Errno(int result) => result >= 0 ? "" : ((Errno)(-result)).ToString();

    public void Dispose()
    {
        Device.Dispose();
        _signals.Dispose();
        _executor.Dispose();
    }
}
