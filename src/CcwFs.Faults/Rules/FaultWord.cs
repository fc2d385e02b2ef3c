namespace CcwFs.Faults.Rules;

/// <summary>A word of a rule, for people: a row of one of their tables.</summary>
/// <param name="Word">As it is written.</param>
/// <param name="Value">What its value looks like; null: it stands alone.</param>
/// <param name="Help">What it does, in one sentence.</param>
public sealed record FaultWord(string Word, string? Value, string Help);
