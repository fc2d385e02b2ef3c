using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio.Backend;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>A real subchannel behind the host's VFIO, or one of another ccwfs.</summary>
internal sealed class VfioKind : DeviceKind
{
    private const int RealDescriptors = 8; // of a real device: itself, its group and iommufd or container, and its eventfds, rounded up
    private const int MaxTimeout = 86_400; // a day, arbitrary

    /// <inheritdoc/>
    internal override string Name => "vfio";

    /// <inheritdoc/>
    internal override string Example => "vfio,device=0.0.2b09 (real)";

    /// <inheritdoc/>
    internal override IReadOnlyList<SpecKey> Keys { get; } =
    [
        new("device", "PATH|SCHID|DEVNO|UUID", "The real subchannel: /dev/vfio/devices/vfioN, its group /dev/vfio/N with uuid=, the file device of another ccwfs, or a name that the host has for it.",
            (s, v) => { RealNames.Of(s).Device = v; return v.Length == 0 ? "a path or an id is missing" : null; }),
        new("iommu", "PATH", "Its iommufd or container. The default is /dev/iommu, /dev/vfio/vfio, or the file iommu of the other ccwfs.",
            (s, v) => KindKeys.SetPath(v, () => RealNames.Of(s).Iommu = v)),
        new("uuid", "UUID", "The name of the mediated device in the group.",
            (s, v) => Guid.TryParseExact(v, "D", out _) ? KindKeys.Assign(RealNames.Of(s).Uuid = v)
                : "it is written like 12345678-1234-1234-1234-123456789abc"),
        new("timeout", "SECONDS", "Reset the device when no interrupt has come for so long. The default is to wait without end.", SetTimeout),
        .. KindKeys.Place,
        .. KindKeys.Policy,
        .. KindKeys.Faults,
        .. KindKeys.Flight,
    ];

    /// <inheritdoc/>
    internal override bool IsReal => true;

    /// <inheritdoc/>
    internal override int Descriptors => RealDescriptors;

    /// <inheritdoc/>
    internal override object NewValues() => new RealNames();

    /// <inheritdoc/>
    internal override string? Conflict(DeviceSpec spec) => RealNames.Of(spec).Device is null ? RealNames.Missing : null;

    /// <inheritdoc/>
    internal override KindTarget Find(DeviceSpec spec, string directory, ulong? own) => RealDevices.Find(RealNames.Of(spec), directory, own);

    /// <inheritdoc/>
    internal override IEnumerable<Func<WantedImage?>> FileChecks(DeviceSpec spec, string directory) =>
        [() => RefuseWrong(RealNames.Of(spec), directory)];

    /// <inheritdoc/>
    internal override IEnumerable<FileIdentity> Files(DeviceSpec spec, string directory, ulong? own) =>
        [RealDevices.FileOf(RealNames.Of(spec), directory, own)];

    /// <inheritdoc/>
    internal override string Obstacle(DeviceSpec spec, OpenDevice open) => "; remove that one first";

    /// <inheritdoc/>
    internal override OpenDevice Open(in DeviceOpening opening, DeviceParts parts)
    {
        var found = (RealTarget)opening.Found!;
        DevicePlace place = opening.Place;
        ILogger log = opening.Logs.Device;
        (VfioDevice opened, FileIdentity file) = RealDevices.Open(found, opening.Caller, parts.OwnMount());
        try
        {
            opening.TakeNumber(found.Device ?? (opened.DeviceNumber is { } number ? new DeviceId(place.Id.CssId, place.Id.SetId, number) : null));
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        var subchannel = new VfioSubchannel(opened, new VfioOptions(place.Id, place.Number, RealNames.Of(opening.Spec).Timeout), log);
        try
        {
            subchannel.Identify(); // what a policy's names mean, the device then says
        }
        catch
        {
            subchannel.Dispose();
            throw;
        }
        VfioCcwDevice device = parts.Make(subchannel, opening.Spec, log);
        var open = new OpenDevice(device, place, $"vfio, device {found.Target.Uuid ?? found.Target.Path}", log)
        {
            File = new DeviceFile(file), Ended = opening.Ended,
        };
        device.Leaving += sudden => parts.Leave(open, sudden);
        if (!subchannel.Store(out _))
            open.IsLeaving = true; // it went before anybody listened
        return open;
    }

    private static string? SetTimeout(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds is < 1 or > MaxTimeout)
            return $"it is a number of seconds from 1 to {MaxTimeout}";
        RealNames.Of(spec).Timeout = TimeSpan.FromSeconds(seconds);
        return null;
    }

    private static WantedImage? RefuseWrong(RealNames names, string directory)
    {
        RealTarget found = RealDevices.Find(names, directory, own: null);
        foreach (string path in (string[])[found.Target.Path, found.Target.IommuPath])
        {
            int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
            if (result < 0)
                throw new CommandException($"{path}: {Linux.Problem.Of(result)}; see which devices there are: ccwfs list --all");
            if (status.Type != FileStatus.TypeCharacterDevice && !OwnMounts.IsInside(path))
                throw new CommandException($"{path} is no device; give /dev/vfio/devices/vfioN, or see: ccwfs list --all");
        }
        return null;
    }
}
