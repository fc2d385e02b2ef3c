using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>"dasd info PATH": what an image is.</summary>
internal static class InfoCommand
{
    private const string Problem = "problem";

    public static Command Create(DasdConsole console, Func<string, long?>? allocatedBytes)
    {
        var path = new Argument<string>("PATH") { Description = "The image file; for a volume of several files, the first one.", HelpName = "PATH" };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("info", "Show the format, the size and the label of an image.") { path, json };
        command.SetAction(parsed => console.Run(() => Run(console, parsed.GetValue(path) ?? "", parsed.GetValue(json), allocatedBytes)));
        return command;
    }

    private static int Run(DasdConsole console, string path, bool json, Func<string, long?>? allocatedBytes)
    {
        using CkdImage image = CkdImage.OpenAsIs(HostImageFiles.Unlocked, path);
        var track = new CkdTrack(image.Geometry);
        string? serial = track.Load(image, 0) is null ? VolumeLayout.SerialOf(track) : null;
        VolumeLayout layout = VolumeLayout.Detect(image);
        (int formatted, int unformatted) = ImageChecker.CountTracks(image);
        long? allocated = allocatedBytes is null ? null : image.Files.Sum(file => allocatedBytes(file) ?? 0);
        var rows = new List<(string Label, string Key, object? Value)>
        {
            ("image format", "format", CkdHeader.Identifier(image.Geometry)),
            ("files", "files", image.Files.ToArray()),
            ("device type", "deviceType", $"{image.Geometry.DeviceType:x}"),
            ("model", "model", CkdModel.Name(image.Geometry.Cylinders)),
            ("cylinders", "cylinders", image.Geometry.Cylinders),
            ("tracks per cylinder", "heads", image.Geometry.Heads),
            ("bytes per track slot", "trackSize", image.Geometry.TrackSize),
            ("volume serial", "volser", serial),
            ("layout", "layout", layout.Kind.ToString().ToLowerInvariant()),
            ("block size", "blockSize", layout.BlockSize == 0 ? null : layout.BlockSize),
            ("bytes", "bytes", image.TotalLength),
            ("bytes on disk", "allocatedBytes", allocated),
            ("tracks formatted", "tracksFormatted", formatted),
            ("tracks unformatted", "tracksUnformatted", unformatted),
            ("tracks pending in redo file", "tracksPending", image.PendingTracks.Count),
            ("why it cannot be used", Problem, image.RedoProblem),
        };
        if (json)
        {
            Dictionary<string, object?> members = rows.ToDictionary(static row => row.Key, static row => row.Value);
            console.Out.Write(JsonSerializer.Serialize(members, CliJson.Whole.DictionaryStringObject) + "\n");
            return 0;
        }
        // a row for those with a problem alone
        foreach ((string label, _, object? value) in rows.Where(static row => row is not { Key: Problem, Value: null }))
            console.Out.WriteLine($"{label,-28} {Text(value)}");
        return 0;
    }

    private static string Text(object? value) => value switch
    {
        null => "-",
        string[] files => string.Join(", ", files),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
