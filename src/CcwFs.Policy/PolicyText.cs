using CcwFs.CommandSets;

namespace CcwFs.Policy;

/// <summary>
/// A policy as it was written, for a device whose family need not be known yet: names of commands and extents mean something in a family alone.
/// </summary>
public sealed record PolicyText
{
    /// <summary>Nothing may be written.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>See <see cref="DevicePolicy.Allow"/>.</summary>
    public string? Allow { get; init; }

    /// <summary>See <see cref="DevicePolicy.Deny"/>.</summary>
    public string? Deny { get; init; }

    /// <summary>See <see cref="DevicePolicy.Extents"/>.</summary>
    public string? Extents { get; init; }

    /// <summary>See <see cref="DevicePolicy.MaxCcws"/>.</summary>
    public int? MaxCcws { get; init; }

    /// <summary>See <see cref="DevicePolicy.MaxBytes"/>.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>The policy for a device of this family; gives null, or which key is wrong and why.</summary>
    public string? TryResolve(CommandSet commands, out DevicePolicy policy)
    {
        policy = new DevicePolicy(commands) { ReadOnly = ReadOnly, MaxCcws = MaxCcws, MaxBytes = MaxBytes };
        CommandList? allow = null, deny = null;
        ExtentRanges? extents = null;
        string? wrong = Key("allow", Allow, Allow is null ? null : CommandList.TryParse(Allow, commands, out allow))
            ?? Key("deny", Deny, Deny is null ? null : CommandList.TryParse(Deny, commands, out deny))
            ?? Key("extents", Extents, Extents is null ? null : ExtentRanges.TryParse(Extents, commands, out extents));
        policy = policy with { Allow = allow, Deny = deny, Extents = extents };
        return wrong;

        static string? Key(string key, string? value, string? wrong) => wrong is null ? null : $"{key}={value}: {wrong}";
    }
}
