using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>Makes new images, and fills the empty slots of those made lazily.</summary>
public static class CkdImageCreator
{
    // A few progress reports per second at most (arbitrary: every 150 tracks).
    private const int ReportEvery = 150;

    /// <summary>
    /// Makes the image <paramref name="path"/> in one file: written without a name, which it gets when it is whole and on stable storage; so it
    /// appears whole or not at all, and what is killed before leaves nothing. Slots are sparse: of each only the used bytes are written, with
    /// <paramref name="lazy"/> only those of the label tracks. Progress counts tracks. An existing file is never overwritten. Faults are
    /// <see cref="ImageException"/>; then, and on cancellation, nothing is left behind. Others may not even read it, as with Hercules' dasdinit: it
    /// may hold a whole system, and who may read a file can keep it locked.
    /// </summary>
    public static void Create(
        string path, CkdGeometry geometry, VolumeLayout layout, bool lazy = false, IProgress<long>? progress = null,
            CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(layout);
        if (geometry != CkdGeometry.Model3390(geometry.Cylinders) || geometry.Cylinders is < 1 or > CkdGeometry.MaxExtendedCylinders)
            throw new ArgumentOutOfRangeException(nameof(geometry), $"a 3390 of 1 to {CkdGeometry.MaxExtendedCylinders} cylinders");
        using NewImageFile file = NewImageFile.Make(path);
        Fill(file, geometry, layout, lazy, progress, cancel);
        file.Finish();
    }

    /// <summary>
    /// Formats the empty slots of an open image as the rest of its volume is (<see cref="VolumeLayout.Detect"/>), a whole track at a time, so that
    /// it can be stopped and started again. Gives the number of tracks filled.
    /// </summary>
    public static int Complete(CkdImage image, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        VolumeLayout layout = VolumeLayout.Detect(image);
        var track = new CkdTrack(image.Geometry);
        int filled = 0;
        for (int number = 0; number < image.Geometry.Tracks; number++)
        {
            cancel.ThrowIfCancellationRequested();
            if (image.IsEmpty(number))
            {
                FormatNext(layout, number, track);
                image.WriteEmpty(new TrackImage(number, track.Image));
                filled++;
            }
            if (number % ReportEvery == 0)
                progress?.Report(number);
        }
        progress?.Report(image.Geometry.Tracks);
        return filled;
    }

    private static void Fill(NewImageFile file, CkdGeometry geometry, VolumeLayout layout, bool lazy, IProgress<long>? progress,
        CancellationToken cancel)
    {
        WriteHeader(file, geometry);
        var track = new CkdTrack(geometry);
        // A volume without a label needs no written track at all; a label is never left out.
        int written = !lazy ? geometry.Tracks : layout.HasLabels ? Math.Min(layout.FirstRegularTrack, geometry.Tracks) : 0;
        for (int number = 0; number < written; number++)
        {
            cancel.ThrowIfCancellationRequested();
            FormatNext(layout, number, track);
            WriteTrack(file, track);
            if (number % ReportEvery == 0)
                progress?.Report(number);
        }
        progress?.Report(geometry.Tracks);
    }

    /// <summary>Gives a new file the length and the header of an image whose slots are all empty.</summary>
    internal static void WriteHeader(NewImageFile file, CkdGeometry geometry)
    {
        Span<byte> header = stackalloc byte[CkdHeader.Size];
        CkdHeader.Format(geometry, default, header);
        file.SetLength(CkdHeader.Size + (long)geometry.Tracks * geometry.TrackSize);
        file.Write(0, header);
    }

    /// <summary>Writes the used bytes of a track's slot.</summary>
    internal static void WriteTrack(NewImageFile file, CkdTrack track) =>
        file.Write(CkdHeader.Size + (long)track.Number * track.Geometry.TrackSize, track.Image.Span);

    /// <summary>Regular tracks differ in their numbers only: built once, then renumbered.</summary>
    internal static void FormatNext(VolumeLayout layout, int number, CkdTrack track)
    {
        if (track.Number >= layout.FirstRegularTrack && number > track.Number)
            track.Renumber(number);
        else
            layout.Format(number, track);
    }
}
