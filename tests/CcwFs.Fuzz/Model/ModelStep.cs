using CcwFs.CommandSets;
using CcwFs.ChannelIo;

namespace CcwFs.Fuzz;

/// <summary>One CCW of a program: what it writes, or how many bytes it reads; where a transfer in channel goes.</summary>
/// <param name="Code">The command.</param>
/// <param name="Out">What it writes.</param>
/// <param name="Read">How many bytes it reads at most.</param>
/// <param name="Sli">An incorrect length does not end the chain.</param>
/// <param name="Target">The step that a transfer in channel goes to; -1 for other commands.</param>
/// <param name="FailsAt">The channel meets an error after so many bytes; null: it does not.</param>
internal sealed record ModelStep(byte Code, byte[] Out, int Read = 0, bool Sli = false, int Target = -1, int? FailsAt = null)
{
    private const int Shown = 64; // bytes of data in a line: what decides stands at the beginning

    /// <summary>A line for each, as program text; long data that ends in zeros or repeats is shortened.</summary>
    internal static string Text(IReadOnlyList<ModelStep> steps, CommandSet? family = null)
    {
        var lines = new List<string>();
        for (int i = 0; i < steps.Count; i++)
        {
            ModelStep step = steps[i];
            string label = steps.Any(s => s.Target == i) ? $"s{i + 1}: " : "";
            if (step.Target >= 0)
            {
                lines.Add($"{label}tic=s{step.Target + 1}");
                continue;
            }
            string data = step.Out.Length == 0 ? "" : " data=" + Convert.ToHexString(step.Out, 0, Math.Min(Shown, step.Out.Length));
            string count = step.Read > 0 ? $" count={step.Read}" : step.Out.Length > Shown ? $" count={step.Out.Length}" : "";
            string fails = step.FailsAt is { } at ? $" # the channel fails after {at} bytes" : "";
            lines.Add($"{label}{(family ?? Families.Eckd).WordOf(step.Code)}{(step.Sli ? " sli" : "")}{data}{count}{fails}");
        }
        return string.Join('\n', lines);
    }
}

/// <summary>What a program came to. Two are equal when their texts are.</summary>
/// <param name="Status">The ending status.</param>
/// <param name="IsIncorrect">Incorrect length; not compared together with unit check, where a channel may or may not show it.</param>
/// <param name="Last">The step that ended the program.</param>
/// <param name="Data">What the device sent, by executed read.</param>
/// <param name="Sense">Bytes 0, 1 and 7.</param>
internal sealed record ModelAnswer(DeviceStatus Status, bool IsIncorrect, int Last, IReadOnlyList<byte[]> Data, string Sense)
{
    private const int Shown = 40;

    /// <summary>The first thing that is not the same; null: none.</summary>
    internal string? Difference(ModelAnswer other)
    {
        if (Ending() != other.Ending())
            return "the ending";
        int reads = Math.Min(Data.Count, other.Data.Count);
        int read = Enumerable.Range(0, reads).FirstOrDefault(i => !Data[i].AsSpan().SequenceEqual(other.Data[i]), reads);
        return read < reads || Data.Count != other.Data.Count ? $"the data of read {read + 1}" : null;
    }

    public override string ToString() =>
        $"{Ending()}{string.Concat(Data.Select((d, i) => $"\n  read {i + 1}: {d.Length} bytes {Convert.ToHexString(d, 0, Math.Min(Shown, d.Length))}"))}";

    private string Ending()
    {
        bool isCheck = (Status & DeviceStatus.UnitCheck) != 0;
        return $"{Status} at {Last + 1}{(isCheck ? $", sense {Sense}" : IsIncorrect ? ", incorrect length" : "")}";
    }
}
