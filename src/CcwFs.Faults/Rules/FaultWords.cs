namespace CcwFs.Faults.Rules;

/// <summary>All words of rules, for manual pages and for a shell's completion.</summary>
public static class FaultWords
{
    /// <summary>What a rule may be for, besides the commands of the device's family.</summary>
    public static IEnumerable<FaultWord> Subjects => FaultSubject.Words;

    /// <summary>When a rule acts.</summary>
    public static IEnumerable<FaultWord> Triggers => FaultTrigger.Words;

    /// <summary>What a rule does.</summary>
    public static IEnumerable<FaultWord> Actions => FaultActions.Words;

    /// <summary>What may stand behind an action.</summary>
    public static IEnumerable<FaultWord> Options => FaultActions.Options;

    /// <summary>Bits of the device status.</summary>
    public static IEnumerable<string> DeviceBits => StatusBits.Device.Select(bit => bit.Word);

    /// <summary>Bits of the channel status.</summary>
    public static IEnumerable<string> ChannelBits => StatusBits.Channel.Select(bit => bit.Word);

    /// <summary>Sense by name: the bytes in hex, and what they say.</summary>
    public static IEnumerable<FaultWord> Senses => NamedSense.All.Select(sense => new FaultWord(sense.Name, sense.Hex, sense.Help));

    /// <summary>Presets: the rules that they stand for, and what they are for.</summary>
    public static IEnumerable<FaultWord> Presets => FaultPreset.All.Select(preset => new FaultWord(preset.Name, preset.Text, preset.Help));
}
