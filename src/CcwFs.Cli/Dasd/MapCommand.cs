using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Labels;

namespace CcwFs.Cli.Dasd;

/// <summary>"dasd map PATH": a picture of a volume. It may be in use.</summary>
internal static class MapCommand
{
    private const int UsualColumns = 80;
    private const char Label = 'L', Contents = 'V', Free = '-', OtherDataSet = '*';
    private const int Letters = 26;

    public static Command Create(DasdConsole console)
    {
        var path = new Argument<string>("PATH") { Description = "The image file; for a volume of several files, the first one.", HelpName = "PATH" };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("map", "Show what is formatted, written, free and labelled on a volume, as a picture.") { path, json };
        command.SetAction(parsed => console.RunLong(
            cancel => Run(console, parsed.GetValue(path) ?? "", parsed.GetValue(json), cancel)));
        return command;
    }

    private static int Run(DasdConsole console, string path, bool json, CancellationToken cancel)
    {
        using ITrackStore volume = VolumeFiles.Peek(path);
        CkdGeometry geometry = volume.Geometry;
        var grid = new MapGrid(geometry, Columns());
        var track = new CkdTrack(geometry);
        string? serial = track.Load(volume, 0) is null ? VolumeLayout.SerialOf(track) : null;
        Vtoc? vtoc = Vtoc.Read(volume);
        IReadOnlyList<MapCell> cells = console.WithProgress(
            $"Reading {path}", geometry.Tracks, progress => VolumeMap.Read(volume, grid.TracksPerCell, progress, cancel));
        int formatted = cells.Sum(static cell => cell.Formatted), written = cells.Sum(static cell => cell.Written);
        int damaged = cells.Sum(static cell => cell.Damaged);
        if (json)
        {
            var report =
                new MapReport(geometry.Cylinders, geometry.Tracks, formatted, written, damaged, serial, vtoc, grid.TracksPerCell, cells);
            console.Out.Write(JsonSerializer.Serialize(report, CliJson.Whole.MapReport) + "\n");
            return 0;
        }
        console.Out.WriteLine($"{path}: {CkdModel.Name(geometry.Cylinders)}, {geometry.Cylinders} cylinders, "
            + (serial is null ? "no volume serial" : $"volume serial {serial}"));
        console.Out.WriteLine($"{geometry.Tracks} tracks: {geometry.Tracks - formatted - damaged} never formatted, {formatted - written} empty, "
            + $"{written} written{(damaged == 0 ? "" : $", {damaged} damaged")}");
        console.Out.WriteLine($"A sign is {grid.CellInWords}; the number before a row is its first cylinder.");
        Print(console.Out, "Tracks: . never formatted, o formatted, + some written, # all written, ! damaged",
            grid.Draw(cell => Sign(cells[cell], TracksOf(cell, grid, geometry))));
        if (vtoc is not null)
            PrintSpace(console.Out, vtoc, grid, geometry);
        return 0;
    }

    private static void PrintSpace(TextWriter output, Vtoc vtoc, MapGrid grid, CkdGeometry geometry)
    {
        char[] signs = Owners(vtoc, grid, geometry);
        Print(output, "Space: L label, V table of contents, a-z a data set, * another one, - free", grid.Draw(cell => signs[cell]));
        output.WriteLine("");
        output.WriteLine($"{Contents} table of contents  {Extents([vtoc.Extent], geometry)}");
        for (int index = 0; index < vtoc.DataSets.Count; index++)
        {
            DataSetLabel set = vtoc.DataSets[index];
            string kind = $"{set.Organization} {set.RecordFormat} {set.RecordLength} {set.BlockSize}";
            output.WriteLine($"{SignOf(index)} {set.Name}  {kind}  {Extents(set.Extents, geometry)}");
        }
        output.WriteLine($"{DasdConsole.Count(vtoc.DataSets.Count, "data set")}, "
            + $"{DasdConsole.Count(vtoc.Free.Sum(static extent => (long)extent.Tracks), "track")} free by the labels");
        foreach (string problem in vtoc.Problems)
            output.WriteLine($"VTOC: {problem}");
    }

    private static void Print(TextWriter output, string title, IEnumerable<string> lines)
    {
        output.WriteLine("");
        output.WriteLine(title);
        foreach (string line in lines)
            output.WriteLine(line);
    }

    private static string Extents(IReadOnlyList<TrackExtent> extents, CkdGeometry geometry) => extents.Count == 0 ? "no tracks"
        : string.Join(", ", extents.Select(extent => $"{At(extent.First, geometry)} to {At(extent.Last, geometry)}"))
            + $" ({DasdConsole.Count(extents.Sum(static extent => (long)extent.Tracks), "track")})";

    private static string At(int track, CkdGeometry geometry) => $"{track / geometry.Heads}/{track % geometry.Heads}";

    private static int TracksOf(int cell, MapGrid grid, CkdGeometry geometry) =>
        Math.Min(grid.TracksPerCell, geometry.Tracks - (cell * grid.TracksPerCell));

    private static char Sign(MapCell cell, int tracks) => cell.Damaged > 0 ? '!' : cell.Written == tracks ? '#' : cell.Written > 0 ? '+'
        : cell.Formatted > 0 ? 'o' : '.';

    private static char SignOf(int dataSet) => dataSet < Letters ? (char)('a' + dataSet) : OtherDataSet;

    /// <summary>Whose the cells are: the label and the table of contents before data sets, and of these the first one.</summary>
    private static char[] Owners(Vtoc vtoc, MapGrid grid, CkdGeometry geometry)
    {
        char[] signs = new char[(geometry.Tracks + grid.TracksPerCell - 1) / grid.TracksPerCell];
        Array.Fill(signs, Free);
        for (int index = vtoc.DataSets.Count - 1; index >= 0; index--)
        {
            foreach (TrackExtent extent in vtoc.DataSets[index].Extents)
                Mark(extent, SignOf(index));
        }
        Mark(vtoc.Extent, Contents);
        signs[0] = Label;
        return signs;

        void Mark(TrackExtent extent, char sign)
        {
            int first = extent.First / grid.TracksPerCell;
            signs.AsSpan(first, (extent.Last / grid.TracksPerCell) - first + 1).Fill(sign);
        }
    }

    private static int Columns() => int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), NumberStyles.None, CultureInfo.InvariantCulture,
        out int columns) ? columns : Console.IsOutputRedirected ? UsualColumns : Console.WindowWidth;
}
