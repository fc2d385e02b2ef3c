using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Metrics;
using CcwFs.Subchannel;
using CcwFs.Trace;

namespace CcwFs.Benchmarks;

/// <summary>
/// What a layer between a device and its backend costs a START of a NOP with its status, without a mount: with one against none, in turn. The flight
/// recorder's cost is to be seen beside a START through a mount, which takes some 35 us.
/// </summary>
internal static class LayerBench
{
    private const int Rounds = 2001;
    private const int ProgramsPerRound = 100;
    private const double MostOfAStart = 1.01;
    private const double MostOfCounting = 250; // nanoseconds: 1 % of a START through a mount, which takes some 25 us

    internal static void Run(Report report)
    {
        (double ratio, double without) = Compare(static next => new Idle(next));
        report.AtMost("START of a NOP + status, one more layer", MostOfAStart, ratio, "of without", $"{without:0} ns without");
        (ratio, without) = Compare(static next => new TraceLayer(next, new SubchannelId(0, 0, 0), flight: 0));
        report.AtMost("START of a NOP + status, a trace that nobody reads", MostOfAStart, ratio, "of without", $"{without:0} ns without");
        (ratio, without) = Compare(static next => new TraceLayer(next, new SubchannelId(0, 0, 0), TraceLayer.DefaultFlight));
        report.Note("START of a NOP + status, flight recorder", $"{(ratio - 1) * without:0} ns more than {without:0} ns");
        (ratio, without) = Compare(static next => new MetricsLayer(next));
        report.AtMost("what counting adds to a START of a NOP + status", MostOfCounting, (ratio - 1) * without, "ns", $"{without:0} ns without");
    }

    /// <summary>The time with a layer, as a part of that without; and that, in nanoseconds.</summary>
    private static (double Ratio, double Without) Compare(Func<ISubchannel, ISubchannel> layer)
    {
        using var guest = new Guest(1 << 20);
        guest.Add(CommandCode.NoOperation, CcwFlags.SuppressLength, 1, Guest.Parameters);
        using Dasd bare = Make(guest, layer: null), layered = Make(guest, layer);
        for (long end = Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
        {
            Time(bare);
            Time(layered);
        }
        List<double> ratios = [], times = [];
        for (int round = 0; round < Rounds; round++)
        {
            // Each one first in every other round: what the first does to the caches is in both.
            double first = (round & 1) == 0 ? Time(bare) : Time(layered);
            double second = (round & 1) == 0 ? Time(layered) : Time(bare);
            (double without, double with) = (round & 1) == 0 ? (first, second) : (second, first);
            times.Add(without);
            ratios.Add(with / without);
        }
        return (Report.Median(ratios), Report.Median(times));
    }

    private sealed class Idle(ISubchannel next) : SubchannelLayer(next);

    private static Dasd Make(Guest guest, Func<ISubchannel, ISubchannel>? layer)
    {
        CkdGeometry geometry = CkdGeometry.Model3390(1);
        return new Dasd(guest, new MemoryTrackStore(geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, volser: "BENCH1")), layer);
    }

    /// <summary>Nanoseconds per program.</summary>
    private static double Time(Dasd dasd)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < ProgramsPerRound; i++)
            dasd.RunOne();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ProgramsPerRound;
    }
}
