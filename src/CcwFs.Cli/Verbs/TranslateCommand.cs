using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelProgram.Packed;
using CcwFs.Cli.Translate;
using CcwFs.CommandSets.Text;
using CcwFs.CommandSets;
using CcwFs.Control;

namespace CcwFs.Cli.Verbs;

/// <summary>
/// <c>ccwfs translate</c>: channel programs to and from packed ones, and the translator's answers to conformance vectors (<c>--vectors FILE</c>).
/// Without I/O on any subchannel.
/// </summary>
internal static class TranslateCommand
{
    private const string Packed = "packed";

    internal static Command Create()
    {
        var source = new ProgramSource();
        var vectors = new Option<string?>("--vectors")
        {
            Description = "Answer a file of conformance vectors, with one JSON object per line.",
            HelpName = "FILE",
        };
        var format = new Option<string?>("--format")
        {
            Description = "Write the program in this format. There is one: packed, a block of 4096 bytes.",
            HelpName = Packed,
        };
        var withData = new Option<bool>("--with-data")
        {
            Description = "With --format: put the data of the program after the block, so that it can run elsewhere.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "With --format: the file to write. The default is standard output.",
            HelpName = "FILE",
        };
        var from = new Option<string?>("--from")
        {
            Description = "Read a program of this format (packed) from the file that is named in place of CCWs, and print every CCW.",
            HelpName = Packed,
        };
        var unpack = new Option<string?>("--unpack")
        {
            Description = "With --from: write the memory in which the program runs to this file.",
            HelpName = "FILE",
        };
        var at = new Option<string?>("--at")
        {
            Description = "With --unpack: the address of the page for the CCWs, in hex. The default is the first free page.",
            HelpName = "ADDRESS",
        };
        var commands = new CommandsOption("whose commands these are");
        var json = new Option<bool>("--json") { Description = "With --from: print JSON." };
        format.OneOf(Packed);
        from.OneOf(Packed);
        var command = new Command("translate", "Pack and unpack channel programs.")
        {
            vectors, format, withData, output, from, unpack, at, commands, json,
        };
        source.AddTo(command);
        // One of these; each with the options that go with it.
        (Option Way, string Name, Option[] With)[] ways =
        [
            (format, "--format", [withData, output, commands, .. source.Options]),
            (from, "--from", [unpack, at, commands, json]),
            (vectors, "--vectors", []),
        ];
        command.SetAction(result =>
        {
            TextWriter console = result.InvocationConfiguration.Output;
            Option way = ChooseWay(result, ways);
            if (way == format)
                PackedFiles.Write(
                    PackedOf(source.Get(result, () => commands.Of(result))), result.GetValue(withData), result.GetValue(output), console);
            else if (way == vectors)
                AnswerVectors(source.Words(result) is [] ? result.GetValue(vectors)! : throw Alone("CCWs do not go with --vectors"), console);
            else if (result.GetResult(at) is not null && result.GetResult(unpack) is null)
                throw Alone("--at goes with --unpack FILE alone");
            else
                Read(PackedFile(source, result), result.GetValue(unpack), Address(result.GetValue(at)), commands.Of(result),
                    result.GetValue(json), result.InvocationConfiguration);
        });
        return command;
    }

    /// <summary>The one thing to do; options that would be passed over are refused.</summary>
    private static Option ChooseWay(ParseResult result, (Option Way, string Name, Option[] With)[] ways)
    {
        (Option Way, string Name, Option[] With)[] given = [.. ways.Where(way => result.GetResult(way.Way) is { Implicit: false })];
        if (given is not [var only])
            throw Alone($"give one of --format packed, --from packed and --vectors FILE{(given.Length > 1 ? $", not {string.Join(" and ", given.Select(way => way.Name))}" : "")}");
        IEnumerable<Option> others = ways.SelectMany(way => way.With).Except(only.With);
        return others.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } other
            ? throw Alone($"{other.Name} does not go with {only.Name}")
            : only.Way;
    }

    private static CommandException Alone(string message) => new($"{message}; see: ccwfs translate --help", CommandException.WrongUsage);

    private static PackedProgram PackedOf((AssembledProgram? Text, PackedProgram? Packed, IReadOnlyList<uint> Addresses) given) =>
        given.Packed ?? ProgramSource.Pack(given.Text!);

    private static string PackedFile(ProgramSource source, ParseResult result) => source.Words(result) is [var file]
        ? file
        : throw Alone("--from packed takes the name of one file");

    private static uint? Address(string? text) => text is null ? null
        : uint.TryParse(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text, NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out uint address) ? address
        : throw new CommandException($"--at {text}: an address in hex, like 1000", CommandException.WrongUsage);

    private static void Read(string file, string? image, uint? block, CommandSet commands, bool json, InvocationConfiguration console)
    {
        PackedProgram program = ProgramSource.ReadPacked(file);
        string? unpacked = image is null ? null : PackedFiles.Unpack(program, block, image);
        var listing = new PackedListing(program, commands);
        if (json)
            console.Output.WriteLine(listing.ToJson());
        else
            console.Output.Write(listing.ToText());
        if (unpacked is not null)
            (json ? console.Error : console.Output).WriteLine(unpacked);
    }

    private static void AnswerVectors(string file, TextWriter output)
    {
        int number = 0;
        foreach (string line in Lines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                using JsonDocument vector = JsonDocument.Parse(line);
                output.WriteLine(VectorRunner.Run(vector.RootElement).ToJsonString());
            }
            catch (CommandException wrong)
            {
                throw new CommandException($"{file}:{number}: no vector: {wrong.Message}");
            }
            catch (Exception wrong) when (wrong
                is JsonException or FormatException or KeyNotFoundException or InvalidOperationException or OverflowException or ArgumentException)
            {
                throw new CommandException(
                    $"{file}:{number}: no vector: {(wrong is JsonException ? "it is not JSON" : "a member is missing, or not of its form")}; a vector is an object with \"name\", \"orb\", \"memory\" and \"mapped\"");
            }
        }
    }

    private static IEnumerable<string> Lines(string file)
    {
        try
        {
            return File.ReadLines(file);
        }
        catch (Exception failure) when (FileProblem.Is(failure))
        {
            throw new CommandException(FileProblem.Of(failure, file));
        }
    }
}
