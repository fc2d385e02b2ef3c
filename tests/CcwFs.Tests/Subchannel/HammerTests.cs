using CcwFs.ChannelIo;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// Everything at once from several threads: no deadlock, no exception, an answer of the documents to every call, a usable device at the end.
/// </summary>
public sealed class HammerTests
{
    private const int Rounds = 3000;
    private const uint Loop = 0x1000, PciLoop = 0x1100, Short = 0x1200, Suspended = 0x1300, Reading = 0x1400;

    [Fact]
    public async Task Starts_halts_clears_resets_unmaps_and_private_runs_from_all_sides_neither_block_nor_break()
    {
        var map = new IovaMap();
        using var machine = new Machine(map: map) { IsEndless = true };
        var extra = new ArrayStore(new byte[0x1000]);
        map.Map(0, Machine.MemorySize, new ArrayStore(machine.Memory), 0, MemoryRights.ReadWrite);
        map.Map(0x20_0000, 0x1000, extra, 0, MemoryRights.ReadWrite);
        Poke(machine);
        byte[] own = new byte[0x1000];
        Convert.FromHexString("0360000100000100" + "0800000000000000").CopyTo(own, 0);
        var privateSpace = new AddressSpace(IovaMap.Identity(new ArrayStore(own)));
        uint[] programs = [Loop, PciLoop, Short, Suspended, Reading];
        int privateEnds = 0, privateStarts = 0;

        Action<int>[] work =
        [
            i => Answer(machine.Write(RegionIndex.Io, 0, Machine.Request(programs[i % programs.Length], Machine.Orb64 | 0x0800_0000)), 124,
                Errno.EBUSY, Errno.EINVAL),
            i => Answer(machine.Command(1), 8, Errno.EBUSY),
            i => Answer(machine.Command(2), 8, Errno.EBUSY),
            i => Answer(machine.Resume(), 124, Errno.EBUSY, Errno.EINVAL),
            i => Assert.Equal(0, (int)machine.Device.Reset()),
            i => Unmap(map, extra),
            i => Read(machine),
            i =>
            {
                Errno errno =
                    machine.Device.RunPrivate(privateSpace, new Orb(1, Machine.Orb64, 0), (_, final, _) => Count(ref privateEnds, final), out _);
                if (errno == 0)
                {
                    privateStarts++;
                    machine.Device.GoOn((i & 1) == 0 ? WorkThread.Caller : WorkThread.Own);
                }
            },
            i => machine.TestDevice.Unsolicited!(Attention),
        ];
        Task[] tasks = [.. work.Select(w => Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Rounds; i++)
                    w(i);
            },
            TaskCreationOptions.LongRunning))];
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(60)); // a timeout is a deadlock

        Assert.Equal(0, (int)machine.Device.Reset());
        Assert.Equal(privateStarts, privateEnds);
        Assert.Equal(DeviceState.Idle, machine.Device.State);
        Drain(machine);
        machine.IsEndless = false;
        machine.Ccws(Short, 0x0320_0001_0000_2000);
        Assert.True(SpinWait.SpinUntil(() => machine.StartAt(Short) == 124, Machine.Patience));
        Drain(machine);
    }

    [Fact]
    public async Task An_unplug_in_the_middle_of_everything_ends_it()
    {
        for (int round = 0; round < 30; round++)
        {
            using var machine = new Machine { IsEndless = true };
            Poke(machine);
            uint[] programs = [Loop, PciLoop, Short];
            bool stop = false;
            Task[] tasks =
            [
                Run(() => machine.StartAt(programs[Random.Shared.Next(3)])),
                Run(() => machine.Command(1)),
                Run(() => machine.Command(2)),
                Run(() => machine.TestDevice.Unsolicited!(Attention)),
            ];
            Thread.Yield();
            machine.Device.Unplug();
            Volatile.Write(ref stop, true);
            await Task.WhenAll(tasks).WaitAsync(Machine.Patience); // a timeout is a deadlock
            Assert.Equal(DeviceState.NotOperational, machine.Device.State);
            Assert.Equal(-(int)Errno.EIO, machine.StartAt(Short));

            Task Run(Action action) => Task.Factory.StartNew(
                () =>
                {
                    while (!Volatile.Read(ref stop))
                        action();
                },
                TaskCreationOptions.LongRunning);
        }
    }

    [Fact]
    public async Task Two_devices_that_tell_each_other_while_both_are_reset_do_not_wait_for_each_other()
    {
        TestDevice left = new(), right = new();
        left.Commands[0x03] = _ => Tell(right);
        right.Commands[0x03] = _ => Tell(left);
        using var first = new Machine(left) { IsEndless = true };
        using var second = new Machine(right) { IsEndless = true };
        Poke(first);
        Poke(second);
        Task[] tasks = [.. ((Machine[])[first, second]).Select(m => Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    m.StartAt(Loop);
                    m.Device.Reset();
                }
            },
            TaskCreationOptions.LongRunning))];
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(60)); // a timeout is a deadlock
    }

    [Fact]
    public async Task A_halt_that_meets_the_end_of_a_program_never_overtakes_its_status()
    {
        using var machine = new Machine { IsEndless = true };
        machine.Ccws(Short, 0x0320_0001_0000_2000);
        using var barrier = new Barrier(2);
        int halted = 0, result = 0;
        var other = Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    barrier.SignalAndWait();
                    result = machine.Command(1);
                    barrier.SignalAndWait();
                }
            },
            TaskCreationOptions.LongRunning);
        for (int i = 0; i < Rounds; i++)
        {
            barrier.SignalAndWait();
            int started = machine.StartAt(Short);
            barrier.SignalAndWait();
            Assert.True(SpinWait.SpinUntil(() => machine.Device.State == DeviceState.Idle, Machine.Patience), "the program does not end");
            Answer(started, 124, Errno.EBUSY);
            Answer(result, 8, Errno.EBUSY);
            List<FunctionControl> seen = [];
            if (started > 0 || result > 0)
                Assert.True(SpinWait.SpinUntil(() => machine.Device.IoInterrupt.IsReady, Machine.Patience), "no status");
            while (machine.Device.IoInterrupt.IsReady)
            {
                Machine.Take(machine.Device.IoInterrupt);
                Scsw scsw = machine.ReadIrb().Scsw;
                seen.Add(scsw.Function);
                if ((scsw.Function & FunctionControl.Start) != 0)
                    Assert.InRange(scsw.CcwAddress, Short, Short + 8); // in guest terms: the program was still there
            }
            // A start that is accepted after the halt takes the halt's status away: two are seen in one order only.
            Assert.True(seen.Count < 2 || seen is [FunctionControl.Start, FunctionControl.Halt], string.Join(", ", seen));
            machine.Device.Reset();
            halted += result > 0 ? 1 : 0;
            Drain(machine);
        }
        await other.WaitAsync(Machine.Patience);
        Assert.InRange(halted, 1, Rounds);
    }

    private static DeviceStatus Attention => DeviceStatus.Attention;

    private static DeviceStatus Tell(TestDevice other)
    {
        other.Unsolicited!(DeviceStatus.DeviceEnd);
        return TestDevice.Good;
    }

    private static void Poke(Machine machine) => machine
        .Ccws(Loop, 0x0360_0001_0000_2000, 0x0800_0000_0000_0000 | Loop)
        .Ccws(PciLoop, 0x0368_0001_0000_2000, 0x0800_0000_0000_0000 | PciLoop)
        .Ccws(Short, 0x0320_0001_0000_2000)
        .Ccws(Suspended, 0x0362_0001_0000_2000, 0x0320_0001_0000_2000)
        .Ccws(Reading, 0xE460_0040_0020_0000, 0x0800_0000_0000_0000 | Reading);

    private static void Count(ref int ends, bool final)
    {
        if (final)
            Interlocked.Increment(ref ends);
    }

    private static void Unmap(IovaMap map, ArrayStore extra)
    {
        Assert.Equal(MapOutcome.Done, map.Unmap(0x20_0000, 0x1000, out _));
        Assert.Equal(MapOutcome.Done, map.Map(0x20_0000, 0x1000, extra, 0, MemoryRights.ReadWrite));
    }

    private static void Read(Machine machine)
    {
        Machine.Take(machine.Device.IoInterrupt);
        machine.Read(RegionIndex.Io);
        machine.Read(RegionIndex.Schib);
    }

    private static void Drain(Machine machine)
    {
        while (machine.Device.IoInterrupt.IsReady)
        {
            Machine.Take(machine.Device.IoInterrupt);
            machine.ReadIrb();
        }
    }

    private static void Answer(int result, int count, params Errno[] errnos) =>
        Assert.True(result == count || errnos.Contains((Errno)(-result)), $"{result} {Machine.Errno(result)}");
}
