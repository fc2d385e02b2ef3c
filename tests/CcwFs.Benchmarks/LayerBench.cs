using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;

namespace CcwFs.Benchmarks;

/// <summary>
/// What a layer between a device and its backend costs a START of a NOP with its status, without a mount: with one that does nothing against none, in
/// turn.
/// </summary>
internal static class LayerBench
{
    private const int Rounds = 2001;
    private const int ProgramsPerRound = 100;
    private const double MostOfAStart = 1.01;

    internal static void Run(Report report)
    {
        using var guest = new Guest(1 << 20);
        guest.Add(CommandCode.NoOperation, CcwFlags.SuppressLength, 1, Guest.Parameters);
        using Dasd bare = Make(guest, layer: null), layered = Make(guest, static next => new Idle(next));
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
        report.AtMost("START of a NOP + status, one more layer", MostOfAStart, Report.Median(ratios), "of without",
            $"{Report.Median(times):0} ns without");
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
