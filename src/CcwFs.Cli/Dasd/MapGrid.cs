using System.Globalization;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>
/// How the tracks of a volume become cells of a picture: each row begins with a whole cylinder, whose number stands before it, and no row is wider
/// than the screen.
/// </summary>
internal sealed class MapGrid
{
    private const int MostRows = 16, LeastColumns = 40, MostColumns = 200; // arbitrary: two pictures fit a screen
    private readonly CkdGeometry _geometry;
    private readonly int _width; // of the numbers of cylinders

    internal MapGrid(CkdGeometry geometry, int columns)
    {
        _geometry = geometry;
        _width = $"{geometry.Cylinders - 1}".Length;
        int most = Math.Clamp(columns, LeastColumns, MostColumns) - _width - 1, heads = geometry.Heads;
        // Parts of a cylinder first, then whole ones.
        foreach (int tracks in Enumerable.Range(1, heads).Where(part => heads % part == 0))
        {
            (TracksPerCell, CellsPerRow) = (tracks, most / (heads / tracks) * (heads / tracks));
            if (CellsPerRow > 0 && Cells <= MostRows * CellsPerRow)
                return;
        }
        int cells = MostRows * most;
        (TracksPerCell, CellsPerRow) = ((geometry.Cylinders + cells - 1) / cells * heads, most);
    }

    /// <summary>Tracks of a cell.</summary>
    internal int TracksPerCell { get; }

    private int CellsPerRow { get; }

    private int Cells => (_geometry.Tracks + TracksPerCell - 1) / TracksPerCell;

    /// <summary>"one track", "5 tracks" or "10 cylinders".</summary>
    internal string CellInWords => TracksPerCell == 1 ? "one track" : TracksPerCell < _geometry.Heads ? $"{TracksPerCell} tracks"
        : TracksPerCell == _geometry.Heads ? "one cylinder" : $"{TracksPerCell / _geometry.Heads} cylinders";

    /// <summary>The lines of a picture; <paramref name="sign"/> gives the character of a cell.</summary>
    internal IEnumerable<string> Draw(Func<int, char> sign)
    {
        for (int cell = 0; cell < Cells; cell += CellsPerRow)
        {
            int cylinder = (int)((long)cell * TracksPerCell / _geometry.Heads);
            string row = string.Concat(Enumerable.Range(cell, Math.Min(CellsPerRow, Cells - cell)).Select(sign));
            yield return $"{cylinder.ToString(CultureInfo.InvariantCulture).PadLeft(_width)} {row}";
        }
    }
}
