using System.Diagnostics;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;

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
        using var bare = new Case(guest, layered: false);
        using var layered = new Case(guest, layered: true);
        for (long end = Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
        {
            bare.Time();
            layered.Time();
        }
        List<double> ratios = [], times = [];
        for (int round = 0; round < Rounds; round++)
        {
            // Each one first in every other round: what the first does to the caches is in both.
            double first = (round & 1) == 0 ? bare.Time() : layered.Time();
            double second = (round & 1) == 0 ? layered.Time() : bare.Time();
            (double without, double with) = (round & 1) == 0 ? (first, second) : (second, first);
            times.Add(without);
            ratios.Add(with / without);
        }
        report.AtMost("START of a NOP + status, one more layer", MostOfAStart, Report.Median(ratios), "of without",
            $"{Report.Median(times):0} ns without");
    }

    private sealed class Idle(ISubchannel next) : SubchannelLayer(next);

    private sealed class Case : IDisposable
    {
        private readonly Guest _guest;
        private readonly ChannelExecutor _executor = new();
        private readonly EckdVolume _volume;
        private readonly VfioCcwDevice _device;
        private readonly byte[] _io = new byte[RegionLayout.IoSize];

        internal Case(Guest guest, bool layered)
        {
            _guest = guest;
            CkdGeometry geometry = CkdGeometry.Model3390(1);
            _volume = new EckdVolume(new MemoryTrackStore(geometry, VolumeLayout.Create(geometry, VolumeFormat.Cdl, volser: "BENCH1")));
            var number = new DeviceId(0, 0, 0x150);
            var channel =
                new EmulatedSubchannel(new SubchannelId(0, 0, 0), number, [0x40], new EckdDevice(_volume, new EckdOptions(number)), _executor);
            _device = new VfioCcwDevice(layered ? new Idle(channel) : channel, new AddressSpace(guest.Space), NullLogger.Instance);
        }

        /// <summary>Nanoseconds per program.</summary>
        internal double Time()
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < ProgramsPerRound; i++)
                RunOne();
            return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ProgramsPerRound;
        }

        public void Dispose()
        {
            _device.Dispose();
            _volume.Dispose();
            _executor.Dispose();
        }

        private void RunOne()
        {
            _io.AsSpan().Clear();
            _guest.Orb.Write(_io);
            Scsw.Build(0, FunctionControl.Start, 0, 0, 0, 0, 0, 0).Write(_io.AsSpan(RegionLayout.ScswOffset));
            if (_device.WriteRegion(RegionIndex.Io, 0, _io) != _io.Length)
                throw new InvalidOperationException("the program was not started");
            _device.GoOn(WorkThread.Caller);
            var scsw = default(Scsw);
            while ((scsw.StatusControl & StatusControl.Secondary) == 0)
            {
                _device.ReadRegion(RegionIndex.Io, 0, _io);
                scsw = Scsw.Read(_io.AsSpan(RegionLayout.IrbOffset));
            }
        }
    }
}
