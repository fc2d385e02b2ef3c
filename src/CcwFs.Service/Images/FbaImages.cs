using CcwFs.Control;
using CcwFs.Emulation.Fba;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Service.Images;

/// <summary>Plain files and block devices as disks of blocks, for <see cref="Volumes"/>.</summary>
/// <param name="disk">What the disk is to be.</param>
internal sealed class FbaImages(BlockOptions disk) : IVolumeKind<FbaVolume>
{
    /// <inheritdoc/>
    public string Word => "fba";

    /// <inheritdoc/>
    public long OpeningBytes => FbaVolume.BufferSize;

    /// <inheritdoc/>
    public string? Wrong(uint type) => type is FileStatus.TypeRegular or FileStatus.TypeBlockDevice ? null
        : $"is {IImageKind.Words(type)}; a disk is kept in a plain file or a block device";

    /// <inheritdoc/>
    public string Missing(string path, int result) =>
        result == -(int)Errno.ENOENT ? $"{Problem.Of(result)}; {FileBlockStore.HowToMake(disk)}" : Problem.Of(result);

    /// <inheritdoc/>
    public (FbaVolume Volume, long KeptBytes) Open(IImageFiles files, string path, ImageOptions options, Action<long> charge)
    {
        charge(FbaVolume.BufferSize);
        return (new FbaVolume(FileBlockStore.Open(files, path, disk, options)), FbaVolume.BufferSize);
    }

    /// <inheritdoc/>
    public string Shape(FbaVolume volume) => Shape(volume.Geometry);

    /// <inheritdoc/>
    public string ShapeWanted(FbaVolume volume) => Shape(volume.GeometryAs(disk));

    /// <inheritdoc/>
    public ImageUse Check(string path, bool readOnly)
    {
        using FileBlockStore store = FileBlockStore.Open(HostImageFiles.Unlocked, path, disk, new ImageOptions(ReadOnly: true));
        Volumes.RefuseUnwritable(path, readOnly);
        return new ImageUse(Word, readOnly, Shape(store.Geometry));
    }

    private static string Shape(in BlockGeometry disk) =>
        $"there it has {disk.Blocks} blocks of {disk.BlockSize} bytes; give the same block-size and blocks";
}
