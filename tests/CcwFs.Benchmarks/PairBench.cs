using System.Buffers.Binary;
using System.Globalization;

namespace CcwFs.Benchmarks;

/// <summary>START of a NOP and its status through a mounted io file, against a write + read pair on libfuse's fastest null server.</summary>
internal static class PairBench
{
    private const int Rounds = 21;
    private const ulong NopCcw = 0x0320_0001_0000_2000; // NO-OPERATION, SLI, count 1
    private const string ProgramAddress = "0x1000";

    /// <summary>Names where a libfuse of at least 3.18 with io_uring is installed, for the pair of its kind.</summary>
    private const string LibFuse = "CCWFS_LIBFUSE";

    internal static void Run(Report report)
    {
        const string Header = "/usr/include/fuse3/fuse_lowlevel.h";
        if (!File.Exists(Header))
        {
            report.Note("START of a NOP + status", "not measured: libfuse3-dev is missing");
            return;
        }
        using var files = new TemporaryDirectory();
        string nullServer = Compile(files, "null_server", "-I/usr/include/fuse3", "-lfuse3");
        string pairLoop = Compile(files, "pair_loop");
        string nopLoop = Compile(files, "nop_loop");
        (string ours, string theirs) = (files.Sub("ccwfs"), files.Sub("null"));
        using Server server = Server.StartCcwFs(ours, "--device", $"dasd,image={files.Volume()}");
        using Server partner = Server.Start(theirs, nullServer, theirs);
        string[] nop = Prepare(ours, nopLoop), pair = [pairLoop, Path.Combine(theirs, "null"), "COUNT"];
        using (var rings = new UringSwitch())
        {
            if (rings.IsOn)
                MeasureRings(report, files, nopLoop, nop, pair);
            else
                report.Note("START of a NOP + status over io_uring", $"not measured: root may write Y to {UringSwitch.File}");
        }
        Measure(report, "not pinned", nop, pair);
        foreach (int process in new[] { server.Id, partner.Id })
            Tool.Run("taskset", "-a", "-p", "-c", "1", process.ToString(CultureInfo.InvariantCulture));
        Measure(report, "pinned to one CPU", ["taskset", "-c", "1", .. nop], ["taskset", "-c", "1", .. pair]);
    }

    // All three in turn in the same rounds.
    private static void MeasureRings(Report report, TemporaryDirectory files, string nopLoop, string[] classic, string[] pair)
    {
        (string mount, string theirs) = (files.Sub("rings"), files.Sub("null-rings"));
        using Server? partner = StartRingsPartner(files, theirs);
        string[] ringsPair = [pair[0], Path.Combine(theirs, "null"), "COUNT"];
        using Server server = Server.StartCcwFs(mount, "--device", "dasd", "--uring", "on");
        string[] nop = Prepare(mount, nopLoop);
        List<double> ours = [], toPair = [], toClassic = [], toRings = [];
        for (int round = 0; round < Rounds; round++)
        {
            ours.Add(Loop(nop, 4_000, out _));
            toPair.Add(ours[^1] / Loop(pair, 4_000, out _));
            toClassic.Add(ours[^1] / Loop(classic, 4_000, out _));
            if (partner is not null)
                toRings.Add(ours[^1] / Loop(ringsPair, 4_000, out _));
        }
        const string What = "START of a NOP + status over io_uring, not pinned";
        report.AtMost(What, 0.75, Report.Median(toPair), "pairs", $"{Report.Median(ours):0} ns");
        report.AtMost(What, 1.05, Report.Median(toClassic), "of through the device");
        if (partner is not null)
            report.AtMost(What, 1.0, Report.Median(toRings), "pairs of libfuse over io_uring");
        else
            report.Note(What + " against libfuse over io_uring", $"not measured: {LibFuse}=DIR names no libfuse of 3.18 or later");
    }

    /// <summary>The null server on a newer libfuse than the system's; null: there is none.</summary>
    private static Server? StartRingsPartner(TemporaryDirectory files, string mount)
    {
        if (Environment.GetEnvironmentVariable(LibFuse) is not { Length: > 0 } prefix)
            return null;
        string library = Path.GetDirectoryName(Directory.EnumerateFiles(prefix, "libfuse3.so", SearchOption.AllDirectories).First())!;
        string[] newer = [$"-I{prefix}/include/fuse3", $"-L{library}", $"-Wl,-rpath,{library}", "-lfuse3"];
        Server server = Server.Start(mount, Compile(files, "null_server", newer), mount, "-o", "io_uring");
        string[] names = File.Exists(Path.Combine(mount, "null")) // waits until it serves
            ? [.. Directory.EnumerateDirectories($"/proc/{server.Id}/task").Select(task => File.ReadAllText(task + "/comm"))] : [];
        if (names.Any(name => name.StartsWith("fuse-ring", StringComparison.Ordinal)))
            return server;
        server.Dispose();
        throw new InvalidOperationException($"the libfuse of {LibFuse} serves without io_uring");
    }

    /// <summary>Puts a NOP into guest storage and runs it often; gives the command that loops it.</summary>
    /// <param name="mount">Where it is mounted.</param>
    /// <param name="nopLoop">The program that loops.</param>
    /// <param name="before">What the command begins with: <c>taskset</c> and its words, or nothing.</param>
    internal static string[] Prepare(string mount, string nopLoop, params string[] before)
    {
        byte[] ccw = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(ccw, NopCcw);
        using (FileStream memory = new(Path.Combine(mount, "memory"), FileMode.Open, FileAccess.Write))
        {
            memory.Position = 0x1000;
            memory.Write(ccw);
        }
        string[] nop = [.. before, nopLoop, Path.Combine(mount, "0.0.0000", "io"), "COUNT", ProgramAddress];
        for (int i = 0; i < 3; i++)
            Loop(nop, 30_000, out _); // the compiler's tiers
        return nop;
    }

    private static void Measure(Report report, string how, string[] nop, string[] pair)
    {
        List<double> ours = [], theirs = [], ratios = [], reads = [];
        for (int round = 0; round < Rounds; round++)
        {
            ours.Add(Loop(nop, 4_000, out double readsARound));
            theirs.Add(Loop(pair, 4_000, out _));
            ratios.Add(ours[^1] / theirs[^1]);
            reads.Add(readsARound);
        }
        report.AtMost(
            $"START of a NOP + status, {how}", 1.0, Report.Median(ratios), "pairs",
            $"{Report.Median(ours):0} ns with {Report.Median(reads):0.00} reads, C null pair {Report.Median(theirs):0} ns");
    }

    internal static double Loop(string[] command, int count, out double reads)
    {
        string[] words = Tool.Run(command[0], [.. command.Skip(1).Select(w => w == "COUNT" ? count.ToString(CultureInfo.InvariantCulture) : w)])
            .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        reads = words.Length > 1 ? double.Parse(words[1], CultureInfo.InvariantCulture) : 1;
        return double.Parse(words[0], CultureInfo.InvariantCulture);
    }

    internal static string Compile(TemporaryDirectory files, string name, params string[] more)
    {
        string made = Path.Combine(files.Path, name);
        Tool.Run("gcc", ["-O2", "-o", made, Path.Combine(AppContext.BaseDirectory, name + ".c"), .. more]);
        return made;
    }
}
