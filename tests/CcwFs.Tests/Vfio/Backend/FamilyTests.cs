using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Text;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Policy;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>A real device is judged by the commands of its own family, which SENSE ID tells, and a refusal has that family's sense.</summary>
public sealed class FamilyTests
{
    private const uint Program = 0x1000, Data = 0x2000, PerStep = 0x400;

    private static readonly byte[] s_tape3490 = [0xFF, 0x34, 0x90, 0x50, 0x34, 0x90, 0x10];
    private static readonly byte[] s_tape3590 = [0xFF, 0x35, 0x90, 0x50, 0x35, 0x90, 0x10];
    private static readonly byte[] s_disk9336 = [0xFF, 0x63, 0x10, 0x01, 0x93, 0x36, 0x10];
    private static readonly byte[] s_unknown = [0xFF, 0x12, 0x34, 0x01, 0x56, 0x78, 0x01];

    [Theory]
    [InlineData("3990e9 33900c", "eckd")]
    [InlineData("2107e8 33900a", "eckd")]
    [InlineData("3880 03 3380 0e", "eckd")]
    [InlineData("9343e0 934504", "eckd")]
    [InlineData("6310 01 9336 10", "fba")]
    [InlineData("3880 01 3370 00", "fba")]
    [InlineData("3490 50 3490 10", "basic")]
    [InlineData("3990 e9 3590 00", "basic")] // neither of the two says it alone
    [InlineData("3990 e9", "basic")]
    public void SENSE_ID_tells_the_family(string types, string family)
    {
        using var rig = new BackendRig(identity: [0xFF, .. Convert.FromHexString(types.Replace(" ", "", StringComparison.Ordinal))]);
        Assert.Equal(family, rig.Subchannel.Identity.Commands.Name);
        Assert.Equal(family, rig.Device.Commands.Name);
    }

    [Fact]
    public void A_device_that_nobody_has_asked_is_of_no_family()
    {
        using var rig = new BackendRig();
        Assert.Same(Families.Basic, rig.Device.Commands);
    }

    public static TheoryData<string> Others => ["3490", "3590", "unknown"];

    [Theory]
    [MemberData(nameof(Others))]
    public void On_a_tape_and_what_is_not_known_nothing_goes_that_may_write(string type)
    {
        using BackendRig rig = Identified(Identity(type));
        rig.Device.SetPolicy(new DevicePolicy(rig.Device.Commands) { ReadOnly = true });
        // 1F: WRITE TAPE MARK, which is SET FILE MASK on a 3990
        foreach (byte code in (byte[])[0x1F, 0x01, 0x07, 0x17, 0x27, 0x37, 0x63, 0x97, 0x9F, 0xAF, 0xE7, 0xB7])
            AssertRefused(rig, 32, 0x80, 0, (code, new byte[1]));
        foreach (byte code in (byte[])[0x02, 0x0C, 0x04, 0xE4, 0x03, 0x24])
            AssertRuns(rig, (code, new byte[1]));
        AssertRefused(rig, 32, 0x80, 0, (0x02, new byte[1]), (0x1F, new byte[1]));
    }

    [Fact]
    public void Its_refusal_has_words_of_its_own_commands()
    {
        using BackendRig rig = Identified(s_tape3490);
        rig.Device.SetPolicy(new DevicePolicy(Families.Basic) { ReadOnly = true });
        AssertRefused(rig, 32, 0x80, 0, (0x1F, new byte[1]));
        Assert.Equal($"1F sli count=1 address={Data:X8} at {Program:X8}: readonly", rig.Device.LastRefusal!.ToString());
        rig.Device.SetPolicy(new DevicePolicy(Families.Basic) { Deny = PolicyRig.Commands("READ", Families.Basic) });
        AssertRefused(rig, 32, 0x80, 0, (0x02, new byte[1]));
        Assert.StartsWith("READ sli", rig.Device.LastRefusal!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_may_skip_the_next_command_on_it_nobody_knows()
    {
        using BackendRig rig = Identified(s_unknown);
        rig.Device.SetPolicy(new DevicePolicy(Families.Basic) { ReadOnly = true });
        // A write to which the NOP goes on as its data, or a command, where a read leaves the NOP out by status modifier.
        AssertRefused(rig, 32, 0x80, 0, 0x0260_0001_0000_2000, 0x03A0_0001_0000_2000, 0x0120_0001_0000_2000);
        AssertRuns(rig, 0x0360_0001_0000_2000, 0x03A0_0001_0000_2000, 0x0120_0001_0000_2000); // a NOP never does
    }

    [Fact]
    public void Another_familys_policy_does_not_fit()
    {
        using BackendRig rig = Identified(s_tape3490);
        Assert.Throws<ArgumentException>(() => rig.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true }));
        Assert.Null(rig.Device.Policy);
    }

    [Fact]
    public void A_3390_keeps_its_own()
    {
        using BackendRig rig = Identified(BackendRig.Dasd);
        rig.Device.SetPolicy(new DevicePolicy(Families.Eckd) { ReadOnly = true });
        AssertRuns(rig, (0x1F, new byte[1]));
        AssertRefused(rig, 32, 0x80, 0x02, (0x05, new byte[1]));
    }

    [Fact]
    public void On_a_9336_readonly_lets_through_what_reads()
    {
        using BackendRig rig = Identified(s_disk9336);
        rig.Device.SetPolicy(new DevicePolicy(Families.Fba) { ReadOnly = true });
        AssertRuns(rig, Extent(0, 0, 99), Locate(6, 0), (0x42, new byte[512]));
        AssertRuns(rig, Extent(0, 0, 99), Locate(2, 0), (0x42, new byte[512]));
        foreach (byte code in (byte[])[0x02, 0x03, 0x04, 0x64, 0xE4, 0x14, 0x94, 0xB4, 0xA4])
            AssertRuns(rig, (code, new byte[8]));
        foreach (byte operation in (byte[])[1, 4, 5, 3, 0x16])
            AssertRefused(rig, 24, 0x80, 0x02, Extent(0, 0, 99), Locate(operation, 0));
        AssertRefused(rig, 24, 0x80, 0x02, Extent(0, 0, 99), Locate(6, 0), (0x41, new byte[512]));
        AssertRefused(rig, 24, 0x80, 0x02, (0x1F, new byte[1])); // SET FILE MASK of another family
        AssertRefused(rig, 24, 0x80, 0, Extent(0, 0, 99, length: 15));
        AssertRefused(rig, 24, 0x80, 0, Extent(0, 0, 99), Locate(6, 0, length: 7));
    }

    [Fact]
    public void On_a_9336_extents_are_blocks_of_the_device()
    {
        using BackendRig rig = Identified(s_disk9336);
        Assert.Null(ExtentRanges.TryParse("100-199.300", Families.Fba, out ExtentRanges? blocks));
        rig.Device.SetPolicy(new DevicePolicy(Families.Fba) { Extents = blocks });
        (byte, byte[]) write = (0x41, new byte[512]);
        AssertRuns(rig, Extent(100, 0, 99), Locate(5, 0), write);
        AssertRuns(rig, Extent(100, 5000, 5099), Locate(5, 5000), write); // the data set's own numbers
        AssertRuns(rig, Extent(300, 300, 300), Locate(1, 300), write);
        AssertRuns(rig, Extent(0, 0, 9999), Locate(6, 0), (0x42, new byte[512]));
        (uint Locator, uint First, uint Last, byte Mask)[] outside =
        [
            (99, 0, 99, 0), (100, 0, 100, 0), (100, 100, 99, 0), (0, 100, 199, 0), (300, 0, 1, 0), (uint.MaxValue, 0, 199, 0),
                (100, 0, uint.MaxValue, 0),
            (100, 0, 99, 0x08), (100, 0, 99, 0x04), // the CE area has blocks of its own
        ];
        foreach ((uint locator, uint first, uint last, byte mask) in outside)
            AssertRefused(rig, 24, 0x80, 0x02, Extent(locator, first, last, mask), Locate(5, first), write);
        AssertRefused(rig, 24, 0x80, 0x02, write);
        AssertRefused(rig, 24, 0x80, 0x02, Locate(5, 100), write);
        AssertRefused(rig, 24, 0x80, 0x02, Locate(6, 100), Extent(100, 0, 99), write); // where the head is was said before the extent
        AssertRefused(rig, 24, 0x80, 0x02, (0x02, new byte[512]), Locate(5, 100), write); // the extent of READ IPL is the whole device
        AssertRefused(rig, 24, 0x80, 0x02, Extent(100, 0, 99), (0x02, new byte[512]), Locate(5, 100), write);
        AssertRefused(rig, 24, 0x80, 0x02, Extent(100, 0, 99), Locate(6, 0), Extent(0, 0, 99), Locate(5, 0), write);
    }

    [Fact]
    public void Program_text_of_a_9336_has_its_words()
    {
        using BackendRig rig = Identified(s_disk9336);
        Assert.Null(ExtentRanges.TryParse("100-199", Families.Fba, out ExtentRanges? blocks));
        rig.Device.SetPolicy(new DevicePolicy(Families.Fba) { Extents = blocks });
        foreach ((string extent, bool good) in ((string, bool)[])[("begin=100 end=199", true), ("begin=100 end=199 first=7", true),
            ("begin=100 end=200", false)])
        {
            string[] text = [$"DEFINE_EXTENT {extent} mask=all", "LOCATE op=write-verify at=7 count=1", "WRITE zero=512"];
            Assert.True(ProgramText.TryAssemble(text, null, Families.Fba, out AssembledProgram program, out string error), error);
            Assert.Equal(["DEFINE_EXTENT", "LOCATE", "WRITE"], program.Steps.Select(step => step.Name));
            (byte, byte[])[] steps =
                [.. program.Steps.Select(step => (step.Ccw.Command, program.Storage.AsSpan((int)step.DataAddress, step.Count).ToArray()))];
            if (good)
                AssertRuns(rig, steps);
            else
                AssertRefused(rig, 24, 0x80, 0x02, steps);
        }
    }

    [Theory]
    [InlineData("basic", "extents=1-2",
        "extents=1-2: ccwfs does not know what this device counts: only a 3390 has tracks and a 9336 blocks; leave it out, or take readonly")]
    [InlineData("basic", "deny=SEEK", "deny=SEEK: 'SEEK' is no command of every device: one of NO_OPERATION, SENSE, SENSE_ID, TRANSFER_IN_CHANNEL, READ, READ_BACKWARD, WRITE, or two hex digits; with dots between")]
    [InlineData("basic", "deny=1F.READ", null)]
    [InlineData("basic", "allow=psf:18", "allow=psf:18: 'psf:18' is no command of every device")]
    [InlineData("fba", "deny=LOCATE.WRITE", null)]
    [InlineData("fba", "allow=PREFIX", "allow=PREFIX: 'PREFIX' is no command of the 9336")]
    [InlineData("fba", "extents=1/2-3/4", "extents=1/2-3/4: '1/2-3/4' is no range of blocks: N-N, with dots between ranges")]
    [InlineData("fba", "extents=0-4294967295", null)]
    [InlineData("fba", "extents=0-4294967296", "extents=0-4294967296: '0-4294967296' is no range of blocks")]
    [InlineData("eckd", "deny=LOCATE", "deny=LOCATE: 'LOCATE' is no command: a name of ccwfs run's")]
    [InlineData("eckd", "extents=1/2-3/4", null)]
    public void A_rule_means_something_in_a_family(string family, string rule, string? wrong)
    {
        string[] parts = rule.Split('=');
        PolicyText text = parts[0] switch
        {
            "extents" => new PolicyText { Extents = parts[1] },
            "allow" => new PolicyText { Allow = parts[1] },
            _ => new PolicyText { Deny = parts[1] },
        };
        string? found = text.TryResolve(Families.Find(family)!, out DevicePolicy policy);
        if (wrong is null)
            Assert.Equal((null, rule), (found, policy.ToString()));
        else
            Assert.StartsWith(wrong, found, StringComparison.Ordinal);
    }

    private static BackendRig Identified(byte[] identity) => new(identity: identity);

    private static byte[] Identity(string type) => type switch { "3490" => s_tape3490, "3590" => s_tape3590, _ => s_unknown };

    private static (byte Code, byte[] Data) Extent(uint locator, uint first, uint last, byte mask = 0, int length = 16)
    {
        byte[] bytes = new byte[16];
        bytes[0] = mask;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), 512);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), locator);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), first);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), last);
        return (0x63, bytes[..length]);
    }

    private static (byte Code, byte[] Data) Locate(byte operation, uint block, int length = 8)
    {
        byte[] bytes = [operation, 0, 0, 1, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), block);
        return (0x43, bytes[..length]);
    }

    /// <summary>Puts command-chained CCWs into guest memory.</summary>
    private static void Put(BackendRig rig, (byte Code, byte[] Data)[] steps)
    {
        for (int i = 0; i < steps.Length; i++)
        {
            uint at = Data + ((uint)i * PerStep);
            rig.Memory.Write(at, steps[i].Data);
            ulong flags = i + 1 < steps.Length ? 0x60ul : 0x20;
            rig.Ccws(Program + (uint)(i * Ccw.Size), ((ulong)steps[i].Code << 56) | (flags << 48) | ((ulong)steps[i].Data.Length << 32) | at);
        }
    }

    private static void AssertRuns(BackendRig rig, params (byte Code, byte[] Data)[] steps)
    {
        Put(rig, steps);
        AssertRuns(rig, ccws: []);
    }

    private static void AssertRuns(BackendRig rig, params ulong[] ccws)
    {
        rig.Ccws(Program, ccws);
        int starts = rig.Kernel.Starts;
        Assert.Equal(124, rig.Start());
        Assert.Equal(starts + 1, rig.Kernel.Starts);
        rig.Kernel.Interrupt(BackendRig.Final(HostArena.Base + Ccw.Size));
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
        Assert.Equal(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd, rig.ReadIrb().Scsw.Device);
    }

    /// <summary>Refused with so many bytes of sense, of which all but two are zeros but for a 3990, and not seen by the kernel.</summary>
    private static void AssertRefused(BackendRig rig, int length, byte sense0, byte sense1, params (byte Code, byte[] Data)[] steps)
    {
        Put(rig, steps);
        AssertRefused(rig, length, sense0, sense1, ccws: []);
    }

    private static void AssertRefused(BackendRig rig, int length, byte sense0, byte sense1, params ulong[] ccws)
    {
        rig.Ccws(Program, ccws);
        int starts = rig.Kernel.Starts;
        Assert.Equal(124, rig.Start());
        rig.Device.GoOn(WorkThread.Caller);
        Assert.Equal(1u, rig.Await(rig.Device.IoInterrupt));
        Assert.Equal(starts, rig.Kernel.Starts);
        Irb irb = rig.ReadIrb();
        Assert.Equal(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck, irb.Scsw.Device);
        Assert.Equal(Irb.ErwConcurrentSense | ((uint)length << 16), BinaryPrimitives.ReadUInt32BigEndian(irb[(Irb.EswOffset + 4)..]));
        byte[] sense = irb[Irb.EcwOffset..(Irb.EcwOffset + Irb.EcwSize)].ToArray();
        byte[] expected = new byte[Irb.EcwSize];
        (expected[0], expected[1], expected[27]) = (sense0, sense1, rig.Device.Commands == Families.Eckd ? (byte)0x80 : (byte)0);
        Assert.Equal(expected, sense);
    }
}
