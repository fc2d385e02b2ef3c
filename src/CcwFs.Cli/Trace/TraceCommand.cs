using System.CommandLine;
using System.Globalization;
using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.Replay;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Trace;

/// <summary><c>ccwfs trace</c>: shows the channel programs of mounted subchannels, those that come or the last ones.</summary>
internal static class TraceCommand
{
    private const int MaxSubchannels = 256; // arbitrary: each has a thread

    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        var ids = new Argument<string[]>("ID")
        {
            HelpName = "ID", Description = "The subchannels, like 0.0.0000. Without this word, all of the mount.", Arity = ArgumentArity.ZeroOrMore,
        };
        ids.CompletionSources.Add(context => Docs.Completion.DeviceIds(context.ParseResult.GetValue(mount)));
        var last = new Option<int?>("--last") { HelpName = "N", Description = "Show the last N programs out of the flight recorder, and end." };
        var read = new Option<string?>("--read")
        {
            HelpName = "FILE", Description = "Show a recording, or a trace that was stored with --pcapng. No mount is needed then.",
        };
        var json = new Option<bool>("--json") { Description = "Print JSON, an object per line." };
        var pcapng = new Option<string?>("--pcapng") { HelpName = "FILE", Description = "Store the trace for Wireshark. - is standard output." };
        var perfetto = new Option<string?>("--perfetto")
        {
            HelpName = "FILE", Description = "Store the trace for ui.perfetto.dev. - is standard output.",
        };
        var filter = new Option<string?>("--filter")
        {
            HelpName = "FILTER", Description = $"Show only programs that fit: {TraceFilter.Words}; several with commas.",
        };
        var count = new Option<int?>("--count") { HelpName = "N", Description = "End after N programs." };
        last.Number(1, int.MaxValue);
        count.Number(1, int.MaxValue);
        var untilError = new Option<bool>("--until-error") { Description = "End after the first program that does not end well." };
        var data = new Option<string?>("--data") { HelpName = "N|all", Description = "Show the first N bytes of each command's data." };
        var extcap = new Extcap();
        var command = new Command("trace", "Show channel programs as they run, or the last ones.")
        {
            ids, last, read, json, pcapng, perfetto, filter, count, untilError, data, mount,
        };
        foreach (Option option in extcap.Options)
            command.Options.Add(option);
        command.SetAction(result =>
        {
            if (extcap.IsAsked(result))
            {
                extcap.Answer(result, result.GetValue(mount), result.GetValue(filter), result.GetValue(data));
                return;
            }
            (string? Path, Func<CommandSet, TraceView> View)[] forms =
            [
                (result.GetValue(pcapng), commands => new PcapngView(commands)),
                (result.GetValue(perfetto), commands => new PerfettoView(commands)),
            ];
            if (forms.Count(form => form.Path is not null) + (result.GetValue(json) ? 1 : 0) > 1)
                throw new CommandException("--json, --pcapng and --perfetto do not go together; give one of them", CommandException.WrongUsage);
            (string? path, Func<CommandSet, TraceView>? form) = Array.Find(forms, f => f.Path is not null);
            bool colours = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
            TraceView view = form is not null ? form(Families.Basic) : result.GetValue(json) ? new JsonView(Families.Basic)
                : new TextView(Families.Basic) { HasColours = colours };
            using Stream output = path is null or "-" ? PlainOutput.OfStandardOutput() : WholeFile.Begin(path);
            var sink = new TraceOutput(
                view, output, TraceFilter.Parse(result.GetValue(filter)), result.GetValue(count), result.GetValue(untilError));
            if (result.GetValue(read) is { } file)
            {
                ReadFile(file, sink);
                return;
            }
            string mounted = result.GetValue(mount) ?? Places.MountPoint;
            Subchannels(result.GetValue(mount), result.GetValue(ids) ?? [], out string[] subchannels);
            if (result.GetValue(last) is { } programs)
            {
                foreach (string id in subchannels)
                    Flight(Path.Combine(mounted, id), programs, sink);
                return;
            }
            Follow([.. subchannels.Select(id => Path.Combine(mounted, id, "trace.pcapng"))], Wish(result.GetValue(data)), sink);
        });
        return command;
    }

    /// <summary>What is to be written to a trace for --data.</summary>
    internal static string? Wish(string? data) => data is null ? null
        : data == "all" || (int.TryParse(data, NumberStyles.None, CultureInfo.InvariantCulture, out int bytes) && bytes >= 0) ? $"data={data}\n"
        : throw new CommandException($"--data takes a number of bytes or all, not '{data}'", CommandException.WrongUsage);

    private static void Subchannels(string? mount, string[] ids, out string[] subchannels)
    {
        string[] all = [.. (ControlClient.Send(mount, new ControlRequest { Verb = "list" }).Devices ?? []).Select(device => device.Subchannel)];
        subchannels = ids.Length == 0 ? all : [.. ids.Distinct()];
        if (Array.Find(subchannels, id => !all.Contains(id)) is { } missing)
            throw CommandException.Hinting($"there is no subchannel {missing}; these are there: ", "ccwfs list");
        if (subchannels.Length == 0)
            throw new CommandException("there is no subchannel to look at; add one with ccwfs add");
        if (subchannels.Length > MaxSubchannels)
            throw new CommandException($"there are {subchannels.Length} subchannels; name at most {MaxSubchannels} of them");
    }

    private static void ReadFile(string path, TraceOutput sink)
    {
        using Stream file = path == "-" ? Console.OpenStandardInput() : new FileStream(path, FileMode.Open, FileAccess.Read);
        using Stream? unpacked = file.CanSeek ? RecordingReader.Unpack(file) : null;
        var reader = new PcapngReader(unpacked ?? file);
        try
        {
            while (reader.TryRead(out TraceRecord record) && sink.Take(record, reader.Commands))
            {
            }
        }
        catch (InvalidDataException)
        {
            throw new CommandException($"{path}: its compressed data is damaged");
        }
        catch (PcapngException wrong)
        {
            throw new CommandException($"{path}: {wrong.Message}");
        }
    }

    /// <summary>The last programs of one subchannel.</summary>
    private static void Flight(string directory, int programs, TraceOutput sink)
    {
        FlightFile flight = FlightFile.Of(directory);
        ulong first = flight.FirstOf(programs);
        PcapngReader reader = flight.Read();
        bool isReached = false;
        while (reader.TryRead(out TraceRecord record))
        {
            isReached |= record.Header.Program >= first;
            if (isReached && !sink.Take(record, reader.Commands))
                return;
        }
    }

    /// <summary>Shows what comes, until nothing more is wanted or all devices are gone.</summary>
    internal static void Follow(string[] paths, string? wish, TraceOutput sink)
    {
        using var ended = new ManualResetEventSlim();
        Exception? failure = null;
        int left = paths.Length;
        foreach (string path in paths)
        {
            FileStream file = new(path, FileMode.Open, wish is null ? FileAccess.Read : FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            if (wish is not null)
                file.Write(System.Text.Encoding.ASCII.GetBytes(wish));
            new Thread(() => Read(file)) { IsBackground = true, Name = path }.Start();
        }
        ended.Wait();
        if (failure is not null)
            throw new CommandException(failure.Message);

        void Read(FileStream file)
        {
            try
            {
                var reader = new PcapngReader(new BufferedStream(file, 64 << 10));
                while (reader.TryRead(out TraceRecord record) && sink.Take(record, reader.Commands))
                {
                }
            }
            catch (IOException problem)
            {
                failure = problem;
            }
            if (Interlocked.Decrement(ref left) == 0 || sink.IsOver || failure is not null)
                ended.Set();
        }
    }
}
