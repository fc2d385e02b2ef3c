using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CcwFs.ChannelIo.Text;
using CcwFs.ChannelProgram.Packed;
using CcwFs.Cli.Translate;

namespace CcwFs.Cli.Verbs;

/// <summary>
/// <c>ccwfs translate</c>: channel programs to and from packed ones, and the translator's answers to conformance vectors (<c>--vectors FILE</c>). Without I/O
/// on any subchannel.
/// </summary>
internal static class TranslateCommand
{
    private const string Packed = "packed";

    internal static Command Create()
    {
        var source = new ProgramSource();
        var vectors = new Option<FileInfo?>("--vectors") { Description = "Answer a file of conformance vectors, one JSON object a line" };
        var format = new Option<string?>("--format") { Description = "Write the program in this format: packed, one block of 4096 bytes" };
        var withData = new Option<bool>("--with-data") { Description = "The program's data follow the block, so that it can be run elsewhere" };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write (default: standard output)" };
        var from = new Option<string?>("--from") { Description = "Read a program of this format, packed, from the named file, and print it CCW by CCW" };
        var unpack = new Option<string?>("--unpack") { Description = "With --from: write the memory that the program runs in to this file" };
        var at = new Option<string?>("--at") { Description = "With --unpack: the page for the CCWs, in hex (default: the first free one)" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        format.AcceptOnlyFromAmong(Packed);
        from.AcceptOnlyFromAmong(Packed);
        var command = new Command("translate", "Pack and unpack channel programs, or answer conformance vectors") { vectors, format, withData, output, from, unpack, at, json };
        source.AddTo(command);
        command.SetAction(result =>
        {
            TextWriter console = result.InvocationConfiguration.Output;
            int ways = (result.GetValue(vectors) is null ? 0 : 1) + (result.GetValue(format) is null ? 0 : 1) + (result.GetValue(from) is null ? 0 : 1);
            if (ways != 1)
                throw new CommandException("give one of --format packed, --from packed and --vectors", CommandException.WrongUsage);
            if (result.GetValue(vectors) is { } file)
                AnswerVectors(file, console);
            else if (result.GetValue(format) is not null)
                PackedFiles.Write(PackedOf(source.Get(result)), result.GetValue(withData), result.GetValue(output), console);
            else
                Read(PackedFile(source, result), result.GetValue(unpack), Address(result.GetValue(at)), result.GetValue(json), result.InvocationConfiguration);
        });
        return command;
    }

    private static PackedProgram PackedOf((AssembledProgram? Text, PackedProgram? Packed, IReadOnlyList<uint> Addresses) given) =>
        given.Packed ?? ProgramSource.Pack(given.Text!);

    private static string PackedFile(ProgramSource source, ParseResult result) => source.Words(result) is [var file] && !source.IsGivenByOption(result)
        ? file
        : throw new CommandException("--from packed takes the name of one file", CommandException.WrongUsage);

    private static uint? Address(string? text) => text is null ? null
        : uint.TryParse(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint address) ? address
        : throw new CommandException($"--at {text}: an address in hex, like 1000", CommandException.WrongUsage);

    private static void Read(string file, string? image, uint? block, bool json, InvocationConfiguration console)
    {
        PackedProgram program = ProgramSource.ReadPacked(file);
        if (json)
            console.Output.WriteLine(PackedListing.ToJson(program));
        else
            console.Output.Write(PackedListing.ToText(program));
        if (image is not null)
            PackedFiles.Unpack(program, block, image, json ? console.Error : console.Output);
    }

    private static void AnswerVectors(FileInfo file, TextWriter output)
    {
        int number = 0;
        foreach (string line in File.ReadLines(file.FullName))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                using JsonDocument vector = JsonDocument.Parse(line);
                output.WriteLine(VectorRunner.Run(vector.RootElement).ToJsonString());
            }
            catch (Exception wrong) when (wrong is JsonException or FormatException or KeyNotFoundException or InvalidOperationException or OverflowException or ArgumentException)
            {
                throw new CommandException($"{file}:{number}: no vector: {wrong.Message.ReplaceLineEndings(" ")}");
            }
        }
    }
}
