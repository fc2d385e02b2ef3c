using System.Buffers.Binary;

namespace CcwFs.Benchmarks;

/// <summary>
/// START of a NOP and its status on a real device, against the same on the device itself: the kernel below is a second mounted ccwfs.
/// </summary>
internal static class BackendBench
{
    private const int Rounds = 11, Count = 3_000;
    private const ulong NopCcw = 0x0320_0001_0000_2000; // NO-OPERATION, SLI, count 1

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        string loop = PairBench.Compile(files, "nop_loop");
        (string below, string above) = (files.Sub("below"), files.Sub("above"));
        using Server kernel = Server.StartCcwFs(below, "--device", "dasd,count=2");
        using Server server = Server.StartCcwFs(above, "--device", $"vfio,device={below}/0.0.0001/device,id=0.0.0000");
        byte[] ccw = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(ccw, NopCcw);
        foreach (string mount in (string[])[below, above])
        {
            using FileStream memory = new(Path.Combine(mount, "memory"), FileMode.Open, FileAccess.Write);
            memory.Position = 0x1000;
            memory.Write(ccw);
        }
        string[] Words(string mount) => [loop, Path.Combine(mount, "0.0.0000", "io"), "COUNT", "0x1000"];
        for (int i = 0; i < 3; i++)
        {
            PairBench.Loop(Words(above), 20_000, out _); // the compiler's tiers
            PairBench.Loop(Words(below), 20_000, out _);
        }
        List<double> real = [], direct = [], ratios = [];
        for (int round = 0; round < Rounds; round++)
        {
            real.Add(PairBench.Loop(Words(above), Count, out _));
            direct.Add(PairBench.Loop(Words(below), Count, out _));
            ratios.Add(real[^1] / direct[^1]);
        }
        report.AtMost(
            "START of a NOP + status over the backend", 1.5, Report.Median(ratios), "times the device itself",
            $"{Report.Median(real):0} ns, itself {Report.Median(direct):0} ns");
    }
}
