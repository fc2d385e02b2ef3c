using System.Globalization;
using System.Text;
using System.Text.Json;

namespace CcwFs.Benchmarks;

/// <summary>
/// fio in a guest: direct I/O at random places, by size, depth and direction, on a DASD and a virtio-blk disk in turn; then four DASDs of a guest at
/// once, and two guests at once, against one alone.
/// </summary>
internal static class FioBench
{
    private const int Rounds = 5;
    private const int Cylinders = 200; // 144 MB
    private const int Megabytes = 128; // of both disks that are used
    private const string Disk = "/dev/vda";

    private static readonly string[] s_sizes = ["4k", "64k", "1m"], s_directions = ["randread", "randwrite"];
    private static readonly int[] s_depths = [1, 8, 32];

    internal static void Run(Report report)
    {
        if (LinuxGuest.Image is null)
        {
            report.Note("fio", "not measured: CCWFS_GUEST does not name a directory of scripts/guest");
            return;
        }
        using var files = new TemporaryDirectory();
        string initramfs = $"{LinuxGuest.Image}/initramfs-fio";
        SizesAndDepths(report, files, initramfs);
        Several(report, files, initramfs);
    }

    private static void SizesAndDepths(Report report, TemporaryDirectory files, string initramfs)
    {
        string disk = Path.Combine(files.Path, "disk.raw"), mountPoint = files.Sub("mount");
        using (FileStream file = File.Create(disk))
            file.SetLength(Megabytes << 20);
        using Server server = Server.StartCcwFs(mountPoint, "--device", $"dasd,image={files.Volume(Cylinders)}");
        using var guest = new LinuxGuest(
            files, mountPoint, "dasd_eckd_mod,virtio_blk", "", "-initrd", initramfs, "-drive",
            $"file={disk},format=raw,if=none,id=disk,cache=writeback", "-device", "virtio-blk-ccw,drive=disk");
        string dasd = Prepare(guest, 0);
        guest.Run($"dd if=/dev/zero of={Disk} bs=1M count={Megabytes} oflag=direct");
        (string Name, string Words)[] jobs =
        [
            .. from size in s_sizes from direction in s_directions from depth in s_depths from device in (string[])[dasd, Disk]
               select ($"{size} {direction} {depth} {device}", $"stonewall\nfilename={device}\nbs={size}\nrw={direction}\niodepth={depth}"),
        ];
        var ratios = new Dictionary<(string, string, int), List<double>>();
        for (int round = 0; round < Rounds; round++)
        {
            Dictionary<string, double> rates = Fio(guest, jobs);
            foreach (string size in s_sizes)
            {
                foreach (string direction in s_directions)
                {
                    foreach (int depth in s_depths)
                    {
                        if (!ratios.TryGetValue((size, direction, depth), out List<double>? all))
                            ratios.Add((size, direction, depth), all = []);
                        all.Add(rates[$"{size} {direction} {depth} {dasd}"] / rates[$"{size} {direction} {depth} {Disk}"]);
                    }
                }
            }
        }
        foreach (((string size, string direction, int depth), List<double> all) in ratios)
            report.Note($"fio: {direction} of {size}, depth {depth}, rate", $"{Report.Median(all):0.00} x virtio-blk");
    }

    private static void Several(Report report, TemporaryDirectory files, string initramfs)
    {
        const int Volumes = 4, All = Volumes + 1; // of the first guest, and one of the second
        string mountPoint = files.Sub("several");
        for (int i = 0; i < All; i++)
            files.Volume(Cylinders, $"v{i}.ckd");
        using Server server = Server.StartCcwFs(mountPoint, "--device", $"dasd,image={files.Path}/v%d.ckd,count={All}");
        using var first = new LinuxGuest(files, mountPoint, ["0.0.0000", "0.0.0001", "0.0.0002", "0.0.0003"], "dasd_eckd_mod", "", ["-initrd", initramfs]);
        using var second = new LinuxGuest(files, mountPoint, ["0.0.0004"], "dasd_eckd_mod", "", ["-initrd", initramfs]);
        string[] dasds = [.. Enumerable.Range(0, Volumes).Select(number => Prepare(first, number))];
        string other = Prepare(second, Volumes);
        foreach (string direction in s_directions)
        {
            (string Name, string Words) Job(string device) => (device, $"filename={device}\nbs=64k\nrw={direction}\niodepth=8");
            List<double> volumes = [], guests = [];
            for (int round = 0; round < Rounds; round++)
            {
                double alone = Fio(first, [Job(dasds[0])]).Values.Sum();
                volumes.Add(Fio(first, [.. dasds.Select(Job)]).Values.Sum() / alone);
                Task<double> beside = Task.Run(() => Fio(second, [Job(other)]).Values.Sum());
                guests.Add((Fio(first, [Job(dasds[0])]).Values.Sum() + beside.GetAwaiter().GetResult()) / alone);
            }
            report.Note($"fio: {direction} of 64k, depth 8, four volumes of a guest at once", $"{Report.Median(volumes):0.00} x one alone");
            report.Note($"fio: {direction} of 64k, depth 8, two guests at once", $"{Report.Median(guests):0.00} x one alone");
        }
    }

    /// <summary>Sets a DASD online and writes all of its one partition, which it gives.</summary>
    private static string Prepare(LinuxGuest guest, int number)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"0.0.{0x150 + number:x4}");
        string name = guest.Run($"chccwdev -e {id} >&2\nls /sys/bus/ccw/devices/{id}/block").Trim().Split('\n')[^1];
        guest.Run($"fdasd -a /dev/{name}\ndd if=/dev/zero of=/dev/{name}1 bs=1M count={Megabytes} oflag=direct");
        return $"/dev/{name}1";
    }

    /// <summary>Bytes per second of each job.</summary>
    private static Dictionary<string, double> Fio(LinuxGuest guest, (string Name, string Words)[] jobs)
    {
        var text = new StringBuilder($"[global]\nthread\ndirect=1\nioengine=libaio\nsize={Megabytes}m\ntime_based\nruntime=1\n");
        foreach ((string name, string words) in jobs)
            text.Append(CultureInfo.InvariantCulture, $"[{name}]\n{words}\n");
        string said = guest.Run($"cat >/run/jobs <<'END'\n{text}END\nfio --output-format=json --output=/run/said /run/jobs >&2\ncat /run/said");
        using JsonDocument parsed = JsonDocument.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]);
        return parsed.RootElement.GetProperty("jobs").EnumerateArray().ToDictionary(
            job => job.GetProperty("jobname").GetString()!,
            job => job.GetProperty("read").GetProperty("bw_bytes").GetDouble() + job.GetProperty("write").GetProperty("bw_bytes").GetDouble());
    }
}
