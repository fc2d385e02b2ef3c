using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.Fba;

/// <summary>Every message of the device; its bus id comes first.</summary>
internal static partial class FbaLog
{
    [LoggerMessage(1, LogLevel.Error, "{device}: {volume}: {reason}; reported as equipment check")]
    public static partial void StorageFailed(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(2, LogLevel.Debug, "{device}: {name} ({code:X2}): unit check, {sense}")]
    public static partial void UnitCheck(ILogger logger, string device, string name, byte code, FbaSense sense);

    [LoggerMessage(3, LogLevel.Information, "{device}: {volume}: reserve of {holder} taken away (unconditional reserve)")]
    public static partial void ReserveTaken(ILogger logger, string device, string volume, string holder);

    [LoggerMessage(4, LogLevel.Warning, "{device}: {count} more lines about {what} were left out")]
    public static partial void LeftOut(ILogger logger, string device, int count, string what);
}

/// <summary>
/// Lines in the log that a guest can cause as often as it likes: each kind is limited (<see cref="LogLimit"/>). Under the volume's gate.
/// </summary>
internal sealed class FbaLines(ILogger logger, DeviceId device, string volume) : IDisposable
{
    private readonly LogLimit _storage = Limit(logger, device, "failed storage"), _reserve = Limit(logger, device, "reserves taken away");

    /// <summary>The storage below failed.</summary>
    public void Storage(string reason)
    {
        if (_storage.May())
            FbaLog.StorageFailed(logger, device.ToString(), volume, reason);
    }

    /// <summary>An unconditional reserve took the disk from another device.</summary>
    public void ReserveTaken(DeviceId former)
    {
        if (logger.IsEnabled(LogLevel.Information) && _reserve.May())
            FbaLog.ReserveTaken(logger, device.ToString(), volume, former.ToString());
    }

    /// <summary>Says what was left out so far.</summary>
    public void Dispose()
    {
        _storage.Dispose();
        _reserve.Dispose();
    }

    private static LogLimit Limit(ILogger logger, DeviceId device, string what) =>
        new(TimeProvider.System, count => FbaLog.LeftOut(logger, device.ToString(), count, what));
}
