using System.CommandLine;
using System.Text.Json;
using CcwFs.Emulation.Dasd.Comparison;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>"dasd compare A B": the tracks and records in which two volumes differ. Status 0: in none, 1: in some, 2: it could not be told.</summary>
internal static class CompareCommand
{
    /// <summary>As cmp(1) has it: 1 says that they differ.</summary>
    private const int Differ = 1, Trouble = 2;

    /// <summary>Lines without --all (arbitrary: they fit a screen with what stands around them).</summary>
    private const int MostLines = 20;

    private static readonly (DifferenceKinds Kind, string Words)[] s_words =
    [
        (DifferenceKinds.FormattedOnlyInA, "formatted only in A"), (DifferenceKinds.FormattedOnlyInB, "formatted only in B"),
        (DifferenceKinds.DamagedInA, "damaged in A"), (DifferenceKinds.DamagedInB, "damaged in B"),
        (DifferenceKinds.RecordsOnlyInA, "records only in A"), (DifferenceKinds.RecordsOnlyInB, "records only in B"),
        (DifferenceKinds.Count, "count differs"), (DifferenceKinds.Key, "key differs"), (DifferenceKinds.Data, "data differs"),
    ];

    public static Command Create(DasdConsole console)
    {
        var a = new Argument<string>("A") { Description = "The first volume.", HelpName = "A" };
        var b = new Argument<string>("B") { Description = "The second volume.", HelpName = "B" };
        var all = new Option<bool>("--all") { Description = $"Print a line for each track, also for more than {MostLines}." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("compare", "Show the tracks and records in which two volumes differ.") { a, b, all, json };
        command.SetAction(parsed => console.RunLong(
            cancel => Run(console, parsed.GetValue(a) ?? "", parsed.GetValue(b) ?? "", parsed.GetValue(all), parsed.GetValue(json), cancel),
            Trouble));
        return command;
    }

    private static int Run(DasdConsole console, string pathOfA, string pathOfB, bool all, bool json, CancellationToken cancel)
    {
        using ITrackStore a = VolumeFiles.Open(pathOfA);
        using ITrackStore b = VolumeFiles.Open(pathOfB);
        var comparison = new VolumeComparison(a, b);
        var runs = new Runs(all ? int.MaxValue : MostLines, !all);
        console.WithProgress($"Comparing {pathOfA} and {pathOfB}", comparison.Tracks, progress =>
        {
            foreach (TrackDifference difference in comparison.Differences(progress, cancel))
                runs.Add(difference);
            return 0;
        });
        bool same = runs.Tracks == 0 && a.Geometry == b.Geometry;
        if (json)
        {
            var report = new CompareReport(pathOfA, pathOfB, a.Geometry.Cylinders, b.Geometry.Cylinders, comparison.Tracks, runs.Tracks,
                [.. runs.Shown.Select(run => Of(run, a.Geometry))], runs.LeftOut);
            console.Out.Write(JsonSerializer.Serialize(report, CliJson.Whole.CompareReport) + "\n");
            return same ? 0 : Differ;
        }
        if (a.Geometry != b.Geometry)
            console.Out.WriteLine($"A has {a.Geometry.Cylinders} cylinders, B has {b.Geometry.Cylinders}");
        foreach ((TrackDifference first, int tracks) in runs.Shown)
            console.Out.WriteLine(Line(first, tracks, a.Geometry));
        if (runs.LeftOut > 0)
            console.Out.WriteLine($"{DasdConsole.Count(runs.LeftOut, "more line")} left out; --all shows every track");
        console.Out.WriteLine(same ? $"{pathOfA} and {pathOfB}: {comparison.Tracks} tracks, no difference"
            : $"{pathOfA} and {pathOfB}: {runs.Tracks} of {comparison.Tracks} tracks differ");
        return same ? 0 : Differ;
    }

    private static string Line(TrackDifference first, int tracks, CkdGeometry geometry)
    {
        string at = geometry.At(first.Track);
        return tracks > 1 ? $"{at} to {geometry.At(first.Track + tracks - 1)}: {string.Join(", ", Named(first.Kinds).Select(kind => kind.Words))}"
            : $"{at}: {first.First}{(first.Records > 1 ? $", and {DasdConsole.Count(first.Records - 1, "more record")}" : "")}";
    }

    private static IEnumerable<(DifferenceKinds Kind, string Words)> Named(DifferenceKinds kinds) => s_words.Where(word => kinds.HasFlag(word.Kind));

    private static CompareRun Of((TrackDifference First, int Tracks) run, CkdGeometry geometry) => new(
        run.First.Track / geometry.Heads, run.First.Track % geometry.Heads, run.Tracks,
        [.. Named(run.First.Kinds).Select(kind => JsonNamingPolicy.CamelCase.ConvertName($"{kind.Kind}"))], run.First.Records, run.First.First);

    /// <summary>Sums up tracks that follow each other and differ in the same.</summary>
    private sealed class Runs(int most, bool together)
    {
        private TrackDifference _last;

        internal List<(TrackDifference First, int Tracks)> Shown { get; } = [];

        /// <summary>Runs that are not in <see cref="Shown"/>.</summary>
        internal int LeftOut { get; private set; }

        internal int Tracks { get; private set; }

        internal void Add(TrackDifference difference)
        {
            bool goesOn = together && Tracks > 0 && difference.Track == _last.Track + 1 && difference.Kinds == _last.Kinds;
            _last = difference;
            Tracks++;
            if (!goesOn && Shown.Count < most)
                Shown.Add((difference, 1));
            else if (!goesOn)
                LeftOut++;
            else if (LeftOut == 0)
                Shown[^1] = Shown[^1] with { Tracks = Shown[^1].Tracks + 1 };
        }
    }
}
