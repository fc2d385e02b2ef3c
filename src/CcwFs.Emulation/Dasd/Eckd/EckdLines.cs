using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Lines in the log that a guest can cause as often as it likes: each kind is limited (<see cref="LogLimit"/>). Under the volume's gate.</summary>
internal sealed class EckdLines(ILogger logger, EckdOptions options, EckdVolume volume) : IDisposable
{
    private Kinds? _kinds; // made by the first line: most devices never write one

    private string BusId => options.Device.ToString();

    private Kinds Limits => _kinds ??= new Kinds(what => new LogLimit(TimeProvider.System, count => EckdLog.LeftOut(logger, BusId, count, what)));

    /// <summary>Says what was left out so far.</summary>
    public void Dispose() => _kinds?.Dispose();

    public void Storage(ImageException fault, bool outOfSpace)
    {
        if (!Limits.Storage.May())
            return;
        if (outOfSpace)
            EckdLog.OutOfSpace(logger, BusId, volume.Name, fault.Message);
        else
            EckdLog.StorageFailed(logger, BusId, volume.Name, fault.Message);
    }

    public void SpaceAgain()
    {
        if (Limits.Space.May())
            EckdLog.SpaceAgain(logger, BusId, volume.Name);
    }

    public void Damage(TornTrackException fault)
    {
        int heads = volume.Geometry.Heads;
        if (Limits.Damage.May())
            EckdLog.TrackDamaged(logger, BusId, volume.Name, fault.Track, fault.Track / heads, fault.Track % heads, fault.Message);
    }

    public void WritesLost()
    {
        if (Limits.Storage.May())
            EckdLog.WritesLost(logger, BusId, volume.Name);
    }

    public void AbandonedWrite(ImageException fault)
    {
        if (Limits.Storage.May())
            EckdLog.AbandonedWriteFailed(logger, BusId, volume.Name, fault.Message);
    }

    public void ReserveTaken(DeviceId former)
    {
        if (logger.IsEnabled(LogLevel.Information) && Limits.Reserve.May())
            EckdLog.ReserveTaken(logger, BusId, volume.Name, former.ToString());
    }

    private sealed class Kinds(Func<string, LogLimit> limit) : IDisposable
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
