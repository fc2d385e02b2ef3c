using CcwFs.ChannelIo;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>
/// One device's part in a unit that several share: its paths, its part in the reserve, and how it is told of what others do. Under the unit's gate.
/// </summary>
/// <param name="device">The device's bus id.</param>
internal sealed class Sharer(DeviceId device)
{
    /// <summary>The device's bus id.</summary>
    public DeviceId Device => device;

    /// <summary>Its part in the reserve.</summary>
    public ReserveState State { get; set; }

    /// <summary>Path groups of its paths.</summary>
    public PathGroups PathGroups { get; } = new();

    /// <summary>The path that the running program came on.</summary>
    public int Path { get; set; }

    /// <summary>The path that its reserve belongs to; valid while it has the reserve.</summary>
    public int ReservedPath { get; set; }

    /// <summary>Gives the channel status of the device's own; the channel locks nothing for it.</summary>
    public Action<DeviceStatus>? Unsolicited { get; set; }

    /// <summary>Tells the channel that the device is free again; called without the gate.</summary>
    public Action? NoLongerBusy { get; set; }

    /// <summary>Another path in the group of <paramref name="path"/>; -1: none.</summary>
    public int OtherMember(int path)
    {
        for (int other = 0; other < PathGroups.Paths; other++)
        {
            if (other != path && PathGroups.AreTogether(path, other))
                return other;
        }
        return -1;
    }
}
