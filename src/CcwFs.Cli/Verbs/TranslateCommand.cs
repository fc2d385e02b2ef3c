using System.CommandLine;
using System.Text.Json;
using CcwFs.Cli.Translate;

namespace CcwFs.Cli.Verbs;

/// <summary><c>ccwfs translate --vectors FILE</c>: the translator's answers to conformance vectors.</summary>
internal static class TranslateCommand
{
    internal static Command Create()
    {
        var vectors = new Option<FileInfo>("--vectors") { Description = "A file of vectors, one JSON object a line", Required = true };
        var command = new Command("translate", "Translate the channel programs of conformance vectors and print the results") { vectors };
        command.SetAction(result => Run(result.GetValue(vectors)!, result.InvocationConfiguration.Output));
        return command;
    }

    private static void Run(FileInfo file, TextWriter output)
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
