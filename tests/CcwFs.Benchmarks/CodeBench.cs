namespace CcwFs.Benchmarks;

/// <summary>
/// What it costs that a guest runs the code that it has read: three guests, each with a DASD of its own, do the same direct I/O in turn. Of the first
/// one no translation is dropped (it has a qtest of its own), of the second where the plugin says that something is translated, of the third at every
/// read.
/// </summary>
internal static class CodeBench
{
    private const int Rounds = 15, Warming = 2;
    private const int Cylinders = 300; // 200 MiB of 4K blocks

    private sealed record Way(string Name, string[] Verb, string[] Options);

    private static readonly Way[] s_ways =
    [
        new("never", [], ["-chardev", "null,id=own", "-qtest", "chardev:own", "-qtest-log", "none"]),
        new("plugin", [], []),
        new("all", ["--no-plugin"], []),
    ];

    internal static void Run(Report report)
    {
        if (LinuxGuest.Image is null)
            return; // said already
        using var files = new TemporaryDirectory();
        string mountPoint = files.Sub("mount");
        string[] devices = [.. s_ways.SelectMany(way => new[] { "--device", $"dasd,image={files.Volume(Cylinders, way.Name)}" })];
        using Server server = Server.StartCcwFs(mountPoint, devices);
        List<LinuxGuest> guests = [];
        try
        {
            for (int i = 0; i < s_ways.Length; i++)
                guests.Add(Boot(files, mountPoint, i));
            foreach (GuestBench.Kind kind in GuestBench.Kinds)
                Measure(report, guests, kind);
        }
        finally
        {
            foreach (LinuxGuest guest in guests)
                guest.Dispose();
        }
    }

    private static LinuxGuest Boot(TemporaryDirectory files, string mountPoint, int index)
    {
        var guest = new LinuxGuest(files, mountPoint, [.. s_ways[index].Verb, $"0.0.000{index}"], "dasd_eckd_mod", "", s_ways[index].Options);
        guest.Run($"chccwdev -e 0.0.015{index}; fdasd -a /dev/dasda; dd if=/dev/zero of={GuestBench.Dasd} bs=1M count=200 oflag=direct");
        return guest;
    }

    private static void Measure(Report report, List<LinuxGuest> guests, GuestBench.Kind kind)
    {
        double[][] seconds = [.. s_ways.Select(_ => new double[Rounds])];
        for (int round = -Warming; round < Rounds; round++)
        {
            for (int turn = 0; turn < s_ways.Length; turn++)
            {
                int at = (turn + Warming + round) % s_ways.Length;
                double took = GuestBench.Copy(guests[at], kind, GuestBench.Dasd, kind.Count) / kind.Count;
                if (round >= 0)
                    seconds[at][round] = took;
            }
        }
        double[] medians = [.. seconds.Select(all => Report.Median([.. all]))];
        for (int i = 1; i < s_ways.Length; i++)
        {
            string name = $"{kind.Name}, translations dropped: {s_ways[i].Name}", detail = $"{medians[i] * 1e6:0} us, never {medians[0] * 1e6:0} us";
            double ratio = medians[i] / medians[0];
            if (i == 1)
                report.AtMost(name, 1.05, ratio, "x never", detail);
            else if (!kind.Write && kind.Bytes >= 1 << 20)
                report.AtMost(name, 1.40, ratio, "x never", detail);
            else
                report.Note(name, $"{ratio:0.00} x never ({detail})");
        }
    }
}
