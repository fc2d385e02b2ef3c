using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Every message of the control unit; the device's bus id comes first.</summary>
internal static partial class EckdLog
{
    [LoggerMessage(1, LogLevel.Error, "{device}: {volume}: {reason}; reported as equipment check")]
    public static partial void StorageFailed(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(2, LogLevel.Error,
        "{device}: {volume}: track {track} (cylinder {cylinder} head {head}) is damaged, {reason}; reported as data check")]
    public static partial void TrackDamaged(ILogger logger, string device, string volume, int track, int cylinder, int head, string reason);

    [LoggerMessage(3, LogLevel.Error,
        "{device}: {volume}: tracks written by this program were lost when another device's write failed; reported as equipment check")]
    public static partial void WritesLost(ILogger logger, string device, string volume);

    [LoggerMessage(4, LogLevel.Error, "{device}: {volume}: {reason}; the program was abandoned, so nobody is told but this log")]
    public static partial void AbandonedWriteFailed(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(7, LogLevel.Warning, "{device}: {volume}: {reason}; reported as out of space: drivers wait until there is some")]
    public static partial void OutOfSpace(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(8, LogLevel.Information, "{device}: {volume}: there is space again; drivers are told to go on")]
    public static partial void SpaceAgain(ILogger logger, string device, string volume);

    [LoggerMessage(6, LogLevel.Debug, "{device}: {name} ({code:X2}): unit check, {sense}")]
    public static partial void UnitCheck(ILogger logger, string device, string name, byte code, EckdSense sense);

    [LoggerMessage(9, LogLevel.Warning, "{device}: {count} more lines about {what} were left out")]
    public static partial void LeftOut(ILogger logger, string device, int count, string what);

    [LoggerMessage(5, LogLevel.Information, "{device}: {volume}: reserve of {holder} taken away (unconditional reserve)")]
    public static partial void ReserveTaken(ILogger logger, string device, string volume, string holder);
}
