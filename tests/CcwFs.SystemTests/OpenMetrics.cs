using System.Globalization;
using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>
/// Reads OpenMetrics text (version 1.0) as strictly as its specification lets a reader be, and refuses what Prometheus' collector of text files
/// refuses: times, a label set twice, a family twice.
/// </summary>
internal sealed partial class OpenMetrics
{
    private static readonly Dictionary<string, string[]> s_suffixes = new()
    {
        ["counter"] = ["_total"], ["gauge"] = [""], ["histogram"] = ["_bucket", "_count", "_sum"],
    };

    private readonly Dictionary<string, double> _samples = []; // by name and labels, sorted

    private OpenMetrics()
    {
    }

    /// <summary>The families, in the order of the text.</summary>
    public List<string> Families { get; } = [];

    /// <summary>Every sample: its name with its labels, sorted, in braces.</summary>
    public IReadOnlyDictionary<string, double> Samples => _samples;

    /// <summary>Reads a text; fails where it is wrong.</summary>
    public static OpenMetrics Parse(string text)
    {
        var read = new OpenMetrics();
        Assert.EndsWith("\n# EOF\n", text, StringComparison.Ordinal);
        string[] lines = text[..^"# EOF\n".Length].TrimEnd('\n').Split('\n');
        Assert.All(lines, line => Assert.Matches("^[ -~]+$", line));
        for (int at = 0; at < lines.Length;)
            read.ReadFamily(lines, ref at);
        Assert.Equal(read.Families.Order(StringComparer.Ordinal), read.Families);
        Assert.Equal(read.Families.Distinct(), read.Families);
        return read;
    }

    /// <summary>The value of a sample, 0 when there is none.</summary>
    public double Value(string name, params (string Name, string Value)[] labels) => _samples.GetValueOrDefault(Key(name, labels));

    private static string Key(string name, IEnumerable<(string Name, string Value)> labels) =>
        $"{name}{{{string.Join(",", labels.OrderBy(label => label.Name, StringComparer.Ordinal).Select(label => $"{label.Name}=\"{label.Value}\""))}}}";

    private void ReadFamily(string[] lines, ref int at)
    {
        Match type = TypeLine().Match(lines[at]);
        Assert.True(type.Success, $"line {at + 1} begins no family: {lines[at]}");
        (string family, string kind) = (type.Groups[1].Value, type.Groups[2].Value);
        Families.Add(family);
        at++;
        if (at < lines.Length && lines[at].StartsWith("# UNIT ", StringComparison.Ordinal))
        {
            string[] words = lines[at++].Split(' ');
            Assert.Equal(["#", "UNIT", family], words[..3]);
            Assert.Equal(4, words.Length);
            Assert.EndsWith("_" + words[3], family, StringComparison.Ordinal);
        }
        Assert.Matches($"^# HELP {family} [A-Z0-9][^\\\\]*\\.$", lines[at++]);
        Dictionary<string, List<(string Le, double Value)>> buckets = [];
        while (at < lines.Length && !lines[at].StartsWith('#'))
            ReadSample(lines[at++], family, kind, buckets);
        foreach ((string rest, List<(string Le, double Value)> of) in buckets)
            JudgeHistogram(family, rest, of);
    }

    private void ReadSample(string line, string family, string kind, Dictionary<string, List<(string Le, double Value)>> buckets)
    {
        Match sample = Sample().Match(line);
        Assert.True(sample.Success, $"no sample: {line}");
        string name = sample.Groups["name"].Value;
        Assert.Contains(name, s_suffixes[kind].Select(suffix => family + suffix));
        (string Name, string Value)[] labels =
            [.. sample.Groups["key"].Captures.Zip(sample.Groups["text"].Captures, (key, text) => (key.Value, text.Value))];
        Assert.Equal(labels.Length, labels.Select(label => label.Name).Distinct().Count());
        double value = double.Parse(sample.Groups["value"].Value, NumberStyles.Float, CultureInfo.InvariantCulture);
        Assert.True(kind == "gauge" || value >= 0, line);
        Assert.True(_samples.TryAdd(Key(name, labels), value), $"twice: {line}");
        if (name != family + "_bucket")
            return;
        string rest = Key("", labels.Where(label => label.Name != "le"));
        if (!buckets.TryGetValue(rest, out List<(string, double)>? of))
            buckets.Add(rest, of = []);
        of.Add((labels.Single(label => label.Name == "le").Value, value));
    }

    private void JudgeHistogram(string family, string rest, List<(string Le, double Value)> buckets)
    {
        Assert.Equal("+Inf", buckets[^1].Le);
        double[] bounds = [.. buckets.SkipLast(1).Select(bucket => double.Parse(bucket.Le, NumberStyles.Float, CultureInfo.InvariantCulture))];
        Assert.Equal(bounds.Order().Distinct(), bounds);
        Assert.Equal(buckets.Select(bucket => bucket.Value).Order(), buckets.Select(bucket => bucket.Value));
        Assert.Equal(buckets[^1].Value, _samples[family + "_count" + rest]);
        Assert.Contains(family + "_sum" + rest, _samples.Keys);
    }

    [GeneratedRegex("^# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""^(?<name>[a-z][a-z0-9_]*)(?:\{(?:(?<key>[a-z_]+)="(?<text>(?:[^"\\\n]|\\["\\n])*)"(?:,(?!\})|(?=\})))*\})? (?<value>-?[0-9.]+(?:[eE][-+]?[0-9]+)?)$""")]
    private static partial Regex Sample();
}
