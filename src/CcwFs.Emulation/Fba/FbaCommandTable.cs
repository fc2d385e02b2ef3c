using CcwFs.CommandSets;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Fba;

/// <summary>
/// The commands of the emulated 9336 by code, with their rules; the description (<see cref="Families.Fba"/>) has their names. TRANSFER IN CHANNEL is
/// the channel's. A code without a row is an invalid command.
/// </summary>
internal static class FbaCommandTable
{
    /// <summary>All rows.</summary>
    public static readonly FbaRow[] Rows =
    [
        Common(0xE4, UnitRules.DespiteReserve, CommonCommands.SenseId),
        Common(0x03, UnitRules.KeepsSense, CommonCommands.NoOperation),
        Common(0x04, UnitRules.KeepsSense | UnitRules.DespiteReserve, CommonCommands.Sense),
        Row(0x64, FbaPlace.Anywhere, FbaCommands.ReadDeviceCharacteristics),
        Row(0xA4, FbaPlace.Anywhere, FbaCommands.ReadBufferedLog),
        Common(0xB4, UnitRules.First, CommonCommands.Reserve),
        Common(0x94, UnitRules.None, CommonCommands.Release, FbaPlace.BeforeExtent),
        Common(0x14, UnitRules.First | UnitRules.DespiteReserve, CommonCommands.UnconditionalReserve),
        Row(0x02, FbaPlace.BeforeExtent, FbaCommands.ReadIpl),
        Row(0x63, FbaPlace.BeforeExtent, FbaCommands.DefineExtent),
        Row(0x43, FbaPlace.AfterExtent, FbaCommands.Locate),
        Row(0x42, FbaPlace.AfterLocateRead, FbaTransfers.Read),
        Row(0x41, FbaPlace.AfterLocateWrite, FbaTransfers.Write),
    ];

    private static readonly FbaRow?[] _byCode = UnitCommand.ByCode(Rows, static row => row.Command.Code);

    /// <summary>The row of a code, or null.</summary>
    public static FbaRow? Find(byte code) => _byCode[code];

    private static FbaRow Row(byte code, FbaPlace place, FbaHandler handler) => new(Describe(code), UnitRules.None, place, Common: null, handler);

    private static FbaRow Common(byte code, UnitRules unit, CommonHandler handler, FbaPlace place = FbaPlace.Anywhere) =>
        new(Describe(code), unit, place, handler, Handler: null);

    private static CommandDescription Describe(byte code) =>
        Families.Fba.Find(code) ?? throw new ArgumentException($"command {code:X2} is not described", nameof(code));
}
