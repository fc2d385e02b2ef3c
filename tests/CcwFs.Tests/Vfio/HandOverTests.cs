using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Vfio;

/// <summary>A device that goes from one client to the next while what the first one leaves is still being cleared away.</summary>
public sealed class HandOverTests
{
    private const uint Program = 0x1000;

    [Fact]
    public void What_is_unmapped_for_the_last_client_ends_no_program_of_the_next_one()
    {
        using var machine = new Machine { IsEndless = true };
        machine.Ccws(Program, 0xE460_0001_0000_2000, 0x0800_0000_0000_1000); // loops for ever, with a page pinned
        var (last, next) = (new Client(), new Client());
        AddressSpace old = Space(machine);
        int started = 0;
        old.Map.AddOwner(new Hook(() =>
        {
            // The map has made its list of owners, the device among them, and tells us first.
            machine.Device.GiveBack(last);
            Assert.Equal((Errno)0, machine.Device.Take(next));
            Assert.True(machine.Device.Attach(next, Space(machine)));
            started = machine.Device.WriteRegion(next, RegionIndex.Io, 0, Machine.Request(Program), default, mayWait: true);
        }));
        Assert.Equal((Errno)0, machine.Device.Take(last));
        Assert.True(machine.Device.Attach(last, old));
        Assert.Equal(MapOutcome.Done, old.Map.Unmap(0, Machine.MemorySize, out _));
        Assert.Equal((RegionLayout.IoSize, DeviceState.Pending), (started, machine.Device.State));
        machine.Device.GiveBack(next);
    }

    private static AddressSpace Space(Machine machine) => new(IovaMap.Identity(new ArrayStore(machine.Memory)), Errno.ENOENT);

    private sealed class Client : IDeviceClient
    {
        public string GuestCode => "unknown";

        public void Signal(DeviceInterrupt interrupt)
        {
        }
    }

    private sealed class Hook(Action action) : IPinOwner
    {
        public void Unmapped(IovaMap map, ulong iova, ulong length) => action();
    }
}
