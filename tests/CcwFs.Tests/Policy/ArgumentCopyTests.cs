using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Policy;

/// <summary>What was judged is what runs.</summary>
public sealed class ArgumentCopyTests
{
    [Fact]
    public void An_argument_that_changes_after_the_check_runs_as_it_was_checked()
    {
        using var machine = new Machine(TestDevice.Dasd);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { Extents = PolicyRig.Tracks("1") });
        byte[] good = Step.DefineExtentBytes(0x00, 15, 15), taken = new byte[16];
        machine.TestDevice.Commands[0x63] = data =>
        {
            machine.Memory.AsSpan(0x2000, 16).Fill(0xEE);
            data.Receive(taken);
            return TestDevice.Good;
        };
        good.CopyTo(machine.Memory, 0x2000);
        machine.Ccws(0x1000, 0x6300_0010_0000_2000).Run(0x1000).Good();
        Assert.Equal(good, taken);
    }

    [Fact]
    public void A_second_thread_that_rewrites_the_extent_all_the_time_reaches_no_track_outside()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { Extents = PolicyRig.Tracks("1") });
        byte[] before = rig.Track(0);
        uint control = rig.Put(WriteRuleTests.Update(15));
        byte[][] extents = [Step.DefineExtentBytes(0x80, 15, 15), Step.DefineExtentBytes(0x80, 0, 0)];
        byte[][] locates = [Step.Locate(0x01, 1, 15, 1, 4096).Out, Step.Locate(0x01, 1, 0, 1, 4096).Out];
        bool ended = false;
        var other = new Thread(() =>
        {
            for (int i = 0; !Volatile.Read(ref ended); i++)
            {
                extents[i % 2].CopyTo(rig.Machine.Memory, PolicyRig.DataOf(0));
                locates[i % 2].CopyTo(rig.Machine.Memory, PolicyRig.DataOf(1));
            }
        });
        other.Start();
        for (int i = 0; i < 2_000; i++)
            rig.Machine.Run(PolicyRig.Program, control);
        Volatile.Write(ref ended, true);
        other.Join();
        Assert.Equal(before, rig.Track(0));
    }

    [Fact]
    public void A_program_that_reads_into_an_argument_to_come_is_refused_and_one_behind_may_be()
    {
        using var rig = new PolicyRig(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        uint at = PolicyRig.Program;
        Step.DefineExtentBytes(0x40, 0, 0).CopyTo(rig.Machine.Memory, 0x2_0000);
        rig.Place(ref at, new Ccw(0xE4, CcwFlags.ChainCommand | CcwFlags.SuppressLength, 7, 0x2_0009));
        rig.Place(ref at, new Ccw(0x63, 0, 16, 0x2_0000));
        rig.Machine.Run(PolicyRig.Program).Refused(0x80, 0, 2);
        Assert.Contains("SENSE_ID", Assert.Single(rig.Log.Lines), StringComparison.Ordinal);

        at = PolicyRig.Program;
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainCommand, 16, 0x2_0000));
        rig.Place(ref at, new Ccw(0xE4, CcwFlags.SuppressLength, 7, 0x2_0009));
        rig.Machine.Run(PolicyRig.Program).Good();
        Assert.Equal(0xFF, rig.Machine.Memory[0x2_0009]);

        // Behind it, but the program comes back.
        at = PolicyRig.Program;
        Step.DefineExtentBytes(0x40, 0, 0).CopyTo(rig.Machine.Memory, 0x2_0000);
        rig.Place(ref at, new Ccw(0x03, CcwFlags.ChainCommand, 1, 0x2_0000));
        rig.Place(ref at, new Ccw(0x63, CcwFlags.ChainCommand, 16, 0x2_0000));
        rig.Place(ref at, new Ccw(0xE4, CcwFlags.ChainCommand | CcwFlags.SuppressLength, 7, 0x2_0009));
        rig.Place(ref at, new Ccw(0x08, 0, 0, PolicyRig.Program + 8));
        rig.Machine.Run(PolicyRig.Program).Refused(0x80, 0, 2);
    }

    [Fact]
    public void It_is_found_through_another_address_of_the_same_place()
    {
        byte[] memory = new byte[Machine.MemorySize];
        var store = new ArrayStore(memory);
        IovaMap map = IovaMap.Identity(store);
        Assert.Equal(MapOutcome.Done, map.Map(0x1000_0000, Machine.MemorySize, store, 0, MemoryRights.ReadWrite));
        using var machine = new Machine(TestDevice.Dasd, map: map);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        new Ccw(0xE4, CcwFlags.ChainCommand | CcwFlags.SuppressLength, 7, 0x1002_0000).WriteFormat1(memory.AsSpan(0x1000));
        new Ccw(0x1F, CcwFlags.None, 1, 0x2_0000).WriteFormat1(memory.AsSpan(0x1008));
        machine.Run(0x1000).Refused(0x80, 0, 2);
    }

    [Fact]
    public void Nothing_else_of_the_arena_can_be_read()
    {
        using var machine = new Machine(TestDevice.Dasd);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { MaxCcws = 100 });
        bool received = false;
        machine.TestDevice.Commands[0x05] = data =>
        {
            received |= data.Receive(new byte[16]) == 16;
            return TestDevice.Good;
        };
        // A CCW that moves no data by its own code keeps the guest's IDAW; behind a transfer it goes on with a write.
        const uint List = 0x3000;
        for (ulong idaw = HostArena.Base; idaw < HostArena.Base + 0x400; idaw += 8)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(machine.Memory.AsSpan((int)List), idaw);
            machine.Ccws(0x1000, 0x1F60_0001_0000_2000, 0x0580_0001_0000_2000, 0x0800_0000_0000_1100);
            machine.Ccws(0x1100, 0x0304_000F_0000_0000 | List);
            machine.TestDevice.Commands[0x1F] = data => TestDevice.Good;
            Irb irb = machine.Run(0x1000);
            Assert.Equal(SubchannelStatus.ProgramCheck, irb.Scsw.Subchannel);
        }
        Assert.False(received);
    }

    [Fact]
    public void Without_a_policy_the_guest_s_own_bytes_run()
    {
        using var machine = new Machine(TestDevice.Dasd);
        byte[] taken = new byte[16];
        machine.TestDevice.Commands[0x63] = data =>
        {
            machine.Memory.AsSpan(0x2000, 16).Fill(0xEE);
            data.Receive(taken);
            return TestDevice.Good;
        };
        machine.Ccws(0x1000, 0x6300_0010_0000_2000).Run(0x1000).Good();
        Assert.Equal(0xEE, taken[0]);
    }

    [Fact]
    public void A_program_made_to_be_hard_to_judge_is_refused_in_a_moment()
    {
        using var machine = new Machine(TestDevice.Dasd);
        machine.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        // Chains of arguments at one place, then chains that read over it again and again.
        const int Chains = 100, Length = 255;
        for (int c = 0; c < Chains; c++)
        {
            ulong ccw = c < Chains / 2 ? 0x1F40_0001_0002_0000 : 0xE460_0004_0002_0000UL;
            uint at = 0x4_0000 + (uint)(c * 0x800);
            machine.Ccws(at, [.. Enumerable.Repeat(ccw, Length), 0x0800_0000_0000_0000UL | (at + 0x800)]);
        }
        machine.Ccws(0x4_0000 + (Chains * 0x800), 0x0300_0000_0000_0000);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        machine.Run(0x4_0000).Refused(0x80, 0, 2);
        Assert.True(watch.Elapsed < Machine.Patience);
    }
}
