using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// A device's running program as its commands see it: the volume and the head over it, what the program has set up, and the sense that a command ends
/// with. One object a device, which every program begins anew. Under the volume's gate.
/// </summary>
internal sealed class EckdProgram(EckdVolume volume, EckdOptions options, Announcement announced, PendingSense pending)
{
    /// <summary>The volume, shared with other devices.</summary>
    public EckdVolume Volume => volume;

    /// <summary>What the device was made with.</summary>
    public EckdOptions Options => options;

    /// <summary>What the device says it can do.</summary>
    public Announcement Announced => announced;

    /// <summary>Where it stands on the volume.</summary>
    public Head Head { get; } = new(volume, options, pending);

    /// <summary>What it has set up.</summary>
    public ref ChainState Chain => ref Head.Chain;

    /// <summary>Messages that wait for the device's drivers; they outlive programs.</summary>
    public SpaceMessages Messages { get; } = new();

    /// <summary>Writes are inhibited.</summary>
    public bool IsReadOnly => options.ReadOnly || volume.IsReadOnly;

    /// <summary>An ESE volume.</summary>
    public bool IsSpaceEfficient => IsOnDemand(options);

    /// <summary>The device has an ESE volume, and a profile that knows of such.</summary>
    public static bool IsOnDemand(EckdOptions options) => options.SpaceEfficient && options.Profile >= EckdProfile.Linux;

    /// <summary>Makes sense; gives unit check.</summary>
    public DeviceStatus Check(EckdSense sense) => Head.Check(sense);

    /// <summary>Makes sense; gives false.</summary>
    public bool Refuse(EckdSense sense) => Head.Refuse(sense);

    /// <summary>Receives a parameter block; false with sense when the program's count is too small.</summary>
    public bool ReceiveAll(IDataTransfer data, Span<byte> buffer) =>
        data.Receive(buffer) == buffer.Length || Refuse(EckdSense.CommandReject(SenseMessage.CountTooSmall));

    /// <summary>A new program: nothing is kept of the last one.</summary>
    public void Begin() => Chain = ChainState.Begin(volume.Geometry.Tracks);
}
