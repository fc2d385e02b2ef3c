using System.CommandLine;
using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.Cli.Trace;
using CcwFs.CommandSets;
using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Replay;

/// <summary><c>ccwfs record ID FILE</c>: stores the channel programs of a subchannel so that they, or the device, can be played again.</summary>
internal static class RecordCommand
{
    internal static Command Create()
    {
        Option<string?> mount = MountArguments.Mount();
        Argument<string> id = MountArguments.Id(mount);
        var file = new Argument<string>("FILE") { Description = "The recording. What is there before is overwritten." };
        var data = new Option<bool>("--data")
        {
            Description = "Keep the data that programs read, which a replay of the device needs. Without it, its SHA-256 is kept.",
        };
        var last = new Option<int?>("--last") { HelpName = "N", Description = "Record the last N programs out of the flight recorder, and end." };
        var count = new Option<int?>("--count") { HelpName = "N", Description = "End after N programs." };
        last.Number(1, int.MaxValue);
        count.Number(1, int.MaxValue);
        var noHash = new Option<bool>("--no-hash") { Description = "Leave out the SHA-256 of the image, which takes time for a large one." };
        var command = new Command("record", "Store channel programs so that they can be played again.") { id, file, data, last, count, noHash, mount };
        command.SetAction(result =>
        {
            (int? programs, int? most) = (result.GetValue(last), result.GetValue(count));
            TextWriter error = result.InvocationConfiguration.Error;
            string place = Path.Combine(result.GetValue(mount) ?? Places.MountPoint, result.GetValue(id)!);
            string path = result.GetValue(file)!;
            (DevicePayload device, CommandSet commands) = DeviceOf(result.GetValue(mount), result.GetValue(id)!, place);
            RefuseImage(path, ImageHash.PathIn(device.Facts));
            FlightFile flight = FlightFile.Of(place);
            if (programs is not null)
                RefuseFlight(flight, place, result.GetValue(id)!, result.GetValue(data));
            using var recorder = new Recorder(path, device, commands, result.GetValue(data));
            if (programs is { } wanted)
                TakeFlight(flight, wanted, recorder);
            else
                Follow(place, result.GetValue(noHash), recorder, flight.LastProgram, most, error);
            recorder.End();
            error.WriteLine($"recorded {recorder.Programs} programs of {result.GetValue(id)} in {path}");
            return recorder.Lost == 0 ? 0 : throw new CommandException(
                $"{recorder.Lost} events were lost: this machine was too slow, or a program had too much data; {path} holds what came before them");
        });
        return command;
    }

    private static (DevicePayload Device, CommandSet Commands) DeviceOf(string? mount, string id, string place)
    {
        DeviceRow row = (ControlClient.Send(mount, new ControlRequest { Verb = "list" }).Devices ?? []).FirstOrDefault(device => device.Subchannel == id)
            ?? throw CommandException.Hinting($"there is no subchannel {id}; see: ", "ccwfs list");
        IReadOnlyList<KeyValuePair<string, string>> facts = ControlClient.Send(mount, new ControlRequest { Verb = "info", Id = id }).Facts ?? [];
        string? Fact(string key) => facts.FirstOrDefault(fact => fact.Key == key).Value;
        byte[] schib = File.ReadAllBytes(Path.Combine(place, "schib"));
        (ushort deviceType, byte deviceModel) = Type(row.Devtype);
        (ushort unitType, byte unitModel) = Type(row.Cutype);
        string?[] wanted = ["backend", "image"];
        return (new DevicePayload(
            unitType, unitModel, deviceType, deviceModel, schib.Length >= Schib.Size ? Schib.Read(schib) : default,
            [
                new("ccwfs", typeof(RecordCommand).Assembly.GetName().Version?.ToString(3) ?? ""), new("subchannel", id), new("device", row.Device),
                .. facts.Where(fact => wanted.Contains(fact.Key)),
            ]), Families.Find(Fact(DeviceInfo.CommandsKey) ?? "") ?? Families.Basic);
    }

    private static (ushort Type, byte Model) Type(string text) => text.Split('/') is [var type, var model]
        && ushort.TryParse(type, System.Globalization.NumberStyles.AllowHexSpecifier, null, out ushort number)
        && byte.TryParse(model, System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte its) ? (number, its) : ((ushort)0, (byte)0);

    /// <summary>Throws where the flight recorder has nothing, or no data and data is wanted.</summary>
    private static void RefuseFlight(FlightFile flight, string place, string id, bool data)
    {
        if (flight.LastProgram == 0)
            throw new CommandException($"the flight recorder of {id} has no program");
        if (data && !File.ReadAllText(Path.Combine(place, "info")).Contains(TraceLayer.WithData, StringComparison.Ordinal))
            throw new CommandException($"the flight recorder of {id} keeps no data; add the device with flight-data=all");
    }

    /// <summary>A recording never overwrites the volume that it is of.</summary>
    private static void RefuseImage(string path, string? image)
    {
        if (image is not null && FileDescriptor.Status(path, follow: true, out FileStatus there) == 0
            && FileDescriptor.Status(image, follow: true, out FileStatus its) == 0 && FileIdentity.Of(there) == FileIdentity.Of(its))
            throw new CommandException($"{path} is the image of the device; give another file");
    }

    private static void TakeFlight(FlightFile flight, int programs, Recorder recorder)
    {
        ulong first = flight.FirstOf(programs);
        PcapngReader reader = flight.Read();
        bool hasBegun = false; // what lies between programs is wanted too: it may end one
        while (reader.TryRead(out TraceRecord record))
        {
            hasBegun |= record.Header.Program >= first;
            if (hasBegun)
                recorder.Take(record);
        }
    }

    /// <summary>
    /// Records what comes after the program <paramref name="before"/>, until the device goes, a signal comes, or there are enough programs.
    /// </summary>
    private static void Follow(string place, bool noHash, Recorder recorder, ulong before, int? count, TextWriter error)
    {
        if (!noHash && recorder.Image is { } image && ImageHash.Of(image, error) is { } hash)
            recorder.SetHash(hash, before);
        using FileStream trace = new(Path.Combine(place, "trace.pcapng"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        trace.Write("data=all\n"u8);
        error.WriteLine("recording; Ctrl-C ends it");
        using var ended = new ManualResetEventSlim();
        Exception? failure = null;
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            ended.Set();
        }
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        new Thread(() =>
        {
            try
            {
                var reader = new PcapngReader(new BufferedStream(trace, 1 << 20));
                while (recorder.Lost == 0 && reader.TryRead(out TraceRecord record) && recorder.Take(record) && recorder.Programs != count)
                {
                }
            }
            catch (Exception problem) when (problem is IOException or ObjectDisposedException)
            {
                failure = problem as IOException;
            }
            ended.Set();
        }) { IsBackground = true, Name = "record" }.Start();
        ended.Wait();
        recorder.Stop();
        if (failure is not null)
            throw new CommandException(failure.Message);
    }
}
