using System.Globalization;
using System.Text;

namespace CcwFs.Metrics;

/// <summary>
/// Writes OpenMetrics 1.0 (https://github.com/prometheus/OpenMetrics), in the part of it that Prometheus' older text format has too; what that
/// does not know, it takes for a comment. No sample has a time: a collector of files refuses those.
/// </summary>
internal sealed class MetricWriter
{
    private readonly StringBuilder _text = new();
    private MetricFamily? _family;

    /// <summary>The text, in UTF-8, with its end.</summary>
    internal byte[] Finish()
    {
        _text.Append("# EOF\n");
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(0) + _text.Length]; // all of it is ASCII
        int length = 0;
        foreach (ReadOnlyMemory<char> chunk in _text.GetChunks())
            length += Encoding.ASCII.GetBytes(chunk.Span, bytes.AsSpan(length));
        return bytes[..length];
    }

    /// <summary>The next samples are of this family.</summary>
    internal void Begin(MetricFamily family)
    {
        _family = family;
        _text.Append("# TYPE ").Append(family.Name).Append(' ').Append(family.Type).Append('\n');
        if (family.Unit.Length > 0)
            _text.Append("# UNIT ").Append(family.Name).Append(' ').Append(family.Unit).Append('\n');
        _text.Append("# HELP ").Append(family.Name).Append(' ').Append(family.Help).Append('\n');
    }

    /// <summary>One sample of a counter or gauge.</summary>
    internal void Add(double value, params ReadOnlySpan<(string Name, string Value)> labels) =>
        Add(_family!.Type == MetricFamily.Counter ? "_total" : "", labels, Text(value));

    /// <summary>The same with a whole number.</summary>
    internal void Add(long value, params ReadOnlySpan<(string Name, string Value)> labels) =>
        Add(_family!.Type == MetricFamily.Counter ? "_total" : "", labels, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>The samples of a histogram.</summary>
    internal void Add(Histogram histogram, string subchannel)
    {
        long[] counts = histogram.Cumulated();
        int bucket = 0;
        foreach (string bound in Histogram.BoundTexts)
            Add("_bucket", [("subchannel", subchannel), ("le", bound)], counts[bucket++].ToString(CultureInfo.InvariantCulture));
        Add("_count", [("subchannel", subchannel)], counts[^1].ToString(CultureInfo.InvariantCulture));
        Add("_sum", [("subchannel", subchannel)], Text(histogram.Sum));
    }

    private void Add(string suffix, ReadOnlySpan<(string Name, string Value)> labels, string value)
    {
        _text.Append(_family!.Name).Append(suffix);
        for (int i = 0; i < labels.Length; i++)
        {
            _text.Append(i == 0 ? '{' : ',').Append(labels[i].Name).Append("=\"");
            foreach (char at in labels[i].Value)
                _text.Append(at switch { '\\' => @"\\", '"' => "\\\"", '\n' => @"\n", _ => char.IsAscii(at) ? at.ToString() : "?" });
            _text.Append('"');
        }
        _text.Append(labels.Length > 0 ? "} " : " ").Append(value).Append('\n');
    }

    private static string Text(double value) => value.ToString("0.0########", CultureInfo.InvariantCulture);
}
