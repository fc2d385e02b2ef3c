using System.Collections.Concurrent;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Vfio;

/// <summary>A client keeps one IRB a subchannel: what its guest has not seen yet is not to be replaced.</summary>
public sealed class InterruptSpacingTests : IDisposable
{
    private const ulong Nop = 0x0320_0001_0000_2000;
    private const ulong PciNop = 0x0368_0001_0000_2000;

    private readonly Machine _machine = new();
    private readonly Client _client = new();

    public InterruptSpacingTests()
    {
        Assert.Equal(0, (int)_machine.Device.Take(_client));
        Assert.True(_machine.Device.Attach(_client, new AddressSpace(_machine.Map)));
        _machine.Ccws(0x1000, Nop).Ccws(0x1100, PciNop, Nop);
    }

    public void Dispose()
    {
        _machine.Device.GiveBack(_client);
        _machine.Dispose();
    }

    [Fact]
    public void Status_of_the_device_comes_a_while_after_a_programs_end_was_read()
    {
        Run(0x1000);
        _client.Await();
        _machine.Subchannel.Inject(Attention(1));
        long read = Environment.TickCount64;
        Assert.Equal(FunctionControl.Start, Read().Function);
        Assert.InRange(_client.Await() - read, VfioCcwDevice.InterruptSpacing, long.MaxValue);
        Assert.Equal(1, Read().Residual);
        _client.HasNoMore();
    }

    [Fact]
    public void It_comes_at_once_with_the_next_start_and_then_the_programs_end_waits()
    {
        Run(0x1000);
        _client.Await();
        Read();
        _machine.Subchannel.Inject(Attention(1));
        Assert.True(Start(0x1000));
        _client.Await(); // no thread has had the program yet
        _machine.Device.GoOn(WorkThread.Caller);
        long read = Environment.TickCount64;
        Assert.Equal(1, Read().Residual);
        Assert.InRange(_client.Await() - read, VfioCcwDevice.InterruptSpacing, long.MaxValue);
        Assert.Equal(FunctionControl.Start, Read().Function);
        _client.HasNoMore();
    }

    [Fact]
    public void A_start_before_it_was_read_does_not_take_it_away()
    {
        _machine.Subchannel.Inject(Attention(1));
        _client.Await();
        Run(0x1000);
        Assert.Equal(1, Read().Residual);
        _client.Await();
        Assert.Equal(FunctionControl.Start, Read().Function);
        _client.HasNoMore();
    }

    [Fact]
    public void A_client_that_never_reads_gathers_nothing_but_the_last_programs_end()
    {
        _machine.Subchannel.Inject(Attention(1));
        for (int i = 0; i < 1000; i++)
            Run(0x1000);
        _client.Await();
        Assert.Equal(1, Read().Residual);
        _client.Await();
        Assert.Equal(FunctionControl.Start, Read().Function);
        _client.HasNoMore();
    }

    [Fact]
    public void The_statuses_of_one_program_follow_each_other_at_once()
    {
        Run(0x1100);
        _client.Await();
        Assert.Equal(StatusControl.Intermediate, Read().StatusControl & StatusControl.Intermediate);
        Assert.Single(_client.Signals);
        Assert.Equal(StatusControl.Primary, Read().StatusControl & StatusControl.Primary);
    }

    [Fact]
    public void A_programs_end_that_was_kept_back_does_not_come_after_a_reset()
    {
        _machine.Subchannel.Inject(Attention(1));
        _client.Await();
        Run(0x1000); // its end waits behind
        Assert.Equal(0, (int)_machine.Device.Reset());
        _machine.Subchannel.Inject(Attention(2));
        Assert.Equal(1, Read().Residual);
        _client.Await();
        Assert.Equal(2, Read().Residual);
        _client.HasNoMore();
    }

    private static Irb Attention(ushort number)
    {
        var irb = default(Irb);
        irb.Scsw =
            Scsw.Build(0, FunctionControl.None, ActivityControl.None, StatusControl.Alert | StatusControl.Pending, 0, DeviceStatus.Attention, 0,
            number);
        return irb;
    }

    private bool Start(uint address)
    {
        int result = _machine.Device.WriteRegion(_client, RegionIndex.Io, 0, Machine.Request(address), default, mayWait: true);
        return result == RegionLayout.IoSize && _machine.Device.HasWork;
    }

    private void Run(uint address)
    {
        Assert.True(Start(address));
        _machine.Device.GoOn(WorkThread.Caller);
        Assert.True(SpinWait.SpinUntil(_machine.HasSettled, Machine.Patience));
    }

    private Scsw Read()
    {
        byte[] io = new byte[RegionLayout.IoSize];
        Assert.Equal(io.Length, _machine.Device.ReadRegion(_client, RegionIndex.Io, 0, io, default));
        return Scsw.Read(io.AsSpan(RegionLayout.IrbOffset));
    }

    /// <summary>Notes when it was signalled.</summary>
    private sealed class Client : IDeviceClient
    {
        public string GuestCode => "unknown";

        internal BlockingCollection<long> Signals { get; } = [];

        public void Signal(DeviceInterrupt interrupt) => Signals.Add(Environment.TickCount64);

        internal long Await()
        {
            Assert.True(Signals.TryTake(out long at, Machine.Patience), "no signal");
            return at;
        }

        internal void HasNoMore() => Assert.Empty(Signals);
    }
}
