using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Lines in the log that a guest can cause as often as it likes: each kind is limited (<see cref="LogLimit"/>). Under the volume's gate.</summary>
public sealed partial class EckdDevice
{
    // Made by the first line: most devices never write one.
    private LogLimit? _storageLines, _damageLines, _reserveLines;

    private string BusId => Options.Device.ToString();

    private LogLimit Limit(ref LogLimit? lines, string what) =>
        lines ??= new LogLimit(_time, count => EckdLog.LeftOut(_logger, BusId, count, what));

    private void LogStorage(ImageException fault, bool outOfSpace)
    {
        if (!Limit(ref _storageLines, "failed storage").May())
            return;
        if (outOfSpace)
            EckdLog.OutOfSpace(_logger, BusId, Volume.Name, fault.Message);
        else
            EckdLog.StorageFailed(_logger, BusId, Volume.Name, fault.Message);
    }

    private void LogDamage(TornTrackException fault)
    {
        int heads = Volume.Geometry.Heads;
        if (Limit(ref _damageLines, "damaged tracks").May())
            EckdLog.TrackDamaged(_logger, BusId, Volume.Name, fault.Track, fault.Track / heads, fault.Track % heads, fault.Message);
    }

    private void LogWritesLost()
    {
        if (Limit(ref _storageLines, "failed storage").May())
            EckdLog.WritesLost(_logger, BusId, Volume.Name);
    }

    private void LogAbandonedWrite(ImageException fault)
    {
        if (Limit(ref _storageLines, "failed storage").May())
            EckdLog.AbandonedWriteFailed(_logger, BusId, Volume.Name, fault.Message);
    }

    private void LogReserveTaken(EckdDevice holder)
    {
        if (Limit(ref _reserveLines, "reserves taken away").May())
            EckdLog.ReserveTaken(_logger, BusId, Volume.Name, holder.BusId);
    }

    /// <summary>Says what was left out so far.</summary>
    private void EndLines()
    {
        _storageLines?.Dispose();
        _damageLines?.Dispose();
        _reserveLines?.Dispose();
    }
}
