using CcwFs.Emulation.Dasd.Labels;

namespace CcwFs.Cli.Dasd;

/// <summary>What a volume holds, as JSON.</summary>
/// <param name="Cylinders">Its size.</param>
/// <param name="Tracks">Its size.</param>
/// <param name="TracksFormatted">Tracks with a format.</param>
/// <param name="TracksWritten">Those of them with a byte other than zero.</param>
/// <param name="TracksDamaged">Tracks that are torn or impossible.</param>
/// <param name="Volser">The volume serial.</param>
/// <param name="Vtoc">Its table of contents.</param>
/// <param name="TracksPerCell">The size of a cell.</param>
/// <param name="Cells">The cells of the picture.</param>
internal sealed record MapReport(
    int Cylinders, int Tracks, int TracksFormatted, int TracksWritten, int TracksDamaged, string? Volser, Vtoc? Vtoc, int TracksPerCell,
    IReadOnlyList<MapCell> Cells);
