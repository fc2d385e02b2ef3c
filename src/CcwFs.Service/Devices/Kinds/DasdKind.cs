using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Service.Images;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>An emulated 3390 behind a 3990: a CKD image, or a small volume in memory.</summary>
internal sealed class DasdKind : ImageKind<EckdVolume>
{
    private static readonly EckdImages s_images = new();

    /// <inheritdoc/>
    internal override string Name => "dasd";

    /// <inheritdoc/>
    internal override string Example => "dasd,image=v.ckd (emulated)";

    /// <inheritdoc/>
    internal override IReadOnlyList<SpecKey> Keys { get; } =
    [
        KindKeys.Image("The CKD image of the volume, made with ccwfs dasd create. The default is a small volume in memory."),
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
    internal override string? Conflict(DeviceSpec spec) => Of(spec) is { IsSpaceEfficient: true, Profile: EckdProfile.Minimal }
        ? "ese needs orders that profile=minimal has not; use profile=linux, or leave ese out" : null;

    private protected override IVolumeKind<EckdVolume> Images(DeviceSpec spec) => s_images;

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

    private sealed class Values
    {
        internal EckdProfile Profile { get; set; } = EckdProfile.Linux;

        internal bool IsSpaceEfficient { get; set; }
    }
}
