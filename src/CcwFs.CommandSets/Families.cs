using CcwFs.CommandSets.Basic;
using CcwFs.CommandSets.Eckd;
using CcwFs.CommandSets.Fba;

namespace CcwFs.CommandSets;

/// <summary>The device families that are described, and which device belongs to which.</summary>
public static class Families
{
    /// <summary>Control-unit and device types by family. Source: the device tables of Linux' drivers dasd_eckd and dasd_fba.</summary>
    private static readonly (CommandSet Family, ushort[] ControlUnits, ushort[] Devices)[] s_types =
    [
        (EckdCommands.Set, [0x3990, 0x2105, 0x2107, 0x1750, 0x3880], [0x3390, 0x3380]),
        (EckdCommands.Set, [0x9343], [0x9345]),
        (FbaCommands.Set, [0x6310], [0x9336]),
        (FbaCommands.Set, [0x3880], [0x3370]),
    ];

    /// <summary>3990 and later control units with 3390s and 3380s.</summary>
    public static CommandSet Eckd => EckdCommands.Set;

    /// <summary>9336 and 3370: disks of blocks.</summary>
    public static CommandSet Fba => FbaCommands.Set;

    /// <summary>Every other device: what the architecture itself says of commands, and no more.</summary>
    public static CommandSet Basic => BasicCommands.Set;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<CommandSet> All { get; } = [Eckd, Fba, Basic];

    /// <summary>The family with this word; null when there is none.</summary>
    public static CommandSet? Find(string name) => All.FirstOrDefault(set => set.Name == name);

    /// <summary>The family of a device, by the types that SENSE ID gives; types that nobody knows are basic.</summary>
    public static CommandSet Of(ushort controlUnitType, ushort deviceType)
    {
        foreach ((CommandSet family, ushort[] controlUnits, ushort[] devices) in s_types)
        {
            if (controlUnits.Contains(controlUnitType) && devices.Contains(deviceType))
                return family;
        }
        return Basic;
    }
}
