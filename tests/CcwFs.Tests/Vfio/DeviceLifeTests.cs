using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>
/// The captured cases life.* of a device file that is closed and opened again. One thing is another: eventfds end with the client that gave them.
/// </summary>
public sealed class DeviceLifeTests
{
    private const uint Program = 0x1000;
    private const long Cmd = (long)RegionIndex.Cmd << DeviceClient.OffsetShift, CrwRegion = (long)RegionIndex.Crw << DeviceClient.OffsetShift;

    [Fact]
    public void Regions_and_reports_outlive_the_client()
    {
        using var machine = new Machine().Ccws(Program, 0x0320_0001_0000_2000);
        byte[] written = new byte[RegionLayout.IoSize];
        written.AsSpan(RegionLayout.IrbOffset, Irb.Size).Fill(0x3C);
        using (var client = new DeviceTestClient(machine.Device))
        {
            Assert.Equal(written.Length, client.File.Write(0, written, out _)); // no function: nothing happens
            Assert.Equal(-22, client.File.Write(Cmd, new byte[RegionLayout.CmdSize], out _));
            machine.Subchannel.Report(Crw.ChannelPath(0, Crw.Initialized));
        }
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        using var next = new DeviceTestClient(machine.Device);
        Assert.Equal(written, Read(next, 0, RegionLayout.IoSize));
        Assert.Equal(-22, BitConverter.ToInt32(Read(next, Cmd, RegionLayout.CmdSize), RegionLayout.CmdRetCodeOffset));
        RunNop(machine, next);
        Assert.NotEqual(new byte[RegionLayout.CrwSize], Read(next, CrwRegion, RegionLayout.CrwSize));
        Assert.Equal(new byte[RegionLayout.CrwSize], Read(next, CrwRegion, RegionLayout.CrwSize));
    }

    [Fact]
    public void A_suspended_program_ends_with_its_client()
    {
        using var machine = new Machine(suppressSuspended: true).Ccws(Program, 0x0360_0001_0000_2000, 0xE422_0040_0000_3000);
        using (DeviceTestClient client = Attached(machine))
        {
            Start(machine, client, 0x08C2);
            Assert.Equal(DeviceState.Pending, machine.Device.State);
        }
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        Assert.Equal(ActivityControl.None, Schib.Read(machine.Read(RegionIndex.Schib)).Scsw.Activity);
        using DeviceTestClient next = Attached(machine);
        Assert.Equal(0ul, next.Take(DeviceInterrupt.Io));
        RunNop(machine, next);
    }

    [Fact]
    public void Status_that_was_pending_at_the_close_is_nobodys()
    {
        using var machine = new Machine().Ccws(Program, 0xE420_0040_0000_2000);
        using (DeviceTestClient client = Attached(machine))
        {
            machine.Subchannel.Mask();
            Start(machine, client, 0x00C2);
        }
        machine.Subchannel.Unmask();
        using DeviceTestClient next = Attached(machine);
        Assert.Equal(0ul, next.Take(DeviceInterrupt.Io));
        Assert.Equal(new byte[Irb.Size], Read(next, RegionLayout.IrbOffset, Irb.Size));
        RunNop(machine, next);
    }

    [Fact]
    public void A_clear_takes_the_unread_away_so_that_its_own_end_is_signalled()
    {
        using var machine = new Machine().Ccws(Program, 0x0320_0001_0000_2000);
        using DeviceTestClient client = Attached(machine);
        for (int i = 0; i < 3; i++)
        {
            Start(machine, client, 0x00C2);
            Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
            Assert.Equal(RegionLayout.CmdSize, client.File.Write(Cmd, BitConverter.GetBytes((ulong)RegionLayout.CommandClear), out _));
            Assert.True(machine.Device.HasWork);
            machine.Device.GoOn(WorkThread.Caller);
            Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        }
        Assert.Equal(0x10, Read(client, RegionLayout.IrbOffset, Irb.Size)[2] & 0x10); // the function was clear
    }

    [Fact]
    public void A_halt_behind_an_unread_end_is_signalled_and_shown_with_that_end()
    {
        using var machine = new Machine().Ccws(Program, 0x0320_0001_0000_2000);
        using DeviceTestClient client = Attached(machine);
        for (int i = 0; i < 3; i++)
        {
            Start(machine, client, 0x00C2);
            Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
            Halt(machine, client);
            Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
            Halt(machine, client); // nor was that one read
            Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        }
        byte[] irb = Read(client, RegionLayout.IrbOffset, Irb.Size);
        Assert.Equal(0x60, irb[2] & 0x70); // functions: start and halt
        Assert.Equal((0x0C, 1), (irb[8], irb[3] & 1)); // channel end and device end of the program
        Assert.Equal(0ul, client.Take(DeviceInterrupt.Io));
    }

    [Fact]
    public void A_halt_behind_status_of_the_devices_own_is_signalled_and_that_status_comes_again()
    {
        using var machine = new Machine();
        using DeviceTestClient client = Attached(machine);
        machine.TestDevice.Unsolicited!(DeviceStatus.Attention);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        Halt(machine, client);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        Assert.Equal(0x20, Read(client, RegionLayout.IrbOffset, Irb.Size)[2] & 0x70);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
        Assert.Equal((byte)DeviceStatus.Attention, Read(client, RegionLayout.IrbOffset, Irb.Size)[8]);
    }

    private static void Halt(Machine machine, DeviceTestClient client)
    {
        Assert.Equal(RegionLayout.CmdSize, client.File.Write(Cmd, BitConverter.GetBytes((ulong)RegionLayout.CommandHalt), out _));
        Assert.True(machine.Device.HasWork);
        machine.Device.GoOn(WorkThread.Caller);
    }

    private static DeviceTestClient Attached(Machine machine)
    {
        var client = new DeviceTestClient(machine.Device);
        Assert.True(machine.Device.Attach(client.File,
            new AddressSpace(IovaMap.Identity(new ArrayStore(machine.Memory)), Mono.Unix.Native.Errno.ENOENT)));
        return client;
    }

    private static byte[] Read(DeviceTestClient client, long offset, int length)
    {
        byte[] bytes = new byte[length];
        Assert.Equal(length, client.File.Read(offset, bytes));
        return bytes;
    }

    private static void RunNop(Machine machine, DeviceTestClient client)
    {
        machine.Device.Attach(client.File, new AddressSpace(IovaMap.Identity(new ArrayStore(machine.Memory))));
        machine.Ccws(Program, 0x0320_0001_0000_2000);
        Start(machine, client, 0x00C2);
        Assert.Equal(1ul, client.Await(DeviceInterrupt.Io));
    }

    private static void Start(Machine machine, DeviceTestClient client, ushort control)
    {
        byte[] request = new byte[RegionLayout.IrbOffset];
        BitConverter.GetBytes(control).CopyTo(request, 4);
        request[6] = 0x80;
        BitConverter.GetBytes(Program).CopyTo(request, 8);
        BitConverter.GetBytes((ushort)0x4000).CopyTo(request, 14);
        Assert.Equal(request.Length, client.File.Write(0, request, out _));
        Assert.True(machine.Device.HasWork);
        machine.Device.GoOn(WorkThread.Caller);
        Assert.True(SpinWait.SpinUntil(machine.HasSettled, Machine.Patience));
    }
}
