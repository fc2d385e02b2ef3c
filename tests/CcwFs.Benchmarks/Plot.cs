using System.Globalization;
using System.Security;
using System.Text;

namespace CcwFs.Benchmarks;

/// <summary>Draws lines over a count as SVG, both axes logarithmic: what grows with the count is a straight line that rises.</summary>
internal static class Plot
{
    private const int Width = 720, Height = 420, Left = 60, Right = 150, Top = 40, Bottom = 50;

    private static readonly string[] s_colours = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad"];

    /// <summary>Writes the file.</summary>
    internal static void Write(string path, string title, int[] counts, (string Name, List<double> Values)[] lines)
    {
        var svg = new StringBuilder();
        double most = Math.Ceiling(Math.Log10(lines.Max(line => line.Values.Max())));
        double least = Math.Floor(Math.Log10(lines.Min(line => line.Values.Min())));
        double last = Math.Log10(counts[^1]), first = Math.Log10(counts[0]);
        double X(double count) => Left + ((Math.Log10(count) - first) / (last - first) * (Width - Left - Right));
        double Y(double value) => Height - Bottom - ((Math.Log10(value) - least) / (most - least) * (Height - Top - Bottom));
        Add(svg, $"<svg xmlns='http://www.w3.org/2000/svg' width='{Width}' height='{Height}' font-family='sans-serif' font-size='12'>");
        Add(svg, $"<rect width='{Width}' height='{Height}' fill='white'/><text x='{Left}' y='22' font-size='15'>{SecurityElement.Escape(title)}</text>");
        for (double power = least; power <= most; power++)
        {
            double y = Y(Math.Pow(10, power));
            Add(svg, $"<line x1='{Left}' y1='{y:0}' x2='{Width - Right}' y2='{y:0}' stroke='#ddd'/>");
            Add(svg, $"<text x='{Left - 6}' y='{y + 4:0}' text-anchor='end'>{Math.Pow(10, power):0.###}</text>");
        }
        foreach (int count in counts)
            Add(svg, $"<text x='{X(count):0}' y='{Height - Bottom + 18}' text-anchor='middle'>{count:N0}</text>");
        for (int i = 0; i < lines.Length; i++)
        {
            (string name, List<double> values) = lines[i];
            string points = string.Join(
                ' ', counts.Select((count, at) => string.Create(CultureInfo.InvariantCulture, $"{X(count):0.0},{Y(values[at]):0.0}")));
            Add(svg, $"<polyline points='{points}' fill='none' stroke='{s_colours[i]}' stroke-width='2'/>");
            Add(svg, $"<text x='{Width - Right + 8}' y='{Y(values[^1]) + 4:0}' fill='{s_colours[i]}'>{SecurityElement.Escape(name)}</text>");
        }
        Add(svg, $"</svg>");
        File.WriteAllText(path, svg.ToString());
    }

    private static void Add(StringBuilder svg, FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
