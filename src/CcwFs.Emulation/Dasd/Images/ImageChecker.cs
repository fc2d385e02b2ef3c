namespace CcwFs.Emulation.Dasd.Images;

/// <summary>One thing that is wrong with an image.</summary>
/// <param name="Cylinder">Cylinder.</param>
/// <param name="Head">Head.</param>
/// <param name="Path">File the slot is in.</param>
/// <param name="Offset">Where in the file.</param>
/// <param name="Reason">What is wrong, one line.</param>
public readonly record struct ImageFinding(int Cylinder, int Head, string Path, long Offset, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: offset {Offset}: cylinder {Cylinder} head {Head}: {Reason}";
}

/// <summary>Looks at every track of an image, and changes nothing.</summary>
public static class ImageChecker
{
    // Arbitrary: some progress reports per second.
    private const int ReportEvery = 150;

    /// <summary>
    /// Parses every track and gives each finding, in order: a torn or impossible track, count fields of another cylinder or head,
    /// record numbers that occur twice. A slot never formatted is none. Progress counts tracks.
    /// </summary>
    public static IEnumerable<ImageFinding> Check(SlotStore image, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Walk(image, progress, cancel);
    }

    /// <summary>Counts formatted and empty slots, reading the start of each that is in no hole of the file.</summary>
    public static (int Formatted, int Unformatted) CountTracks(SlotStore image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int formatted = 0;
        for (int track = image.NextFormatted(0); track < image.Geometry.Tracks; track = image.NextFormatted(track + 1))
            formatted += image.IsEmpty(track) ? 0 : 1;
        return (formatted, image.Geometry.Tracks - formatted);
    }

    private static IEnumerable<ImageFinding> Walk(SlotStore image, IProgress<long>? progress, CancellationToken cancel)
    {
        var track = new CkdTrack(image.Geometry);
        byte[] start = new byte[CkdHeader.Size];
        int report = 0;
        for (int number = image.NextWithData(0); number < image.Geometry.Tracks; number = image.NextWithData(number + 1))
        {
            cancel.ThrowIfCancellationRequested();
            if (number >= report)
            {
                progress?.Report(number);
                report = number + ReportEvery;
            }
            string? reason = Load(image, number, track, start) is string torn ? $"torn or impossible track: {torn}" : Judge(track);
            if (reason is null)
                continue;
            (string path, long offset) = image.Where(number);
            yield return new ImageFinding(track.Cylinder, track.Head, path, offset, reason);
        }
        progress?.Report(image.Geometry.Tracks);
    }

    /// <summary>Most tracks of a new volume end in the slot's first bytes; the rest of the slot means nothing then.</summary>
    private static string? Load(SlotStore image, int number, CkdTrack track, byte[] start)
    {
        if (image is not CkdImage ckd)
            return track.Load(image, number);
        ckd.ReadStart(number, start);
        bool isShort = start.AsSpan().IndexOfAnyExcept((byte)0) >= 0 && track.Load(start, number) is null && track.Image.Length <= start.Length;
        return isShort ? null : track.Load(image, number);
    }

    private static string? Judge(CkdTrack track)
    {
        Span<bool> seen = stackalloc bool[256];
        for (int index = 0; index < track.RecordCount; index++)
        {
            ReadOnlySpan<byte> count = track.Count(index);
            if (!count[..4].SequenceEqual(track.HomeAddress[1..]))
                return $"record {index}: count field {Convert.ToHexString(count)} is of another cylinder or head";
            if (seen[count[4]])
                return $"record {index}: record number {count[4]} occurs twice";
            seen[count[4]] = true;
        }
        return null;
    }
}
