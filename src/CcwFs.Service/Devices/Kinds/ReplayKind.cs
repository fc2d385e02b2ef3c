using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Replay;
using CcwFs.Service.Images;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>A device that answers as a recorded one did.</summary>
internal sealed class ReplayKind : ImageKind<ReplayedVolume>
{
    private const int Paths = 8;
    private static readonly RecordingFiles s_files = new();

    /// <inheritdoc/>
    internal override string Name => "replay";

    /// <inheritdoc/>
    internal override string Example => "replay,file=recording,loose (as recorded)";

    /// <inheritdoc/>
    internal override IReadOnlyList<SpecKey> Keys { get; } =
    [
        new("file", "PATH", "The recording, made with ccwfs record --data.", (s, v) => KindKeys.SetPath(v, () => s.Image = v)),
        new("loose", null, "Programs may come in any order; each is answered as one with the same content was. Without this, they come as recorded.",
            (s, _) => KindKeys.Assign(Of(s).IsLoose = true)),
        .. KindKeys.Place,
        .. KindKeys.Policy,
        .. KindKeys.Faults,
        .. KindKeys.Flight,
    ];

    /// <inheritdoc/>
    internal override object NewValues() => new Values();

    /// <inheritdoc/>
    internal override long MemoryBytes(DeviceSpec spec) => RecordedCommand.LargestWrite;

    /// <inheritdoc/>
    internal override string? Conflict(DeviceSpec spec) => spec.Image is null ? "a replay device needs file=PATH" : null;

    private protected override bool IsReadOnly(DeviceSpec spec) => true;

    private protected override IVolumeKind<ReplayedVolume> Images(DeviceSpec spec, Func<string, string> pathOf) => s_files;

    private protected override (ReplayedVolume Volume, Func<long> Bytes) InMemory(DeviceSpec spec) =>
        throw new InvalidOperationException(Conflict(spec));

    private protected override IChannelDevice Make(ReplayedVolume volume, in DeviceOpening opening) =>
        new ReplayDevice(volume, opening.Place.Number, Of(opening.Spec).IsLoose, opening.Logs.Device);

    private protected override VfioCcwDevice Emulate(IChannelDevice device, in DeviceOpening opening, DeviceParts parts)
    {
        var replayed = (ReplayDevice)device;
        Pmcw recorded = replayed.Recorded.Pmcw;
        byte[] chpids = [.. Enumerable.Range(0, Paths).Where(path => (recorded.Pim & (0x80 >> path)) != 0).Select(recorded.ChannelPath).Distinct()];
        var subchannel = new EmulatedSubchannel(
            opening.Place.Id, opening.Place.Number, chpids.Length > 0 ? chpids : opening.Spec.ChannelPaths, device, parts.Executor);
        return parts.Make(new ReplayLayer(subchannel, replayed), opening.Spec, opening.Logs.Device);
    }

    private static Values Of(DeviceSpec spec) => (Values)spec.Values!;

    private sealed class Values
    {
        internal bool IsLoose { get; set; }
    }
}
