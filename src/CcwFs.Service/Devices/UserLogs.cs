using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>Where lines about devices go.</summary>
/// <param name="Device">About the devices, their coming and going too.</param>
/// <param name="Image">About their images.</param>
internal sealed record DeviceLogs(ILogger Device, ILogger Image);

/// <summary>
/// The logs of the devices that users add through `control`: one limit for all lines of a user's devices, which stays when they go, for devices can
/// be made anew as often as a user likes. Those who are not counted (<see cref="DeviceQuota"/>) have no limit but those of each device.
/// Thread-safe.
/// </summary>
internal sealed class UserLogs : IDisposable
{
    /// <summary>
    /// Lines in a <see cref="LogLimit.Period"/> for a user (arbitrary: some twenty devices that come and go, and what they have to say).
    /// </summary>
    internal const int Lines = 60;

    private const int MostUsers = 64; // with a limit of their own; the others share one (arbitrary)

    private readonly ILoggerFactory _loggers;
    private readonly DeviceQuota _quota;
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, DeviceLogs> _users = []; // guarded by _gate
    private readonly List<LogLimit> _limits = []; // guarded by _gate
    private DeviceLogs? _shared; // guarded by _gate

    internal UserLogs(ILoggerFactory loggers, DeviceQuota quota) =>
        (_loggers, _quota, Ours) = (loggers, quota, new DeviceLogs(loggers.CreateLogger("device"), loggers.CreateLogger("image")));

    /// <summary>Of devices that are not counted.</summary>
    internal DeviceLogs Ours { get; }

    /// <summary>Of a user's devices. Null: us.</summary>
    internal DeviceLogs Of(uint? user)
    {
        if (!_quota.IsCounted(user))
            return Ours;
        lock (_gate)
        {
            if (_users.TryGetValue(user!.Value, out DeviceLogs? logs))
                return logs;
            return _users.Count < MostUsers ? _users[user.Value] = Make($"user {user.Value}") : _shared ??= Make("other users");
        }
    }

    /// <summary>Says what was left out so far.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (LogLimit limit in _limits)
                limit.Dispose();
        }
    }

    // Guarded by _gate.
    private DeviceLogs Make(string whose)
    {
        var limit = LogLimit.Of(Ours.Device, $"devices of {whose}", lines: Lines);
        _limits.Add(limit);
        return new DeviceLogs(new LimitedLogger(Ours.Device, limit), new LimitedLogger(Ours.Image, limit));
    }
}
