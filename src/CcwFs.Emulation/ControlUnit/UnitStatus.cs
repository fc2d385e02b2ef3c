using CcwFs.ChannelIo;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>Ending status of commands that end at once.</summary>
internal static class UnitStatus
{
    /// <summary>Normal ending.</summary>
    public const DeviceStatus Ended = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd;

    /// <summary>Ending with sense, which was made before.</summary>
    public const DeviceStatus Failed = Ended | DeviceStatus.UnitCheck;
}
