using System.Buffers.Binary;
using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Benchmarks;

/// <summary>READ DATA of 4 KiB blocks from a CDL volume in the page cache, through the whole device but without a mount.</summary>
internal static class ReadBench
{
    private const int Rounds = 15, FirstTrack = 15, Tracks = 600;
    private const int BlocksATrack = 12; // of 4 KiB on a 3390
    private const double TargetMegabytes = 500;

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        string path = files.Volume();
        using var guest = new Guest(64 << 20);
        using var executor = new ChannelExecutor();
        var volume = new EckdVolume(CkdImage.Open(path, readOnly: true));
        var eckd = new EckdDevice(volume, new EckdOptions(new DeviceId(0, 0, 0x150)));
        var subchannel = new EmulatedSubchannel(new SubchannelId(0, 0, 0), new DeviceId(0, 0, 0x150), [0x40], eckd, executor);
        using var device = new VfioCcwDevice(subchannel, new AddressSpace(guest.Space), NullLogger.Instance);
        Measure(report, guest, device, "DE + LR + 12 x 4K, a track", BlocksATrack);
        Measure(report, guest, device, "DE + LR + 64 x 4K, over tracks", 64);
        Measure(report, guest, device, "PFX + READ TRACK DATA, a track", BlocksATrack, byTrack: true);
    }

    private static void Measure(Report report, Guest guest, VfioCcwDevice device, string what, int blocks, bool byTrack = false)
    {
        guest.Clear();
        if (byTrack)
        {
            guest.Add(0xE7, CcwFlags.ChainCommand, 64, Guest.Parameters);
            guest.AddTrackRead(blocks);
        }
        else
        {
            guest.Add(0x63, CcwFlags.ChainCommand, 16, Guest.Parameters);
            guest.Add(0x47, CcwFlags.ChainCommand, 16, Guest.Parameters + 16);
            guest.AddReads(blocks, last: true);
        }
        var loop = new Loop(guest, device, blocks, byTrack);
        for (long end = Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
            loop.Sweep();
        List<double> speeds = new(Rounds);
        int programs = 0;
        long before = GC.GetTotalAllocatedBytes(precise: true); // of every thread: the executor runs long programs
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            int run = loop.Sweep() + loop.Sweep();
            speeds.Add(run * (double)blocks * 4096 / 1e6 / Stopwatch.GetElapsedTime(start).TotalSeconds);
            programs += run;
        }
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        report.AtLeast(what, TargetMegabytes, Report.Median(speeds), "MB/s");
        report.Nothing($"{what}, allocated a program of {programs}", allocated / programs); // the runtime's own few bytes are less than one each
    }

    /// <summary>Sweeps over the tracks, more than the volume's cache holds, with one program after the other.</summary>
    private sealed class Loop(Guest guest, VfioCcwDevice device, int blocks, bool byTrack)
    {
        private const int PrefixHead = 12, LongExtent = 32, LongLocate = 20;
        private readonly byte[] _parameters = new byte[byTrack ? PrefixHead + LongExtent + LongLocate : 32];
        private readonly byte[] _io = new byte[RegionLayout.IoSize];

        internal int Sweep()
        {
            int programs = 0, tracks = (blocks + BlocksATrack - 1) / BlocksATrack;
            for (int track = FirstTrack; track + tracks <= FirstTrack + Tracks; track += tracks, programs++)
                RunOne(track, track + tracks - 1);
            return programs;
        }

        private void RunOne(int first, int last)
        {
            if (byTrack)
                (_parameters[0], _parameters[1]) = (1, 0x80);
            Span<byte> extent = _parameters.AsSpan(byTrack ? PrefixHead : 0);
            (extent[0], extent[1]) = (0x40, 0xC0);
            Address(extent[8..], first);
            Address(extent[12..], last);
            Span<byte> locate = extent[(byTrack ? LongExtent : 16)..];
            (locate[0], locate[3]) = byTrack ? ((byte)0x0C, (byte)1) : ((byte)0x06, (byte)blocks);
            Address(locate[4..], first);
            Address(locate[8..], first);
            locate[12] = 1;
            guest.Store.Write(Guest.Parameters, _parameters);
            _io.AsSpan().Clear();
            guest.Orb.Write(_io);
            Scsw.Build(0, FunctionControl.Start, 0, 0, 0, 0, 0, 0).Write(_io.AsSpan(RegionLayout.ScswOffset));
            if (device.WriteRegion(RegionIndex.Io, 0, _io, out _) != _io.Length)
                throw new InvalidOperationException("the program was not started");
            device.Proceed(here: true);
            var scsw = default(Scsw);
            while ((scsw.StatusControl & StatusControl.Secondary) == 0)
            {
                device.ReadRegion(RegionIndex.Io, 0, _io); // a long program goes on with the executor
                scsw = Scsw.Read(_io.AsSpan(RegionLayout.IrbOffset));
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
}
