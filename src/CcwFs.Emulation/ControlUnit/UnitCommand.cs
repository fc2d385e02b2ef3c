using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>Executes a command that control units have in common and that has passed the gate; gives its ending status.</summary>
internal delegate DeviceStatus CommonHandler(ControlUnitDevice device, IDataTransfer data);

/// <summary>Rules that the gate of every control unit enforces.</summary>
[Flags]
internal enum UnitRules
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>Only as the program's first command.</summary>
    First = 1,

    /// <summary>Executed although another device has reserved the unit.</summary>
    DespiteReserve = 2,

    /// <summary>Sense that is pending stays pending.</summary>
    KeepsSense = 4,
}

/// <summary>One command, as far as the gate knows it; a family adds what its own rules need.</summary>
/// <param name="Unit">The gate's rules for it.</param>
/// <param name="Common">Executes it, where it is one of <see cref="CommonCommands"/>; null: it is the family's own.</param>
internal abstract record UnitCommand(UnitRules Unit, CommonHandler? Common)
{
    /// <summary>The gate has this rule for it.</summary>
    public bool Has(UnitRules rule) => (Unit & rule) != 0;

    /// <summary>A table's rows by code, of which each has one; null where there is none.</summary>
    public static TRow?[] ByCode<TRow>(IEnumerable<TRow> rows, Func<TRow, byte> code)
        where TRow : UnitCommand
    {
        var byCode = new TRow?[256];
        foreach (TRow row in rows)
        {
            ref TRow? place = ref byCode[code(row)];
            place = place is null ? row : throw new InvalidOperationException($"two rows for command {code(row):X2}");
        }
        return byCode;
    }
}

/// <summary>Why the gate or a common command refuses; each family has its own sense for it.</summary>
internal enum UnitFault
{
    /// <summary>The code is none of the family's commands.</summary>
    InvalidCommand,

    /// <summary>The command may not stand here.</summary>
    InvalidSequence,

    /// <summary>The CCW's count is less than the parameters need.</summary>
    CountTooSmall,

    /// <summary>A parameter is not valid.</summary>
    InvalidParameter,

    /// <summary>What the device works on is gone.</summary>
    Gone,

    /// <summary>An unconditional reserve took the unit away, or ended the program.</summary>
    AllegianceTerminated,
}
