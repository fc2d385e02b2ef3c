using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Lines in the log that a guest can cause as often as it likes: each kind is limited (<see cref="LogLimit"/>). Under the volume's gate.
/// </summary>
internal sealed class EckdLines(ILogger logger, EckdOptions options, EckdVolume volume) : IDisposable
{
    private readonly Kinds _limits =
        new(what => new LogLimit(TimeProvider.System, count => EckdLog.LeftOut(logger, options.Device.ToString(), count, what)));

    private string BusId => options.Device.ToString();

    /// <summary>Says what was left out so far.</summary>
    public void Dispose() => _limits.Dispose();

    public void Storage(ImageException fault, bool outOfSpace)
    {
        if (!_limits.Storage.May())
            return;
        if (outOfSpace)
            EckdLog.OutOfSpace(logger, BusId, volume.Name, fault.Message);
        else
            EckdLog.StorageFailed(logger, BusId, volume.Name, fault.Message);
    }

    public void SpaceAgain()
    {
        if (_limits.Space.May())
            EckdLog.SpaceAgain(logger, BusId, volume.Name);
    }

    public void Damage(TornTrackException fault)
    {
        int heads = volume.Geometry.Heads;
        if (_limits.Damage.May())
            EckdLog.TrackDamaged(logger, BusId, volume.Name, fault.Track, fault.Track / heads, fault.Track % heads, fault.Message);
    }

    public void WritesLost()
    {
        if (_limits.Storage.May())
            EckdLog.WritesLost(logger, BusId, volume.Name);
    }

    public void AbandonedWrite(ImageException fault)
    {
        if (_limits.Storage.May())
            EckdLog.AbandonedWriteFailed(logger, BusId, volume.Name, fault.Message);
    }

    public void ReserveTaken(DeviceId former)
    {
        if (logger.IsEnabled(LogLevel.Information) && _limits.Reserve.May())
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
