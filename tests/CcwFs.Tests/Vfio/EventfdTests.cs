using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Vfio;

/// <summary>A client's eventfds and what its device does for it alone.</summary>
public sealed class EventfdTests
{
    private const uint Program = 0x1000;
    private const ulong Nop = 0x0320_0001_0000_2000;

    [Fact]
    public void A_full_counter_does_not_hold_up_whoever_signals()
    {
        Assert.Equal(0, EventSignals.Create(out EventSignals? made));
        using EventSignals signals = made!;
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: false, out FileDescriptor full));
        using (full)
        {
            Assert.Equal(0, Descriptors.Signal(full, ulong.MaxValue - 1));
            for (int i = 0; i < 1000; i++)
                Assert.Equal(0, signals.Signal(full));
            Assert.Equal(Descriptors.PollIn, (short)(Descriptors.Poll(full, Descriptors.PollIn | Descriptors.PollOut, 0) & Descriptors.PollIn));
        }
    }

    [Fact]
    public void Each_signal_adds_one()
    {
        Assert.Equal(0, EventSignals.Create(out EventSignals? made));
        using EventSignals signals = made!;
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out FileDescriptor eventFd));
        using (eventFd)
        {
            for (int i = 0; i < 1000; i++)
                Assert.Equal(0, signals.Signal(eventFd));
            ulong count = 0;
            Assert.Equal(sizeof(ulong), eventFd.Read(MemoryMarshal.AsBytes(new Span<ulong>(ref count))));
            Assert.Equal(1000ul, count);
        }
    }

    [Fact]
    public void Without_an_eventfd_the_irb_is_stored_and_no_signal_comes_later()
    {
        using var machine = new Machine().Ccws(Program, Nop);
        using DeviceTestClient client = Client(machine);
        Assert.Equal(0, client.SetEvent(DeviceInterrupt.Io, -1));
        Run(machine, client);
        byte[] io = new byte[RegionLayout.IoSize];
        Assert.Equal(io.Length, client.File.Read(0, io));
        Assert.Equal(0x0C, io[RegionLayout.IrbOffset + 8]);
        client.SetEvent(DeviceInterrupt.Io);
        Assert.Equal(0ul, client.Take(DeviceInterrupt.Io));
    }

    [Fact]
    public void An_interrupt_goes_where_its_eventfd_was_last_set()
    {
        using var machine = new Machine().Ccws(Program, Nop);
        using DeviceTestClient client = Client(machine);
        Assert.Equal(0, client.SetEvent(DeviceInterrupt.Io, client.Events[(int)DeviceInterrupt.Crw].Number));
        Run(machine, client);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Crw));
        Assert.Equal(0ul, client.Take(DeviceInterrupt.Io));
        Assert.Equal(0ul, Machine.Take(machine.Device.IoInterrupt));
    }

    [Fact]
    public void Others_neither_start_nor_take_what_is_the_clients()
    {
        using var machine = new Machine().Ccws(Program, Nop);
        using DeviceTestClient client = Client(machine);
        Run(machine, client);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        Assert.Equal(-16, machine.StartAt(Program));
        Assert.Equal(-16, machine.Command(RegionLayout.CommandHalt));
        Assert.Equal(RegionLayout.SchibSize, machine.Device.ReadRegion(RegionIndex.Schib, 0, new byte[RegionLayout.SchibSize]));
        machine.Read(RegionIndex.Io); // takes nothing
        Run(machine, client);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
    }

    [Fact]
    public void A_pending_program_of_a_file_user_keeps_clients_away_and_a_client_others()
    {
        using var machine = new Machine { IsEndless = true };
        machine.Ccws(Program, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000); // loops for ever
        machine.StartAt(Program);
        using (var refused = new DeviceTestClient(machine.Device, bind: false))
            Assert.Equal(-16, refused.Bind());
        machine.Device.Reset();
        using (var first = new DeviceTestClient(machine.Device))
        {
            using var second = new DeviceTestClient(machine.Device, bind: false);
            Assert.Equal(-22, second.Bind());
        }
    }

    [Fact]
    public void The_end_of_a_client_ends_its_program_and_frees_the_device()
    {
        using var machine = new Machine { IsEndless = true };
        machine.Ccws(Program, 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        DeviceTestClient client = Client(machine);
        Run(machine, client);
        Assert.Equal(DeviceState.Pending, machine.Device.State);
        client.Dispose();
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        using var next = new DeviceTestClient(machine.Device);
    }

    [Fact]
    public void A_removed_device_asks_its_client_and_works_until_it_is_closed()
    {
        using var machine = new Machine().Ccws(Program, Nop);
        DeviceTestClient client = Client(machine);
        using var returned = new ManualResetEventSlim();
        Assert.True(machine.Device.RequestReturn(returned.Set));
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Request));
        Run(machine, client);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        Assert.False(returned.IsSet);
        client.Dispose();
        Assert.True(returned.Wait(Machine.Patience));
    }

    [Fact]
    public void Without_an_address_space_a_program_is_ENOENT()
    {
        using var machine = new Machine().Ccws(Program, Nop);
        using var client = new DeviceTestClient(machine.Device);
        Assert.Equal(-2, Start(client));
    }

    private static DeviceTestClient Client(Machine machine)
    {
        var client = new DeviceTestClient(machine.Device);
        Assert.True(machine.Device.Attach(client.File,
            new AddressSpace(IovaMap.Identity(new ArrayStore(machine.Memory)), Mono.Unix.Native.Errno.ENOENT)));
        return client;
    }

    private static void Run(Machine machine, DeviceTestClient client)
    {
        Assert.Equal(RegionLayout.IrbOffset, Start(client));
        Assert.True(machine.Device.HasWork);
        machine.Device.GoOn(WorkThread.Caller);
        Assert.True(machine.IsEndless || SpinWait.SpinUntil(() => machine.Device.State != DeviceState.Pending, Machine.Patience));
    }

    /// <summary>ORB and SCSW in the order of this host.</summary>
    private static int Start(DeviceTestClient client)
    {
        byte[] request = new byte[RegionLayout.IrbOffset];
        BitConverter.GetBytes(0x1234).CopyTo(request, 0);
        BitConverter.GetBytes((ushort)0x00C2).CopyTo(request, 4);
        request[6] = 0x80;
        BitConverter.GetBytes(Program).CopyTo(request, 8);
        BitConverter.GetBytes((ushort)0x4000).CopyTo(request, 14);
        return client.File.Write(0, request, out _);
    }
}
