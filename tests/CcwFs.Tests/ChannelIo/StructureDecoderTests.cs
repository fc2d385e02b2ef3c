using System.Buffers.Binary;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;

namespace CcwFs.Tests.ChannelIo;

public sealed class StructureDecoderTests
{
    public static TheoryData<string, int> Lengths => new()
    {
        { "orb", 12 }, { "ccw", 8 }, { "scsw", 12 }, { "irb", 96 }, { "schib", 52 }, { "crw", 4 }, { "crw", 8 }, { "sense", 24 }, { "sense", 32 },
            { "io", 124 },
    };

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Fields_cover_every_bit_once_for_any_bytes(string name, int length)
    {
        var random = new Random(2);
        for (int round = 0; round < 200; round++)
        {
            byte[] bytes = new byte[length];
            if (round > 0)
                random.NextBytes(bytes);
            if (round == 1)
                bytes.AsSpan().Fill(0xFF);
            foreach (bool format1 in (bool[])[true, false])
            {
                DecodedStructure structure = Assert.Single(Decode(name, bytes, format1));
                Assert.NotEmpty(structure.Summary);
                int[] seen = new int[length * 8];
                foreach (DecodedField field in structure.Fields)
                {
                    for (int i = 0; i < field.BitLength; i++)
                        seen[(field.Offset * 8) + field.Bit + i]++;
                    Assert.NotEmpty(field.Meaning);
                }

                Assert.All(seen, count => Assert.Equal(1, count));
                Assert.Equal(structure.Fields.Count, structure.Fields.Select(f => (f.Path, f.Offset, f.Bit)).Distinct().Count());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_wrong_length_is_one_line_that_says_the_right_one(string name, int length)
    {
        foreach (int wrong in (int[])[0, length - 1, length + 1, 1000 + 3])
        {
            Assert.False(StructureDecoder.TryDecode(name, new byte[wrong], true, Families.Eckd, out IReadOnlyList<DecodedStructure> none,
                out string error));
            Assert.Empty(none);
            Assert.Contains(length.ToString(), error);
            Assert.DoesNotContain('\n', error);
        }
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_names_there_are()
    {
        Assert.False(StructureDecoder.TryDecode("tcw", new byte[64], true, Families.Eckd, out _, out string error));
        Assert.Contains("orb, ccw, scsw, irb, schib, crw, sense, io", error);
    }

    [Fact]
    public void An_orb_is_explained_field_by_field()
    {
        DecodedStructure orb = Decode("orb", "12345678 40C2FF00 00001000");
        Assert.Equal((4, 0, 4, 4ul), Place(orb, "orb.key"));
        Assert.Equal("format-1 CCWs (31-bit addresses)", Meaning(orb, "orb.f"));
        Assert.Equal("format-2 IDAWs (64 bits)", Meaning(orb, "orb.h"));
        Assert.Equal("command mode", Meaning(orb, "orb.b"));
        Assert.Equal("FF", Field(orb, "orb.lpm").Hex);
        Assert.Equal("Start the program of format-1 CCWs at 00001000 with storage key 4.", orb.Summary);
    }

    [Fact]
    public void A_reserved_bit_that_is_on_is_pointed_out()
    {
        string clean = DecodeRenderer.ToText(Decode("orb", "00000000 00C0FF00 00001000"));
        string bad = DecodeRenderer.ToText(Decode("orb", "00000000 00C0FF02 80001000"));
        Assert.DoesNotContain("reserved", clean);
        Assert.Equal(2, bad.Split('\n').Count(l => l.StartsWith("! ", StringComparison.Ordinal) && l.Contains("must be zero, but is")));
    }

    [Theory]
    [InlineData("e420002800002000", true, "SENSE_ID sli count=40 address=00002000")]
    [InlineData("0600200060001000", false, "READ_DATA cc sli count=4096 address=00002000")]
    [InlineData("0800000000000010", true, "TRANSFER_IN_CHANNEL to 00000010")]
    [InlineData("F8000010FFFFFFFF", false, "TRANSFER_IN_CHANNEL to 00000010")]
    [InlineData("0840000000000010", true, "TRANSFER_IN_CHANNEL to 00000010 (program check: bits 8-31 of a format-1 TIC are zero)")]
    [InlineData("2000000100001000", true, "20 count=1 address=00001000 (program check: invalid command code)")]
    [InlineData("0300000180001000", true, "NO_OPERATION count=1 address=80001000 (program check: bit 0 of the address is on)")]
    public void A_ccw_is_named_in_both_formats(string hex, bool format1, string summary) =>
        Assert.Equal(summary, Assert.Single(Decode("ccw", Convert.FromHexString(hex), format1)).Summary);

    [Fact]
    public void Several_ccws_are_several_structures() =>
        Assert.Equal(
            ["SENSE_ID cc count=40 address=00002000", "NO_OPERATION count=0 address=00000000"],
            Decode("ccw", Convert.FromHexString("E44000280000200003000000" + "00000000"), true).Select(d => d.Summary));

    [Theory]
    [InlineData("00C04007 00001008 0C000000", "ended well: channel end, device end; residual 0.")]
    [InlineData("00C04007 00001008 0C400014", "incorrect length: the device had more or less data than the CCW's count, and SLI was off; device status channel end, device end; subchannel status incorrect length; residual 20.")]
    [InlineData("00C04017 00001008 00200028", "program check: a CCW, IDAW or the ORB is wrong (bad address, reserved bit, count 0, invalid command, TIC rule); subchannel status program check; residual 40.")]
    [InlineData("03C04017 00000000 00000000", "not started: no path to the device is operational (condition code 3); residual 0.")]
    [InlineData("00C01001 00000000 00000000", "cleared.")]
    [InlineData("00C02001 00000000 00000000", "halted.")]
    [InlineData("00000011 00000000 80000000", "unsolicited: the device spoke up by itself; device status attention.")]
    [InlineData("00C0400C 00001008 00800000", "transfer", false)]
    [InlineData("00C04040 00001008 00000000", "still running, no status yet.")]
    [InlineData("00000000 00000000 00000000", "no interruption yet: the IRB is all zeros.")]
    public void An_irb_is_one_paragraph(string scsw, string summary, bool whole = true)
    {
        byte[] irb = new byte[Irb.Size];
        Convert.FromHexString(scsw.Replace(" ", "")).CopyTo(irb, 0);
        string text = Assert.Single(Decode("irb", irb)).Summary;
        Assert.True(whole ? summary == text : text.Contains(summary), text);
    }

    [Fact]
    public void Concurrent_sense_of_an_irb_is_explained()
    {
        DecodedStructure irb = Decode("irb", Irbs.UnitCheck("80000000000000020000000000000000000000000000000000000080"));
        Assert.StartsWith("unit check: the device refused or failed; device status channel end, device end, unit check", irb.Summary);
        Assert.Contains("Sense: command reject; format 0 message 2: invalid command sequence", irb.Summary);
        Assert.Equal("command reject", Meaning(irb, "irb.sense.byte0.0"));
        Assert.Equal((36, 10, 6, 32ul), (36, Field(irb, "irb.esw.erw.scnt").Bit, 6, Field(irb, "irb.esw.erw.scnt").Value));
        Assert.Equal(16, Field(irb, "irb.esw.erw.scnt").Offset);
        Assert.Equal(32 + 22, Field(irb, "irb.sense.symptom").Offset);
    }

    [Fact]
    public void A_logout_turns_the_extended_status_word_into_its_format_0()
    {
        byte[] irb = new byte[Irb.Size];
        BinaryPrimitives.WriteUInt32BigEndian(irb, Scsw.EswFormat | 0x4017);
        irb[Irb.EswOffset] = 0x04;
        DecodedStructure decoded = Assert.Single(Decode("irb", irb));
        Assert.Equal("what the error was found in: CCW check", Meaning(decoded, "irb.esw.esf"));
        irb[0] = 0;
        Assert.DoesNotContain(Assert.Single(Decode("irb", irb)).Fields, f => f.Path == "irb.esw.esf");
    }

    [Fact]
    public void A_schib_tells_the_device_and_its_paths()
    {
        byte[] bytes = new byte[Schib.Size];
        var pmcw = new Pmcw(1, Pmcw.Enabled | Pmcw.DeviceNumberValid | (3 << 11), 0x0150, 0xC0, 0, 0x80, 0xE0, 0xC0, 0xA0, 0x4041_4200_0000_0000);
        new Schib(pmcw, default).Write(bytes);
        DecodedStructure schib = Assert.Single(Decode("schib", bytes));
        Assert.Equal("device 0150, enabled, channel paths 40, 41 (not available), 42 (not operational).", schib.Summary);
        Assert.Equal("interruption subclass 3", Meaning(schib, "schib.pmcw.isc"));
        Assert.Equal("channel path of path 1: 41", Meaning(schib, "schib.pmcw.chpid1"));
    }

    [Theory]
    [InlineData("00000000", "no channel report.")]
    [InlineData("0406004000000000", "channel path 0040: permanent error, not initialized (it has gone).")]
    [InlineData("04020041", "channel path 0041: initialized (it is there again).")]
    public void A_crw_says_what_happened_to_what(string hex, string summary) => Assert.Equal(summary, Decode("crw", hex).Summary);

    [Fact]
    public void The_io_region_shows_request_return_code_and_result()
    {
        byte[] bytes = new byte[StructureDecoder.IoRegionSize];
        new Scsw(0x4000, 0, 0).Write(bytes.AsSpan(12));
        BitConverter.TryWriteBytes(bytes.AsSpan(120), -22);
        DecodedStructure io = Assert.Single(Decode("io", bytes));
        Assert.StartsWith("Request: start; ret_code: EINVAL, an address", io.Summary);
        Assert.Equal(0xFFFF_FFEAul, Field(io, "io.ret_code").Value);
    }

    [Fact]
    public void Json_holds_every_field()
    {
        DecodedStructure orb = Decode("orb", "00000000 00C0FF00 00001000");
        using JsonDocument one = JsonDocument.Parse(DecodeRenderer.ToJson([orb], array: false));
        Assert.Equal(orb.Fields.Count, one.RootElement.GetProperty("fields").GetArrayLength());
        Assert.Equal("0000000000C0FF0000001000", one.RootElement.GetProperty("hex").GetString());
        using JsonDocument many = JsonDocument.Parse(DecodeRenderer.ToJson([orb, orb], array: true));
        Assert.Equal(2, many.RootElement.GetArrayLength());
    }

    private static IReadOnlyList<DecodedStructure> Decode(string name, byte[] bytes, bool format1 = true)
    {
        Assert.True(StructureDecoder.TryDecode(name, bytes, format1, Families.Eckd, out IReadOnlyList<DecodedStructure> decoded, out string error),
            error);
        return decoded;
    }

    private static DecodedStructure Decode(string name, string hex) => Assert.Single(Decode(name, Convert.FromHexString(hex.Replace(" ", ""))));

    private static DecodedField Field(DecodedStructure structure, string path) => structure.Fields.Single(f => f.Path == path);

    private static string Meaning(DecodedStructure structure, string path) => Field(structure, path).Meaning;

    private static (int, int, int, ulong) Place(DecodedStructure structure, string path)
    {
        DecodedField field = Field(structure, path);
        return (field.Offset, field.Bit, field.BitLength, field.Value);
    }
}

internal static class Irbs
{
    /// <summary>An IRB with unit check and concurrent sense, hex of the IRB.</summary>
    internal static string UnitCheck(string sense, uint cpa = 0x1008, ushort residual = 0, byte length = 32)
    {
        byte[] irb = new byte[Irb.Size];
        new Scsw(0x00C0_4017 | Scsw.ExtendedControl, cpa, 0x0E00_0000u | residual).Write(irb);
        BinaryPrimitives.WriteUInt32BigEndian(irb.AsSpan(Irb.EswOffset + 4), Irb.ErwConcurrentSense | ((uint)length << 16));
        Convert.FromHexString(sense).CopyTo(irb, Irb.EcwOffset);
        return Convert.ToHexString(irb);
    }

    /// <summary>An IRB of a program that ended with channel end and device end.</summary>
    internal static byte[] Well(uint cpa, ushort residual, byte deviceStatus = 0x0C)
    {
        byte[] irb = new byte[Irb.Size];
        new Scsw(0x00C0_4007, cpa, ((uint)deviceStatus << 24) | residual).Write(irb);
        return irb;
    }
}
