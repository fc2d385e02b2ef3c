using System.Globalization;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Fba;
using CcwFs.Service.Images;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>An emulated 9336 behind a 6310: a plain file, a block device, or a small disk in memory.</summary>
internal sealed class FbaKind : ImageKind<FbaVolume>
{
    private const uint MemoryBlocks = 65_536; // of a disk in memory where nobody says (arbitrary: small, and enough for a file system)

    /// <inheritdoc/>
    internal override string Name => "fba";

    /// <inheritdoc/>
    internal override string Example => "fba,image=disk.raw (emulated)";

    /// <inheritdoc/>
    internal override IReadOnlyList<SpecKey> Keys { get; } =
    [
        KindKeys.Image("The plain file or block device that is the disk, with nothing else in it. The default is a small disk in memory."),
        .. KindKeys.Place,
        KindKeys.ChannelPaths,
        .. KindKeys.Policy,
        .. KindKeys.Faults,
        .. KindKeys.Flight,
        new("blocks", "N", "The number of blocks. The default is all that the image has, and 65536 in memory.", SetBlocks),
        new("block-size", "512|1024|2048|4096", "The bytes of a block. The default is 512.", SetBlockSize),
        KindKeys.Sync(""),
        KindKeys.Count,
    ];

    /// <inheritdoc/>
    internal override IReadOnlyList<CommandSet> Families { get; } = [CommandSets.Families.Fba];

    /// <inheritdoc/>
    internal override object NewValues() => new Values();

    /// <inheritdoc/>
    internal override long MemoryBytes(DeviceSpec spec) => spec.Image is null ? MemoryDisk(spec).Bytes + FbaVolume.BufferSize : 0;

    private protected override IVolumeKind<FbaVolume> Images(DeviceSpec spec, Func<string, string> pathOf) => new FbaImages(Of(spec).Disk);

    private protected override (FbaVolume Volume, Func<long> Bytes) InMemory(DeviceSpec spec)
    {
        var store = new MemoryBlockStore(MemoryDisk(spec));
        return (new FbaVolume(store), () => store.AllocatedBytes);
    }

    private protected override IChannelDevice Make(FbaVolume volume, in DeviceOpening opening) =>
        new FbaDevice(volume, new FbaOptions(opening.Place.Number, ReadOnly: opening.IsReadOnly), opening.Logs.Device);

    private static BlockGeometry MemoryDisk(DeviceSpec spec) => new(Of(spec).Disk.BlockSize, Of(spec).Disk.Blocks ?? MemoryBlocks);

    private static Values Of(DeviceSpec spec) => (Values)spec.Values!;

    private static string? SetBlocks(DeviceSpec spec, string value)
    {
        if (KindKeys.IsNumber(value, uint.MaxValue, out long blocks) is not null)
            return $"it is a number from 1 to {uint.MaxValue}";
        Of(spec).Disk = Of(spec).Disk with { Blocks = (uint)blocks };
        return null;
    }

    private static string? SetBlockSize(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int bytes) || !BlockGeometry.IsBlockSize(bytes))
            return "it is 512, 1024, 2048 or 4096";
        Of(spec).Disk = Of(spec).Disk with { BlockSize = bytes };
        return null;
    }

    private sealed class Values
    {
        internal BlockOptions Disk { get; set; } = new();
    }
}
