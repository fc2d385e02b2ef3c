using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// A volume in a compressed image of Hercules (CKD_C370, CKD_C064), with the shadow files over it (CKD_S370, CKD_S064), to read alone: README.md has
/// the formats. A track is looked for in the newest file first, and unpacked when it is read; none is kept. Thread-safe.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed class CompressedImage : ITrackStore
{
    private const string ReadAlone = "an image of Hercules' compressed format is only read here: ";
    private const string Advice = "use overlay=PATH, or convert it with ccwfs dasd convert";

    private readonly CompressedFile[] _files; // the newest first
    private readonly CkdImage? _base; // what is below them, where that is no compressed image
    private readonly int _nullFormat;

    private CompressedImage(CompressedFile[] files, CkdImage? plain)
    {
        (_files, _base) = (files, plain);
        // Hercules takes the newest file's, and that of the volume where that file does not say.
        _nullFormat = files[0].Header.NullFormat;
        if (_nullFormat == NullTrack.EndOfFile && files.Any(static file => file.Header.NullFormat == NullTrack.Blocks))
            _nullFormat = NullTrack.Blocks;
    }

    /// <inheritdoc/>
    public CkdGeometry Geometry => _files[0].Header.Geometry;

    /// <inheritdoc/>
    public bool IsReadOnly => true;

    /// <summary>The newest file's path.</summary>
    public string Name => _files[0].Path;

    /// <inheritdoc/>
    public long AllocatedBytes => _files.Sum(static file => file.AllocatedBytes) + (_base?.AllocatedBytes ?? 0);

    /// <summary>Bytes of memory that the volume may take for itself: of its files' tables, a few.</summary>
    public long KeptBytes => _files.Sum(static file => file.KeptBytes) + (_base?.KeptBytes ?? 0);

    /// <summary>Whether a file that begins with these bytes (8 at least) is a compressed image or a shadow file.</summary>
    public static bool Knows(ReadOnlySpan<byte> identifier) => CompressedHeader.Knows(identifier);

    /// <summary>
    /// Opens a compressed image, or a shadow file with the files below it where they are beside it under Hercules' names. It takes
    /// <paramref name="files"/>, which must stay usable until the image is disposed. What is corrupt, missing, or to be written is an <see
    /// cref="ImageException"/>; nothing is left open then.
    /// </summary>
    public static CompressedImage Open(IImageFiles files, string path, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(path);
        RefuseWrites(path, options);
        CompressedFile file = CompressedFile.Open(OpenFile(files, path), files.TakeMemory);
        if (!file.Header.IsShadow)
        {
            Note(files, file, options);
            return new CompressedImage([file], null);
        }
        file.Dispose();
        if (ShadowNames.Chain(path) is not { } chain)
        {
            throw new ImageException($"{path}: offset 0: a shadow file, which holds changes alone; give it a name like NAME_1.EXT, "
                + "and the file below it NAME.EXT in the same directory");
        }
        return OpenChain(files, chain, options);
    }

    /// <summary>
    /// Opens a chain: the base, which may be a plain CKD image, then the shadow files over it, the oldest first. As <see cref="Open"/>.
    /// </summary>
    public static CompressedImage OpenChain(IImageFiles files, IReadOnlyList<string> paths, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfZero(paths.Count, nameof(paths));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(paths.Count, ShadowNames.Most + 1, nameof(paths));
        RefuseWrites(paths[^1], options);
        var opened = new Stack<CompressedFile>();
        CkdImage? plain = null;
        try
        {
            foreach (string path in paths)
            {
                IImageFile file = OpenFile(files, path, opened.Count == 0 && plain is null ? paths[^1] : null);
                if (opened.Count == 0 && plain is null && paths.Count > 1 && IsPlain(file))
                {
                    file.Dispose();
                    plain = CkdImage.Open(files, path, options);
                    continue;
                }
                opened.Push(CompressedFile.Open(file, files.TakeMemory));
                Check(opened.Peek(), plain?.Geometry ?? opened.Last().Header.Geometry, isBase: opened.Count == 1 && plain is null);
            }
            Note(files, opened.Peek(), options);
            return new CompressedImage([.. opened], plain);
        }
        catch
        {
            plain?.Dispose();
            foreach (CompressedFile file in opened)
                file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        if ((uint)track >= (uint)Geometry.Tracks)
            throw new ArgumentOutOfRangeException(nameof(track), track, "no such track");
        foreach (CompressedFile file in _files)
        {
            if (!file.TryFind(track, out CompressedFile.Place place))
                continue;
            if (place.Offset == 0)
                NullTrack.Format(FormatOf(place), Geometry, track, slot);
            else
                file.Read(track, place, slot);
            return;
        }
        if (_base is null)
            throw _files[^1].Fault(CompressedHeader.Size, track, "its track is to be in a file below this one, and there is none");
        _base.Read(track, slot);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<TrackImage> tracks) => throw new ImageException($"{Name}: {ReadAlone}{Advice}");

    /// <inheritdoc/>
    public void Release(int first, int count) => throw new ImageException($"{Name}: {ReadAlone}{Advice}");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (CompressedFile file in _files)
            file.Dispose();
        _base?.Dispose();
    }

    /// <summary>Hercules writes 0 also where it means the blocks that the header names.</summary>
    private int FormatOf(CompressedFile.Place place) =>
        place == CompressedFile.AsHeaderSays || (place.Length == NullTrack.EndOfFile && _nullFormat == NullTrack.Blocks) ? _nullFormat : place.Length;

    private static void RefuseWrites(string path, ImageOptions options)
    {
        if (!options.ReadOnly)
            throw new ImageException($"{path}: {ReadAlone}open it with readonly, {Advice}");
    }

    /// <summary>Opens a file; <paramref name="above"/>: it is the base of this shadow file.</summary>
    private static IImageFile OpenFile(IImageFiles files, string path, string? above = null) => OpenedFile.Of(
        path, () => files.Open(path, write: false),
        above is null || above == path ? "no such file" : $"no such file; it is to be the volume that the shadow file {above} changes");

    private static bool IsPlain(IImageFile file)
    {
        Span<byte> identifier = stackalloc byte[CompressedHeader.IdentifierSize];
        return file.ReadAt(0, identifier) == identifier.Length && !Knows(identifier);
    }

    private static void Check(CompressedFile file, CkdGeometry geometry, bool isBase)
    {
        if (isBase && file.Header.IsShadow)
            throw new ImageException($"{file.Path}: offset 0: a shadow file, where the volume is to be that others change");
        if (!isBase && !file.Header.IsShadow)
            throw new ImageException($"{file.Path}: offset 0: no shadow file, and only such change another file");
        if (file.Header.Geometry != geometry)
        {
            throw new ImageException($"{file.Path}: offset 512: {file.Header.Geometry.Cylinders} cylinders, and the file that it changes has "
                + $"{geometry.Cylinders}");
        }
    }

    /// <summary>Says what a person may not expect: Hercules is not done with it, or has newer tracks in another file.</summary>
    private static void Note(IImageFiles files, CompressedFile file, ImageOptions options)
    {
        if (options.Say is null)
            return;
        if (file.Header.IsOpen)
            options.Say($"{file.Path}: Hercules writes to it, or did not close it: tracks that it wrote last may be missing or damaged");
        if (ShadowNames.Above(file.Path, file.Header.IsShadow) is { } above && IsShadow(files, above))
            options.Say($"{file.Path}: the shadow file {above} has newer tracks; to see those, open that one");
    }

    private static bool IsShadow(IImageFiles files, string path)
    {
        try
        {
            using IImageFile? file = files.Open(path, write: false);
            Span<byte> identifier = stackalloc byte[CompressedHeader.IdentifierSize];
            return file?.ReadAt(0, identifier) == identifier.Length && Knows(identifier) && identifier[4] == 'S';
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false; // it cannot be told
        }
    }
}
