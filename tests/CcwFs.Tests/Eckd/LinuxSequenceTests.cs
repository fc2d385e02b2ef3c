using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>
/// The programs that Linux's dasd_eckd issues, in the bytes it issues them in (drivers/s390/block/dasd_eckd.c), and QEMU's IPL
/// (pc-bios/s390-ccw/dasd-ipl.c).
/// </summary>
public sealed class LinuxSequenceTests
{
    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    private static Step[] Analysis() =>
    [
        Step.W(0x63, Hex("40 C4 0000 0000 00 00 0000 0000 0000 0001")),
        Step.W(0x47, Hex("06 00 00 04 0000 0000 0000 0000 00 00 0000")),
        Step.R(0x12, 8), Step.R(0x12, 8), Step.R(0x12, 8), Step.R(0x12, 8),
        Step.W(0x47, Hex("06 00 00 01 0000 0001 0000 0001 00 00 0000")),
        Step.R(0x12, 8),
    ];

    /// <summary>dasdfmt's program for some tracks: the count fields alone, first record of each further track by the next-track form.</summary>
    private static Step[] Format(int first, int tracks, int records, int size)
    {
        var steps = new List<Step>
        {
            Step.Extent(0x00, first, first + tracks - 1, 0xC4, 0x04),
            Step.Locate(0x03, records * tracks, first, 0, size, 0),
        };
        for (int track = first; track < first + tracks; track++)
        {
            for (int r = 1; r <= records; r++)
            {
                bool cdl = track == 0 && r <= 3;
                int data = cdl ? new[] { 24, 144, 80 }[r - 1] : track == 1 ? 96 : size;
                int key = cdl ? 4 : track == 1 ? 44 : 0;
                byte code = track > first && r == 1 ? (byte)0x9D : (byte)0x1D;
                steps.Add(Step.W(code, Step.Count(track / 15, track % 15, r, key, data)).WithSli());
            }
        }
        return [.. steps];
    }

    [Fact]
    public void Coming_online_asks_for_identity_paths_and_features()
    {
        using var rig = new Rig();
        byte[] id = Hex("80 00112233445566778899AA");
        rig.Device.RunOn(3, Step.R(0xE4, 40).WithSli()).Ok();
        Assert.Equal(new byte[12], rig.Device.RunOn(3, Step.R(0x34, 12).WithSli()).Ok().Data[0]);
        rig.Device.RunOn(3, Step.W(0xAF, id).WithSli()).Ok();
        byte[] group = rig.Device.RunOn(3, Step.R(0x34, 12).WithSli()).Ok().Data[0];
        Assert.Equal("C8" + Convert.ToHexString(id, 1, 11), Convert.ToHexString(group));
        rig.Device.RunOn(3, new Step(0x03, [], 0, true)).Ok();
        rig.Device.RunOn(3, Step.R(0xFA, 256)).Ok();
        rig.Device.RunOn(3, Step.R(0x64, 64)).Ok();
        rig.Device.RunOn(3, Step.W(0x27, Hex("18 00 0000 01 50 41 00 00000000")), Step.R(0x3E, 256)).Ok();
        rig.Device.RunOn(3, Step.W(0x27, Hex("18 00 0000 00 00 0E 00 00000000")), Step.R(0x3E, 512)).Ok();
    }

    [Fact]
    public void An_unformatted_volume_is_found_to_be_unformatted()
    {
        using var rig = new Rig();
        rig.Device.Run(Analysis()).Fails(0, 0x08, 0, 2);
    }

    [Fact]
    public void A_volume_formatted_by_dasdfmt_is_analysed_as_CDL()
    {
        using var rig = new Rig();
        rig.Device.Run(
            Step.Extent(0x00, 0, 0, 0xC4, 0x04), Step.Locate(0x03, 1, 0, 0, 8, 0),
            Step.W(0x1D, Step.Count(0, 0, 1, 0, 0)).WithSli()).Ok();
        rig.Device.Run(Format(2, 21, 12, 4096)).Ok();
        rig.Device.Run(Format(0, 2, 12, 4096)).Ok();
        List<byte[]> counts = rig.Device.Run(Analysis()).Ok().Data;
        Assert.Equal(
            ["0000000001040018", "0000000002040090", "0000000003040050", "0000000004001000", "00000001012C0060"],
            counts.Select(Convert.ToHexString));
        Assert.Equal(Enumerable.Range(0, 23), rig.Store.Writes.SelectMany(w => w).Distinct().Order());
    }

    [Fact]
    public void A_block_is_written_in_place_and_read_back()
    {
        using Rig rig = new Rig().Formatted(31, 12, 4096);
        byte[] block = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 7))];
        Step[] write = [Step.Extent(0x80, 31, 31), Step.Locate(0x01, 2, 31, 5, 4096, 0x30), Step.W(0x85, block), Step.W(0x85, block)];
        rig.Device.Run(write).Ok();
        Outcome outcome = rig.Device.Run(
            Step.Extent(0x40, 31, 31), Step.Locate(0x06, 3, 31, 4, 4096, 0x30),
            Step.R(0x86, 4096), Step.R(0x86, 4096), Step.R(0x86, 4096)).Ok();
        Assert.Equal(Enumerable.Repeat((byte)4, 4096), outcome.Data[0]);
        Assert.Equal(block, outcome.Data[1]);
        Assert.Equal(block, outcome.Data[2]);
    }

    [Fact]
    public void Reads_and_updates_of_a_domain_run_on_over_tracks_and_cylinders()
    {
        using Rig rig = new Rig().Formatted(14, 2, 512).Formatted(15, 2, 512);
        Outcome outcome = rig.Device.Run(
            Step.Extent(0x40, 14, 15), Step.Locate(0x06, 3, 14, 1, 512),
            Step.R(0x86, 512), Step.R(0x86, 512), Step.R(0x92, 8)).Ok();
        Assert.Equal("0001000001000200", Convert.ToHexString(outcome.Data[2]));
        rig.Device.Run(
            Step.Extent(0x80, 14, 15), Step.Locate(0x01, 2, 14, 2, 512), Step.Sized(0x85, 512, 0xAA), Step.Sized(0x85, 512, 0xBB)).Ok();
        outcome = rig.Device.Run(Step.Extent(0x40, 15, 15), Step.Locate(0x06, 1, 15, 1, 512), Step.R(0x86, 512)).Ok();
        Assert.Equal(0xBB, outcome.Data[0][511]);
    }

    [Fact]
    public void Label_blocks_are_read_and_written_with_their_keys()
    {
        using var rig = new Rig();
        rig.Device.Run(Format(0, 2, 12, 4096)).Ok();
        byte[] label = [.. Enumerable.Range(1, 84).Select(i => (byte)i)];
        rig.Device.Run(Step.Extent(0x80, 0, 1), Step.Locate(0x01, 1, 0, 3, 84), Step.W(0x8D, label)).Ok();
        Outcome outcome = rig.Device.Run(
            Step.Extent(0x40, 0, 1), Step.Locate(0x06, 1, 0, 3, 84), Step.R(0x8E, 84), Step.Locate(0x06, 1, 1, 1, 140), Step.R(0x8E, 140)).Ok();
        Assert.Equal(label, outcome.Data[0]);
    }

    [Fact]
    public void Counting_the_records_of_a_track_ends_with_no_record_found_after_the_wrap()
    {
        using Rig rig = new Rig().Formatted(5, 12, 4096);
        Step[] steps = [Step.Extent(0x40, 5, 5), Step.Locate(0x06, 50, 5, 0), .. Enumerable.Repeat(Step.R(0x12, 8).WithSli(), 50)];
        Outcome outcome = rig.Device.Run(steps).Fails(0, 0x08, 0);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1], outcome.Data.Where(d => d.Length == 8).Take(13).Select(d => (int)d[4]));
    }

    [Fact]
    public void Record_zero_is_written_from_home_address_and_the_records_behind_it()
    {
        using var rig = new Rig();
        rig.Device.Run(
            Step.W(0x63, Hex("C2 C4 0000 0000 00 04 0000 0003 0000 0003")), Step.Locate(0x43, 2, 3, 0, 4096, 0),
            Step.W(0x15, Step.Count(0, 3, 0, 0, 8)).WithSli(), Step.W(0x1D, Step.Count(0, 3, 1, 0, 4096)).WithSli()).Ok();
        Outcome outcome = rig.Device.Run(Step.Seek(0, 3), Step.R(0x16, 16), Step.R(0x12, 8)).Ok();
        Assert.Equal("0000000300000008" + "0000000000000000", Convert.ToHexString(outcome.Data[0]));
        Assert.Equal("0000000301001000", Convert.ToHexString(outcome.Data[1]));
    }

    [Fact]
    public void DEFINE_EXTENT_of_32_bytes_with_a_time_stamp_is_taken()
    {
        using Rig rig = new Rig().Formatted(0, 1, 64);
        byte[] extent = [.. Step.DefineExtentBytes(0x80, 0, 0, 0xC4, 0x08), .. new byte[16]];
        rig.Device.Run(Step.W(0x63, extent), Step.Locate(0x01, 1, 0, 1, 64), Step.Sized(0x85, 64)).Ok();
        rig.Device.Run(Step.W(0x63, extent[..20]), Step.Nop).Fails(0x80, 0, 0x03, 0);
    }

    [Fact]
    public void The_boot_loader_chain_of_QEMU_runs_step_by_step()
    {
        using var rig = new Rig();
        rig.Device.Run(Format(0, 2, 12, 4096)).Ok();
        byte[] ipl1 = [.. Hex("C9D7D3F1"), .. Hex("000600000000000F 0300000000000001 0000000000000000")];
        byte[] ipl2 = [.. Enumerable.Repeat((byte)0x42, 148)];
        rig.Device.Run(Step.Extent(0x80, 0, 1), Step.Locate(0x01, 1, 0, 1, 28), Step.W(0x8D, ipl1)).Ok();
        rig.Device.Run(Step.Extent(0x80, 0, 1), Step.Locate(0x01, 1, 0, 2, 148), Step.W(0x8D, ipl2)).Ok();

        Outcome outcome = rig.Device.Run(Step.R(0x02, 0x18)).Ok();
        Assert.Equal(ipl1[4..], outcome.Data[0]);
        outcome = rig.Device.Run(Step.Seek(0, 0), Step.SearchId(0, 0, 2), Step.Tic(1), Step.R(0x06, 0x68).WithSli()).Ok();
        Assert.Equal(ipl2[4..(4 + 0x68)], outcome.Data[0]);
        outcome = rig.Device.Run(
            Step.Seek(0, 0), Step.SearchId(0, 0, 4), Step.Tic(1), Step.R(0x86, 4096).WithSli(), Step.R(0x86, 4096).WithSli()).Ok();
        Assert.Equal(4096, outcome.Data[1].Length);
        outcome = rig.Device.Run(Step.R(0x02, 0x18), Step.R(0x06, 144), Step.Seek(0, 1), Step.SearchId(0, 1, 12), Step.Tic(3), Step.R(0x06, 96)).Ok();
        Assert.Equal(ipl2[4..], outcome.Data[1]);
    }
}
