using System.CommandLine;
using CcwFs.CommandSets;

namespace CcwFs.Cli;

/// <summary>The option --commands: the family of the device whose commands are meant.</summary>
internal sealed class CommandsOption : Option<string?>
{
    /// <summary>The option. <paramref name="whose"/>: what is of that family, for its help.</summary>
    internal CommandsOption(string whose)
        : base("--commands")
    {
        Description = $"The device family {whose}: {Values.List(s_names, "or")}. The default is {Families.Eckd}.";
        HelpName = "FAMILY";
        this.OneOf(s_names);
    }

    private static readonly string[] s_names = [.. Families.All.Select(family => family.Name)];

    /// <summary>The family that was given, or the usual one.</summary>
    internal CommandSet Of(ParseResult result) => result.GetValue(this) is { } family ? Families.Find(family)! : Families.Eckd;
}
