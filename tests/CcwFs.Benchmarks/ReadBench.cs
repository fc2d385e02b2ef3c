using System.Diagnostics;
using CcwFs.ChannelIo;

namespace CcwFs.Benchmarks;

/// <summary>READ DATA of 4 KiB blocks from a CDL volume in the page cache, through the whole device but without a mount.</summary>
internal static class ReadBench
{
    private const int Rounds = 15;
    private const double TargetMegabytes = 500;
    private const int PrefixHead = 12, LongExtent = 32, LongLocate = 20;

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        using var guest = new Guest(64 << 20);
        using var dasd = new Dasd(guest, files.Volume(), readOnly: true);
        Measure(report, guest, dasd, "DE + LR + 12 x 4K, a track", Dasd.BlocksATrack);
        Measure(report, guest, dasd, "DE + LR + 64 x 4K, over tracks", 64);
        Measure(report, guest, dasd, "PFX + READ TRACK DATA, a track", Dasd.BlocksATrack, byTrack: true);
    }

    private static void Measure(Report report, Guest guest, Dasd dasd, string what, int blocks, bool byTrack = false)
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
        int tracks = (blocks + Dasd.BlocksATrack - 1) / Dasd.BlocksATrack;
        byte[] parameters = new byte[byTrack ? PrefixHead + LongExtent + LongLocate : 32];
        Action<int> prepare = first => Prepare(guest, parameters, first, first + tracks - 1, blocks, byTrack);
        for (long end = Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
            dasd.Sweep(tracks, prepare);
        List<double> speeds = new(Rounds);
        int programs = 0;
        long before = GC.GetTotalAllocatedBytes(precise: true); // of every thread: the executor runs long programs
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            int run = dasd.Sweep(tracks, prepare) + dasd.Sweep(tracks, prepare);
            speeds.Add(run * (double)blocks * 4096 / 1e6 / Stopwatch.GetElapsedTime(start).TotalSeconds);
            programs += run;
        }
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        report.AtLeast(what, TargetMegabytes, Report.Median(speeds), "MB/s");
        report.Nothing($"{what}, allocated a program of {programs}", allocated / programs); // the runtime's own few bytes are less than one each
    }

    private static void Prepare(Guest guest, byte[] parameters, int first, int last, int blocks, bool byTrack)
    {
        if (byTrack)
            (parameters[0], parameters[1]) = (1, 0x80);
        Span<byte> extent = parameters.AsSpan(byTrack ? PrefixHead : 0);
        (extent[0], extent[1]) = (0x40, 0xC0);
        Dasd.Address(extent[8..], first);
        Dasd.Address(extent[12..], last);
        Span<byte> locate = extent[(byTrack ? LongExtent : 16)..];
        (locate[0], locate[3]) = byTrack ? ((byte)0x0C, (byte)1) : ((byte)0x06, (byte)blocks);
        Dasd.Address(locate[4..], first);
        Dasd.Address(locate[8..], first);
        locate[12] = 1;
        guest.Store.Write(Guest.Parameters, parameters);
    }
}
