using CcwFs.Control;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Fba;
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
    public string? Misfit(FbaVolume open, string path)
    {
        BlockGeometry there = open.Geometry;
        return there.BlockSize == disk.BlockSize && (disk.Blocks is null || disk.Blocks == there.Blocks) ? null
            : $"there it has {there.Blocks} blocks of {there.BlockSize} bytes; give the same block-size and blocks, or remove that first";
    }

    /// <summary>Throws what is wrong with an image that is to be opened. Locks and changes nothing.</summary>
    internal void RefuseWrong(string path, bool readOnly)
    {
        Volumes.Identify(path, this);
        FileBlockStore.Open(HostImageFiles.Unlocked, path, disk, new ImageOptions(ReadOnly: true)).Dispose();
        Volumes.RefuseUnwritable(path, readOnly);
    }
}
