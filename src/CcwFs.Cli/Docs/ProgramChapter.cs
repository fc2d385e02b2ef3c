using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Cli.Docs;

/// <summary>Every command of the language of channel programs, with its words.</summary>
internal static class ProgramChapter
{
    /// <summary>A term per command.</summary>
    internal static IEnumerable<Block> Commands() => EckdCommands.All.Select(command =>
        new Term(command.Name, null, string.Create(
            CultureInfo.InvariantCulture, $"{command.Code:X2}, {EckdCommands.Words(command.Direction)}.{Also(command)}{Words(command)}")));

    private static string Also(EckdCommand command) => command.Aliases.Length == 0 ? "" : $" Also {Values.List(command.Aliases, "or")}.";

    private static string Words(EckdCommand command) =>
        ProgramText.ParameterKeys(command.Code) is { Count: > 0 } keys ? $" Words: {string.Join(", ", keys.Select(key => key + "="))}." : "";
}
