using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio.Backend;
using CcwFs.Vfio.Endpoint;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>A subchannel of the backend over a <see cref="FakeKernel"/>, with 1 MiB of guest memory at address 0.</summary>
internal sealed class BackendRig : IDisposable
{
    public const ulong GuestBase = 1ul << 32;
    public static readonly SubchannelId Id = new(0, 0, 0x313);

    private readonly Signals _signals;

    public BackendRig(FakeKernel? kernel = null, TimeSpan? timeout = null, bool group = false, ILogger? logger = null, bool identify = false,
        byte[]? identity = null)
    {
        Kernel = kernel ?? new FakeKernel();
        VfioTarget target = group ? new VfioTarget(FakeKernel.Group, Uuid: FakeKernel.Uuid) : new VfioTarget(FakeKernel.Cdev);
        Memory = new InPlaceStore(Shared = SharedMemory.Create("test", Machine.MemorySize));
        Map = IovaMap.Identity(Memory);
        Subchannel =
            new VfioSubchannel(VfioDevice.Open(Kernel, target), new VfioOptions(Id, new DeviceId(0, 0, 0x2B09), timeout), logger
            ?? NullLogger.Instance);
        if (identity is not null)
        {
            Kernel.Started = () =>
            {
                Kernel.Send(HostArena.Base + (2 * Ccw.Size), identity);
                Kernel.Interrupt(Ended(HostArena.Base + Ccw.Size, (ushort)(7 - identity.Length)));
            };
        }
        if (identify || identity is not null)
            Subchannel.Identify();
        if (identity is not null)
            Kernel.Started = null;
        Device = new VfioCcwDevice(Machine.Over(Subchannel), new AddressSpace(Map), NullLogger.Instance);
        _signals = new Signals(Device);
    }

    /// <summary>What a 3390 answers to SENSE ID.</summary>
    public static byte[] Dasd => [0xFF, 0x39, 0x90, 0xE9, 0x33, 0x90, 0x0C];

    public FakeKernel Kernel { get; }

    public SharedMemory Shared { get; }

    public IMemoryStore Memory { get; }

    public IovaMap Map { get; }

    public VfioSubchannel Subchannel { get; }

    public VfioCcwDevice Device { get; }

    /// <summary>An IRB that ends a program.</summary>
    public static Irb Final(uint cpa, FunctionControl function = FunctionControl.Start, ActivityControl activity = ActivityControl.None) =>
        Ended(cpa, residual: 7, function, activity);

    private static Irb Ended(uint cpa, ushort residual, FunctionControl function = FunctionControl.Start,
        ActivityControl activity = ActivityControl.None)
    {
        var irb = default(Irb);
        irb.Scsw = Scsw.Build(
            0, function, activity, StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending, cpa,
                DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, 0, residual);
        return irb;
    }

    public void Ccws(uint address, params ulong[] ccws)
    {
        byte[] bytes = new byte[Ccw.Size];
        foreach (ulong ccw in ccws)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, ccw);
            Memory.Write(address, bytes);
            address += Ccw.Size;
        }
    }

    public int Start(uint cpa = 0x1000, uint control = Machine.Orb64) => Device.WriteRegion(RegionIndex.Io, 0, Machine.Request(cpa, control));

    public int Command(uint command)
    {
        byte[] bytes = new byte[RegionLayout.CmdSize];
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes, command);
        return Device.WriteRegion(RegionIndex.Cmd, 0, bytes);
    }

    /// <summary>Waits for a signal and takes it.</summary>
    public ulong Await(InterruptLine line) => _signals.Await(line);

    public Irb ReadIrb()
    {
        var irb = default(Irb);
        Assert.Equal(Irb.Size, Device.ReadRegion(RegionIndex.Io, RegionLayout.IrbOffset, irb));
        return irb;
    }

    public static void Eventually(Func<bool> holds, string what) => Assert.True(SpinWait.SpinUntil(holds, Machine.Patience), what);

    public void Dispose()
    {
        Device.Dispose();
        _signals.Dispose();
        Shared.Dispose();
    }
}
