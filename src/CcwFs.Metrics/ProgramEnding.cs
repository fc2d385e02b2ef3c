using CcwFs.ChannelIo;

namespace CcwFs.Metrics;

/// <summary>How a program ended: the first row of <see cref="Rows"/> that fits what its status said until the last one.</summary>
internal static class ProgramEnding
{
    /// <summary>Rows that no status chooses.</summary>
    internal const string Reset = "reset", NotTranslated = "not_translated";

    /// <summary>The word of each ending, and which status it is of; null: the status does not say it.</summary>
    internal static (string Word, Func<FunctionControl, byte, DeviceStatus, SubchannelStatus, bool>? Fits)[] Rows { get; } =
    [
        ("cleared", (function, _, _, _) => (function & FunctionControl.Clear) != 0),
        ("halted", (function, _, _, _) => (function & FunctionControl.Halt) != 0),
        ("path_not_operational", (_, deferred, _, _) => deferred == 3),
        ("program_check", (_, _, _, check) => (check & SubchannelStatus.ProgramCheck) != 0),
        ("protection_check", (_, _, _, check) => (check & SubchannelStatus.ProtectionCheck) != 0),
        ("channel_data_check", (_, _, _, check) => (check & SubchannelStatus.ChannelDataCheck) != 0),
        ("channel_control_check", (_, _, _, check) => (check & SubchannelStatus.ChannelControlCheck) != 0),
        ("interface_control_check", (_, _, _, check) => (check & SubchannelStatus.InterfaceControlCheck) != 0),
        ("chaining_check", (_, _, _, check) => (check & SubchannelStatus.ChainingCheck) != 0),
        ("unit_check", (_, _, device, _) => (device & DeviceStatus.UnitCheck) != 0),
        ("unit_exception", (_, _, device, _) => (device & DeviceStatus.UnitException) != 0),
        ("incorrect_length", (_, _, _, check) => (check & SubchannelStatus.IncorrectLength) != 0),
        ("deferred", (_, deferred, _, _) => deferred != 0),
        ("well", (_, _, _, _) => true),
        (Reset, null),
        (NotTranslated, null),
    ];

    /// <summary>The row of an ordinary end, which most programs have.</summary>
    internal static int Well { get; } = Of("well");

    /// <summary>The row with a word.</summary>
    internal static int Of(string word) => Array.FindIndex(Rows, row => row.Word == word);

    /// <summary>The row of a program's status.</summary>
    internal static int Of(FunctionControl function, byte deferred, DeviceStatus device, SubchannelStatus check)
    {
        const DeviceStatus Checks = DeviceStatus.UnitCheck | DeviceStatus.UnitException;
        bool isOrdinary = function == FunctionControl.Start && deferred == 0 && (device & Checks) == 0
            && (check & ~SubchannelStatus.ProgramControlledInterruption) == 0;
        return isOrdinary ? Well : Odd(function, deferred, device, check);
    }

    /// <summary>A method of its own: what the search keeps is allocated when it begins.</summary>
    private static int Odd(FunctionControl function, byte deferred, DeviceStatus device, SubchannelStatus check) =>
        Array.FindIndex(Rows, row => row.Fits?.Invoke(function, deferred, device, check) ?? false);
}
