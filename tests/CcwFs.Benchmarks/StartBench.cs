using System.Diagnostics;

namespace CcwFs.Benchmarks;

/// <summary>
/// What a person waits for: verbs, a mount, and QEMU, of the packaged program (CCWFS_PACKAGED, which scripts/bench makes; Native AOT) and of the one
/// that runs on a shared .NET (compiled ahead too, ReadyToRun), in turn.
/// </summary>
internal static class StartBench
{
    private const int Rounds = 15;

    internal static void Run(Report report)
    {
        if (Environment.GetEnvironmentVariable("CCWFS_PACKAGED") is not { Length: > 0 } packaged)
            return;
        string qemu = "qemu-system-s390x";
        using var files = new TemporaryDirectory();
        string mountPoint = files.Sub("mount");
        string[] device = ["--device", $"dasd,image={files.Volume()}"];
        List<double> ready = [], resident = [], listed = [], listedShared = [], becomes = [], readyShared = [], residentShared = [];
        for (int round = 0; round < Rounds; round++)
        {
            using (Server shared = Server.Start(mountPoint, Server.CcwFs, ["mount", mountPoint, .. device]))
            {
                readyShared.Add(shared.SecondsToReady * 1e3);
                residentShared.Add(shared.Resident / 1e6);
            }
            using Server server = Server.Start(mountPoint, packaged, ["mount", mountPoint, .. device]);
            ready.Add(server.SecondsToReady * 1e3);
            resident.Add(server.Resident / 1e6);
            listed.Add(Time(packaged, "list", "--mount", mountPoint));
            listedShared.Add(Time(Server.CcwFs, "list", "--mount", mountPoint));
            becomes.Add(Time(packaged, "qemu", "--mount", mountPoint, "--", qemu, "-version") - Time(qemu, "-version"));
        }
        report.AtMost("packaged: ccwfs list", 30, Report.Median(listed), "ms");
        report.AtMost("packaged: mount with one volume, ready", 80, Report.Median(ready), "ms");
        report.AtMost("packaged: mount with one volume, resident", 25, Report.Median(resident), "MB");
        report.AtMost("packaged: ccwfs qemu becomes QEMU", 60, Report.Median(becomes), "ms");
        report.Note("on a shared .NET: ccwfs list", $"{Report.Median(listedShared):0.0} ms");
        report.Note("on a shared .NET: mount with one volume, ready", $"{Report.Median(readyShared):0.0} ms");
        report.Note("on a shared .NET: mount with one volume, resident", $"{Report.Median(residentShared):0.0} MB");
    }

    private static double Time(string program, params string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        Tool.Run(program, arguments);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
