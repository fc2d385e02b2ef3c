using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Benchmarks;

/// <summary>
/// A DASD and a virtio-blk-ccw disk in one guest, their files side by side on the host: direct I/O through dd on one and the other in turn, and
/// boots with a DASD online and without. QEMU's cache mode for the disk is its default, writeback: a write is complete when it is in the host's page
/// cache, as with ccwfs, and both survive a kill of their process but not of the host.
/// </summary>
internal static partial class GuestBench
{
    private const int Rounds = 15, Warming = 2, Boots = 7, ProcessorRounds = 5;
    private const int Cylinders = 300; // 200 MiB of 4K blocks
    internal const string Dasd = "/dev/dasda1";
    private const string Disk = "/dev/vda";
    private const string DeviceNumber = "0.0.0150";

    /// <summary>
    /// One way of I/O: dd counts blocks, and its own clock starts when its files are open, so that the start of a process is not in it.
    /// </summary>
    /// <param name="Name">For the table.</param>
    /// <param name="Block">As dd is told it.</param>
    /// <param name="Count">Blocks of a round.</param>
    /// <param name="Write">From the guest to the disk.</param>
    /// <param name="Bytes">Of a block.</param>
    /// <param name="Few">Blocks of a short run; the difference to a long one is without the start of dd, which costs some 500 small blocks.</param>
    /// <param name="Many">Blocks of a long run.</param>
    /// <param name="Least">The least rate against virtio-blk's; null: the time counts.</param>
    internal sealed record Kind(string Name, string Block, int Count, bool Write, double Bytes, int Few, int Many, double? Least = null);

    internal static readonly Kind[] Kinds =
    [
        new("4K direct read", "4k", 500, false, 4096, 100, 2_100),
        new("4K direct write", "4k", 500, true, 4096, 100, 2_100),
        new("1M direct read", "1M", 64, false, 1 << 20, 20, 180, 0.75),
        new("1M direct write", "1M", 64, true, 1 << 20, 20, 180, 0.65),
    ];

    internal static void Run(Report report)
    {
        if (LinuxGuest.Image is null)
        {
            report.Note("guest", "not measured: CCWFS_GUEST does not name a directory of scripts/guest");
            return;
        }
        using var files = new TemporaryDirectory();
        string image = files.Volume(Cylinders);
        string mountPoint = files.Sub("mount");
        using Server server = Server.StartCcwFs(mountPoint, "--device", $"dasd,image={image}");
        MeasureIo(report, files, mountPoint);
        MeasureBoots(report, files, mountPoint);
    }

    private static void MeasureIo(Report report, TemporaryDirectory files, string mountPoint)
    {
        string disk = Path.Combine(files.Path, "disk.raw");
        using (FileStream file = File.Create(disk))
            file.SetLength(256 << 20);
        using var guest = new LinuxGuest(
            files, mountPoint, "dasd_eckd_mod,virtio_blk", "", "-drive", $"file={disk},format=raw,if=none,id=disk,cache=writeback", "-device",
                "virtio-blk-ccw,drive=disk");
        // Every block of both exists before anything is measured.
        guest.Run($"chccwdev -e {DeviceNumber}; fdasd -a /dev/dasda; for d in {Dasd} {Disk}; do dd if=/dev/zero of=$d bs=1M count=200 oflag=direct; done");
        var seconds = new Dictionary<(Kind, string), List<double>>();
        for (int round = -Warming; round < Rounds; round++)
        {
            foreach (Kind kind in Kinds)
            {
                foreach (string device in round % 2 == 0 ? new[] { Dasd, Disk } : [Disk, Dasd])
                {
                    double took = Copy(guest, kind, device, kind.Count) / kind.Count;
                    if (round < 0)
                        continue;
                    if (!seconds.TryGetValue((kind, device), out List<double>? all))
                        seconds.Add((kind, device), all = []);
                    all.Add(took);
                }
            }
        }
        foreach (Kind kind in Kinds)
        {
            double ours = Report.Median(seconds[(kind, Dasd)]), theirs = Report.Median(seconds[(kind, Disk)]);
            string times = $"{ours * 1e6:0} us, virtio-blk {theirs * 1e6:0} us";
            if (kind.Least is { } least)
                report.AtLeast($"{kind.Name}, rate ({kind.Bytes / 1e6 / ours:0} MB/s)", least, theirs / ours, "x virtio-blk", times);
            else
                report.AtMost($"{kind.Name}, time", 1.0, ours / theirs, "x virtio-blk", times);
            report.Note($"{kind.Name}, of it the guest's own instructions",
                $"{Processor(guest, kind, Dasd) * 1e6:0} us, virtio-blk {Processor(guest, kind, Disk) * 1e6:0} us");
        }
    }

    /// <summary>
    /// Seconds of the emulated processor for one I/O: what no server could take away. The start of dd goes out by the difference of two counts.
    /// </summary>
    private static double Processor(LinuxGuest guest, Kind kind, string device)
    {
        List<double> seconds = [];
        for (int round = 0; round < ProcessorRounds; round++)
        {
            double before = guest.ProcessorSeconds();
            Copy(guest, kind, device, kind.Few);
            double between = guest.ProcessorSeconds();
            Copy(guest, kind, device, kind.Many);
            double after = guest.ProcessorSeconds();
            seconds.Add((after - between - (between - before)) / (kind.Many - kind.Few));
        }
        return Report.Median(seconds);
    }

    /// <summary>Seconds by dd's own clock.</summary>
    internal static double Copy(LinuxGuest guest, Kind kind, string device, int count)
    {
        string said = guest.Run(
            (kind.Write ? $"dd if=/dev/zero of={device} oflag=direct conv=notrunc" : $"dd if={device} of=/dev/null iflag=direct") +
            $" bs={kind.Block} count={count.ToString(CultureInfo.InvariantCulture)} 2>&1");
        Match time = SecondsOfDd().Match(said);
        return time.Success ? double.Parse(time.Groups[1].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"dd said: {said}");
    }

    private static void MeasureBoots(Report report, TemporaryDirectory files, string mountPoint)
    {
        List<double> with = [], without = [];
        for (int round = 0; round < Boots; round++)
        {
            with.Add(Boot(files, mountPoint));
            without.Add(Boot(files, null));
        }
        (double longer, double shorter) = (Report.Median(with), Report.Median(without));
        report.AtMost("boot to shell, DASD online over none", 0.35, longer - shorter, "s", $"{longer:0.00} s, {shorter:0.00} s");
    }

    /// <summary>Seconds from the start of the command to the answer of a script; with a DASD, the script waits until it is online.</summary>
    private static double Boot(TemporaryDirectory files, string? mountPoint)
    {
        using LinuxGuest guest = mountPoint is null
            ? new LinuxGuest(files, null, "virtio_blk", "")
            : new LinuxGuest(files, mountPoint, "dasd_eckd_mod", $"dasd_mod.dasd={DeviceNumber}");
        guest.Run(mountPoint is null ? ":"
            : $"until read -r s </sys/bus/ccw/devices/{DeviceNumber}/status && [[ $s == online && -b /dev/dasda ]]; do usleep 5000; done");
        return Stopwatch.GetElapsedTime(guest.Started).TotalSeconds;
    }

    [GeneratedRegex(@"copied, ([0-9.e+-]+) s")]
    private static partial Regex SecondsOfDd();
}
