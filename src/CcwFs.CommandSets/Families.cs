using CcwFs.CommandSets.Basic;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets;

/// <summary>The device families that are described, and which device belongs to which.</summary>
public static class Families
{
    private static readonly List<CommandSet> s_all = [];

    /// <summary>3990 and later control units with 3390s and 3380s.</summary>
    public static CommandSet Eckd { get; } = Row(EckdCommands.Set);

    /// <summary>9336 and 3370: disks of blocks.</summary>
    public static CommandSet Fba { get; } = Row(CommandSets.Fba.FbaCommands.Set);

    /// <summary>Every other device: what the architecture itself says of commands, and no more.</summary>
    public static CommandSet Basic { get; } = Row(BasicCommands.Set);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<CommandSet> All => s_all;

    /// <summary>The family with this word; null when there is none.</summary>
    public static CommandSet? Find(string name) => All.FirstOrDefault(set => set.Name == name);

    /// <summary>The family of a device, by the types that SENSE ID gives; types that nobody knows are basic.</summary>
    public static CommandSet Of(ushort controlUnitType, ushort deviceType) => s_all.Find(set => set.Has(controlUnitType, deviceType)) ?? Basic;

    private static CommandSet Row(CommandSet set)
    {
        s_all.Add(set);
        return set;
    }
}
