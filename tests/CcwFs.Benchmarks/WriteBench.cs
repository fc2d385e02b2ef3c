using System.Buffers.Binary;
using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Benchmarks;

/// <summary>PREFIX and WRITE TRACK DATA of 4 KiB blocks, as Linux writes, to a CDL volume in the page cache, through the whole device but without a mount.</summary>
internal static class WriteBench
{
    private const int Rounds = 15, FirstTrack = 15, Tracks = 600;
    private const int BlocksATrack = 12; // of 4 KiB on a 3390
    private const int PrefixSize = 64;

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        using var guest = new Guest(64 << 20);
        using var executor = new ChannelExecutor();
        var eckd = new EckdDevice(new EckdVolume(CkdImage.Open(files.Volume())), new EckdOptions(new DeviceId(0, 0, 0x150)));
        var subchannel = new EmulatedSubchannel(new SubchannelId(0, 0, 0), new DeviceId(0, 0, 0x150), [0x40], eckd, executor);
        using var device = new VfioCcwDevice(subchannel, new AddressSpace(guest.Space), NullLogger.Instance);
        foreach ((int tracks, int blocks) in new[] { (16, BlocksATrack), (1, 1) })
            Measure(report, guest, device, tracks, blocks);
    }

    private static void Measure(Report report, Guest guest, VfioCcwDevice device, int tracks, int blocks)
    {
        guest.Clear();
        guest.Add(0xE7, CcwFlags.ChainCommand, PrefixSize, Guest.Parameters);
        for (int i = 0; i < tracks; i++)
            guest.AddTrackWrite(i, blocks, last: i + 1 == tracks);
        for (long end = Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
            Sweep(guest, device, tracks);
        List<double> times = new(Rounds);
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            int run = Sweep(guest, device, tracks);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds / run);
        }
        double seconds = Report.Median(times);
        report.Note($"PFX + {tracks} x WRITE TRACK DATA of {blocks} x 4K", $"{seconds * 1e6:0} us, {tracks * blocks * 4096 / 1e6 / seconds:0} MB/s");
    }

    /// <summary>One program after the other over the tracks, more than the volume's cache holds; gives their number.</summary>
    private static int Sweep(Guest guest, VfioCcwDevice device, int tracks)
    {
        int programs = 0;
        for (int track = FirstTrack; track + tracks <= FirstTrack + Tracks; track += tracks, programs++)
            RunOne(guest, device, track, tracks);
        return programs;
    }

    private static void RunOne(Guest guest, VfioCcwDevice device, int first, int tracks)
    {
        Span<byte> prefix = stackalloc byte[PrefixSize], io = stackalloc byte[RegionLayout.IoSize];
        prefix.Clear();
        (prefix[0], prefix[1]) = (1, 0x80); // with a locate; the extent is valid
        Span<byte> extent = prefix[12..], locate = prefix[44..];
        (extent[0], extent[1]) = (0x80, 0xC0);
        BinaryPrimitives.WriteUInt16BigEndian(extent[2..], 4096);
        Address(extent[8..], first);
        Address(extent[12..], first + tracks - 1);
        (locate[0], locate[1], locate[3], locate[12], locate[13], locate[17]) = (0x3F, 0x80, (byte)tracks, 1, 0xFF, 0x23);
        Address(locate[4..], first);
        Address(locate[8..], first);
        BinaryPrimitives.WriteUInt16BigEndian(locate[14..], 4096);
        guest.Store.Write(Guest.Parameters, prefix);
        io.Clear();
        guest.Orb.Write(io);
        Scsw.Build(0, FunctionControl.Start, 0, 0, 0, 0, 0, 0).Write(io[RegionLayout.ScswOffset..]);
        if (device.WriteRegion(RegionIndex.Io, 0, io, out _) != io.Length)
            throw new InvalidOperationException("the program was not started");
        device.Proceed(here: true);
        var scsw = default(Scsw);
        while ((scsw.StatusControl & StatusControl.Secondary) == 0)
        {
            device.ReadRegion(RegionIndex.Io, 0, io); // a long program goes on with the executor
            scsw = Scsw.Read(io[RegionLayout.IrbOffset..]);
        }
        if (scsw.Device != (DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd) || scsw.Subchannel != 0)
            throw new InvalidOperationException($"the program ended with {scsw}");
    }

    private static void Address(Span<byte> at, int track)
    {
        BinaryPrimitives.WriteUInt16BigEndian(at, (ushort)(track / 15));
        BinaryPrimitives.WriteUInt16BigEndian(at[2..], (ushort)(track % 15));
    }
}
