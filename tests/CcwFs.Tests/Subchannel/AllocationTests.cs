using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

/// <summary>A request in steady state allocates nothing.</summary>
public sealed class AllocationTests
{
    private const int Warm = 200, Measured = 50;
    private readonly byte[] _block = new byte[4096];

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void A_start_with_its_translation_execution_and_interrupt_allocates_nothing(int reads)
    {
        var device = new TestDevice();
        device.Commands[0x06] = data =>
        {
            data.Send(_block);
            return TestDevice.Good;
        };
        using var machine = new Machine(device);
        Program(machine, reads);
        byte[] request = Machine.Request(0x1000);
        byte[] io = new byte[RegionLayout.IoSize];
        long here = 0;
        for (int i = 0; i < Warm + Measured; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int written = machine.Device.WriteRegion(RegionIndex.Io, 0, request);
            bool begun = machine.Device.HasWork;
            machine.Device.GoOn(WorkThread.Caller);
            bool inTime = machine.Device.State == DeviceState.Idle;
            // at once, unless the time on this thread was over: then the executor's threads went on
            bool signalled = SpinUntilSignalled(machine.Device.IoInterrupt);
            int read = machine.Device.ReadRegion(RegionIndex.Io, 0, io);
            long after = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(written == 124 && begun && read == 124 && signalled, $"round {i}: {written} {read} {signalled}");
            Assert.Equal(0x0C00_0000u, Scsw.Read(io.AsSpan(RegionLayout.IrbOffset)).Status & 0xFFFF_0000);
            if (i >= Warm && inTime)
                here += after == before ? 0 : 1;
        }
        Assert.InRange(here, 0, Measured / 10); // what is allocated comes with every round; see Allocations for the others
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void A_translation_allocates_nothing(int reads)
    {
        using var machine = new Machine();
        Program(machine, reads);
        var translator = new Translator();
        var orb = new Orb(1, Machine.Orb64, 0x1000);
        for (int i = 0; i < Warm; i++)
            Round();
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < Measured; i++)
                Round();
        }));

        void Round()
        {
            bool good = translator.Initialize(orb, machine.Map) == ProgramFault.None && translator.Prefetch() == ProgramFault.None
                && translator.Program.TryGetOrb(1, 0x80, out Orb host)
                && translator.Program.ToGuest(new HostAddress(host.ProgramAddress)) == new GuestCcwAddress(0x1000);
            translator.Free();
            if (!good)
                Assert.Fail("the translation failed");
        }
    }

    private static void Program(Machine machine, int reads)
    {
        if (reads == 1)
        {
            machine.Ccws(0x1000, 0x0320_0001_0000_2000);
            return;
        }
        for (int i = 0; i < reads; i++)
        {
            ulong flags = i == reads - 1 ? 0x00ul : 0x40;
            BinaryPrimitives.WriteUInt64BigEndian(
                machine.Memory.AsSpan(0x1000 + (i * 8)), (0x06ul << 56) | (flags << 48) | (4096ul << 32) | (uint)(0x1_0000 + (i * 4096)));
        }
    }

    private static bool SpinUntilSignalled(InterruptLine line)
    {
        var spin = new SpinWait();
        long deadline = Environment.TickCount64 + (long)Machine.Patience.TotalMilliseconds;
        while (!line.TryTake(out _))
        {
            if (Environment.TickCount64 >= deadline)
                return false;
            spin.SpinOnce();
        }
        return true;
    }
}
