using CcwFs.Emulation.Dasd.Comparison;

namespace CcwFs.Cli.Dasd;

/// <summary>What a comparison found, as JSON.</summary>
/// <param name="A">The first volume.</param>
/// <param name="B">The second one.</param>
/// <param name="CylindersOfA">Its size.</param>
/// <param name="CylindersOfB">Its size.</param>
/// <param name="Tracks">Tracks of the larger one.</param>
/// <param name="TracksDiffering">How many of them differ.</param>
/// <param name="Runs">Where; with --all one for each track.</param>
/// <param name="RunsLeftOut">Runs that are not shown.</param>
internal sealed record CompareReport(
    string A, string B, int CylindersOfA, int CylindersOfB, int Tracks, int TracksDiffering, IReadOnlyList<CompareRun> Runs, int RunsLeftOut);

/// <summary>Tracks behind each other that differ in the same.</summary>
/// <param name="Cylinder">Of the first one.</param>
/// <param name="Head">Of the first one.</param>
/// <param name="Tracks">How many.</param>
/// <param name="Differs">In what: names of <see cref="DifferenceKinds"/>, in camel case.</param>
/// <param name="Records">How many records of the first track differ.</param>
/// <param name="First">The first difference in the first track, in words.</param>
internal sealed record CompareRun(int Cylinder, int Head, int Tracks, IReadOnlyList<string> Differs, int Records, string First);
