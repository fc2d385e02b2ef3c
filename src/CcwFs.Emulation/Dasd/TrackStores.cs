using CcwFs.Emulation.Dasd.Compressed;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Overlay;
using CcwFs.Emulation.Dasd.Raw;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd;

/// <summary>Opens volumes, whatever their files are.</summary>
public static class TrackStores
{
    /// <summary>As <see cref="CkdImage.Open(IImageFiles, string, ImageOptions, int?)"/>.</summary>
    public static ITrackStore Open(IImageFiles files, string path, in VolumeFile file, ImageOptions options)
    {
        options = options with { Redo = file.Redo };
        return file.Kind == VolumeFileKind.Raw ? RawImage.Open(files, path, new RawOptions(file.BlockSize, file.Cylinders), options)
            : IsCompressed(files, path) ? CompressedImage.Open(files, path, options)
            : CkdImage.Open(files, path, options, file.Cylinders);
    }

    /// <summary>
    /// Opens the overlay <paramref name="path"/> of the volume <paramref name="basePath"/>, of which nothing but its own file is written; with no
    /// path, one that is gone with its volume.
    /// </summary>
    public static SlotStore OpenOverlay(IImageFiles files, string? path, string basePath, in VolumeFile file, ImageOptions options)
    {
        ITrackStore basis = Open(files, basePath, file with { Redo = null }, new ImageOptions(ReadOnly: true, Say: options.Say));
        options = options with { Redo = file.Redo };
        return path is null ? OverlayImage.OpenTemporary(files, basis, options) : OverlayImage.Open(files, path, basis, options);
    }

    /// <summary>As <see cref="CkdImage.OpenAsIs"/>.</summary>
    public static ITrackStore OpenAsIs(IImageFiles files, string path, in VolumeFile file) =>
        file.Kind == VolumeFileKind.Raw ? RawImage.OpenAsIs(files, path, new RawOptions(file.BlockSize, file.Cylinders))
        : IsCompressed(files, path) ? CompressedImage.Open(files, path, new ImageOptions(ReadOnly: true))
        : CkdImage.OpenAsIs(files, path, file.Cylinders);

    /// <summary>What cannot be read is no compressed image: who opens it says why.</summary>
    private static bool IsCompressed(IImageFiles files, string path)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(path);
        Span<byte> identifier = stackalloc byte[8];
        try
        {
            return files.ReadStart(path, identifier) == identifier.Length && CompressedImage.Knows(identifier);
        }
        catch (ImageException)
        {
            return false;
        }
    }
}
