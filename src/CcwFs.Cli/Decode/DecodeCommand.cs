using System.CommandLine;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets.Decode;
using CcwFs.CommandSets;
using CcwFs.Control;

namespace CcwFs.Cli.Decode;

/// <summary><c>ccwfs decode</c>: explains a structure of the channel subsystem, or the parameters of a command.</summary>
public static class DecodeCommand
{
    private const int Failed = 1;
    private const int WrongUsage = 2;

    /// <summary>Most bytes taken from standard input (arbitrary; hex text of the most CCWs fits).</summary>
    private const int MaxInput = 4 << 20;

    /// <summary>
    /// The verb, for the root command. Exit status 0; 1 with one line on standard error for bytes that cannot be decoded; 2 for wrong usage.
    /// </summary>
    public static Command Create()
    {
        var structure = new Argument<string>("STRUCTURE")
        {
            HelpName = "STRUCTURE",
            Description = $"What the bytes are: {string.Join(", ", StructureDecoder.Names)}, or a command like DEFINE_EXTENT whose parameters they are.",
        };
        structure.CompletionSources.Add([.. StructureDecoder.Names, .. Families.All.SelectMany(StructureDecoder.CommandsOf).Distinct()]);
        var hex = new Argument<string[]>("HEX")
        {
            HelpName = "HEX",
            Description = "The bytes in hex. Spaces, underscores and 0x are passed over. Without this word, raw bytes are read from standard input.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var hexInput = new Option<bool>("--hex") { Description = "Take standard input as hex text." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var format = new Option<int>("--format") { Description = "The format of a ccw: 0 or 1.", HelpName = "FORMAT", DefaultValueFactory = _ => 1 };
        format.OneOf(0, 1);
        var commands = new CommandsOption("whose commands and sense these are");
        var command = new Command("decode", "Explain every field of a structure, or of the parameters of a command.") { structure, hex, hexInput, json, format, commands };
        command.SetAction(result => Run(
            new Request(
                result.GetValue(structure)!, result.GetValue(hex) ?? [], result.GetValue(hexInput), result.GetValue(json), result.GetValue(format),
                commands.Of(result)),
            result.InvocationConfiguration.Output,
            result.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(Request request, TextWriter output, TextWriter error)
    {
        if (!StructureDecoder.Names.Contains(request.Structure) && request.Commands.Find(request.Structure) is null)
        {
            IEnumerable<string> known = StructureDecoder.Names
                .Concat(StructureDecoder.CommandsOf(request.Commands).Select(word => word.ToLowerInvariant()));
            return Fail(error, WrongUsage, $"unknown structure '{request.Structure}'{Nearest.Hint(request.Structure, known, StructureDecoder.Known(request.Commands))}");
        }
        if (request.Hex.Length == 0 && !Console.IsInputRedirected)
            return Fail(error, WrongUsage, $"nothing to decode: give the bytes in hex, or pipe them: dd … | ccwfs decode {request.Structure}");
        if (!TryGetBytes(request, out byte[] bytes, out string reason)
            || !StructureDecoder.TryDecode(request.Structure, bytes, request.Format == 1, request.Commands,
                out IReadOnlyList<DecodedStructure> decoded, out reason))
        {
            return Fail(error, Failed, reason);
        }

        if (request.Json)
            output.Write(DecodeRenderer.ToJson(decoded, array: request.Structure == "ccw") + "\n");
        else
            output.Write(string.Join('\n', decoded.Select(DecodeRenderer.ToText)));
        return 0;
    }

    private static bool TryGetBytes(Request request, out byte[] bytes, out string error)
    {
        if (request.Hex.Length > 0)
            return HexText.TryParse(string.Join(' ', request.Hex), out bytes, out error);
        if (!TryReadInput(out bytes, out error))
            return false;
        return !request.HexInput || HexText.TryParse(System.Text.Encoding.Latin1.GetString(bytes), out bytes, out error);
    }

    private static bool TryReadInput(out byte[] bytes, out string error)
    {
        bytes = [];
        error = "";
        try
        {
            using Stream input = Console.OpenStandardInput();
            using var copy = new MemoryStream();
            byte[] buffer = new byte[64 << 10];
            for (int got; (got = input.Read(buffer)) > 0;)
            {
                copy.Write(buffer, 0, got);
                if (copy.Length > MaxInput)
                {
                    error = $"standard input has more than {MaxInput} bytes: cut it with head -c";
                    return false;
                }
            }

            bytes = copy.ToArray();
            return true;
        }
        catch (IOException failure)
        {
            error = $"standard input cannot be read: {failure.Message}";
            return false;
        }
    }

    private static int Fail(TextWriter error, int code, string message)
    {
        error.WriteLine($"ccwfs: {message}");
        return code;
    }

    private sealed record Request(string Structure, string[] Hex, bool HexInput, bool Json, int Format, CommandSet Commands);
}
