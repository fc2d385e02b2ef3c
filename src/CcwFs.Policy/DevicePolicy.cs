using System.Globalization;
using CcwFs.CommandSets;

namespace CcwFs.Policy;

/// <summary>
/// What programs of one subchannel may do; immutable, so that a running program keeps the one it was started under. Its text is that of the SPEC's
/// keys.
/// </summary>
/// <param name="Commands">Of the device: what its commands do, and what extents count.</param>
public sealed record DevicePolicy(CommandSet Commands)
{
    internal ArgumentRow?[] Arguments { get; } = PolicyCommands.ArgumentsOf(Commands);

    /// <summary>Nothing may be written.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The only commands and orders that may be used; null: any.</summary>
    public CommandList? Allow { get; init; }

    /// <summary>Commands and orders that may not be used; null: none.</summary>
    public CommandList? Deny { get; init; }

    /// <summary>The only tracks or blocks that may be written; null: any.</summary>
    public ExtentRanges? Extents { get; init; }

    /// <summary>Most CCWs of a program, transfers in channel left out; null: as many as the translator takes.</summary>
    public int? MaxCcws { get; init; }

    /// <summary>Most bytes that a program's CCWs count, all together; null: any number.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>A rule is on.</summary>
    public bool IsOn => this != new DevicePolicy(Commands);

    internal bool HasLimit => MaxCcws is not null || MaxBytes is not null;

    /// <summary>Something that may not be written: what is not known to be harmless is taken as a write.</summary>
    internal bool RestrictsWrites => ReadOnly || Extents is not null;

    /// <summary>The rules as in a SPEC, with blanks between; "none" when none is on.</summary>
    public override string ToString()
    {
        List<string> rules = [];
        if (ReadOnly)
            rules.Add("readonly");
        Add("allow", Allow);
        Add("deny", Deny);
        Add("extents", Extents);
        Add("max-ccws", MaxCcws);
        Add("max-bytes", MaxBytes);
        return rules.Count == 0 ? "none" : string.Join(' ', rules);

        void Add(string key, object? value)
        {
            if (value is not null)
                rules.Add(string.Create(CultureInfo.InvariantCulture, $"{key}={value}"));
        }
    }
}
