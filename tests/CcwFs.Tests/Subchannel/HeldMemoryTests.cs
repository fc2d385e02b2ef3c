using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Tests.Subchannel;

/// <summary>A client whose memory does not answer holds up its own request, and nothing else.</summary>
public sealed class HeldMemoryTests : IDisposable
{
    private const int Held = 0x8000;
    private const ulong SenseIdToGood = 0xE420_0010_0000_2000, SenseIdToHeld = 0xE420_0010_0000_8000;
    private readonly byte[] _memory = new byte[Machine.MemorySize];
    private readonly HeldStore _store;
    private readonly Machine _machine = new();
    private readonly Client _client = new();

    public HeldMemoryTests()
    {
        _store = new HeldStore(_memory, Held);
        Bind(_machine.Device, _client, _store);
    }

    public void Dispose()
    {
        _store.Release();
        _machine.Dispose();
    }

    [Fact]
    public void A_thread_that_others_wait_for_is_told_before_anything_is_done()
    {
        Put(0x1000, SenseIdToGood);
        Assert.Equal(VfioCcwDevice.MustWait, Start(0x1000, mayWait: false));
        Assert.Equal(new byte[RegionLayout.IoSize], _machine.Read(RegionIndex.Io));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
        Assert.Equal(124, Start(0x1000, mayWait: true));
        Assert.Equal(DeviceState.Pending, _machine.Device.State);
        _machine.Device.GoOn(WorkThread.Client);
        Assert.Equal((DeviceState.Idle, (byte)0xFF), (_machine.Device.State, _memory[0x2000]));
    }

    [Fact]
    public void Nor_does_such_a_thread_run_the_program()
    {
        Put(0x1000, SenseIdToHeld);
        Assert.Equal(124, Start(0x1000, mayWait: true));
        _machine.Device.GoOn(WorkThread.Caller); // would not come back
        _store.AwaitWaiting(1);
        Assert.Equal(DeviceState.Pending, _machine.Device.State);
        _store.Release();
        Assert.True(SpinWait.SpinUntil(() => _machine.Device.State == DeviceState.Idle, Machine.Patience));
        Assert.Equal(0xFF, _memory[Held]);
    }

    [Fact]
    public async Task While_a_program_is_fetched_others_get_EAGAIN_and_a_reset_ends_it()
    {
        Task<int> held = Task.Run(() => Start(Held, mayWait: true));
        _store.AwaitWaiting(1);
        Assert.Equal(DeviceState.Processing, _machine.Device.State);
        Assert.Equal(-(int)Errno.EAGAIN, Start(0x1000, mayWait: true));
        Assert.Equal(-(int)Errno.EBUSY, _machine.StartAt(0x1000)); // somebody else
        Assert.Equal(RegionLayout.SchibSize, _machine.Read(RegionIndex.Schib).Length);
        Assert.True(_machine.Emulated.SetPath(0, available: false));
        Assert.True(_machine.Emulated.SetPath(0, available: true));
        Assert.Equal((Errno)0, _machine.Device.Reset(_client));
        RunGood();
        Assert.False(held.IsCompleted);
        _store.Release();
        Assert.Equal(-(int)Errno.EBUSY, await held.WaitAsync(Machine.Patience));
        RunGood();
    }

    [Fact]
    public async Task Status_of_an_earlier_function_that_comes_while_a_program_is_fetched_does_not_end_it()
    {
        Task<int> held = Task.Run(() => Start(Held, mayWait: true));
        _store.AwaitWaiting(1);
        Put(Held, SenseIdToGood);
        var halted = default(Irb);
        halted.Scsw = Scsw.Build(0, FunctionControl.Halt, ActivityControl.None, StatusControl.Pending, 0, 0, 0, 0);
        _machine.Subchannel.Inject(halted);
        Assert.Equal(DeviceState.Processing, _machine.Device.State);
        Assert.Equal(-(int)Errno.EAGAIN, Start(0x1000, mayWait: true));
        _store.Release();
        Assert.Equal(124, await held.WaitAsync(Machine.Patience));
        Assert.Equal(DeviceState.Pending, _machine.Device.State);
        _machine.Device.GoOn(WorkThread.Client);
        Assert.Equal((DeviceState.Idle, (byte)0xFF), (_machine.Device.State, _memory[0x2000]));
    }

    [Fact]
    public async Task Unmapping_or_another_space_or_the_client_gone_ends_a_fetch()
    {
        IovaMap map = Bind(_machine.Device, _client, _store);
        Action[] ends =
        [
            () => Assert.Equal(MapOutcome.Done, map.Unmap(0x10_0000, IovaMap.PageSize, out _)),
            () => Assert.True(_machine.Device.Attach(_client, null)),
            () => _machine.Device.GiveBack(_client),
        ];
        List<Task<int>> started = [];
        foreach (Action end in ends)
        {
            map = Bind(_machine.Device, _client, _store);
            map.Map(0x10_0000, IovaMap.PageSize, new ArrayStore(new byte[IovaMap.PageSize]), 0, MemoryRights.ReadWrite);
            started.Add(Task.Run(() => Start(Held, mayWait: true)));
            _store.AwaitWaiting(started.Count);
            end();
            Assert.Equal(DeviceState.Idle, _machine.Device.State);
        }
        _store.Release();
        foreach (Task<int> start in started)
            Assert.Equal(-(int)Errno.EBUSY, await start.WaitAsync(Machine.Patience));
        Assert.False(_machine.Device.IsTaken);
    }

    [Theory]
    [InlineData(SenseIdToHeld)]
    [InlineData(0x0520_0010_0000_8000)] // to the device
    public void A_reset_gives_a_transfer_up_and_nothing_of_it_counts(ulong ccw)
    {
        bool received = false;
        _machine.TestDevice.Commands[0x05] = data => TestDevice.Good | (DeviceStatus)((received = data.Receive(new byte[16]) == 16) ? 0 : 0);
        Put(0x1000, ccw);
        Assert.Equal(124, Start(0x1000, mayWait: true));
        Task.Run(() => _machine.Device.GoOn(WorkThread.Client));
        _store.AwaitWaiting(1);
        Assert.Equal((Errno)0, _machine.Device.Reset(_client));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
        int executed = _machine.TestDevice.Executed;
        RunGood();
        _store.Release();
        RunGood();
        Assert.Equal((executed + 2, false), (_machine.TestDevice.Executed, received));
    }

    [Fact]
    public void A_device_is_taken_away_from_under_a_transfer()
    {
        Put(0x1000, SenseIdToHeld);
        Assert.Equal(124, Start(0x1000, mayWait: true));
        _machine.Device.GoOn(WorkThread.Own);
        _store.AwaitWaiting(1);
        _machine.Device.Dispose();
        Assert.True(_machine.TestDevice.IsDisposed);
        Assert.Equal(DeviceState.NotOperational, _machine.Device.State);
        _machine.Device.GiveBack(_client);
    }

    [Fact]
    public void However_many_wait_another_subchannel_runs_its_programs()
    {
        using var executor = new ChannelExecutor();
        Put(0x1000, SenseIdToHeld);
        Put(0x3000, SenseIdToGood);
        List<VfioCcwDevice> devices = [];
        int count = 3 * Math.Max(ChannelExecutor.MinThreads, Environment.ProcessorCount);
        for (int i = 0; i < count; i++)
        {
            VfioCcwDevice device = Make(executor, (ushort)i);
            devices.Add(device);
            Bind(device, _client, _store);
            Assert.Equal(124, Start(device, 0x1000));
            device.GoOn(WorkThread.Own);
        }
        _store.AwaitWaiting(count);
        VfioCcwDevice other = Make(executor, 0xFFFF);
        devices.Add(other);
        Bind(other, _client, _store);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(124, Start(other, 0x3000));
            other.GoOn(WorkThread.Own);
            Assert.True(SpinWait.SpinUntil(() => other.State == DeviceState.Idle, Machine.Patience), "starved");
        }
        _store.Release();
        Assert.True(SpinWait.SpinUntil(() => devices.TrueForAll(d => d.State == DeviceState.Idle), Machine.Patience));
        devices.ForEach(d => d.Dispose());
    }

    [Fact]
    public void Transfers_that_were_given_up_are_bounded()
    {
        Put(0x1000, SenseIdToHeld);
        const int Enough = 12;
        int given = 0;
        while (given < Enough && Start(0x1000, mayWait: true) is var result && result != -(int)Errno.EBUSY)
        {
            Assert.Equal(124, result);
            _machine.Device.GoOn(WorkThread.Own);
            _store.AwaitWaiting(++given);
            Assert.Equal((Errno)0, _machine.Device.Reset(_client));
        }
        Assert.InRange(given, 1, Enough - 1);
        _store.Release();
        _store.AwaitWaiting(0);
        Assert.True(SpinWait.SpinUntil(() => Start(0x1000, mayWait: true) == 124, Machine.Patience));
    }

    private static VfioCcwDevice Make(ChannelExecutor executor, ushort number) => new(
        new EmulatedSubchannel(new SubchannelId(0, 0, number), new DeviceId(0, 0, number), [0], new TestDevice(), executor),
        new AddressSpace(new IovaMap()), NullLogger.Instance);

    private static IovaMap Bind(VfioCcwDevice device, IDeviceClient client, IMemoryStore store)
    {
        IovaMap map = IovaMap.Identity(store);
        if (!device.IsTaken)
            Assert.Equal((Errno)0, device.Take(client));
        Assert.True(device.Attach(client, new AddressSpace(map, Errno.ENOENT)));
        return map;
    }

    private void Put(int address, ulong ccw) => System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(_memory.AsSpan(address), ccw);

    private int Start(uint cpa, bool mayWait) => Start(_machine.Device, cpa, mayWait);

    private int Start(VfioCcwDevice device, uint cpa, bool mayWait = true) =>
        device.WriteRegion(_client, RegionIndex.Io, 0, Machine.Request(cpa), default, mayWait);

    /// <summary>A program whose memory answers.</summary>
    private void RunGood()
    {
        Put(0x1000, SenseIdToGood);
        _memory[0x2000] = 0;
        Assert.Equal(124, Start(0x1000, mayWait: true));
        _machine.Device.GoOn(WorkThread.Client);
        Assert.True(SpinWait.SpinUntil(() => _machine.Device.State == DeviceState.Idle, Machine.Patience));
        Assert.Equal(0xFF, _memory[0x2000]);
    }

    private sealed class Client : IDeviceClient
    {
        public string GuestCode => "unknown";

        public void Signal(DeviceInterrupt interrupt)
        {
        }
    }
}
