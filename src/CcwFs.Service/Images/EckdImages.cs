using CcwFs.Control;
using CcwFs.Emulation.Dasd;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Overlay;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using Mono.Unix.Native;

namespace CcwFs.Service.Images;

/// <summary>Files of CKD volumes, for <see cref="Volumes"/>.</summary>
/// <param name="file">What the file of the volume is.</param>
/// <param name="isTemporary">It is its base, and what is written is gone with the volume.</param>
internal sealed class EckdImages(VolumeFile file = default, bool isTemporary = false) : IVolumeKind<EckdVolume>
{
    /// <summary>Cylinders of a volume in memory (arbitrary: small, and enough for a file system).</summary>
    internal const int MemoryCylinders = 100;

    /// <summary>Bytes of a volume in memory when all of it is written, and of the tracks that are kept of it.</summary>
    internal static long MemoryBytes { get; } = BytesOf(CkdGeometry.Model3390(MemoryCylinders)) + KeptBytes(CkdGeometry.Model3390(MemoryCylinders));

    /// <inheritdoc/>
    public string Word => "dasd";

    /// <inheritdoc/>
    public long OpeningBytes => SlotStore.OpeningBytes;

    /// <summary>A small empty volume that lives in memory, and what tells the bytes that it takes.</summary>
    internal static (EckdVolume Volume, Func<long> Bytes) InMemory()
    {
        var store = new MemoryTrackStore(CkdGeometry.Model3390(MemoryCylinders));
        return (new EckdVolume(store), () => store.AllocatedBytes);
    }

    /// <inheritdoc/>
    public string? Wrong(uint type) => type is FileStatus.TypeRegular or FileStatus.TypeBlockDevice ? null
        : $"is {IImageKind.Words(type)}; a volume is kept in a file, which ccwfs dasd create FILE --model 3390-1 makes, or on a block device";

    /// <inheritdoc/>
    public (EckdVolume Volume, long KeptBytes) Open(IImageFiles files, string path, ImageOptions options, Action<long> charge)
    {
        ITrackStore image = isTemporary ? TrackStores.OpenOverlay(files, null, path, file, options)
            : file.Base is { } basis ? TrackStores.OpenOverlay(files, path, basis, file, options)
            : TrackStores.Open(files, path, file, options);
        try
        {
            charge(KeptBytes(image.Geometry)); // the image took its own
            return (new EckdVolume(image), KeptBytes(image.Geometry) + image.KeptBytes);
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the overlay <paramref name="path"/> with the rights of <paramref name="caller"/> (null: our own), where there is none.
    /// </summary>
    internal void MakeOverlay(string path, CallerIdentity? caller) => ImageUsers.As(caller, () =>
    {
        bool plain = caller is not null;
        CallerImageFiles.RefuseOtherRoot(caller, path);
        OwnMounts.RefuseDirectoryOf(path, plain);
        if (FileDescriptor.Status(path, follow: true, out _) == 0)
            return false;
        string basePath = file.Base!;
        var files = new HostImageFiles(caller?.Uid ?? Descriptors.EffectiveUser, plain: plain);
        OwnMounts.Open(basePath, plain, out FileDescriptor basis);
        basis.Dispose();
        using ITrackStore store = TrackStores.Open(files, basePath, file with { Redo = null }, new ImageOptions(ReadOnly: true));
        return OverlayImage.Create(path, store);
    });

    /// <inheritdoc/>
    public IEnumerable<string> Paths(string path) =>
        file.Base is not { } basis || isTemporary ? [path] : IsMissing(path) ? [basis] : [path, basis];

    /// <inheritdoc/>
    public ImageUse? Want(string path, bool readOnly)
    {
        bool isThere = file.Base is null || !IsMissing(path);
        if (isThere)
            _ = Volumes.Identify(path, this);
        if (isThere && !isTemporary)
            return Check(path, readOnly);
        new EckdImages(file with { Base = null, Redo = null }).Check(file.Base ?? path, readOnly: true); // the overlay is made when the device is
        return null;
    }

    private static bool IsMissing(string path) => FileDescriptor.Status(path, follow: true, out _) == -(int)Errno.ENOENT;

    /// <inheritdoc/>
    public ImageUse Check(string path, bool readOnly)
    {
        using ITrackStore image = file.Base is { } basis
            ? TrackStores.OpenOverlay(HostImageFiles.Unlocked, path, basis, file, new ImageOptions(ReadOnly: true))
            : TrackStores.OpenAsIs(HostImageFiles.Unlocked, path, file);
        if (image is SlotStore { RedoProblem: { } problem })
            throw new CommandException(problem);
        foreach (string each in image is SlotStore slots ? slots.Files : [])
            Volumes.RefuseUnwritable(each, readOnly);
        return new ImageUse(Word, readOnly, Shape(image.File));
    }

    /// <inheritdoc/>
    public string Shape(EckdVolume volume) => Shape(volume.File);

    /// <inheritdoc/>
    public string ShapeWanted(EckdVolume volume) => Shape(file.Kind == VolumeFileKind.Ckd ? file with { Cylinders = volume.File.Cylinders }
        : file with { BlockSize = file.BlockSize ?? volume.File.BlockSize, Cylinders = file.Cylinders ?? volume.File.Cylinders });

    private static string Shape(in VolumeFile file) => $"there it is {file}; give the same";

    private static long BytesOf(in CkdGeometry geometry) => (long)geometry.Tracks * geometry.TrackSize;

    /// <summary>
    /// Bytes of the tracks that are kept of a volume, as they are and as they were before they were changed, of those that could not be written, and
    /// of a buffer.
    /// </summary>
    private static long KeptBytes(in CkdGeometry geometry) =>
        (2L * Math.Min(EckdVolume.CacheTracks, geometry.Tracks) + Math.Min(EckdVolume.DirtyLimit, geometry.Tracks) + 1) * geometry.TrackSize;
}
