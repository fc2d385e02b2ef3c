using CcwFs.ChannelIo;
using CcwFs.Cli.Control;
using CcwFs.FileSystem;

namespace CcwFs.Cli.Host;

/// <summary>What attach and detach were told.</summary>
/// <param name="Uuid">The mediated device's name; null: the existing one's, or the subchannel's own.</param>
/// <param name="Force">Devices in use too.</param>
/// <param name="Persist">It survives a reboot.</param>
/// <param name="MountPoint">The ccwfs that shows it; null: none.</param>
/// <param name="Keys">More keys of its SPEC in the mount.</param>
/// <param name="Patience">How long to wait for what the kernel does by itself.</param>
internal sealed record HostOptions(string? Uuid, bool Force, bool Persist, string? MountPoint, string? Keys, TimeSpan Patience);

/// <summary>
/// The subchannel that steps work on. Its state is read anew at every look; <see cref="Before"/> is what it was. The subchannel of a hidden device is found
/// only after the device was freed.
/// </summary>
internal sealed class HostTarget
{
    private readonly HostResolver _resolver;
    private SubchannelId? _id;

    /// <summary>A subchannel that is there; <paramref name="attaching"/>: its state now counts as the one before.</summary>
    internal HostTarget(HostResolver resolver, HostOptions options, HostDevice device, bool attaching)
    {
        (_resolver, Options, _id, Device) = (resolver, options, device.Id, device.Device);
        Recorded = AttachRecord.Load(RecordPath);
        Before = attaching ? AttachRecord.Of(device, options.Persist, Recorded) : Recorded ?? new AttachRecord { Device = device.Device?.ToString() };
    }

    /// <summary>A device that is on the list of ignored ones.</summary>
    internal HostTarget(HostResolver resolver, HostOptions options, DeviceId hidden)
    {
        (_resolver, Options, Device) = (resolver, options, hidden);
        Recorded = AttachRecord.Load(RecordPath);
        Before = (Recorded ?? new AttachRecord { Device = hidden.ToString() }) with { Hidden = true, Persist = options.Persist || Recorded?.Persist == true };
    }

    internal HostRoots Roots => _resolver.Roots;

    internal HostOptions Options { get; }

    /// <summary>The subchannel; not before <see cref="IsFound"/>.</summary>
    internal SubchannelId Id => _id ?? throw new CommandException($"the subchannel of {Device} is not known yet");

    /// <summary>Whether the subchannel is known.</summary>
    internal bool IsFound => _id is not null;

    /// <summary>Whether Linux shows the device, or the subchannel that names it.</summary>
    internal bool IsVisible => _resolver.Find(HostResolver.DevicePrefix + Device) is not null;

    /// <summary>A name for detach that means this subchannel.</summary>
    internal string SafeName => IsFound ? HostResolver.SubchannelPrefix + Id : HostResolver.DevicePrefix + Device;

    /// <summary>The device; null when the subchannel names none.</summary>
    internal DeviceId? Device { get; }

    /// <summary>The mediated device's name: the one it has, the one asked for, or the subchannel's own.</summary>
    internal string Uuid => Now.Mdev?.Uuid ?? Options.Uuid ?? SubchannelUuid.Of(Id);

    /// <summary>What undoing brings back.</summary>
    internal AttachRecord Before { get; }

    /// <summary>The record that was there before; null without one.</summary>
    internal AttachRecord? Recorded { get; }

    /// <summary>An attach failed and what it did is taken back, as against a detach.</summary>
    internal bool IsRollback { get; set; }

    /// <summary>The subchannel now; throws when it is gone.</summary>
    internal HostDevice Now => _resolver.Read(Id) ?? throw new CommandException($"subchannel {Id} is gone");

    /// <summary>Its directory.</summary>
    internal string Directory => $"{Roots.Css}/devices/{Id}";

    /// <summary>The record's file.</summary>
    internal string RecordPath => AttachRecord.PathOf(Roots, Device, _id);

    /// <summary>vfio_ccw's directory: there when the module is.</summary>
    internal string DriverDirectory => $"{Roots.Css}/drivers/{HostDevice.VfioDriver}";

    /// <summary>The mounted subchannel that this is; null when the mount does not show it.</summary>
    internal DeviceRow? Mounted => Options.MountPoint is null ? null : HostMounts.Find(Options.MountPoint, Id, Now.Mdev, Roots);

    /// <summary>Looks for the subchannel of a device that was hidden.</summary>
    internal bool Find()
    {
        _id ??= _resolver.Find(HostResolver.DevicePrefix + Device)?.Id;
        return IsFound;
    }
}
