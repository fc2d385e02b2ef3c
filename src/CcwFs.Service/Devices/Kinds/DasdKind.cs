using System.Globalization;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Service.Images;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>An emulated 3390 behind a 3990: an image, a raw file, a block device, or a small volume in memory.</summary>
internal sealed class DasdKind : ImageKind<EckdVolume>
{
    /// <inheritdoc/>
    internal override string Name => "dasd";

    /// <inheritdoc/>
    internal override string Example => "dasd,image=v.ckd (emulated)";

    /// <inheritdoc/>
    internal override IReadOnlyList<SpecKey> Keys { get; } =
    [
        KindKeys.Image("The CKD image of the volume, made with ccwfs dasd create, or a block device. The default is a small volume in memory."),
        new("format", "ckd|raw", "What the image is: a CKD image, or raw, the blocks that Linux shows as /dev/dasda. The default is ckd.", SetFormat),
        new("block-size", "512|1024|2048|4096", "The bytes of a block of a raw image. The default is what its label says, else 4096.", SetBlockSize),
        new("cylinders", "N", "How many cylinders of a raw image or of a block device are the volume. The default is all of them.", SetCylinders),
        new("overlay", "PATH|tmp", "The image is only read, and others may use it too: what is written goes to PATH, which is made when it is not there. "
            + "With tmp it goes to a file that is gone with the device. PATH may hold %d.", SetOverlay),
        new("redo", "PATH", "The file that keeps a change until it is in the image. The default is the image's name with .redo after it, "
            + "and a block device needs this key. It may hold %d.", (s, v) => KindKeys.SetPath(v, () => Of(s).Redo = v)),
        .. KindKeys.Place,
        KindKeys.ChannelPaths,
        .. KindKeys.Policy,
        .. KindKeys.Faults,
        .. KindKeys.Flight,
        new("profile", "minimal|linux|full", "What the control unit offers. The default is linux.", SetProfile),
        new("ese", null, "The volume takes space on demand (thin provisioning), and tells Linux so.", (s, _) =>
            KindKeys.Assign(Of(s).IsSpaceEfficient = true)),
        KindKeys.Sync(" With none or SECONDS, an image that was in use at a power cut is refused until its redo file is removed."),
        KindKeys.Count,
    ];

    /// <inheritdoc/>
    internal override IReadOnlyList<CommandSet> Families { get; } = [CommandSets.Families.Eckd];

    /// <inheritdoc/>
    internal override object NewValues() => new Values();

    /// <inheritdoc/>
    internal override long MemoryBytes(DeviceSpec spec) => spec.Image is null ? EckdImages.MemoryBytes : 0;

    /// <inheritdoc/>
    internal override string? Conflict(DeviceSpec spec) => Of(spec) switch
    {
        { IsSpaceEfficient: true, Profile: EckdProfile.Minimal } =>
            "ese needs orders that profile=minimal has not; use profile=linux, or leave ese out",
        { File.BlockSize: not null, File.Kind: VolumeFileKind.Ckd } => "block-size is for a raw image; give format=raw, or leave block-size out",
        _ when spec.Image is null && (spec.Overlay is not null || spec.IsTemporary) => "overlay is over an image; give image=PATH",
        _ when spec.IsReadOnly && spec.IsTemporary => "a temporary overlay is written; leave overlay or readonly out",
        _ when spec.Count > 1 && spec.Overlay?.Contains("%d", StringComparison.Ordinal) == false =>
            "each device needs an overlay of its own; write %d into overlay=PATH",
        { Redo: not null } when spec.IsTemporary => "a temporary overlay has no redo file; leave redo out",
        { Redo: not null } when spec.Image is null => "redo is for an image; give image=PATH, or leave redo out",
        { File: var file } when file != default && spec.Image is null => "format, block-size and cylinders are for an image; give image=PATH",
        { Redo: { } redo } when spec.Count > 1 && !redo.Contains("%d", StringComparison.Ordinal) =>
            "each device needs a redo file of its own; write %d into redo=PATH",
        _ => null,
    };

    private protected override EckdImages Images(DeviceSpec spec, Func<string, string> pathOf) => new(
        Of(spec).File with
        {
            Redo = Of(spec).Redo is { } redo ? pathOf(redo) : null,
            Base = spec.Overlay is not null || spec.IsTemporary ? pathOf(spec.Image!) : null,
        },
        spec.IsTemporary);

    /// <inheritdoc/>
    /// <remarks>A base is read, by any number of overlays.</remarks>
    internal override string? Obstacle(DeviceSpec spec, OpenDevice open)
    {
        if (open.File?.Volume is not EckdVolume volume)
            return base.Obstacle(spec, open);
        bool isOver = spec.Overlay is not null || spec.IsTemporary;
        return (isOver, volume.File.Base is not null) switch
        {
            (true, false) => volume.IsReadOnly ? null : " to write it, and it cannot be the base of an overlay; remove that first",
            (false, true) => spec.IsReadOnly ? null : " as the base of an overlay; give readonly, or remove that first",
            (true, true) => null, // another overlay of one base; the same overlay is looked at when it is opened
            _ => base.Obstacle(spec, open),
        };
    }

    private protected override void Prepare(in DeviceOpening opening, string path)
    {
        (DeviceSpec spec, int index, string directory) = (opening.Spec, opening.Index, opening.Directory);
        if (spec.Overlay is not null)
            Images(spec, text => DeviceSpec.PathAt(text, index, directory)).MakeOverlay(path, opening.Caller);
    }

    private protected override (EckdVolume Volume, Func<long> Bytes) InMemory(DeviceSpec spec) => EckdImages.InMemory();

    private protected override IChannelDevice Make(EckdVolume volume, in DeviceOpening opening) => new EckdDevice(
        volume,
        new EckdOptions(
            opening.Place.Number, ReadOnly: opening.IsReadOnly, Profile: Of(opening.Spec).Profile,
                SpaceEfficient: Of(opening.Spec).IsSpaceEfficient),
        opening.Logs.Device);

    private static Values Of(DeviceSpec spec) => (Values)spec.Values!;

    private static string? SetProfile(DeviceSpec spec, string value)
    {
        EckdProfile? profile = value switch
        {
            "minimal" => EckdProfile.Minimal,
            "linux" => EckdProfile.Linux,
            "full" => EckdProfile.Full,
            _ => null,
        };
        Of(spec).Profile = profile ?? EckdProfile.Linux;
        return profile is null ? "it is minimal, linux or full" : null;
    }

    private static string? SetFormat(DeviceSpec spec, string value)
    {
        Of(spec).File = Of(spec).File with { Kind = value == "raw" ? VolumeFileKind.Raw : VolumeFileKind.Ckd };
        return VolumeFile.KindNames.Contains(value) ? null : $"it is {string.Join(" or ", VolumeFile.KindNames)}";
    }

    private static string? SetBlockSize(DeviceSpec spec, string value)
    {
        bool isSize = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int bytes) && VolumeLayout.Records(bytes) != 0;
        Of(spec).File = Of(spec).File with { BlockSize = bytes };
        return isSize ? null : "it is 512, 1024, 2048 or 4096";
    }

    private static string? SetCylinders(DeviceSpec spec, string value)
    {
        bool isNumber = KindKeys.IsNumber(value, CkdGeometry.MaxExtendedCylinders, out long count) is null;
        Of(spec).File = Of(spec).File with { Cylinders = (int)count };
        return isNumber ? null : $"it is a number from 1 to {CkdGeometry.MaxExtendedCylinders}";
    }

    private static string? SetOverlay(DeviceSpec spec, string value)
    {
        spec.IsTemporary = value == "tmp";
        spec.Overlay = spec.IsTemporary ? null : value;
        return value.Length == 0 ? "a path is missing, or tmp" : null;
    }

    private sealed class Values
    {
        internal VolumeFile File { get; set; }

        internal string? Redo { get; set; }

        internal EckdProfile Profile { get; set; } = EckdProfile.Linux;

        internal bool IsSpaceEfficient { get; set; }
    }
}
