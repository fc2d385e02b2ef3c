using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using CcwFs.ChannelIo;

namespace CcwFs.Benchmarks;

/// <summary>What a trace costs through a mount, against the same without it, in turn: the flight recorder, and a reader of the text.</summary>
internal static class TraceBench
{
    private const int Rounds = 41, Batch = 4_000, Warm = 30_000;
    private const double MostOfFlight = 1.03, MostOfReader = 2;
    private const uint Nop = 0x1000, Read = 0x2000;

    internal static void Run(Report report)
    {
        using var files = new TemporaryDirectory();
        string loop = PairBench.Compile(files, "nop_loop"), mount = files.Sub("ccwfs");
        string image = files.Volume();
        using Server server = Server.StartCcwFs(
            mount, "--device", "dasd,flight=0", "--device", "dasd", "--device", $"dasd,image={image},readonly,flight=0");
        using (FileStream memory = new(Path.Combine(mount, "memory"), FileMode.Open, FileAccess.Write))
        {
            Put(memory, Nop, Ccw(0x03, CcwFlags.SuppressLength, 1, Nop + 0x100));
            PutRead(memory);
        }
        Tool.Run("taskset", "-a", "-p", "-c", "1", server.Id.ToString(CultureInfo.InvariantCulture));
        string[] without = Of(loop, mount, "0.0.0000", Nop), with = Of(loop, mount, "0.0.0001", Nop), read = Of(loop, mount, "0.0.0002", Read);
        foreach (string[] command in (string[][])[without, with, read])
            PairBench.Loop(command, Warm, out _); // the compiler's tiers
        (double ratio, double time) = Compare(() => PairBench.Loop(without, Batch, out _), () => PairBench.Loop(with, Batch, out _));
        report.AtMost("START of a NOP + status through a mount, flight recorder", MostOfFlight, ratio, "of without", $"{time:0} ns without");
        (ratio, time) = Compare(() => PairBench.Loop(read, Batch, out _), () => WithReader(mount, read));
        report.AtMost("a read of 4K through a mount, its trace read as text", MostOfReader, ratio, "of without", $"{time:0} ns without");
    }

    private static string[] Of(string loop, string mount, string id, uint program) =>
        ["taskset", "-c", "1", loop, Path.Combine(mount, id, "io"), "COUNT", program.ToString(CultureInfo.InvariantCulture)];

    private static (double Ratio, double Without) Compare(Func<double> without, Func<double> with)
    {
        List<double> ratios = [], times = [];
        for (int round = 0; round < Rounds; round++)
        {
            double first = (round & 1) == 0 ? without() : with(), second = (round & 1) == 0 ? with() : without();
            times.Add((round & 1) == 0 ? first : second);
            ratios.Add((round & 1) == 0 ? second / first : first / second);
        }
        return (Report.Median(ratios), Report.Median(times));
    }

    /// <summary>The reader is on the other processor, as a person's would be.</summary>
    private static double WithReader(string mount, string[] read)
    {
        var start = new ProcessStartInfo("taskset", ["-c", "0", "sh", "-c", "exec 3<$0; echo open; exec cat <&3 >/dev/null", $"{mount}/0.0.0002/trace"])
        {
            RedirectStandardOutput = true,
        };
        using Process reader = Process.Start(start)!;
        reader.StandardOutput.ReadLine();
        double time = PairBench.Loop(read, Batch, out _);
        reader.Kill();
        reader.WaitForExit();
        return time;
    }

    /// <summary>DEFINE EXTENT, LOCATE RECORD and READ DATA of the first 4 KiB block of a track of data.</summary>
    private static void PutRead(FileStream memory)
    {
        const int Track = 45;
        byte[] extent = new byte[16], locate = new byte[16];
        (extent[0], extent[1]) = (0x40, 0xC4);
        Dasd.Address(extent.AsSpan(8), Track);
        Dasd.Address(extent.AsSpan(12), Track);
        (locate[0], locate[1], locate[3]) = (0x06, 0x80, 1);
        Dasd.Address(locate.AsSpan(4), Track);
        Dasd.Address(locate.AsSpan(8), Track);
        locate[12] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(locate.AsSpan(14), 4096);
        Put(memory, Read + 0x100, extent);
        Put(memory, Read + 0x120, locate);
        Put(memory, Read, [
            .. Ccw(0x63, CcwFlags.ChainCommand, 16, Read + 0x100), .. Ccw(0x47, CcwFlags.ChainCommand, 16, Read + 0x120),
            .. Ccw(0x86, CcwFlags.None, 4096, 0x1_0000),
        ]);
    }

    private static byte[] Ccw(byte command, CcwFlags flags, ushort count, uint address)
    {
        byte[] bytes = new byte[ChannelIo.Ccw.Size];
        new Ccw(command, flags, count, address).WriteFormat1(bytes);
        return bytes;
    }

    private static void Put(FileStream memory, uint at, byte[] bytes)
    {
        memory.Position = at;
        memory.Write(bytes);
        memory.Flush();
    }
}
