using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Subchannel;

namespace CcwFs.Host;

/// <summary>What attach and detach were told.</summary>
/// <param name="Uuid">The mediated device's name; null: the existing one's, or the subchannel's own.</param>
/// <param name="Force">Devices in use too.</param>
/// <param name="Persist">It survives a reboot.</param>
/// <param name="MountPoint">The ccwfs that shows it; null: none.</param>
/// <param name="Keys">More keys of its SPEC in the mount, which were checked before.</param>
/// <param name="KeysSayId">They name the id to show it under; else that is the host's own.</param>
/// <param name="Patience">How long to wait for what the kernel does by itself.</param>
internal sealed record HostOptions(string? Uuid, bool Force, bool Persist, string? MountPoint, string? Keys, bool KeysSayId, TimeSpan Patience);

/// <summary>
/// The subchannel that steps work on. Its state is read anew at every look; <see cref="Before"/> is what it was. The subchannel of a hidden device is
/// found only after the device was freed.
/// </summary>
internal sealed class HostTarget
{
    private readonly HostResolver _resolver;
    private readonly string? _boot;
    private SubchannelId? _id;

    private HostTarget(HostResolver resolver, HostOptions options, SubchannelId? id, DeviceId? device)
    {
        (_resolver, Options, _id, Device, _boot) = (resolver, options, id, device, AttachRecord.BootOf(resolver.Roots));
        Recorded = AttachRecord.Load(RecordPath) is { } record && record.IsOf(_boot) ? record : null;
        Before = Recorded ?? new AttachRecord { Device = device?.ToString() };
    }

    /// <summary>A subchannel that is there; <paramref name="attaching"/>: its state now counts as the one before.</summary>
    internal HostTarget(HostResolver resolver, HostOptions options, HostDevice device, bool attaching)
        : this(resolver, options, device.Id, device.Device)
    {
        if (attaching)
            Before = Identified(AttachRecord.Of(device, options.Persist, Recorded));
    }

    /// <summary>A device that is on the list of ignored ones, to be attached.</summary>
    internal HostTarget(HostResolver resolver, HostOptions options, DeviceId hidden)
        : this(resolver, options, null, hidden) =>
        Before = Before with { Hidden = true, Persist = options.Persist || Recorded?.Persist == true, Boot = _boot };

    /// <summary>A device that the host does not show (any more), but which was attached: what is left of that can be detached.</summary>
    internal HostTarget(HostResolver resolver, HostOptions options, AttachRecord left)
        : this(resolver, options, SubchannelId.TryParse(left.Subchannel, out SubchannelId id) ? id : null,
            DeviceId.TryParse(left.Device, out DeviceId device) ? device : null)
    {
    }

    internal HostRoots Roots => _resolver.Roots;

    internal HostOptions Options { get; }

    /// <summary>The subchannel; not before <see cref="IsFound"/>.</summary>
    internal SubchannelId Id => _id ?? throw new CommandException($"the subchannel of {Device} is not known yet");

    /// <summary>Whether the subchannel is known.</summary>
    internal bool IsFound => _id is not null;

    /// <summary>Whether the subchannel is there now.</summary>
    internal bool IsThere => _id is { } id && _resolver.Read(id) is not null;

    /// <summary>Whether Linux shows the device, or the subchannel that names it.</summary>
    internal bool IsVisible => _resolver.Find(HostResolver.DevicePrefix + Device) is not null;

    /// <summary>A name for detach that means this subchannel.</summary>
    internal string SafeName => IsFound ? HostResolver.SubchannelPrefix + Id : HostResolver.DevicePrefix + Device;

    /// <summary>The device; null when the subchannel names none.</summary>
    internal DeviceId? Device { get; }

    /// <summary>The mediated device's name: the one it has, the one asked for, the one it had, or the subchannel's own.</summary>
    internal string Uuid => _resolver.Read(Id)?.Mdev?.Uuid ?? Options.Uuid ?? Recorded?.Uuid ?? SubchannelUuid.Of(Id);

    /// <summary>What undoing brings back.</summary>
    internal AttachRecord Before { get; private set; }

    /// <summary>The record that was there before; null without one.</summary>
    internal AttachRecord? Recorded { get; }

    /// <summary>An attach failed and what it did is taken back, as against a detach.</summary>
    internal bool IsRollback { get; set; }

    /// <summary>Called at every look for what is waited for; throws to end that.</summary>
    internal Action Waiting { get; set; } = () => { };

    /// <summary>The subchannel now; throws when it is gone.</summary>
    internal HostDevice Now => _resolver.Read(Id) ?? throw new CommandException($"subchannel {Id} is gone");

    /// <summary>Its directory.</summary>
    internal string Directory => $"{Roots.Css}/devices/{Id}";

    /// <summary>The record's file.</summary>
    internal string RecordPath => AttachRecord.PathOf(Roots, Device, _id);

    /// <summary>vfio_ccw's directory: there when the module is.</summary>
    internal string DriverDirectory => $"{Roots.Css}/drivers/{HostDevice.VfioDriver}";

    /// <summary>The mounted subchannel that this is; null when the mount does not show it.</summary>
    internal DeviceRow? Mounted => Options.MountPoint is null ? null : HostMounts.Find(Options.MountPoint, Id, _resolver.Read(Id)?.Mdev, Roots);

    /// <summary>Looks for the subchannel of a device that was hidden.</summary>
    internal bool Find()
    {
        if (_id is null && _resolver.Find(HostResolver.DevicePrefix + Device) is { } device)
        {
            _id = device.Id;
            Before = Identified(Before);
        }
        return IsFound;
    }

    /// <summary>
    /// Other devices that a purge would take away too: they are on the list of ignored ones and not online, and shown all the same.
    /// </summary>
    internal IEnumerable<DeviceId> OthersToPurge() =>
        _resolver.All().Where(d => d is { IsIo: true, Device: not null, IsOnline: not true }).Select(d => d.Device!.Value)
            .Where(id => id != Device && IgnoredDevices.Contains(Roots, id));

    private AttachRecord Identified(AttachRecord record) => record with { Subchannel = Id.ToString(), Uuid = Uuid, Boot = _boot };
}
