using CcwFs.Control;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Service.Images;

/// <summary>CKD images, for <see cref="Volumes"/>.</summary>
internal sealed class EckdImages : IVolumeKind<EckdVolume>
{
    /// <summary>Cylinders of a volume in memory (arbitrary: small, and enough for a file system).</summary>
    internal const int MemoryCylinders = 100;

    /// <summary>Bytes of a volume in memory when all of it is written, and of the tracks that are kept of it.</summary>
    internal static long MemoryBytes { get; } = BytesOf(CkdGeometry.Model3390(MemoryCylinders)) + KeptBytes(CkdGeometry.Model3390(MemoryCylinders));

    /// <inheritdoc/>
    public string Word => "dasd";

    /// <inheritdoc/>
    public long OpeningBytes => CkdImage.OpeningBytes;

    /// <summary>A small empty volume that lives in memory, and what tells the bytes that it takes.</summary>
    internal static (EckdVolume Volume, Func<long> Bytes) InMemory()
    {
        var store = new MemoryTrackStore(CkdGeometry.Model3390(MemoryCylinders));
        return (new EckdVolume(store), () => store.AllocatedBytes);
    }

    /// <inheritdoc/>
    public string? Wrong(uint type) => type == FileStatus.TypeRegular ? null
        : $"is {IImageKind.Words(type)}; a volume is kept in a file, which ccwfs dasd create FILE --model 3390-1 makes";

    /// <inheritdoc/>
    public (EckdVolume Volume, long KeptBytes) Open(IImageFiles files, string path, ImageOptions options, Action<long> charge)
    {
        CkdImage image = CkdImage.Open(files, path, options);
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

    /// <inheritdoc/>
    public ImageUse Check(string path, bool readOnly)
    {
        using CkdImage image = CkdImage.OpenAsIs(HostImageFiles.Unlocked, path);
        if (image.RedoProblem is { } problem)
            throw new CommandException(problem);
        foreach (string file in image.Files)
            Volumes.RefuseUnwritable(file, readOnly);
        return new ImageUse(Word, readOnly, Shape: "");
    }

    private static long BytesOf(in CkdGeometry geometry) => (long)geometry.Tracks * geometry.TrackSize;

    /// <summary>
    /// Bytes of the tracks that are kept of a volume, as they are and as they were before they were changed, of those that could not be written, and
    /// of a buffer.
    /// </summary>
    private static long KeptBytes(in CkdGeometry geometry) =>
        (2L * Math.Min(EckdVolume.CacheTracks, geometry.Tracks) + Math.Min(EckdVolume.DirtyLimit, geometry.Tracks) + 1) * geometry.TrackSize;
}
