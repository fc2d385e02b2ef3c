using System.Globalization;
using System.Runtime.InteropServices;

namespace CcwFs.Benchmarks;

/// <summary>The table of a run: one row a target, and the machine that it ran on.</summary>
internal sealed class Report
{
    private readonly List<string[]> _rows = [["what", "target", "measured", "measured / target", ""]];

    /// <summary>Adds a target that is met at or below its value.</summary>
    internal void AtMost(string what, double target, double measured, string unit, string remark = "") =>
        Add(what, $"<= {Text(target)} {unit}", measured, unit, measured / target, measured <= target, remark);

    /// <summary>Adds a target that is met at or above its value.</summary>
    internal void AtLeast(string what, double target, double measured, string unit, string remark = "") =>
        Add(what, $">= {Text(target)} {unit}", measured, unit, measured / target, measured >= target, remark);

    /// <summary>Adds bytes of which there may be none.</summary>
    internal void Nothing(string what, long bytes) => _rows.Add([what, "0 bytes", $"{bytes} bytes", "", bytes == 0 ? "pass" : "MISS"]);

    /// <summary>Adds a number that has no target.</summary>
    internal void Note(string what, string measured) => _rows.Add([what, "", measured, "", ""]);

    /// <summary>Prints the machine and the table, in Markdown.</summary>
    internal void Print(TextWriter output)
    {
        output.WriteLine(Machine());
        output.WriteLine();
        int[] widths = [.. Enumerable.Range(0, _rows[0].Length).Select(c => _rows.Max(r => r[c].Length))];
        for (int i = 0; i < _rows.Count; i++)
        {
            output.WriteLine("| " + string.Join(" | ", _rows[i].Select((cell, c) => cell.PadRight(widths[c]))) + " |");
            if (i == 0)
                output.WriteLine("|" + string.Join("|", widths.Select(w => new string('-', w + 2))) + "|");
        }
    }

    /// <summary>The middle of some numbers.</summary>
    internal static double Median(IEnumerable<double> numbers)
    {
        double[] sorted = [.. numbers.Order()];
        return sorted[sorted.Length / 2];
    }

    private void Add(string what, string target, double measured, string unit, double ratio, bool met, string remark) =>
        _rows.Add([remark.Length == 0 ? what : $"{what} ({remark})", target, $"{Text(measured)} {unit}", Text(ratio), met ? "pass" : "MISS"]);

    private static string Text(double number) =>
        number.ToString(number >= 100 ? "0" : number >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static string Machine()
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? RuntimeInformation.ProcessArchitecture.ToString();
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{model}, {Environment.ProcessorCount} cores, Linux {Environment.OSVersion.Version}, {RuntimeInformation.FrameworkDescription}, load {load} at the end";
    }
}
