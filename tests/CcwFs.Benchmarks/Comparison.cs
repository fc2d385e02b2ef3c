using System.Globalization;
using System.Text.RegularExpressions;

namespace CcwFs.Benchmarks;

/// <summary>
/// Compares the tables of two builds, each of several runs in turn: the median of a row here against that of the same row there. A row is known by
/// its words without what stands in parentheses, which are numbers of the run.
/// </summary>
internal static partial class Comparison
{
    private const double Noise = 1.05; // what a row may be worse by and is not told (arbitrary: the issue of every later change)

    /// <summary>Prints the table; gives how many rows are worse.</summary>
    /// <param name="before">Printed tables of the older build.</param>
    /// <param name="after">Those of this one.</param>
    /// <param name="output">Where to.</param>
    internal static int Print(IEnumerable<string> before, IEnumerable<string> after, TextWriter output)
    {
        Dictionary<string, List<Row>> old = Read(before), now = Read(after);
        int worse = 0;
        output.WriteLine("| what | before | now | now / before | |");
        output.WriteLine("|---|---|---|---|---|");
        foreach ((string what, List<Row> rows) in now.Where(pair => old.ContainsKey(pair.Key)))
        {
            double was = Report.Median(old[what].Select(row => row.Number)), measured = Report.Median(rows.Select(row => row.Number));
            double ratio = was == 0 ? (measured == 0 ? 1 : double.PositiveInfinity) : measured / was;
            bool isWorse = rows[0].IsBetter switch
            {
                Better.Less => ratio > Noise,
                Better.More => ratio < 1 / Noise,
                _ => false,
            };
            worse += isWorse ? 1 : 0;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {what} | {was:0.###} {rows[0].Unit} | {measured:0.###} {rows[0].Unit} | {ratio:0.00} | {(isWorse ? "WORSE" : "")} |"));
        }
        return worse;
    }

    private static Dictionary<string, List<Row>> Read(IEnumerable<string> paths)
    {
        Dictionary<string, List<Row>> rows = [];
        foreach (string line in paths.SelectMany(File.ReadLines))
        {
            string[] cells = [.. line.Split('|').Select(cell => cell.Trim())];
            if (cells.Length < 5 || Measured().Match(cells[3]) is not { Success: true } measured)
                continue;
            string what = Parentheses().Replace(cells[1], "").Trim();
            Better better = cells[2].StartsWith("<=", StringComparison.Ordinal) || cells[2].StartsWith("0 ", StringComparison.Ordinal) ? Better.Less
                : cells[2].StartsWith(">=", StringComparison.Ordinal) ? Better.More : Better.Unknown;
            if (!rows.TryGetValue(what, out List<Row>? list))
                rows.Add(what, list = []);
            list.Add(new Row(double.Parse(measured.Groups[1].Value, CultureInfo.InvariantCulture), measured.Groups[2].Value, better));
        }
        return rows;
    }

    [GeneratedRegex(@"\s*\([^)]*\)|\d+ (?=programs$)")]
    private static partial Regex Parentheses();

    [GeneratedRegex(@"^([0-9.]+) ?([^,(]*)")]
    private static partial Regex Measured();

    private enum Better
    {
        Unknown,
        Less,
        More,
    }

    private readonly record struct Row(double Number, string Unit, Better IsBetter);
}
