using System.CommandLine;
using System.Text.Json;
using CcwFs.Cli.Docs;
using CcwFs.Control;
using CcwFs.Host;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs list</c>: the mounted subchannels and those of the host, in lscss's columns.</summary>
internal static class ListCommand
{
    private const int UsualId = 8; // characters of 0.0.0150

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var all = new Option<bool>("--all")
        {
            Description = "List the subchannels of this host too, which could be attached. No mount is needed then.",
        };
        var noMount = new Option<bool>("--no-mount") { Description = "List only the subchannels of this host, and none of a mount." };
        var command = new Command("list", "List the subchannels of a mounted ccwfs.") { mount, noMount, all, json };
        var roots = new HostRootOptions();
        roots.AddTo(command, onlySysfs: true);
        command.SetAction(result =>
        {
            bool none = result.GetValue(noMount), host = none || result.GetValue(all);
            string? mountPoint = host ? HostMounts.Choose(result.GetValue(mount), none, out _) : result.GetValue(mount);
            IReadOnlyList<DeviceRow> rows = host && mountPoint is null ? []
                : ControlClient.Send(mountPoint, new ControlRequest { Verb = "list" }).Devices ?? [];
            if (host)
                rows = HostList.With(rows, mountPoint, new HostResolver(roots.ReadSysfs(result)));
            TextWriter output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                output.Write(JsonSerializer.Serialize(rows, CliJson.Short.IReadOnlyListDeviceRow) + "\n");
                return;
            }
            int width = rows.Any(row => row.Device.Length > UsualId) ? UsualId + 1 : UsualId; // css fe has two digits
            output.WriteLine($"{"Device".PadRight(width)} Subchan.  DevType CU Type Use  PIM PAM POM  CHPIDs            Backend   State    {"MDEV",-36} Host");
            output.WriteLine(new string('-', 134));
            foreach (DeviceRow row in rows)
            {
                string chpids = row.Chpids.Length == 16 ? $"{row.Chpids[..8]} {row.Chpids[8..]}" : row.Chpids;
                string driver = row.Driver is { Length: > 0 } name ? $" ({name})" : "";
                string types = $"{row.Subchannel,-9} {row.Devtype,-7} {row.Cutype,-7} {(row.Use ? "yes" : ""),-4}";
                string paths = $"{row.Pim,-3} {row.Pam,-3} {row.Pom,-4} {chpids,-17}";
                string state = $"{row.Backend,-9} {row.State,-8} {(row.Uuid.Length > 0 ? row.Uuid : "-") + driver,-36}";
                output.WriteLine($"{row.Device.PadRight(width)} {types} {paths} {state} {HostIds(row)}".TrimEnd());
            }
        });
        return command;
    }

    /// <summary>Device and subchannel where the host has them, when that is another channel subsystem.</summary>
    private static string HostIds(DeviceRow row) => row.HostSubchannel is null ? "" : $"{row.HostDevice} {row.HostSubchannel}";
}

/// <summary><c>ccwfs info [ID]</c>: all there is to know about one subchannel, or about the mount.</summary>
internal static class InfoCommand
{
    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        Argument<string> id = MountArguments.Id(mount);
        (id.Arity, id.Description) = (ArgumentArity.ZeroOrOne, "The subchannel, like 0.0.0000. Without it, the mount is told about.");
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("info", "Tell all about a subchannel, its device and its policy.") { id, mount, json };
        command.SetAction(result =>
        {
            IReadOnlyList<KeyValuePair<string, string>> facts =
                ControlClient.Send(result.GetValue(mount), new ControlRequest { Verb = "info", Id = result.GetValue(id) }).Facts ?? [];
            TextWriter output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                Dictionary<string, string> unique = [];
                foreach ((string key, string value) in facts)
                    unique[key] = value;
                output.WriteLine(JsonSerializer.Serialize(unique, ControlJson.Default.DictionaryStringString));
                return;
            }
            int width = facts.Max(f => f.Key.Length) + 2;
            foreach ((string key, string value) in facts)
                output.WriteLine(key.PadRight(width) + value);
        });
        return command;
    }
}

/// <summary><c>ccwfs add SPEC</c>: hot plug.</summary>
internal static class AddCommand
{
    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var spec = new Argument<string>("SPEC")
        {
            HelpName = "SPEC",
            Description = $"The device, like {DeviceKinds.Examples}. {DeviceKinds.WhereKeysAre}.",
        };
        spec.CompletionSources.Add(context => Completion.Spec(context.WordToComplete));
        var command = new Command("add", "Add a device to a mounted ccwfs.") { spec, mount };
        command.SetAction(result =>
        {
            DeviceKinds.Parse(result.GetValue(spec)!); // what is wrong in itself is told before anybody is asked
            ControlReply reply = ControlClient.Send(result.GetValue(mount), new ControlRequest
            {
                Verb = "add", Spec = result.GetValue(spec), Directory = Environment.CurrentDirectory,
            });
            foreach (string id in reply.Added ?? [])
                result.InvocationConfiguration.Output.WriteLine($"added {id}");
        });
        return command;
    }
}

/// <summary><c>ccwfs remove ID</c>: hot unplug.</summary>
internal static class RemoveCommand
{
    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        Argument<string> id = MountArguments.Id(mount);
        var force = new Option<bool>("--force")
        {
            Description = "Take the device away at once. Without this option a VFIO client, like QEMU, is asked to let go first.",
        };
        var command = new Command("remove", "Remove a device from a mounted ccwfs.") { id, force, mount };
        command.SetAction(result =>
        {
            ControlClient.Send(result.GetValue(mount), new ControlRequest
            {
                Verb = "remove",
                Id = result.GetValue(id),
                Force = result.GetValue(force),
            });
            result.InvocationConfiguration.Output.WriteLine($"removed {result.GetValue(id)}");
        });
        return command;
    }
}

/// <summary><c>ccwfs path ID CHPID off|on</c>: a channel path goes away or comes back.</summary>
internal static class PathCommand
{
    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        Argument<string> id = MountArguments.Id(mount);
        var chpid = new Argument<string>("CHPID") { HelpName = "CHPID", Description = "The id of the channel path, like 40." };
        var state = new Argument<string>("off|on") { HelpName = "off|on", Description = "Say off to take the path away, and on to bring it back." };
        state.OneOf("off", "on");
        var command = new Command("path", "Take a channel path off, or bring it back.") { id, chpid, state, mount };
        command.SetAction(result =>
        {
            ControlClient.Send(result.GetValue(mount), new ControlRequest
            {
                Verb = "path", Id = result.GetValue(id), Chpid = result.GetValue(chpid), Available = result.GetValue(state) == "on",
            });
        });
        return command;
    }
}
