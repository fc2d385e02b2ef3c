using System.Diagnostics;

namespace CcwFs.Benchmarks;

/// <summary>Start-up and size of a mounted ccwfs.</summary>
internal static class MountBench
{
    private const int Rounds = 7, Many = 4096;

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        string mountPoint = files.Sub("mount");
        string one = $"dasd,image={files.Volume()}";
        List<double> ready = [], resident = [], listed = [];
        for (int round = 0; round < Rounds; round++)
        {
            using Server server = Server.StartCcwFs(mountPoint, "--device", one);
            ready.Add(server.SecondsToReady);
            resident.Add(server.Resident / 1e6);
        }
        report.AtMost("mount with one volume, ready", 0.5, Report.Median(ready), "s");
        report.AtMost("mount with one volume, resident", 80, Report.Median(resident), "MB");
        ready.Clear();
        resident.Clear();
        for (int round = 0; round < Rounds; round++)
        {
            using Server server = Server.StartCcwFs(mountPoint, "--device", $"dasd,count={Many}");
            ready.Add(server.SecondsToReady);
            long start = Stopwatch.GetTimestamp();
            int names = Tool.Run("ls", mountPoint).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
            listed.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            if (names < Many)
                throw new InvalidOperationException($"ls shows {names} names");
            resident.Add(server.Resident / 1e6);
        }
        report.AtMost($"{Many} subchannels, ready", 2, Report.Median(ready), "s");
        report.AtMost($"{Many} subchannels, first ls", 0.2, Report.Median(listed), "s");
        report.Note($"{Many} subchannels, resident", $"{Report.Median(resident):0} MB");
    }
}
