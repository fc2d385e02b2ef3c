using System.Diagnostics;
using System.Globalization;

namespace CcwFs.Benchmarks;

/// <summary>
/// What a mount takes as it has more subchannels: time until it is ready, memory, the first <c>ls</c>, and a START of a NOP with its status. The
/// figures are drawn beside RESULTS.md.
/// </summary>
internal static class ScaleBench
{
    private const int Rounds = 3, Batch = 4_000;

    private static readonly int[] s_sizes = [1, 16, 256, 4_096, 16_384, 65_536];

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        string loop = PairBench.Compile(files, "nop_loop"), mount = files.Sub("mount");
        List<double> ready = [], resident = [], listed = [], started = [];
        foreach (int size in s_sizes)
        {
            List<double>[] rounds = [[], [], [], []];
            for (int round = 0; round < Rounds; round++)
            {
                using Server server = Server.StartCcwFs(mount, "--device", $"dasd,count={size}");
                rounds[0].Add(server.SecondsToReady * 1e3);
                long start = Stopwatch.GetTimestamp();
                Tool.Run("ls", mount);
                rounds[1].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                rounds[2].Add(server.Resident / 1e6);
                // On one processor: wake-ups that cross processors would be most of it.
                Tool.Run("taskset", "-a", "-p", "-c", "1", server.Id.ToString(CultureInfo.InvariantCulture));
                rounds[3].Add(PairBench.Loop(PairBench.Prepare(mount, loop, "taskset", "-c", "1"), Batch, out _) / 1e3);
            }
            ready.Add(Report.Median(rounds[0]));
            listed.Add(Report.Median(rounds[1]));
            resident.Add(Report.Median(rounds[2]));
            started.Add(Report.Median(rounds[3]));
        }
        report.AtMost("65,536 subchannels, ready", 3_000, ready[^1], "ms");
        report.AtMost("65,536 subchannels, first ls", 500, listed[^1], "ms");
        report.AtMost("65,536 subchannels, memory of each", 1, (resident[^1] - resident[0]) * 1e3 / s_sizes[^1], "KB");
        report.AtMost("START of a NOP + status, of 65,536 to of one", 1.10, started[^1] / started[0], "times");
        Plot.Write(
            Path.Combine(Environment.GetEnvironmentVariable("CCWFS_PLOTS") ?? files.Path, "scale.svg"), "Subchannels of a mount", s_sizes,
            [("ready, ms", ready), ("resident, MB", resident), ("first ls, ms", listed), ("START + status, us", started)]);
    }
}
