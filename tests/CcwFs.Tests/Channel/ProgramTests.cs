using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Channel;

/// <summary>
/// The channel's rules for programs (SA22-7832, chapter 15; status: chapter 16), as whole status words. The device has 01 WRITE (takes what there
/// is), 05 WRITE of exactly 16 bytes, 02 READ of 16 bytes 00..0F, 06 READ of 8 KiB, 07 immediate control, 0B control with status modifier.
/// </summary>
public class ProgramTests : IDisposable
{
    private const uint Suspend = 0x0800_0000;
    private const uint LengthSuppression = 0x80;
    private const uint InitialStatus = 0x0020_0000;
    private const uint Format0 = OrbControl.Prefetch | 0x8000;
    private readonly List<byte> _written = [];
    private readonly TestDevice _device = new();
    private readonly Machine _machine;

    public ProgramTests()
        : this(mayWait: false)
    {
    }

    private protected ProgramTests(bool mayWait)
    {
        _device.Commands[0x01] = data => Take(data, 256, exact: false);
        _device.Commands[0x05] = data => Take(data, 16, exact: true);
        _device.Commands[0x02] = data => Give(data, [.. Enumerable.Range(0, 16).Select(i => (byte)i)]);
        _device.Commands[0x06] = data => Give(data, [.. Enumerable.Range(0, 8192).Select(i => (byte)(i * 7))]);
        _device.Commands[0x07] = _ => TestDevice.Good;
        _device.Commands[0x0B] = _ => TestDevice.Good | DeviceStatus.StatusModifier;
        _machine = new Machine(_device, mayWait: mayWait);
    }

    public static TheoryData<string, ulong[], uint, string> Status => new()
    {
        // CCWs at 1000; SCSW: control word (without the ORB's bits), CCW address, device and subchannel status with count.
        { "one command", [0x0300_0001_0000_2000], 0, "00004007 00001008 0C400001" },
        { "an immediate command with SLI", [0x0320_0001_0000_2000], 0, "00004007 00001008 0C000001" },
        { "an immediate command, L bit on", [0x0300_0001_0000_2000], LengthSuppression, "00004007 00001008 0C000001" },
        { "an immediate command of count 0", [0x0300_0000_0000_2000], 0, "00004007 00001008 0C000000" },
        { "command chaining", [0x0360_0001_0000_2000, 0x0200_0010_0000_2000], 0, "00004007 00001010 0C000000" },
        { "chaining ends with incorrect length", [0x0240_0020_0000_2000, 0x0320_0001_0000_2000], 0, "00004007 00001008 0C400010" },
        { "SLI lets it go on", [0x0260_0020_0000_2000, 0x0320_0001_0000_2000], 0, "00004007 00001010 0C000001" },
        { "a read of more than there is room", [0x0200_0008_0000_2000], 0, "00004007 00001008 0C400000" },
        { "with SLI", [0x0220_0008_0000_2000], 0, "00004007 00001008 0C000000" },
        { "a read of less than there is room", [0x0200_0020_0000_2000], 0, "00004007 00001008 0C400010" },
        { "a read of count 0", [0x0200_0000_0000_2000], 0, "00004007 00001008 0C400000" },
        { "a read of count 0 with SLI", [0x0220_0000_0000_2000], 0, "00004007 00001008 0C000000" },
        { "a write with too little", [0x0500_0008_0000_2000], 0, "00004007 00001008 0C400000" },
        { "a write with too much", [0x0500_0018_0000_2000], 0, "00004007 00001008 0C400008" },
        { "a write of what there is", [0x0100_0018_0000_2000], 0, "00004007 00001008 0C000000" },
        { "data chaining", [0x0280_0006_0000_2000, 0x0000_000A_0000_3000], 0, "00004007 00001010 0C000000" },
        { "the last of a data chain has SLI", [0x0280_0006_0000_2000, 0x0020_0010_0000_3000], 0, "00004007 00001010 0C000006" },
        { "SLI counts for nothing while data is chained", [0x02A0_0020_0000_2000, 0x0000_0008_0000_3000], 0, "00004007 00001008 0C400010" },
        { "data chaining across a transfer", [0x0280_0006_0000_2000, 0x0800_0000_0000_1018, 0, 0x0000_000A_0000_3000], 0,
            "00004007 00001020 0C000000" },
        { "a count of 0 that chains data", [0x0280_0000_0000_2000, 0x0000_0010_0000_3000], 0, "00004017 00001008 00200000" },
        { "a count of 0 in a data chain", [0x0280_0008_0000_2000, 0x0000_0000_0000_3000], 0, "00004017 00001010 0C200000" },
        { "status modifier skips one", [0x0B60_0001_0000_2000, 0x0740_0000_0000_0000, 0x0320_0002_0000_2000], 0, "00004007 00001018 0C000002" },
        { "a transfer", [0x0360_0001_0000_2000, 0x0800_0000_0000_1018, 0, 0x0320_0001_0000_2000], 0, "00004007 00001020 0C000001" },
        { "a transfer as the first", [0x0800_0000_0000_1010, 0, 0x0320_0001_0000_2000], 0, "00004017 00001008 00200000" },
        { "a transfer to a transfer", [0x0360_0001_0000_2000, 0x0800_0000_0000_1018, 0, 0x0800_0000_0000_1000], 0, "00004017 00001020 00200000" },
        { "a transfer with flags", [0x0360_0001_0000_2000, 0x0840_0000_0000_1000, 0x0320_0001_0000_2000], 0, "00004017 00001010 00200000" },
        { "a transfer with a count", [0x0360_0001_0000_2000, 0x0800_0001_0000_1000, 0x0320_0001_0000_2000], 0, "00004017 00001010 00200000" },
        { "an invalid command", [0x0000_0001_0000_2000], 0, "00004017 00001008 00200001" },
        { "an invalid command behind a good one", [0x0360_0001_0000_2000, 0x1020_0001_0000_2000], 0, "00004017 00001010 00200001" },
        { "a high nibble is no transfer in format 1", [0x0360_0001_0000_2000, 0x1820_0001_0000_2000], 0, "00004017 00001010 02000001" },
        { "modified indirect data", [0x0221_0010_0000_2000], 0, "00004017 00001008 00200010" },
        { "suspend without control", [0x0322_0001_0000_2000], 0, "00004017 00001008 00200001" },
        { "suspend in a data chain", [0x0280_0008_0000_2000, 0x0002_0008_0000_3000], Suspend, "08004017 00001010 0C200008" },
        { "a command that the device refuses", [0xFF20_0001_0000_2000], 0, "00004017 00001008 02000001" },
        { "PCI in the last CCW", [0x0328_0001_0000_2000], 0, "0000400F 00001008 0C800001" },
        { "an initial-status interruption asked for", [0x0200_0010_0000_2000], InitialStatus, "0024400F 00001008 0C000000" },
        { "none for an immediate command", [0x0320_0001_0000_2000], InitialStatus, "00204007 00001008 0C000001" },
        { "none for a refused command", [0xFF20_0001_0000_2000], InitialStatus, "00204017 00001008 02000001" },
        { "the program runs out", [0x0360_0001_0000_2000, 0], 0, "00004017 00001010 00200000" },
    };

    [Theory]
    [MemberData(nameof(Status))]
    public void A_program_ends_with_its_status(string what, ulong[] ccws, uint control, string status)
    {
        const uint OrbBits = 0x00C0_0000; // F and P come back as they were given
        _machine.Ccws(0x1000, ccws);
        Irb irb = _machine.Run(0x1000, Machine.Orb64 | control);
        string[] words = status.Split(' ');
        words[0] = $"{Convert.ToUInt32(words[0], 16) | OrbBits | ((uint)(irb[1] << 16) & (uint)(Scsw.ExtendedControl)):X8}";
        Assert.Equal((what, string.Join(' ', words)), (what, $"{Hex(irb, 0)} {Hex(irb, 4)} {Hex(irb, 8)}"));
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
    }

    [Fact]
    public void The_whole_irb_of_a_refused_command_has_concurrent_sense()
    {
        _machine.Ccws(0x1000, 0xFF20_0001_0000_2000);
        string expected = "00C24017" + "00001008" + "02000001" // SCSW, E bit on
            + "00800000" + "01200000" + "00000000" + "00000000" + "00000000" // ESW: path 80; ERW: 32 bytes of concurrent sense
            + "8000000000000000000000000000000000000000000000000000000000000000" // ECW
            + new string('0', 64);
        Irb irb = _machine.Run(0x1000);
        Assert.Equal(expected, Convert.ToHexString((ReadOnlySpan<byte>)irb));
    }

    [Fact]
    public void Data_goes_through_a_chain_of_pieces()
    {
        _machine.Ccws(0x1000, 0x0280_0006_0000_2000, 0x0800_0000_0000_1018, 0, 0x0080_0004_0000_3000, 0x0000_0006_0000_4000);
        _machine.Run(0x1000);
        Assert.Equal("000102030405000000000000", Convert.ToHexString(_machine.Memory.AsSpan(0x2000, 12)));
        Assert.Equal("0607080900000000", Convert.ToHexString(_machine.Memory.AsSpan(0x3000, 8)));
        Assert.Equal("0A0B0C0D0E0F0000", Convert.ToHexString(_machine.Memory.AsSpan(0x4000, 8)));
    }

    [Fact]
    public void Skipped_bytes_are_counted_and_not_stored_and_need_no_storage()
    {
        _machine.Ccws(0x1000, 0x0290_0006_0090_0000, 0x0000_000A_0000_3000);
        Assert.Equal(0x0C00_0000u, _machine.Run(0x1000).Scsw.Status);
        Assert.Equal("060708090A0B0C0D0E0F", Convert.ToHexString(_machine.Memory.AsSpan(0x3000, 10)));
    }

    [Fact]
    public void Skip_does_nothing_on_a_write()
    {
        _machine.Memory.AsSpan(0x2000, 16).Fill(0x77);
        _machine.Ccws(0x1000, 0x0510_0010_0000_2000);
        Assert.Equal(0x0C00_0000u, _machine.Run(0x1000).Scsw.Status);
        Assert.Equal(Enumerable.Repeat((byte)0x77, 16), _written);
    }

    [Fact]
    public void A_write_gathers_a_data_chain()
    {
        Convert.FromHexString("A0A1A2A3").CopyTo(_machine.Memory, 0x2000);
        Convert.FromHexString("B0B1").CopyTo(_machine.Memory, 0x3FFF);
        _machine.Ccws(0x1000, 0x0180_0004_0000_2000, 0x0000_0002_0000_3FFF);
        _machine.Run(0x1000);
        Assert.Equal("A0A1A2A3B0B1", Convert.ToHexString([.. _written]));
    }

    [Theory]
    [InlineData(0u, 4096, 8)]                       // format 2, 4K
    [InlineData(OrbControl.TwoKIdaws, 2048, 8)]     // format 2, 2K
    [InlineData(OrbControl.Format2Idaws, 2048, 4)]  // format 1 (the bit is taken out)
    public void Indirect_data_is_scattered_by_block(uint change, int block, int size)
    {
        const int Into = 16, Count = 8192;
        int words = (Into + Count + block - 1) / block;
        for (int i = 0; i < words; i++)
        {
            ulong address = (ulong)(0x2_0000 + ((words - i) * 0x2000) + (i == 0 ? Into : 0));
            Span<byte> word = _machine.Memory.AsSpan(0x8000 + (i * size), size);
            if (size == 8)
                BinaryPrimitives.WriteUInt64BigEndian(word, address);
            else
                BinaryPrimitives.WriteUInt32BigEndian(word, (uint)address);
        }
        _machine.Ccws(0x1000, 0x0604_2000_0000_8000);
        Assert.Equal(0x0C00_0000u, _machine.Run(0x1000, Machine.Orb64 ^ change).Scsw.Status);
        for (int i = 0; i < Count; i++)
        {
            int at = 0x2_0000 + ((words - ((Into + i) / block)) * 0x2000) + ((Into + i) % block);
            Assert.True(_machine.Memory[at] == (byte)(i * 7), $"byte {i}");
        }
    }

    [Fact]
    public void A_later_indirect_address_inside_a_block_is_a_program_check()
    {
        BinaryPrimitives.WriteUInt64BigEndian(_machine.Memory.AsSpan(0x8000), 0x2_0000);
        BinaryPrimitives.WriteUInt64BigEndian(_machine.Memory.AsSpan(0x8008), 0x2_2800);
        _machine.Ccws(0x1000, 0x0604_2000_0000_8000);
        Scsw scsw = _machine.Run(0x1000).Scsw;
        Assert.Equal((SubchannelStatus.ProgramCheck, (ushort)4096, 0x1008u), (scsw.Subchannel, scsw.Residual, scsw.CcwAddress));
    }

    [Fact]
    public void Format_0_has_24_bit_addresses_and_any_high_nibble_is_a_transfer()
    {
        _machine.Ccws(0x1000, 0x0300_2000_6000_0001, 0x5800_1018_FFFF_FFFF, 0, 0x0200_2000_0000_0010);
        Irb irb = _machine.Run(0x1000, Format0);
        Assert.Equal((0x1020u, 0x0C00_0000u), (irb.Scsw.CcwAddress, irb.Scsw.Status));
        Assert.Equal("00010203", Convert.ToHexString(_machine.Memory.AsSpan(0x2000, 4)));
    }

    [Fact]
    public void Program_controlled_interruptions_come_while_the_program_goes_on()
    {
        _machine.Ccws(0x1000, 0x0368_0001_0000_2000, 0x0320_0001_0000_2000);
        _machine.StartAt(0x1000);
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        Irb pci = _machine.ReadIrb();
        Assert.Equal("00C040C9 00001008 00800001", $"{Hex(pci, 0)} {Hex(pci, 4)} {Hex(pci, 8)}");
        Assert.Equal(1u, Machine.Take(_machine.Device.IoInterrupt));
        Assert.Equal("00C04007", Hex(_machine.ReadIrb(), 0));
    }

    [Fact]
    public void A_suspended_program_shows_in_the_schib_and_goes_on_with_the_same_ccw()
    {
        _machine.Ccws(0x1000, 0x0360_0001_0000_2000, 0x0202_0010_0000_2000);
        Irb suspended = _machine.Run(0x1000, Machine.Orb64 | Suspend);
        Assert.Equal("08C04029 00001010 00000000", $"{Hex(suspended, 0)} {Hex(suspended, 4)} {Hex(suspended, 8)}");
        Schib schib = Schib.Read(_machine.Read(RegionIndex.Schib));
        Assert.Equal((ActivityControl.Suspended, 0x1010u, 0x1122_3344u),
            (schib.Scsw.Activity, schib.Scsw.CcwAddress, schib.Pmcw.InterruptionParameter));
        Assert.Equal(0, _machine.Memory[0x2001]);
        Assert.Equal(124, _machine.Resume());
        Assert.Equal(0x0C00_0000u, _machine.ReadIrb().Scsw.Status);
        Assert.Equal(1, _machine.Memory[0x2001]);
        Assert.Equal(1, _device.Begun);
    }

    [Theory]
    [InlineData(1u, "idle", "00002001 00000000 00000000")]
    [InlineData(2u, "idle", "00001001 00000000 00000000")]
    [InlineData(1u, "suspended", "08C06001 00001008 00000000")] // the device has no part in it
    [InlineData(2u, "suspended", "00001001 00000000 00000000")]
    [InlineData(1u, "running", "00C06007 00001008 0C000000")]
    [InlineData(2u, "running", "00001001 00000000 00000000")]
    public void Halt_and_clear_end_what_runs(uint command, string state, string status)
    {
        _machine.IsEndless = true;
        _machine.Ccws(0x1000, state == "suspended" ? 0x0322_0001_0000_2000ul : 0x0360_0001_0000_2000, 0x0800_0000_0000_1000);
        if (state != "idle")
            _machine.StartAt(0x1000, state == "suspended" ? Machine.Orb64 | Suspend | OrbControl.SuppressSuspended : Machine.Orb64);
        Assert.Equal(state == "idle" ? DeviceState.Idle : DeviceState.Pending, _machine.Device.State);
        Assert.Equal(8, _machine.Command(command));
        Assert.Equal(1u, _machine.Await(_machine.Device.IoInterrupt));
        Irb irb = _machine.ReadIrb();
        irb[1] &= 0xF7; // the suspended program's U bit
        if (state == "running" && command == 1)
            irb[7] = 0x08; // where the loop was halted is chance
        Assert.Equal(status, $"{Hex(irb, 0)} {Hex(irb, 4)} {Hex(irb, 8)}");
        Assert.Equal(state == "idle" ? 0 : 1, _device.Abandoned);
        Assert.Equal(DeviceState.Idle, _machine.Device.State);
        _machine.Ccws(0x1000, 0x0320_0001_0000_2000);
        _machine.Run(0x1000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    public void Every_path_can_be_chosen_and_is_reported(int paths)
    {
        byte[] chpids = [.. Enumerable.Range(0x40, paths).Select(i => (byte)i)];
        using var machine = new Machine(chpids: chpids);
        machine.Ccws(0x1000, 0x0320_0001_0000_2000);
        Pmcw pmcw = Schib.Read(machine.Read(RegionIndex.Schib)).Pmcw;
        byte all = (byte)(0xFF00 >> paths);
        Assert.Equal((all, all, all), (pmcw.Pim, pmcw.Pam, pmcw.Lpm));
        for (int path = 0; path < paths; path++)
        {
            Irb irb = machine.Run(0x1000, (Machine.Orb64 & ~0xFF00u) | ((0x8000u >> path) & 0xFF00));
            Assert.Equal(path, machine.TestDevice.LastPath);
            Assert.Equal(0x80 >> path, irb[Irb.EswOffset + 1]);
            Assert.Equal(chpids[path], pmcw.ChannelPath(path));
        }
    }

    [Fact]
    public void A_storage_failure_at_the_end_is_unit_check_with_sense()
    {
        _device.Commands[0x07] = _ => _device.Reject();
        _device.EndStatus = DeviceStatus.UnitCheck;
        _machine.Ccws(0x1000, 0x0320_0001_0000_2000);
        Irb irb = _machine.Run(0x1000);
        Assert.Equal(TestDevice.Good | DeviceStatus.UnitCheck, irb.Scsw.Device);
        Assert.Equal(StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending, irb.Scsw.StatusControl);
    }

    [Fact]
    public void Endless_programs_on_every_thread_do_not_starve_another_subchannel()
    {
        using var executor = new ChannelExecutor();
        var looping = new List<VfioCcwDevice>();
        byte[] memory = new byte[0x1_0000];
        Convert.FromHexString("0360000100002000" + "0800000000001000").CopyTo(memory, 0x1000);
        Convert.FromHexString("0320000100002000").CopyTo(memory, 0x3000);
        var space = new AddressSpace(IovaMap.Identity(new ArrayStore(memory)));
        for (ushort i = 0; i < 2 * Math.Max(ChannelExecutor.MinThreads, Environment.ProcessorCount); i++)
        {
            looping.Add(Make(executor, space, i));
            Start(looping[^1], 0x1000);
        }
        using VfioCcwDevice other = Make(executor, space, 0xFFFF);
        using var done = new ManualResetEventSlim();
        other.IoInterrupt.Changed += done.Set;
        for (int i = 0; i < 3; i++)
        {
            done.Reset();
            Start(other, 0x3000);
            Assert.True(done.Wait(Machine.Patience), "starved");
        }
        foreach (VfioCcwDevice device in looping)
        {
            Assert.Equal(DeviceState.Pending, device.State);
            Assert.Equal(0, (int)device.Reset());
            device.Dispose();
        }
    }

    public void Dispose()
    {
        _machine.Dispose();
        GC.SuppressFinalize(this);
    }

    private static VfioCcwDevice Make(ChannelExecutor executor, AddressSpace space, ushort number) => new(
        new EmulatedSubchannel(new SubchannelId(0, 0, number), new DeviceId(0, 0, number), [0], new TestDevice(), executor),
        space, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    private static void Start(VfioCcwDevice device, uint cpa)
    {
        Assert.Equal(124, device.WriteRegion(RegionIndex.Io, 0, Machine.Request(cpa)));
        Assert.True(device.HasWork);
        device.GoOn(WorkThread.Own);
    }

    private static string Hex(Irb irb, int offset) => Convert.ToHexString(((ReadOnlySpan<byte>)irb).Slice(offset, 4));

    private static DeviceStatus Give(IDataTransfer data, byte[] bytes)
    {
        data.Send(bytes);
        return TestDevice.Good;
    }

    private DeviceStatus Take(IDataTransfer data, int length, bool exact)
    {
        Span<byte> buffer = stackalloc byte[length];
        int got = exact ? data.Receive(buffer) : data.ReceiveAvailable(buffer);
        _written.AddRange(buffer[..got]);
        return TestDevice.Good;
    }
}

/// <summary>The same with memory that may wait for its owner: data is copied before and behind the commands.</summary>
public sealed class ProgramTestsWithStagedData() : ProgramTests(mayWait: true);
