using CcwFs.ChannelIo;
using CcwFs.Emulation.ControlUnit;
using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Messages that only this device has; its bus id comes first.</summary>
internal static partial class EckdLog
{
    [LoggerMessage(2, LogLevel.Error,
        "{device}: {volume}: track {track} (cylinder {cylinder} head {head}) is damaged, {reason}; reported as data check")]
    public static partial void TrackDamaged(ILogger logger, string device, string volume, int track, int cylinder, int head, string reason);

    [LoggerMessage(3, LogLevel.Error,
        "{device}: {volume}: tracks written by this program were lost when another device's write failed; reported as equipment check")]
    public static partial void WritesLost(ILogger logger, string device, string volume);

    [LoggerMessage(7, LogLevel.Warning, "{device}: {volume}: {reason}; reported as out of space: drivers wait until there is some")]
    public static partial void OutOfSpace(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(8, LogLevel.Information, "{device}: {volume}: there is space again; drivers are told to go on")]
    public static partial void SpaceAgain(ILogger logger, string device, string volume);

    [LoggerMessage(9, LogLevel.Warning, "{device}: {reason}; nothing is changed, and it is reported as write inhibited")]
    public static partial void BeyondFormat(ILogger logger, string device, string reason);
}

/// <summary>Lines of this device that a guest can cause as often as it likes. Under the volume's gate.</summary>
internal sealed class EckdLines(ILogger logger, DeviceId device, EckdVolume volume) : UnitLines(logger, device, volume.Name)
{
    private readonly int _heads = volume.Geometry.Heads;

    public void OutOfSpace(string reason)
    {
        if (MayTellOfStorage())
            EckdLog.OutOfSpace(Logger, BusId, Volume, reason);
    }

    public void SpaceAgain()
    {
        if (May("space that there is again"))
            EckdLog.SpaceAgain(Logger, BusId, Volume);
    }

    public void BeyondFormat(string reason)
    {
        if (May("tracks that the format cannot hold"))
            EckdLog.BeyondFormat(Logger, BusId, reason);
    }

    public void Damage(TornTrackException fault)
    {
        if (May("damaged tracks"))
            EckdLog.TrackDamaged(Logger, BusId, Volume, fault.Track, fault.Track / _heads, fault.Track % _heads, fault.Message);
    }

    public void WritesLost()
    {
        if (MayTellOfStorage())
            EckdLog.WritesLost(Logger, BusId, Volume);
    }
}
