using System.CommandLine;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>"dasd complete PATH": fills the empty slots of an image, so that Hercules reads it.</summary>
internal static class CompleteCommand
{
    public static Command Create(DasdConsole console)
    {
        var path = new Argument<string>("PATH") { Description = "The image file; for a volume of several files, the first one.", HelpName = "PATH" };
        var command = new Command("complete", "Format the tracks that 'create --lazy' left out. It may be interrupted and run again.") { path };
        command.SetAction(parsed => console.RunLong(cancel => Run(console, parsed.GetValue(path) ?? "", cancel)));
        return command;
    }

    private static int Run(DasdConsole console, string path, CancellationToken cancel)
    {
        using CkdImage image = CkdImage.Open(HostImageFiles.Instance, path, new ImageOptions(Say: line => console.Error.WriteLine($"ccwfs: {line}")));
        int filled;
        try
        {
            filled = console.WithProgress($"Completing {path}", image.Geometry.Tracks, progress => CkdImageCreator.Complete(image, progress, cancel));
        }
        catch
        {
            image.Dispose();
            if (image.CloseFault is { } lost)
                console.Error.WriteLine($"ccwfs: {lost}");
            throw;
        }
        image.Dispose();
        if (image.CloseFault is { } fault)
            throw new ImageException(fault);
        console.Out.WriteLine($"{path}: {filled} of {image.Geometry.Tracks} tracks formatted");
        return 0;
    }
}
