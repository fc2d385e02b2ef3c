using System.CommandLine;
using System.Text.Json;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>What a check found, as JSON.</summary>
/// <param name="Tracks">Tracks that were checked.</param>
/// <param name="Pending">Those of them that were being written when ccwfs stopped.</param>
/// <param name="Note">What is to be said about the redo file.</param>
/// <param name="Problem">Why the image cannot be used.</param>
/// <param name="Findings">What is wrong.</param>
internal sealed record CheckReport(
    int Tracks, IReadOnlyList<int> Pending, string? Note, string? Problem, IReadOnlyList<ImageFinding> Findings);

/// <summary>
/// "dasd check PATH": every track of an image, and the redo file beside it. Status 1 when something is wrong; a redo file that an open refuses is a
/// finding.
/// </summary>
internal static class CheckCommand
{
    public static Command Create(DasdConsole console)
    {
        var path = new Argument<string>("PATH") { Description = "The image file; for a volume of several files, the first one.", HelpName = "PATH" };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command =
            new Command("check", "Look for damaged tracks, and for a redo file that would stop an open. This changes nothing.") { path, json };
        command.SetAction(parsed => console.RunLong(cancel => Run(console, parsed.GetValue(path) ?? "", parsed.GetValue(json), cancel)));
        return command;
    }

    private static int Run(DasdConsole console, string path, bool json, CancellationToken cancel)
    {
        using CkdImage image = CkdImage.OpenAsIs(HostImageFiles.Instance, path);
        List<ImageFinding> findings = console.WithProgress(
            $"Checking {path}", image.Geometry.Tracks, progress => ImageChecker.Check(image, progress, cancel).ToList());
        int wrong = findings.Count + (image.RedoProblem is null ? 0 : 1);
        if (json)
        {
            var facts = new CheckReport(image.Geometry.Tracks, image.PendingTracks, image.RedoNote, image.RedoProblem, findings);
            console.Out.Write(JsonSerializer.Serialize(facts, CliJson.Whole.CheckReport) + "\n");
        }
        else
        {
            foreach (ImageFinding finding in findings)
                console.Out.WriteLine(image.PendingTracks.Contains(TrackOf(image, finding))
                    ? $"{finding} (was being written when ccwfs stopped)" : $"{finding}");
            if (image.RedoNote is { } note)
                console.Out.WriteLine(note);
            if (image.RedoProblem is { } problem)
                console.Out.WriteLine(problem);
            console.Out.WriteLine($"{path}: {DasdConsole.Count(image.Geometry.Tracks, "track")} checked, {DasdConsole.Count(wrong, "finding")}");
        }
        return wrong == 0 ? 0 : 1;
    }

    private static int TrackOf(CkdImage image, ImageFinding finding) => finding.Cylinder * image.Geometry.Heads + finding.Head;
}
