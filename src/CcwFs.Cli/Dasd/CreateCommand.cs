using System.CommandLine;
using System.Globalization;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>"dasd create PATH": a new image.</summary>
internal static class CreateCommand
{
    private const string DefaultSerial = "CCWFS1";

    public static Command Create(DasdConsole console)
    {
        var path = new Argument<string>("PATH") { Description = "The image file to make. It must not exist yet.", HelpName = "PATH" };
        var model = new Option<string?>("--model")
        {
            Description = $"The size as a model: {Values.List([.. CkdModel.Names], "or")}.",
            HelpName = "MODEL",
        };
        var cylinders = new Option<int?>("--cylinders")
        {
            Description = $"The size in cylinders, from 1 to {CkdGeometry.MaxExtendedCylinders}.",
            HelpName = "N",
        };
        var volser = new Option<string?>("--volser")
        {
            Description = $"The volume serial, one to six of A-Z, 0-9, @, # and $. The default for cdl and ldl is {DefaultSerial}.",
            HelpName = "SERIAL",
        };
        var format = new Option<string?>("--format")
        {
            Description = "The layout: none, or cdl or ldl as Linux has them.",
            HelpName = "none|cdl|ldl",
            DefaultValueFactory = static _ => "none",
        };
        var blockSize = new Option<int>("--block-size")
        {
            Description = "The block size of cdl and ldl: 512, 1024, 2048 or 4096.", HelpName = "BYTES",
            DefaultValueFactory = static _ => 4_096,
        };
        var lazy = new Option<bool>("--lazy")
        {
            Description = "Leave tracks unformatted that hold no label. Hercules reads such an image after 'ccwfs dasd complete'.",
        };
        format.OneOf("none", "cdl", "ldl");
        blockSize.OneOf(512, 1024, 2048, 4096);
        model.OneOf([.. CkdModel.Names]);
        cylinders.Number(1, CkdGeometry.MaxExtendedCylinders);
        volser.Judge(static name => Volser.Normalize(name) is not null, "one to six of A-Z, 0-9, @, # and $");
        var command =
            new Command("create", "Make an image of a 3390 volume, for ccwfs and Hercules.") { path, model, cylinders, volser, format, blockSize,
            lazy };
        command.Validators.Add(result =>
        {
            bool given = result.GetResult(model) is not null;
            if (given == (result.GetResult(cylinders) is not null))
                result.AddError($"the size is {(given ? "given twice" : "missing")}: give --model or --cylinders");
        });
        command.SetAction(parsed => console.RunLong(cancel =>
        {
            int count = parsed.GetValue(cylinders) ?? CkdModel.Cylinders(parsed.GetValue(model) ?? "");
            VolumeFormat layout = Enum.Parse<VolumeFormat>(parsed.GetValue(format) ?? "none", ignoreCase: true);
            string? serial = parsed.GetValue(volser) ?? (layout == VolumeFormat.None ? null : DefaultSerial);
            return Run(console, parsed.GetValue(path) ?? "", count, layout, parsed.GetValue(blockSize), serial, parsed.GetValue(lazy), cancel);
        }));
        return command;
    }

    private static int Run(
        DasdConsole console, string path, int cylinders, VolumeFormat format, int blockSize, string? serial, bool lazy, CancellationToken cancel)
    {
        CkdGeometry geometry = CkdGeometry.Model3390(cylinders);
        VolumeLayout layout = VolumeLayout.Create(geometry, format, blockSize, serial);
        _ = console.WithProgress($"Creating {path}", geometry.Tracks, progress =>
        {
            CkdImageCreator.Create(path, geometry, layout, lazy, progress, cancel);
            return 0;
        });
        string label = serial is null ? "no volume serial" : $"volume serial {layout.Serial}";
        console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
                $"{path}: {CkdModel.Name(cylinders)}, {cylinders} cylinders, format {format.ToString().ToLowerInvariant()}, {label}"));
        return 0;
    }
}
