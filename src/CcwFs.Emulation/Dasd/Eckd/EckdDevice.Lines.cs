using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Lines in the log that a guest can cause as often as it likes: each kind is limited (<see cref="LogLimit"/>). Under the volume's gate.</summary>
public sealed partial class EckdDevice
{
    private Lines? _lines; // made by the first line: most devices never write one

    private string BusId => Options.Device.ToString();

    private Lines Limits => _lines ??= new Lines(what => new LogLimit(TimeProvider.System, count => EckdLog.LeftOut(_logger, BusId, count, what)));

    private void LogStorage(ImageException fault, bool outOfSpace)
    {
        if (!Limits.Storage.May())
            return;
        if (outOfSpace)
            EckdLog.OutOfSpace(_logger, BusId, Volume.Name, fault.Message);
        else
            EckdLog.StorageFailed(_logger, BusId, Volume.Name, fault.Message);
    }

    private void LogSpaceAgain()
    {
        if (Limits.Space.May())
            EckdLog.SpaceAgain(_logger, BusId, Volume.Name);
    }

    private void LogDamage(TornTrackException fault)
    {
        int heads = Volume.Geometry.Heads;
        if (Limits.Damage.May())
            EckdLog.TrackDamaged(_logger, BusId, Volume.Name, fault.Track, fault.Track / heads, fault.Track % heads, fault.Message);
    }

    private void LogWritesLost()
    {
        if (Limits.Storage.May())
            EckdLog.WritesLost(_logger, BusId, Volume.Name);
    }

    private void LogAbandonedWrite(ImageException fault)
    {
        if (Limits.Storage.May())
            EckdLog.AbandonedWriteFailed(_logger, BusId, Volume.Name, fault.Message);
    }

    private void LogReserveTaken(EckdDevice holder)
    {
        if (Limits.Reserve.May())
            EckdLog.ReserveTaken(_logger, BusId, Volume.Name, holder.BusId);
    }

    private sealed class Lines(Func<string, LogLimit> limit) : IDisposable
    {
        internal LogLimit Storage { get; } = limit("failed storage");

        internal LogLimit Space { get; } = limit("space that there is again");

        internal LogLimit Damage { get; } = limit("damaged tracks");

        internal LogLimit Reserve { get; } = limit("reserves taken away");

        /// <summary>Says what was left out so far.</summary>
        public void Dispose()
        {
            Storage.Dispose();
            Space.Dispose();
            Damage.Dispose();
            Reserve.Dispose();
        }
    }
}
