using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>When tracks reach the store, and what happens when they do not.</summary>
public sealed class VolumeTests
{
    [Fact]
    public void An_idle_volume_has_no_buffers_and_reads_nothing()
    {
        using var rig = new Rig();
        rig.Device.Run(Step.R(0xE4, 12)).Ok();
        rig.Device.Run(Step.R(0x64, 64)).Ok();
        Assert.Equal(0, rig.Volume.BufferBytes);
        Assert.Equal(0, rig.Store.Reads);
    }

    [Fact]
    public void The_cache_is_bounded_and_a_track_in_it_is_read_once()
    {
        using var rig = new Rig(20);
        for (int round = 0; round < 2; round++)
        {
            for (int track = 0; track < 100; track++)
                rig.Device.Run(Step.Seek(track / 15, track % 15), Step.R(0x1A, 5), Step.R(0x16, 16), Step.R(0x1A, 5)).Ok();
        }
        Assert.Equal((long)EckdVolume.CacheTracks * rig.Volume.Geometry.TrackSize, rig.Volume.BufferBytes);
        Assert.Equal(200, rig.Store.Reads);
    }

    [Fact]
    public void Nothing_is_written_before_the_program_ends_and_everything_in_one_call_then()
    {
        using var rig = new Rig();
        rig.Device.BeginProgram(0);
        rig.Device.Execute(0x63, new FakeTransfer(Step.Extent(0, 1, 3)));
        rig.Device.Execute(0x47, new FakeTransfer(Step.Locate(0x03, 3, 1, 0)));
        rig.Device.Execute(0x1D, new FakeTransfer(Step.W(0x1D, Step.Count(0, 1, 1, 0, 0))));
        rig.Device.Execute(0x9D, new FakeTransfer(Step.W(0x9D, Step.Count(0, 2, 1, 0, 0))));
        rig.Device.Execute(0x9D, new FakeTransfer(Step.W(0x9D, Step.Count(0, 3, 1, 0, 0))));
        Assert.Empty(rig.Store.Writes);
        Assert.Equal(Outcome.Good, rig.Device.EndProgram(Outcome.Good));
        Assert.Equal([1, 2, 3], Assert.Single(rig.Store.Writes).Order());
        rig.Device.Run(Step.Seek(0, 1), Step.R(0x12, 8)).Ok();
        Assert.Single(rig.Store.Writes);
    }

    [Fact]
    public void A_program_that_changes_many_tracks_writes_them_in_batches()
    {
        using var rig = new Rig();
        var steps = new List<Step> { Step.Extent(0, 0, 39), Step.Locate(0x03, 40, 0, 0) };
        for (int track = 0; track < 40; track++)
            steps.Add(Step.W(track == 0 ? (byte)0x1D : (byte)0x9D, Step.Count(track / 15, track % 15, 1, 0, 0)));
        rig.Device.Run([.. steps]).Ok();
        Assert.Equal([EckdVolume.DirtyLimit, EckdVolume.DirtyLimit, 40 - (2 * EckdVolume.DirtyLimit)], rig.Store.Writes.Select(w => w.Length));
    }

    [Fact]
    public void An_abandoned_program_keeps_what_its_commands_wrote()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        Begin(rig.Device, 0x55);
        rig.Device.AbandonProgram(false);
        Assert.Equal(2, rig.Store.Writes.Count);
        Assert.Equal(0x55, Read(rig.Device));
    }

    [Fact]
    public void A_failed_write_is_an_equipment_check_and_the_old_content_stays()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Store.FailWrites = true;
        Update(rig.Device, 0x55).Fails(0x10, 0x80, 0x10);
        Assert.Contains(rig.Log.Lines, l => l.StartsWith("0.0.0150: fake: fake: disk full", StringComparison.Ordinal));
        Assert.Equal(1, Read(rig.Device));
        rig.Store.FailWrites = false;
        Update(rig.Device, 0x66).Ok();
        Assert.Equal(0x66, Read(rig.Device));
    }

    [Fact]
    public void A_failed_write_in_the_middle_of_a_program_ends_it_there()
    {
        using var rig = new Rig();
        rig.Store.FailWrites = true;
        var steps = new List<Step> { Step.Extent(0, 0, 39), Step.Locate(0x03, 40, 0, 0) };
        for (int track = 0; track < 40; track++)
            steps.Add(Step.W(track == 0 ? (byte)0x1D : (byte)0x9D, Step.Count(track / 15, track % 15, 1, 0, 0)));
        rig.Device.Run([.. steps]).Fails(0x10, 0x80, 0x10, 2 + EckdVolume.DirtyLimit);
        Assert.Empty(rig.Store.Writes);
    }

    [Fact]
    public void A_track_that_another_devices_failed_write_took_along_is_reported_to_its_writer()
    {
        using Rig rig = new Rig().Formatted(1, 2, 16);
        using EckdDevice other = rig.Add(0x0151);
        Begin(other, 0x77);
        rig.Store.FailWrites = true;
        rig.Device.Run(Step.Extent(0, 1, 1), Step.Locate(0x01, 1, 1, 2, 16), Step.Sized(0x85, 16)).Fails(0x10, 0x80, 0x10);
        rig.Store.FailWrites = false;
        Assert.Equal(Outcome.Good | DeviceStatus.UnitCheck, other.EndProgram(Outcome.Good));
        byte[] sense = new byte[32];
        Assert.Equal(32, other.TakeSense(sense));
        Assert.Equal(0x10, sense[0]);
        Assert.Equal(1, Read(rig.Device));
    }

    [Fact]
    public void Another_devices_failed_write_takes_no_track_along_that_it_has_not_changed()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16).Formatted(2, 1, 16);
        using EckdDevice other = rig.Add(0x0151);
        Begin(other, 0x77);
        rig.Store.FailWrites = true;
        rig.Device.Run(Step.Extent(0, 2, 2), Step.Locate(0x01, 1, 2, 1, 16), Step.Sized(0x85, 16)).Fails(0x10, 0x80, 0x10);
        rig.Store.FailWrites = false;
        Assert.Equal(Outcome.Good, other.EndProgram(Outcome.Good));
        Assert.Equal(0x77, Read(rig.Device));
    }

    [Fact]
    public void A_failed_write_of_an_abandoned_program_is_logged()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Store.FailWrites = true;
        Begin(rig.Device, 0x55);
        rig.Device.AbandonProgram(true);
        Assert.Contains(rig.Log.Lines, l => l.Contains("abandoned", StringComparison.Ordinal));
        Assert.Equal(1, Read(rig.Device));
    }

    [Fact]
    public void A_volume_that_is_disposed_under_its_device_asks_for_intervention()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        Begin(rig.Device, 0x55);
        rig.Volume.Dispose();
        Assert.Equal(2, rig.Store.Writes.Count);
        rig.Device.Run(Step.Seek(0, 1), Step.R(0x06, 16)).Fails(0x40, 0, 0x10, 0);
    }

    [Fact]
    public void A_unit_check_is_traced_with_the_commands_name()
    {
        using var rig = new Rig();
        rig.Device.Run(Step.Seek(0, 1), Step.R(0x06, 16));
        Assert.Contains("0.0.0150: READ DATA (06): unit check, sense 00 08, format and message 00", rig.Log.Lines);
        Assert.Null(EckdDevice.CommandName(0x08));
    }

    [Fact]
    public void A_failed_read_is_an_equipment_check()
    {
        using var rig = new Rig();
        rig.Store.FailReads = true;
        rig.Device.Run(Step.Seek(0, 1), Step.R(0x1A, 5)).Fails(0x10, 0x80, 0x10, 1);
        Assert.Contains(rig.Log.Lines, l => l.Contains("read failed", StringComparison.Ordinal));
        rig.Store.FailReads = false;
        rig.Device.Run(Step.Seek(0, 1), Step.R(0x1A, 5)).Ok();
    }

    [Theory]
    [InlineData(0, 0x01)]
    [InlineData(4, 0x02)]
    [InlineData(9, 0x01)]
    [InlineData(11, 0xFF)]
    [InlineData(26, 0xFF)]
    public void A_damaged_track_is_a_data_check_and_the_log_names_it(int offset, byte value)
    {
        using Rig rig = new Rig().Formatted(18, 1, 16).Formatted(19, 1, 16);
        byte[] slot = rig.Store.Slot(18);
        slot[offset] = value;
        using var fresh = new EckdVolume(rig.Store);
        using var device = new EckdDevice(fresh, new EckdOptions(new DeviceId(0, 0, 0x0152)), rig.Log);
        foreach (byte code in (byte[])[0x06, 0x12, 0x1A, 0x16, 0x1E, 0x0E])
        {
            Outcome outcome = device.Run(Step.Seek(1, 3), Step.R(code, 16)).Fails(0x08, 0x80, 0x40, 1);
            Assert.Equal("00010003", Convert.ToHexString(outcome.Sense, 8, 4));
        }
        Assert.Contains(rig.Log.Lines, l =>
            l.StartsWith("0.0.0152: fake: track 18 (cylinder 1 head 3) is damaged, offset ", StringComparison.Ordinal));
        Assert.Equal(value, rig.Store.Slot(18)[offset]);
        device.Run(Step.Seek(1, 4), Step.R(0x06, 16)).Ok();
    }

    [Fact]
    public void Commands_in_steady_state_allocate_nothing()
    {
        using Rig rig = new Rig().Formatted(1, 12, 4096);
        Step extent = Step.Extent(0x80, 1, 1), locate = Step.Locate(0x06, 12, 1, 1, 4096), update = Step.Locate(0x01, 1, 1, 1, 4096);
        var extentData = new Reusable(extent.Out);
        var locateData = new Reusable(locate.Out);
        var updateData = new Reusable(update.Out);
        var block = new Reusable(new byte[4096]);
        for (int i = 0; i < 200; i++)
            Round(rig.Device);
        rig.Store.DropWrites = true;
        Round(rig.Device);
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 100; i++)
                Round(rig.Device);
        }));

        void Round(EckdDevice device)
        {
            device.BeginProgram(0);
            device.Execute(0x63, extentData);
            device.Execute(0x47, locateData);
            for (int i = 0; i < 12; i++)
                Assert.True(device.Execute(0x86, block) == Outcome.Good);
            Assert.True(device.Execute(0x47, updateData) == Outcome.Good);
            Assert.True(device.Execute(0x85, block) == Outcome.Good);
            Assert.True(device.EndProgram(Outcome.Good) == Outcome.Good);
        }
    }

    [Fact]
    public void Four_thousand_idle_devices_cost_less_than_four_megabytes()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var rigs = new List<Rig>();
        for (int i = 0; i < 4096; i++)
            rigs.Add(new Rig());
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        rigs.ForEach(r => r.Dispose());
        Assert.InRange(bytes, 1, 4 << 20);
    }

    private static void Begin(EckdDevice device, byte fill)
    {
        device.BeginProgram(0);
        device.Execute(0x63, new FakeTransfer(Step.Extent(0, 1, 1)));
        device.Execute(0x47, new FakeTransfer(Step.Locate(0x01, 1, 1, 1, 16)));
        Assert.Equal(Outcome.Good, device.Execute(0x85, new FakeTransfer(Step.Sized(0x85, 16, fill))));
    }

    private static Outcome Update(EckdDevice device, byte fill) =>
        device.Run(Step.Extent(0, 1, 1), Step.Locate(0x01, 1, 1, 1, 16), Step.Sized(0x85, 16, fill));

    private static byte Read(EckdDevice device) =>
        device.Run(Step.Extent(0, 1, 1), Step.Locate(0x06, 1, 1, 1), Step.R(0x86, 16)).Ok().Data[0][0];

    private sealed class Reusable(byte[] bytes) : CcwFs.Emulation.Channel.IDataTransfer
    {
        public bool IsGood => true;

        public int Receive(Span<byte> buffer)
        {
            bytes.AsSpan(0, buffer.Length).CopyTo(buffer);
            return buffer.Length;
        }

        public int ReceiveAvailable(Span<byte> buffer) => Receive(buffer);

        public int Send(ReadOnlySpan<byte> source)
        {
            source.CopyTo(bytes);
            return source.Length;
        }
    }
}
