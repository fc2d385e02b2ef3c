using CcwFs.ChannelIo;

namespace CcwFs.Faults.Rules;

/// <summary>The words of status bits in rules.</summary>
internal static class StatusBits
{
    internal static readonly (string Word, byte Bit)[] Device =
    [
        ("attention", (byte)DeviceStatus.Attention), ("modifier", (byte)DeviceStatus.StatusModifier),
        ("control_unit_end", (byte)DeviceStatus.ControlUnitEnd), ("busy", (byte)DeviceStatus.Busy),
        ("channel_end", (byte)DeviceStatus.ChannelEnd), ("device_end", (byte)DeviceStatus.DeviceEnd),
        ("unit_check", (byte)DeviceStatus.UnitCheck), ("exception", (byte)DeviceStatus.UnitException),
    ];

    internal static readonly (string Word, byte Bit)[] Channel =
    [
        ("pci", (byte)SubchannelStatus.ProgramControlledInterruption), ("length", (byte)SubchannelStatus.IncorrectLength),
        ("program", (byte)SubchannelStatus.ProgramCheck), ("protection", (byte)SubchannelStatus.ProtectionCheck),
        ("data", (byte)SubchannelStatus.ChannelDataCheck), ("control", (byte)SubchannelStatus.ChannelControlCheck),
        ("interface", (byte)SubchannelStatus.InterfaceControlCheck), ("chaining", (byte)SubchannelStatus.ChainingCheck),
    ];

    /// <summary>Reads words with + between; gives null, or what is wrong.</summary>
    internal static string? TryParse(string text, (string Word, byte Bit)[] table, out byte bits)
    {
        bits = 0;
        foreach (string word in text.Split('+'))
        {
            int at = Array.FindIndex(table, row => row.Word == word);
            if (at < 0)
                return WordHints.Unknown("status", word, table.Select(row => row.Word));
            bits |= table[at].Bit;
        }
        return null;
    }
}
