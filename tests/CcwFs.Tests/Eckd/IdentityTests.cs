using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

public sealed class IdentityTests
{
    [Theory]
    [InlineData(10, "FF3990E933900A0040FA0100")]
    [InlineData(3339, "FF3990E933900A0040FA0100")]
    [InlineData(3340, "FF3990E933900C0040FA0100")]
    public void SENSE_ID_names_control_unit_device_and_the_configuration_command(int cylinders, string expected)
    {
        using var rig = new Rig(cylinders);
        Outcome outcome = rig.Device.Run(Step.R(0xE4, 40).WithSli()).Ok();
        Assert.Equal(expected, Convert.ToHexString(outcome.Data[0]));
    }

    [Theory]
    [InlineData(1113, 0x26)]
    [InlineData(2226, 0x27)]
    [InlineData(3339, 0x24)]
    [InlineData(65520, 0x32)]
    public void READ_DEVICE_CHARACTERISTICS_gives_64_bytes_of_3390_geometry(int cylinders, byte unitType)
    {
        using var rig = new Rig(cylinders);
        byte[] rdc = rig.Device.Run(Step.R(0x64, 64)).Ok().Data[0];
        Assert.Equal("3990E93390", Convert.ToHexString(rdc, 0, 5));
        Assert.Equal("52000E00" + "20", Convert.ToHexString(rdc, 6, 5));
        Assert.Equal(unitType, rdc[11]);
        Assert.Equal(cylinders, BinaryPrimitives.ReadUInt16BigEndian(rdc.AsSpan(12)));
        Assert.Equal("000FE000E5A20594022213090674", Convert.ToHexString(rdc, 14, 14));
        Assert.Equal("DFEE", Convert.ToHexString(rdc, 44, 2));
        Assert.Equal(cylinders, BinaryPrimitives.ReadInt32BigEndian(rdc.AsSpan(60)));
    }

    [Theory]
    [InlineData(0xFA, 255)]
    [InlineData(0xFA, 257)]
    [InlineData(0x64, 63)]
    [InlineData(0x64, 65)]
    public void Another_length_than_the_exact_one_is_incorrect_length(byte code, int count)
    {
        using var rig = new Rig();
        Assert.True(rig.Device.Run(Step.R(code, count)).IncorrectLength);
    }

    [Fact]
    public void The_configuration_holds_a_device_descriptor_and_a_general_qualifier_and_no_specific_one()
    {
        using var rig = new Rig();
        byte[] rcd = rig.Device.Run(Step.R(0xFA, 256)).Ok().Data[0];
        // C DC NED of the device: flags, type 003390, model 00A, CFS 01, serial, LSS 01, unit address 50
        Assert.Equal("DC010100" + "F0F0F3F3F9F0" + "F0F0C1" + "C3C6E2" + "F0F1" + "F0F0F0F0C3C3E6C6E2F0F0F0" + "0150",
            Convert.ToHexString(rcd, 0, 32));
        Assert.Equal("80", Convert.ToHexString(rcd, 224, 1));
        Assert.Equal(0x1E, rcd[230]);
        Assert.Equal("1001", Convert.ToHexString(rcd, 232, 2));
        for (int block = 0; block < 256; block += 32)
            Assert.NotEqual(1, rcd[block] >> 6);
        Assert.Equal(1, Enumerable.Range(0, 8).Count(b => rcd[b * 32] >> 6 == 3 && rcd[(b * 32) + 1] == 1));
    }

    [Fact]
    public void The_configuration_is_equal_on_every_path_and_differs_between_devices()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        byte[] first = rig.Device.RunOn(0, Step.R(0xFA, 256)).Ok().Data[0];
        Assert.Equal(first, rig.Device.RunOn(7, Step.R(0xFA, 256)).Ok().Data[0]);
        Assert.NotEqual(first, other.Run(Step.R(0xFA, 256)).Ok().Data[0]);
    }

    [Theory]
    [InlineData("ab-9", "00000000AB09")]
    [InlineData("0123456789ABCD", "23456789ABCD")]
    public void A_serial_is_shown_in_twelve_letters_and_digits(string given, string shown) =>
        Assert.Equal(shown, new EckdOptions(new DeviceId(0, 0, 1), given).ShownSerial);

    [Fact]
    public void Feature_codes_are_256_zero_bytes_in_the_minimal_profile()
    {
        using var rig = new Rig(profile: EckdProfile.Minimal);
        byte[] data = rig.Device.Run(Prepare(0x41), Step.R(0x3E, 256)).Ok().Data[0];
        Assert.Equal(new byte[256], data);
        Assert.Equal([0x10, 0, 0, 0], rig.Device.Run(Step.R(0x64, 64)).Ok().Data[0][6..10]); // operation 16
    }

    [Fact]
    public void The_linux_profile_announces_PREFIX_and_the_track_commands()
    {
        using var rig = new Rig();
        byte[] data = rig.Device.Run(Prepare(0x41), Step.R(0x3E, 256)).Ok().Data[0];
        Assert.Equal((0x01, 0x20, 0x40), (data[8] & 0x01, data[9] & 0x20, data[12] & 0x40));
        Assert.Equal(0x40, rig.Device.Run(Step.R(0x64, 64)).Ok().Data[0][6] & 0x40);
    }

    [Fact]
    public void The_unit_address_configuration_names_the_own_address_a_base_device()
    {
        using var rig = new Rig();
        byte[] data = rig.Device.Run(Prepare(0x0E), Step.R(0x3E, 512)).Ok().Data[0];
        Assert.Equal((1, 0), (data[0xA0], data[0xA1]));
        Assert.Equal(1, data.Count(b => b != 0));
    }

    [Fact]
    public void SET_SUBSYSTEM_CHARACTERISTICS_is_accepted()
    {
        using var rig = new Rig();
        byte[] ssc = new byte[66];
        (ssc[0], ssc[6], ssc[7]) = (0x1D, 0xC8, 0x88);
        rig.Device.Run(Step.W(0x27, ssc)).Ok();
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x03)]
    [InlineData(0x1C)]
    [InlineData(0x50)]
    [InlineData(0x52)]
    [InlineData(0x53)]
    public void A_suborder_that_is_not_supported_is_refused_in_the_way_Linux_takes_as_unsupported(byte suborder)
    {
        using var rig = new Rig(profile: EckdProfile.Minimal);
        Outcome outcome = rig.Device.Run(Prepare(suborder), Step.R(0x3E, 28).WithSli()).Fails(0x80, 0, 0x04, 0);
        Assert.Equal(0, outcome.Sense[2]);
        Assert.Equal(0, outcome.Sense[25]);
    }

    [Fact]
    public void Sense_carries_the_physical_address_and_is_taken_once()
    {
        using var rig = new Rig();
        Outcome outcome = rig.Device.Run(Step.Seek(7, 3), Step.R(0x06, 8)).Fails(0, 0x08, 0);
        byte[] expected = new byte[32];
        (expected[1], expected[4], expected[5], expected[6], expected[27], expected[30], expected[31]) = (0x08, 0x50, 7, 3, 0x80, 7, 3);
        Assert.Equal(expected, outcome.Sense);
        Assert.Equal(0, rig.Device.TakeSense(new byte[32]));
    }

    [Fact]
    public void Above_cylinder_4095_the_short_address_is_all_ones()
    {
        using var rig = new Rig(5000);
        byte[] sense = rig.Device.Run(Step.Seek(4096, 1), Step.R(0x06, 8)).Sense;
        Assert.Equal("FFFF", Convert.ToHexString(sense, 5, 2));
        Assert.Equal("100001", Convert.ToHexString(sense, 29, 3));
    }

    [Fact]
    public void The_SENSE_command_gives_pending_sense_also_behind_a_NOP_and_else_says_nothing_is_wrong()
    {
        using var rig = new Rig();
        rig.Device.BeginProgram(0);
        Assert.True(rig.Device.Execute(0x00, new FakeTransfer(Step.Nop)).HasFlag(DeviceStatus.UnitCheck));
        byte[] sense = rig.Device.Run(Step.Nop, Step.R(0x04, 32)).Ok().Data[0];
        Assert.Equal((0x80, 0x01, 0x80), (sense[0], sense[7], sense[27]));
        sense = rig.Device.Run(Step.R(0x04, 32)).Ok().Data[0];
        Assert.Equal((0x00, 0x00, 0x80), (sense[0], sense[7], sense[27]));
    }

    [Fact]
    public void Sense_is_void_when_another_command_has_come()
    {
        using var rig = new Rig();
        rig.Device.BeginProgram(0);
        rig.Device.Execute(0x00, new FakeTransfer(Step.Nop));
        rig.Device.Run(Step.R(0x64, 64)).Ok();
        Assert.Equal(0, rig.Device.TakeSense(new byte[32]));
    }

    [Fact]
    public void The_device_describes_itself_in_lines()
    {
        using var rig = new Rig();
        var facts = rig.Device.Describe().ToDictionary();
        Assert.Equal("3390-0A behind 3990-E9", facts["model"]);
        Assert.Equal("fake", facts["image"]);
        Assert.Equal("no", facts["reserved"]);
        Assert.Equal(("linux", "all cylinders"), (facts["profile"], facts["space"]));
        using EckdDevice other = rig.Add(0x0151, profile: EckdProfile.Full, spaceEfficient: true);
        facts = other.Describe().ToDictionary();
        Assert.Equal(("full", "on demand (ESE), 0 cylinders in use"), (facts["profile"], facts["space"]));
    }

    private static Step Prepare(byte suborder)
    {
        byte[] order = new byte[12];
        (order[0], order[6]) = (0x18, suborder);
        return Step.W(0x27, order);
    }

    /// <summary>
    /// Facilities that READ DEVICE CHARACTERISTICS (a byte and a bit) and the feature codes (bytes from 0x100 on) announce, and a program that needs
    /// each.
    /// </summary>
    public static TheoryData<int, byte> Facilities() => new()
    {
        { 6, 0x40 }, { 6, 0x10 }, { 6, 0x02 }, { 8, 0x08 }, { 8, 0x04 }, { 8, 0x02 }, { 43, 0x02 }, { 47, 0x01 }, { 0x108, 0x01 }, { 0x109, 0x20 },
            { 0x10C, 0x40 },
        { 0x138, 0x01 },
    };

    [Theory]
    [MemberData(nameof(Facilities))]
    public void What_is_announced_is_what_the_commands_do(int place, byte bit)
    {
        foreach (EckdProfile profile in Enum.GetValues<EckdProfile>())
        {
            using Rig rig = new Rig(profile: profile, spaceEfficient: true).Formatted(15, 2, 64).Formatted(16, 2, 64);
            bool isAnnounced = place < 0x100
                ? (rig.Device.Run(Step.R(0x64, 64)).Ok().Data[0][place] & bit) != 0
                : (rig.Device.Run(OrderTests.Prepare(0x41), Step.R(0x3E, 256)).Ok().Data[0][place - 0x100] & bit) != 0;
            Step[] program = Needs(place, bit);
            Outcome outcome = rig.Device.Run(program);
            Assert.True(isAnnounced == (outcome.Status == Outcome.Good),
                $"{profile}: byte {place:X} bit {bit:X2}, step {outcome.Last}: {outcome.Status}");
        }
    }

    private static Step[] Needs(int place, byte bit)
    {
        Step read = Step.Extent(0x40, 15, 16), write = Step.Extent(0xC0, 15, 16);
        byte[] track = [0, 1, 0, 0, 0, 0, 0, 8, .. new byte[8], .. TrackSteps.EndMark];
        return (place, bit) switch
        {
            (6, 0x40) => [read, Step.Locate(0x4C, 1, 15, 0), Step.R(0xDE, 57_326).WithSli()],
            (6, 0x10) => [read, Step.Locate(0x16, 1, 15, 1), Step.R(0x86, 64)],
            (6, 0x02) or (0x108, 0x01) => [TrackSteps.Prefix(0x40, 15, 15)],
            (8, 0x08) => [read, Step.Locate(0x0C, 1, 15, 1, 128), Step.R(0xA6, 128)],
            (0x109, 0x20) => [TrackSteps.ReadData(15, 15, 1, 128), Step.R(0xA6, 128)],
            (8, 0x04) => [write, TrackSteps.Extended(0x3F, 2, 15, 0, 64, extended: 0x13, set: 0xC000), Step.Sized(0xA5, 128), Step.Sized(0xA5, 128)],
            (0x10C, 0x40) => [TrackSteps.WriteData(15, 15, 1, 64), Step.Sized(0xA5, 128)],
            (8, 0x02) => [write, TrackSteps.Extended(0x3F, 1, 15, 0, extended: 0x11, set: 0x8000), Step.W(0x95, track)],
            (43, 0x02) =>
                [read, TrackSteps.Extended(0x7F, 2, 15, 0, extended: 0x0E, set: 0xC000), Step.R(0xDE, 57_326).WithSli(),
                Step.R(0xDE, 57_326).WithSli()],
            (47, 0x01) => [read, TrackSteps.OfAnyRecord(0x0A, 2, 15), Step.R(0x92, 8), Step.R(0x86, 64), Step.R(0x92, 8)],
            (0x138, 0x01) => [Step.W(0xF7, [0x81, 0, 0x30, 0, 1, 0x50, .. new byte[15], 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0])],
            _ => throw new ArgumentOutOfRangeException(nameof(place)),
        };
    }
}
