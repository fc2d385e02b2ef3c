using System.Buffers.Binary;
using System.Diagnostics;
using CcwFs.ChannelIo;

namespace CcwFs.Benchmarks;

/// <summary>
/// PREFIX and WRITE TRACK DATA of 4 KiB blocks, as Linux writes, to a CDL volume in the page cache, through the whole device but without a mount.
/// </summary>
internal static class WriteBench
{
    private const int Rounds = 15;
    private const int PrefixSize = 64;

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        using var guest = new Guest(64 << 20);
        using var dasd = new Dasd(guest, files.Volume(), readOnly: false);
        foreach ((int tracks, int blocks) in new[] { (16, Dasd.BlocksATrack), (1, 1) })
            Measure(report, guest, dasd, tracks, blocks);
    }

    private static void Measure(Report report, Guest guest, Dasd dasd, int tracks, int blocks)
    {
        guest.Clear();
        guest.Add(0xE7, CcwFlags.ChainCommand, PrefixSize, Guest.Parameters);
        for (int i = 0; i < tracks; i++)
            guest.AddTrackWrite(i, blocks, last: i + 1 == tracks);
        Action<int> prepare = first => Prepare(guest, first, tracks);
        for (long end = Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
            dasd.Sweep(tracks, prepare);
        List<double> times = new(Rounds);
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            int run = dasd.Sweep(tracks, prepare);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds / run);
        }
        double seconds = Report.Median(times);
        report.Note($"PFX + {tracks} x WRITE TRACK DATA of {blocks} x 4K", $"{seconds * 1e6:0} us, {tracks * blocks * 4096 / 1e6 / seconds:0} MB/s");
    }

    private static void Prepare(Guest guest, int first, int tracks)
    {
        Span<byte> prefix = stackalloc byte[PrefixSize];
        prefix.Clear();
        (prefix[0], prefix[1]) = (1, 0x80); // with a locate; the extent is valid
        Span<byte> extent = prefix[12..], locate = prefix[44..];
        (extent[0], extent[1]) = (0x80, 0xC0);
        BinaryPrimitives.WriteUInt16BigEndian(extent[2..], 4096);
        Dasd.Address(extent[8..], first);
        Dasd.Address(extent[12..], first + tracks - 1);
        (locate[0], locate[1], locate[3], locate[12], locate[13], locate[17]) = (0x3F, 0x80, (byte)tracks, 1, 0xFF, 0x23);
        Dasd.Address(locate[4..], first);
        Dasd.Address(locate[8..], first);
        BinaryPrimitives.WriteUInt16BigEndian(locate[14..], 4096);
        guest.Store.Write(Guest.Parameters, prefix);
    }
}
