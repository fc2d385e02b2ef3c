using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Service.Images;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>An emulated 3390 behind a 3990: a CKD image, or a small volume in memory.</summary>
internal sealed class DasdKind : DeviceKind
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
        new("profile", "minimal|linux|full", "What the control unit offers. The default is linux.", SetProfile),
        new("ese", null, "The volume takes space on demand (thin provisioning), and tells Linux so.", (s, _) => KindKeys.Assign(Of(s).IsSpaceEfficient = true)),
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

    /// <inheritdoc/>
    internal override IEnumerable<Action> FileChecks(DeviceSpec spec, string directory) =>
        spec.Images(directory).Select<string, Action>(path => () => s_images.RefuseWrong(path, spec.IsReadOnly));

    /// <inheritdoc/>
    internal override IEnumerable<FileIdentity> FilesNeeded(DeviceSpec spec, string directory, ulong? own) =>
        spec.IsReadOnly ? [] : spec.Images(directory).Select(path => Volumes.Identify(path, s_images));

    /// <inheritdoc/>
    internal override OpenDevice Open(in DeviceOpening opening, DeviceParts parts)
    {
        DeviceOpening its = opening;
        DeviceSpec spec = its.Spec;
        its.TakeNumber(null);
        EckdDevice Make(EckdVolume volume) => new(volume, new EckdOptions(
            its.Place.Number, ReadOnly: spec.IsReadOnly, Profile: Of(spec).Profile, SpaceEfficient: Of(spec).IsSpaceEfficient), its.Logs.Device);
        if (spec.ImageAt(its.Index, its.Directory) is not { } path)
        {
            (EckdDevice dasd, Func<Action, string?> closing) = parts.Volumes.InMemory(EckdImages.InMemory(), Make);
            return new OpenDevice(parts.Emulate(dasd, its), its.Place, "dasd, in memory", its.Logs.Device) { Closing = closing, Ended = its.Ended };
        }
        OpenImage<EckdDevice> opened = parts.Volumes.OpenImage(s_images, path, spec.IsReadOnly, spec.Sync, its.Caller, its.Logs.Image, Make, its.Place.Shown);
        return new OpenDevice(parts.Emulate(opened.Device, its), its.Place, $"dasd, image {path}", its.Logs.Device)
        {
            File = opened.File, KeepsFile = opened.IsReadOnly, Closing = opened.Closing, Ended = its.Ended,
        };
    }

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
