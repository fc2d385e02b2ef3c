using System.Globalization;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Text;

namespace CcwFs.Cli.Docs;

/// <summary>Every command of the language of channel programs, with its words.</summary>
internal static class ProgramChapter
{
    /// <summary>A heading per family, and a term per command.</summary>
    internal static IEnumerable<Block> Commands() => Families.All.SelectMany(family => (Block[])
    [
        new Heading(3, $"{family.Title} ({family})"),
        .. family.Rows.Where(command => !command.OnlyReal).Select(command => new Term(command.Word, null, string.Create(
            CultureInfo.InvariantCulture, $"{command.Code:X2}, {CommandSet.Words(command.Direction)}.{Also(command)}{Words(command)}"))),
    ]);

    private static string Also(CommandDescription command) => command.Aliases.Count == 0 ? "" : $" Also {Values.List([.. command.Aliases], "or")}.";

    private static string Words(CommandDescription command) =>
        ProgramText.ParameterKeys(command) is { Count: > 0 } keys ? $" Words: {string.Join(", ", keys.Select(key => key + "="))}." : "";
}
