using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Labels;

/// <summary>What a range of tracks holds.</summary>
/// <param name="Formatted">Tracks with a format.</param>
/// <param name="Written">Those of them with a key or data byte other than zero behind record 0.</param>
/// <param name="Damaged">Tracks that are torn or impossible.</param>
public readonly record struct MapCell(int Formatted, int Written, int Damaged);

/// <summary>What the tracks of a volume hold, in ranges of one size. Tracks that the store knows to be empty are not read.</summary>
public static class VolumeMap
{
    // Arbitrary: some progress reports per second.
    private const int ReportEvery = 150;

    /// <summary>Looks at every track. Progress counts tracks.</summary>
    /// <param name="store">The volume.</param>
    /// <param name="tracksPerCell">The size of a range.</param>
    /// <param name="progress">Takes the number of tracks.</param>
    /// <param name="cancel">Ends it.</param>
    public static IReadOnlyList<MapCell> Read(
        ITrackStore store, int tracksPerCell, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentOutOfRangeException.ThrowIfLessThan(tracksPerCell, 1);
        var cells = new MapCell[(store.Geometry.Tracks + tracksPerCell - 1) / tracksPerCell];
        var track = new CkdTrack(store.Geometry);
        int report = 0;
        for (int number = store.NextFormatted(0); number < store.Geometry.Tracks; number = store.NextFormatted(number + 1))
        {
            cancel.ThrowIfCancellationRequested();
            if (number >= report)
            {
                progress?.Report(number);
                report = number + ReportEvery;
            }
            MapCell found = Look(store, number, track), cell = cells[number / tracksPerCell];
            cells[number / tracksPerCell] =
                new MapCell(cell.Formatted + found.Formatted, cell.Written + found.Written, cell.Damaged + found.Damaged);
        }
        progress?.Report(store.Geometry.Tracks);
        return cells;
    }

    private static MapCell Look(ITrackStore store, int number, CkdTrack track)
    {
        if (track.Load(store, number) is not null)
            return new MapCell(0, 0, 1);
        if (track.WasUnformatted)
            return default;
        for (int index = 1; index < track.RecordCount; index++)
        {
            if (track.KeyAndData(index).IndexOfAnyExcept((byte)0) >= 0)
                return new MapCell(1, 1, 0);
        }
        return new MapCell(1, 0, 0);
    }
}
