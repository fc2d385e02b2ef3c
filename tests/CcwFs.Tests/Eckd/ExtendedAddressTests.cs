using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Tests.Images;

namespace CcwFs.Tests.Eckd;

/// <summary>Volumes of more than 65,520 cylinders: 28 bits of cylinder wherever a track is named.</summary>
public sealed class ExtendedAddressTests : IDisposable
{
    private const int Cylinders = 262_668;
    private const int Cylinder = 200_003;
    private const int Head = 7;
    private const int Track = (Cylinder * 15) + Head;
    private const int Raw = 57_326;

    /// <summary>CCHH of the track: 200,003 is 3_0D43.</summary>
    private const string Address = "0D430037";
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void The_characteristics_give_FFFE_and_the_real_number_in_32_bits()
    {
        using var rig = new Rig(Cylinders);
        byte[] rdc = rig.Device.Run(Step.R(0x64, 64)).Ok().Data[0];
        Assert.Equal((0xFFFE, Cylinders),
            (BinaryPrimitives.ReadUInt16BigEndian(rdc.AsSpan(12)), BinaryPrimitives.ReadInt32BigEndian(rdc.AsSpan(60))));
        byte[] volume = rig.Device.Run(OrderTests.Prepare(0x52), Step.R(0x3E, 28)).Ok().Data[0];
        Assert.Equal(Cylinders, BinaryPrimitives.ReadInt32BigEndian(volume.AsSpan(24)));
        using var plain = new Rig(65_520);
        Assert.Equal("FFF0", Convert.ToHexString(plain.Device.Run(Step.R(0x64, 64)).Ok().Data[0], 12, 2));
    }

    [Fact]
    public void Every_way_to_a_track_leads_to_the_same_one()
    {
        using var rig = new Rig(Cylinders);
        byte[] data = rig.Filled(Track, 3, 512);
        Assert.Equal(Track, Assert.Single(rig.Store.Writes.SelectMany(w => w).Distinct()));
        List<byte[]> plain = rig.Device.Run(
            Step.Seek(Cylinder, Head), Step.R(0x1A, 5), Step.SearchId(Cylinder, Head, 2), Step.Tic(2), Step.R(0x06, 512), Step.R(0x12, 8)).Ok().Data;
        Assert.Equal(["00" + Address, Convert.ToHexString(data, 512, 512), Address + "03000200"], plain.Select(Convert.ToHexString));
        Assert.Equal(Address, Convert.ToHexString(rig.Device.Run(Step.Seek(Cylinder, Head), Step.R(0x16, 16)).Ok().Data[0], 0, 4));
        rig.Device.Run(Step.Seek(Cylinder, 0), Step.W(0x1B, 0, 0, 0, 0, 0, Head), Step.W(0x39, Convert.FromHexString(Address)), Step.Tic(2),
            Step.R(0x12, 8)).Ok();
        rig.Device.Run(Step.Seek(0, 0), Step.W(0x0B, [0, 0, .. Convert.FromHexString(Address)]), Step.SearchId(Cylinder, Head, 1), Step.Tic(2),
            Step.R(0x06, 512)).Ok();
        Assert.Equal(data, rig.Records(Track, 3, 512));
        Assert.Equal(data, rig.Device.Run(TrackSteps.ReadData(Track, Track, 1, data.Length), Step.R(0xA6, data.Length)).Ok().Data[0]);
        rig.Device.Run(TrackSteps.WriteData(Track, Track, 2, 512), Step.Sized(0xA5, 512, 0x99)).Ok();
        byte[] raw = rig.Device.Run(TrackSteps.ReadTracks(Track, Track), Step.R(0xDE, Raw).WithSli()).Ok().Data[0];
        Assert.Equal((Address + "00", 0x99), (Convert.ToHexString(raw, 0, 5), raw[16 + 8 + 512 + 8]));
        rig.Device.Run(TrackSteps.WriteTracks(Track, Track), Step.W(0x95, raw)).Ok();
        Step extent = Step.Extent(0x40, Track, Track, 0xC0);
        Assert.Equal(raw, rig.Device.Run(extent, TrackSteps.Extended(0x4C, 1, Track, 0), Step.R(0xDE, Raw).WithSli()).Ok().Data[0]);
    }

    [Fact]
    public void A_domain_crosses_from_16_bits_to_more()
    {
        const int Last = (65_536 * 15) - 1;
        using Rig rig = new Rig(Cylinders).Formatted(Last, 2, 64).Formatted(Last + 1, 2, 64);
        Outcome outcome = rig.Device.Run(
            Step.Extent(0x40, Last, Last + 1), Step.Locate(0x06, 3, Last, 2, 64), Step.R(0x86, 64), Step.R(0x92, 8), Step.R(0x86, 64)).Ok();
        Assert.Equal("0000001001000040", Convert.ToHexString(outcome.Data[1]));
        byte[] counts =
            [.. rig.Device.Run(Step.Seek(65_535, 14), Step.R(0x12, 8), Step.Seek(65_536, 0), Step.R(0x12, 8)).Ok().Data.SelectMany(d => d)];
        Assert.Equal("FFFF000E01000040" + "0000001001000040", Convert.ToHexString(counts));
    }

    [Theory]
    [InlineData(Cylinders, Cylinders - 1, 14, true)]
    [InlineData(Cylinders, Cylinders, 0, false)]
    [InlineData(Cylinders, 0xFFF_FFFF, 0, false)]
    [InlineData(Cylinders, 70_000, 15, false)]
    [InlineData(65_520, 65_536, 0, false)]
    [InlineData(10, 0x10_0000, 0, false)]
    public void A_track_behind_the_volume_is_refused_by_all(int cylinders, int cylinder, int head, bool isThere)
    {
        using var rig = new Rig(cylinders);
        byte[] address = Step.Cchhr(cylinder, head, 0)[..4];
        byte[] extent = [0x00, 0xC4, 0, 0, 0, 0, 0, 0, .. address, .. address];
        byte[] locate = [0x06, 0, 0, 1, .. address, .. address, 0, 0xFF, 0, 0];
        byte[] prefix = [0, 0x80, .. new byte[10], .. extent, .. new byte[36]];
        Step[][] programs =
        [
            [Step.W(0x07, [0, 0, .. address])],
            [Step.W(0x0B, [0, 0, .. address])],
            [Step.W(0x63, extent)],
            [Step.W(0xE7, prefix)],
            [Step.Extent(0, 0, (cylinders * 15) - 1), Step.W(0x47, locate)],
            [Step.Extent(0, 0, (cylinders * 15) - 1), Step.W(0x4B, [.. locate, 0, 0, 0, 0])],
        ];
        foreach (Step[] program in programs)
        {
            Outcome outcome = rig.Device.Run(program);
            if (isThere)
                outcome.Ok();
            else
                outcome.Fails(0x80, 0, 0x04, program.Length - 1);
        }
    }

    [Theory]
    [InlineData(false, 0x90)]
    [InlineData(true, 0xB0)]
    public void Sense_holds_the_address_in_its_extended_form(bool spaceEfficient, byte format)
    {
        using var rig = new Rig(Cylinders, spaceEfficient: spaceEfficient);
        byte[] sense = rig.Device.Run(Step.Seek(Cylinder, Head), Step.R(0x06, 8)).Fails(0, 0x08, 0).Sense;
        Assert.Equal(("FFFF", $"{format:X2}" + Address), (Convert.ToHexString(sense, 5, 2), Convert.ToHexString(sense, 27, 5)));
        // as dasd_eckd_track_from_irb puts it together
        int cylinder = (sense[30] << 20) | ((sense[31] & 0xF0) << 12) | (sense[28] << 8) | sense[29];
        Assert.Equal((Cylinder, Head), (cylinder, sense[31] & 0x0F));
    }

    [Fact]
    public void Space_is_released_by_extended_addresses()
    {
        using var rig = new Rig(Cylinders, spaceEfficient: true);
        rig.Device.Run(SpaceTests.Release(0x20, (Track, Track + 30))).Ok();
        Assert.Equal([(Track, 31)], rig.Store.Released);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("cdl")]
    public void A_lazy_image_of_that_size_keeps_its_tracks_and_is_taken_for_no_plain_one(string format)
    {
        string path = _files["large.ckd"];
        using var output = new StringWriter();
        Assert.Equal(0, CcwFs.Cli.Dasd.DasdCommand.Create(output, output)
            .Parse(["create", path, "--cylinders", "262668", "--lazy", "--format", format]).Invoke());
        using (Rig.Opened opened = Rig.Open(path))
        {
            Assert.Equal((Cylinders, true), (opened.Image.Geometry.Cylinders, opened.Image.IsEmpty(Track)));
            opened.Device.Run(
                Step.Extent(0, Track, Track), Step.Locate(0x03, 1, Track, 0, 8),
                    Step.W(0x1D, [.. Step.Count(Cylinder, Head, 1, 0, 8), .. "kept...."u8])).Ok();
        }
        using (Rig.Opened opened = Rig.Open(path))
        {
            Outcome outcome = opened.Device.Run(Step.Extent(0x40, Track, Track), Step.Locate(0x06, 1, Track, 1, 8), Step.R(0x86, 8)).Ok();
            Assert.Equal("kept...."u8.ToArray(), outcome.Data[0]);
            if (format == "cdl")
            {
                byte[] label = opened.Device.Run(Step.Seek(0, 1), Step.SearchId(0, 1, 1), Step.Tic(1), Step.R(0x0E, 140)).Ok().Data[0];
                Assert.Equal(("FFFE", Cylinders), (Convert.ToHexString(label, 62, 2), BinaryPrimitives.ReadInt32BigEndian(label.AsSpan(132))));
            }
        }
        using (FileStream file = File.OpenWrite(path))
            file.Write("CKD_P370"u8);
        Assert.Contains("262668 cylinders; at most 65520", Assert.Throws<ImageException>(() => CkdImage.Open(path)).Message,
            StringComparison.Ordinal);
    }
}
