using System.CommandLine;
using CcwFs.Emulation.Dasd.Formats;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>"dasd convert SRC DST": a volume in another format.</summary>
internal static class ConvertCommand
{
    public static Command Create(DasdConsole console)
    {
        string[] targets = [.. TrackFormats.All.Where(format => format.Make is not null).Select(format => format.Name)];
        var source = new Argument<string>("SRC") { Description = "The volume to read; of several files, the first one.", HelpName = "SRC" };
        var target = new Argument<string>("DST") { Description = "The file to make. It must not exist yet.", HelpName = "DST" };
        var from = new Option<string?>("--from")
        {
            Description = "The format of SRC. The default is what its first bytes say; raw tracks have nothing that tells them.",
            HelpName = string.Join('|', TrackFormats.All.Select(format => format.Name)),
        };
        var to = new Option<string?>("--to")
        {
            Description = "The format of DST: a CKD image, a raw image (blocks), or tracks for dd.", HelpName = string.Join('|', targets),
            DefaultValueFactory = _ => targets[0],
        };
        var complete = new Option<bool>("--complete")
        {
            Description = "Format tracks that were never formatted, as 'ccwfs dasd complete' does. Hercules and real volumes need that.",
        };
        from.OneOf([.. TrackFormats.All.Select(format => format.Name)]);
        to.OneOf(targets);
        var command = new Command("convert", "Make a volume in another format.") { source, target, from, to, complete };
        command.SetAction(parsed => console.RunLong(cancel => Run(console, parsed.GetValue(source) ?? "", parsed.GetValue(from),
            parsed.GetValue(target) ?? "", parsed.GetValue(to) ?? targets[0], parsed.GetValue(complete), cancel)));
        return command;
    }

    private static int Run(DasdConsole console, string source, string? from, string target, string to, bool complete, CancellationToken cancel)
    {
        using ITrackStore volume = VolumeFiles.Open(source, from);
        using ITrackSink sink = TrackFormats.Named(to).Make!(target);
        int tracks = volume.Geometry.Tracks;
        int put = console.WithProgress(
            $"Converting {source}", tracks, progress => VolumeConverter.Convert(volume, sink, complete, progress, cancel));
        console.Out.WriteLine($"{target}: {CkdModel.Name(volume.Geometry.Cylinders)}, {volume.Geometry.Cylinders} cylinders, format {to}, "
            + $"{put} of {tracks} tracks formatted");
        if (put < tracks && to == TrackFormats.RawTracks)
            console.Error.WriteLine("ccwfs: a real DASD takes formatted tracks alone; --complete formats the others");
        return 0;
    }
}
