using System.CommandLine;
using CcwFs.Control;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Settings;

namespace CcwFs.Cli.Mount;

/// <summary><c>ccwfs config</c>: looks a configuration over, and names its keys.</summary>
internal static class ConfigCommand
{
    internal static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            HelpName = "FILE",
            Description = "The configuration file.",
            DefaultValueFactory = _ => ConfigFile.DefaultPath,
        };
        var check = new Command("check", "Tell what a configuration would mount, or every error in it.") { file };
        check.SetAction(result => Check(Path.GetFullPath(result.GetValue(file)!), result.InvocationConfiguration));
        var keys = new Command("keys", "Name the keys of the configuration and of its devices.");
        keys.SetAction(result => result.InvocationConfiguration.Output.Write(Keys()));
        return new Command("config", "Check a configuration file, or name its keys.") { check, keys };
    }

    private static int Check(string path, InvocationConfiguration console)
    {
        var settings = new MountSettings(Environment.CurrentDirectory);
        List<string> errors = [.. ConfigFile.Errors(path, settings)];
        errors.AddRange(SettingsCheck.Problems(settings, path));
        foreach (string error in errors)
            console.Error.WriteLine($"ccwfs: {error}");
        if (errors.Count > 0)
            return CommandException.Failed;
        console.Output.WriteLine($"{path}: good");
        console.Output.WriteLine($"mounts {settings.MountPoint ?? Places.MountPoint} with {(settings.Devices is { Count: 0 } ? "no device" : "these devices:")}");
        foreach (DeviceSpec spec in settings.Devices ?? [])
            console.Output.WriteLine($"  {spec}");
        if (settings.Devices is null)
            console.Output.WriteLine($"  dasd,image={Places.DefaultVolume}, made on first use");
        return 0;
    }

    private static string Keys()
    {
        string Row(string key, string value, string help) => $"  {key + " " + value,-30} {help}\n";
        return "The configuration:\n" + string.Concat(MountKey.Keys.Select(k => Row(k.Key, k.Value, k.Help)))
            + string.Concat(DeviceKinds.All.Select(kind => $"A device of kind {kind.Name}:\n"
                + string.Concat(kind.Keys.Select(k => Row(k.Key, k.Value ?? "true", k.Help)))));
    }
}
