using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>Messages that devices on a volume have in common; their bus id comes first.</summary>
internal static partial class UnitLog
{
    [LoggerMessage(1, LogLevel.Error, "{device}: {volume}: {reason}; reported as equipment check")]
    public static partial void StorageFailed(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(4, LogLevel.Error, "{device}: {volume}: {reason}; the program was abandoned, so nobody is told but this log")]
    public static partial void AbandonedWriteFailed(ILogger logger, string device, string volume, string reason);

    [LoggerMessage(5, LogLevel.Information, "{device}: {volume}: reserve of {holder} taken away (unconditional reserve)")]
    public static partial void ReserveTaken(ILogger logger, string device, string volume, string holder);

    [LoggerMessage(6, LogLevel.Debug, "{device}: {name} ({code:X2}): unit check, {sense}")]
    public static partial void UnitCheck(ILogger logger, string device, string name, byte code, string sense);
}

/// <summary>Those that a guest can cause as often as it likes, limited by kind. Under the volume's gate.</summary>
internal class UnitLines(ILogger logger, DeviceId device, string volume) : IDisposable
{
    private readonly LimitedLines _limits = new(what => LogLimit.Of(logger, what, device));

    protected ILogger Logger => logger;

    protected string BusId => device.ToString();

    protected string Volume => volume;

    /// <summary>The storage below failed.</summary>
    public void Storage(string reason)
    {
        if (MayTellOfStorage())
            UnitLog.StorageFailed(logger, BusId, volume, reason);
    }

    /// <summary>The same, when a program was given up.</summary>
    public void AbandonedWrite(string reason)
    {
        if (MayTellOfStorage())
            UnitLog.AbandonedWriteFailed(logger, BusId, volume, reason);
    }

    /// <summary>An unconditional reserve took the volume from another device.</summary>
    public void ReserveTaken(DeviceId former)
    {
        if (logger.IsEnabled(LogLevel.Information) && May("reserves taken away"))
            UnitLog.ReserveTaken(logger, BusId, volume, former.ToString());
    }

    /// <summary>Says what was left out so far.</summary>
    public void Dispose() => _limits.Dispose();

    protected bool May(string what) => _limits.May(what);

    protected bool MayTellOfStorage() => May("failed storage");
}
