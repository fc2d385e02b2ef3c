using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelIo.Text;
using CcwFs.Control;
using CcwFs.Replay;

namespace CcwFs.Cli.Replay;

/// <summary><c>ccwfs replay FILE --on ID</c>: runs recorded programs on a device and says where it answers in another way.</summary>
internal static class ReplayCommand
{
    private const string NothingRan = "no program of the recording could be run; record while programs run, or with flight-data=all in the SPEC";

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var file = new Argument<string>("FILE") { Description = "The recording, made with ccwfs record." };
        var on = new Option<string>("--on") { HelpName = "ID", Description = "The subchannel to run the programs on, like 0.0.0000.", Required = true };
        on.CompletionSources.Add(context => Docs.Completion.DeviceIds(context.ParseResult.GetValue(mount)));
        var ignore = new Option<string?>("--ignore")
        {
            HelpName = "FIELD,…", Description = $"Leave these out of the comparison: {string.Join(", ", Comparison.Fields)}.",
        };
        var statusOnly = new Option<bool>("--status-only") { Description = "Compare status and sense alone." };
        var goOn = new Option<bool>("--continue") { Description = "Go on after a program that is answered in another way." };
        var json = new Option<bool>("--json") { Description = "Print JSON, an object per program that is answered in another way." };
        var noHash = new Option<bool>("--no-hash") { Description = "Do not compare the device's image with the one that the recording began with." };
        var command = new Command("replay", "Run recorded programs again and compare the answers.")
        {
            file, on, ignore, statusOnly, goOn, json, noHash, mount,
        };
        command.SetAction(result =>
        {
            string[] ignored = Ignored(result.GetValue(ignore));
            string path = result.GetValue(file)!;
            using FileStream source = new(path, FileMode.Open, FileAccess.Read);
            using RecordingReader recording = Read(source, path);
            if (!result.GetValue(noHash))
                Compare(recording, result.GetValue(mount), result.GetValue(on)!, result.InvocationConfiguration.Error);
            var run = new ReplayRun(
                result.GetValue(mount), result.GetValue(on)!, recording, new Comparison(ignored, result.GetValue(statusOnly)));
            TextWriter output = result.InvocationConfiguration.Output;
            while (run.Next() is { } found)
            {
                output.Write(result.GetValue(json) ? Json(found) : Text(found));
                if (!result.GetValue(goOn))
                    break;
            }
            output.Write(result.GetValue(json) ? Json(run) : Summary(run, recording));
            if (run is { Diverged: 0, Same: 0, LeftOut.Count: > 0 })
                throw new CommandException(NothingRan);
            return run.Diverged == 0 ? 0 : CommandException.Failed;
        });
        return command;
    }

    private static string[] Ignored(string? text)
    {
        string[] names = (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return Array.Find(names, name => !Comparison.Fields.Contains(name)) is { } wrong
            ? throw new CommandException(
                $"--ignore: unknown field '{wrong}'{Nearest.Hint(wrong, Comparison.Fields, $"it is one of {string.Join(", ", Comparison.Fields)}")}",
                CommandException.WrongUsage)
            : names;
    }

    private static RecordingReader Read(FileStream source, string path)
    {
        try
        {
            return new RecordingReader(source);
        }
        catch (RecordingException wrong)
        {
            throw new CommandException($"{path}: {wrong.Message}");
        }
    }

    /// <summary>Says where the volume is not as the recorded one was when it began.</summary>
    private static void Compare(RecordingReader recording, string? mount, string id, TextWriter error)
    {
        string? had = recording.Device.Facts.FirstOrDefault(fact => fact.Key == Recorder.HashKey).Value;
        if (had is null || ImageHash.PathOf(mount, id) is not { } path || ImageHash.Of(path, error) is not { } now || now == had)
            return;
        error.WriteLine($"the image of {id} is not what the recorded one was when it began: answers will differ; take a copy from before");
    }

    private static string Text(Divergence found) => string.Create(
        CultureInfo.InvariantCulture,
        $"program #{found.Program}: {found.Command} at {found.Ccw:X8} differs in {found.Field}\n  recorded: {found.Expected}\n  now:      {found.Got}\n");

    private static string Json(Divergence found) => Json(json =>
    {
        json.WriteNumber("program", found.Program);
        json.WriteString("ccw", found.Ccw.ToString("X8", null));
        json.WriteString("command", found.Command);
        json.WriteString("field", found.Field);
        json.WriteString("recorded", found.Expected);
        json.WriteString("now", found.Got);
    });

    private static string Json(ReplayRun run) => Json(json =>
    {
        json.WriteNumber("same", run.Same);
        json.WriteNumber("diverged", run.Diverged);
        json.WriteStartObject("left_out");
        foreach ((string why, int count) in run.LeftOut)
            json.WriteNumber(why, count);
        json.WriteEndObject();
    });

    /// <summary>An object in a line.</summary>
    private static string Json(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static string Summary(ReplayRun run, RecordingReader recording)
    {
        string same = run.Same == 1 ? "1 program was answered as recorded" : $"{run.Same} programs were answered as recorded";
        string other = run.Diverged == 0 ? "" : $", {run.Diverged} in another way";
        string left = run.LeftOut.Count == 0 ? ""
            : $", {run.LeftOut.Values.Sum()} left out ({string.Join("; ", run.LeftOut.Select(why => $"{why.Value}: it {why.Key}"))})";
        string cut = recording.IsWhole ? "" : "\nThe recording has a hole: it ends before it.";
        return $"{same}{other}{left}.{cut}\n";
    }
}
