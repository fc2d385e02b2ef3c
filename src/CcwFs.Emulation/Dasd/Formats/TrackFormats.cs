using System.Text;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Raw;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>A format that volumes are converted from or to.</summary>
/// <param name="Name">What a person calls it.</param>
/// <param name="Identifier">What its files begin with, in ASCII; null: nothing tells them.</param>
/// <param name="Open">Opens a file to read it, which nobody writes meanwhile.</param>
/// <param name="Make">Gives a sink for a new file; null: it is only read.</param>
public sealed record TrackFormat(string Name, string? Identifier, Func<IImageFiles, string, ITrackStore> Open, Func<string, ITrackSink>? Make);

/// <summary>The formats, a row each.</summary>
public static class TrackFormats
{
    /// <summary>The name of the format of files of raw tracks.</summary>
    public const string RawTracks = "tracks";

    private const int MostIdentifier = 20;

    /// <summary>The first one is that of a file whose identifier nobody knows: it says what is wrong with it.</summary>
    public static IReadOnlyList<TrackFormat> All { get; } =
    [
        new("ckd", "CKD_", static (files, path) => TrackStores.Open(files, path, default, new ImageOptions(ReadOnly: true)), static path => new CkdSink(path)),
        new("raw", null, static (files, path) => RawImage.Open(files, path, default, new ImageOptions(ReadOnly: true)), static path => new RawSink(path)),
        new(RawTracks, null, TracksFile.Open, static path => new TracksSink(path)),
        new("xcat", XcatHeader.Identifier[..5], XcatImage.Open, null),
    ];

    /// <summary>The format of that name.</summary>
    public static TrackFormat Named(string name) => All.First(format => format.Name == name);

    /// <summary>
    /// Opens a volume to read it, in the format of that <paramref name="name"/>; null: that of its identifier. Faults are
    /// <see cref="ImageException"/>.
    /// </summary>
    public static ITrackStore Open(IImageFiles files, string path, string? name = null)
    {
        TrackFormat format = name is null ? Find(files, path) : Named(name);
        return format.Open(files, path);
    }

    private static TrackFormat Find(IImageFiles files, string path)
    {
        byte[] start = new byte[MostIdentifier];
        using (IImageFile file = SourceFile.Open(files, path))
            _ = ImageException.Check(file.ReadAt(0, start), $"{path}: cannot be read: ");
        string identifier = Encoding.Latin1.GetString(start);
        if (All.FirstOrDefault(format => format.Identifier is { } known && identifier.StartsWith(known, StringComparison.Ordinal)) is { } found)
            return found;
        ReadOnlySpan<byte> recordZero = [0, 0, 0, 0, 0, 0, 0, 8]; // of cylinder 0 head 0
        return !start.AsSpan().StartsWith(recordZero) ? All[0]
            : throw new ImageException($"{path}: this looks like a file of raw tracks, which has no identifier; say --from {RawTracks} if it is one");
    }
}
