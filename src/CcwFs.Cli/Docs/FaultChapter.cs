using CcwFs.Faults.Rules;

namespace CcwFs.Cli.Docs;

/// <summary>The words of rules for faults, from their tables.</summary>
internal static class FaultChapter
{
    /// <summary>The blocks that a comment of a text stands for; null: it is none of this chapter.</summary>
    internal static IEnumerable<Block>? Made(string name) => name switch
    {
        "fault-subjects" => Terms(FaultWords.Subjects, " "),
        "fault-triggers" => Terms(FaultWords.Triggers, "="),
        "fault-actions" => Terms(FaultWords.Actions, " "),
        "fault-options" => Terms(FaultWords.Options, "="),
        "fault-bits" =>
        [
            new Paragraph($"Bits of device status are {Values.List([.. FaultWords.DeviceBits], "and")}."),
            new Paragraph($"Bits of channel status are {Values.List([.. FaultWords.ChannelBits], "and")}."),
        ],
        "fault-senses" => FaultWords.Senses.Select(sense => new Term(sense.Word, null, $"{sense.Help} In hex it is {sense.Value}.")),
        "fault-presets" => FaultWords.Presets.Select(preset => new Term(preset.Word, null, $"{preset.Help} It stands for: {preset.Value}.")),
        _ => null,
    };

    private static IEnumerable<Block> Terms(IEnumerable<FaultWord> words, string between) =>
        words.Select(word => new Term(word.Value is null ? word.Word : word.Word + between, word.Value, word.Help));
}
