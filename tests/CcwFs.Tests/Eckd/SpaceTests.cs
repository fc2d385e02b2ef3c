using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Tests.Images;

namespace CcwFs.Tests.Eckd;

/// <summary>ESE volumes: empty tracks, space given back, no space left.</summary>
public sealed class SpaceTests : IDisposable
{
    private readonly ImageDirectory _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void An_unformatted_track_is_no_record_found_with_the_tracks_address_as_Linux_reads_it()
    {
        using var rig = new Rig(5000, spaceEfficient: true);
        byte[] sense = rig.Device.Run(Step.Extent(0, 4099 * 15 + 3, 4099 * 15 + 3), Step.Locate(0x06, 1, 4099 * 15 + 3, 1), Step.R(0x86, 512)).Sense;
        Assert.Equal((0x08, 0x20), (sense[1] & 0x08, sense[27] & 0x30));
        Assert.Equal((4099, 3), (BinaryPrimitives.ReadUInt16BigEndian(sense.AsSpan(29)), sense[31] & 0x0F));
        using EckdDevice other = rig.Add(0x0151);
        Assert.Equal(0x80, other.Run(Step.Extent(0, 0, 0), Step.Locate(0x06, 1, 0, 1), Step.R(0x86, 512)).Sense[27]);
    }

    [Fact]
    public void Released_tracks_are_unformatted_and_the_others_stay()
    {
        using Rig rig = new Rig(spaceEfficient: true).Formatted(15, 1, 64).Formatted(16, 1, 64).Formatted(31, 1, 64).Formatted(32, 1, 64);
        rig.Device.Run(Release(0x30, (16, 31))).Ok();
        Assert.Equal([(16, 16)], rig.Store.Released);
        foreach ((int track, bool there) in ((int, bool)[])[(15, true), (16, false), (31, false), (32, true)])
            Assert.Equal(there, Read(rig.Device, track));
        rig.Device.Run(Release(0)).Ok();
        Assert.False(Read(rig.Device, 15) || Read(rig.Device, 32));
        rig.Formatted(16, 1, 64);
        Assert.True(Read(rig.Device, 16));
    }

    [Fact]
    public void Nonsense_is_refused_and_releases_nothing()
    {
        using Rig rig = new Rig(2, spaceEfficient: true).Formatted(3, 1, 64);
        byte[] good = Release(0x20, (3, 3)).Out;
        foreach (int at in (int[])[0, 1, 2, 4, 5, 20, 24, 25, 28])
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x40;
            rig.Device.Run(Step.W(0xF7, bad)).Fails(0x80, 0, 0x04, 0);
        }
        rig.Device.Run(Release(0x20, (4, 3))).Fails(0x80, 0, 0x04, 0);
        rig.Device.Run(Release(0x20, (3, 3), (29, 30))).Fails(0x80, 0, 0x04, 0);
        rig.Device.Run(Step.W(0xF7, good[..^1])).Fails(0x80, 0, 0x03, 0);
        Assert.Empty(rig.Store.Released);
        using EckdDevice plain = rig.Add(0x0151), reader = rig.Add(0x0150, readOnly: true, spaceEfficient: true);
        plain.Run(Step.W(0xF7, good)).Fails(0x80, 0, 0x01, 0);
        reader.Run(Step.W(0xF7, good)).Fails(0x80, 0x02, 0, 0);
        using EckdDevice minimal = rig.Add(0x0150, profile: EckdProfile.Minimal, spaceEfficient: true);
        minimal.Run(Step.W(0xF7, good)).Fails(0x80, 0, 0x01, 0);
    }

    [Fact]
    public void A_track_that_many_ranges_name_is_released_once()
    {
        using var rig = new Rig(spaceEfficient: true);
        rig.Device.Run(Release(0x20, (40, 50), (16, 31), (0, 149), (20, 40), (149, 149))).Ok();
        rig.Device.Run(Release(0x20, (40, 50), (45, 60), (10, 20), (61, 62))).Ok();
        Assert.Equal([(0, 150), (10, 11), (40, 11), (51, 10), (61, 2)], rig.Store.Released);
    }

    [Fact]
    public async Task Drivers_of_a_full_volume_hear_when_there_is_space_again()
    {
        using var store = new FullStore();
        using var volume = new EckdVolume(store);
        using var device = Device(volume, 0x0150, spaceEfficient: true);
        using var plain = Device(volume, 0x0151, spaceEfficient: false);
        var attention = System.Threading.Channels.Channel.CreateUnbounded<DeviceStatus>();
        device.Unsolicited = s => attention.Writer.TryWrite(s);
        plain.Unsolicited = _ => Assert.Fail("not its business");
        Format(device).Fails(0x10, 0x82, 0);
        Format(device).Fails(0x10, 0x82, 0);
        store.NeedsNone = 1;
        Format(device, 1).Ok(); // a write that needs no space says nothing of it
        Assert.Equal("000900000000000000", Message(device));
        Assert.False(attention.Reader.TryRead(out _));
        store.IsFull = false;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Assert.Equal(DeviceStatus.Attention, await attention.Reader.ReadAsync(patience.Token));
        string[] messages = ["0010060300000000" + "0000000000000000", "0010060600000000" + "0000000000000000", "000900000000000000"];
        Assert.Equal(messages, (string[])[Message(device), Message(device), Message(device)]); // Linux goes on at 03
        byte[] query = device.Run(OrderTests.Prepare(0x52), Step.R(0x3E, 28)).Ok().Data[0];
        Assert.Equal((0x20, 2), (query[0], BinaryPrimitives.ReadInt32BigEndian(query.AsSpan(20))));
        Format(device).Ok();
        Assert.Equal("000900000000000000", Message(plain));
    }

    [Fact]
    public void A_guest_that_fills_a_disk_and_releases_again_does_not_fill_the_log()
    {
        const int Turns = 25, Lines = 10;
        var log = new LogLines();
        using var store = new FullStore();
        using var volume = new EckdVolume(store);
        using (var device = new EckdDevice(volume, new EckdOptions(new DeviceId(0, 0, 0x0150), SpaceEfficient: true), log))
        {
            for (int turn = 0; turn < Turns; turn++)
            {
                Format(device).Fails(0x10, 0x82, 0);
                device.Run(Release(0)).Ok();
            }
            Assert.Equal(Lines, log.Lines.Count(line => line.Contains("there is space again", StringComparison.Ordinal)));
        }
        Assert.Single(log.Lines, line =>
            line.EndsWith($"{Turns - Lines} more lines about space that there is again were left out", StringComparison.Ordinal));
    }

    private static EckdDevice Device(EckdVolume volume, ushort number, bool spaceEfficient) =>
        new(volume, new EckdOptions(new DeviceId(0, 0, number), SpaceEfficient: spaceEfficient));

    private static Outcome Format(EckdDevice device, int track = 0) => device.Run(
        Step.Extent(0, track, track), Step.Locate(0x03, 1, track, 0, 8), Step.W(0x1D, [.. Step.Count(0, track, 1, 0, 8), .. new byte[8]]));

    private static string Message(EckdDevice device) =>
        Convert.ToHexString(device.Run(OrderTests.Prepare(0x03), Step.R(0x3E, 4096).WithSli()).Data[0]);

    [Fact]
    public void A_full_disk_is_out_of_space_as_Linux_reads_it_and_drivers_are_told_to_wait()
    {
        using var full = new FullStore();
        using var volume = new EckdVolume(full);
        using EckdDevice device = Device(volume, 0x0150, spaceEfficient: true);
        byte[] sense = Format(device).Sense;
        Assert.Equal((0x10, 0x82, 0x01), (sense[0], sense[1], sense[25]));
        byte[] query = device.Run(OrderTests.Prepare(0x52), Step.R(0x3E, 28)).Ok().Data[0];
        Assert.Equal((0x60, 0), (query[0], BinaryPrimitives.ReadInt32BigEndian(query.AsSpan(20))));
        byte[] pool = device.Run(OrderTests.Prepare(0x53), Step.R(0x3E, 40)).Ok().Data[0];
        Assert.Equal(0x02, pool[36] & 0x02);
    }

    [Fact]
    public void The_image_file_gives_the_space_back_to_the_disk()
    {
        string path = _files.Create("v.ckd", 200, VolumeFormat.Cdl, "SPACE1");
        using CkdImage image = CkdImage.Open(path);
        long before = image.AllocatedBytes;
        image.Release(2, 200 * 15 - 2);
        Assert.InRange(image.AllocatedBytes, 0, before / 20);
        Assert.True(image.IsEmpty(2) && image.IsEmpty(2999) && !image.IsEmpty(1));
        var track = new CkdTrack(image.Geometry);
        image.Write([new TrackImage(77, Formatted(image, 77))]);
        Assert.Null(track.Load(image, 77));
        Assert.Equal(13, track.RecordCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_release_that_was_cut_short_is_finished_by_the_next_open(bool holes)
    {
        byte[] bytes = File.ReadAllBytes(_files.Create("v.ckd", 2, VolumeFormat.Cdl, "SPACE2"));
        var disk = new RecordedDisk(new DiskFile(1, bytes), null, Guid.NewGuid());
        int writes = 0;
        disk.Fail = what => what == "image write" && ++writes == 5 ? -5 : what == "image discard" && !holes ? -95 : 0;
        SlotStore cut = disk.OpenImage(ImageSync.None); // never closed: it was killed
        Assert.Throws<ImageException>(() => cut.Release(3, 20));
        Assert.NotNull(disk.Redo);
        using (SlotStore reader = disk.OpenImage(ImageSync.None, readOnly: true))
            Assert.True(Slot(reader, 3).All(b => b == 0) && Slot(reader, 22).All(b => b == 0));
        using SlotStore healed = disk.OpenImage(ImageSync.None);
        Assert.True(Slot(healed, 3).All(b => b == 0) && Slot(healed, 22).All(b => b == 0) && !healed.IsEmpty(2) && !healed.IsEmpty(23));
    }

    private static byte[] Slot(SlotStore image, int track)
    {
        byte[] slot = new byte[image.Geometry.TrackSize];
        image.Read(track, slot);
        return slot;
    }

    private static byte[] Formatted(SlotStore image, int number)
    {
        var track = new CkdTrack(image.Geometry);
        VolumeLayout.Create(image.Geometry, VolumeFormat.Cdl, 4_096, "SPACE1").Format(number, track);
        return track.Image.ToArray();
    }

    private static bool Read(EckdDevice device, int track) =>
        device.Run(Step.Extent(0, track, track), Step.Locate(0x06, 1, track, 1), Step.R(0x86, 64)).Status == Outcome.Good;

    internal static Step Release(byte scope, params (int First, int Last)[] ranges)
    {
        byte[] bytes = new byte[24];
        (bytes[0], bytes[2], bytes[4], bytes[5], bytes[21]) = (0x81, scope, 0x01, 0x50, (byte)ranges.Length);
        return Step.W(0xF7, [.. bytes, .. ranges.SelectMany(r => (byte[])[.. Address(r.First), .. Address(r.Last)])]);

        static byte[] Address(int track) => Step.Cchhr(track / 15, track % 15, 0)[..4];
    }

    private sealed class FullStore : ITrackStore
    {
        public CkdGeometry Geometry { get; } = CkdGeometry.Model3390(2);

        public bool IsReadOnly => false;

        public string Name => "full";

        public long AllocatedBytes => 0;

        public void Read(int track, Span<byte> slot) => slot.Clear();

        public volatile bool IsFull = true;

        /// <summary>A track that has its space already.</summary>
        public int NeedsNone { get; set; } = -1;

        public void Write(ReadOnlySpan<TrackImage> tracks)
        {
            if (IsFull && !(tracks.Length == 1 && tracks[0].Track == NeedsNone))
                throw new ImageException("full", 28);
        }

        public void Release(int first, int count)
        {
        }

        public void Dispose()
        {
        }
    }
}
