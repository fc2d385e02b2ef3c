using System.Globalization;
using System.Text;
using CcwFs.Control;

namespace CcwFs.Cli.Top;

/// <summary>What the file metrics said of one subchannel.</summary>
internal sealed class SubchannelSample
{
    private const string Well = "well";

    internal string Device { get; private set; } = "";

    internal bool IsTaken { get; private set; }

    internal double BusySeconds { get; private set; }

    internal double Programs { get; private set; }

    /// <summary>Programs that did not end well.</summary>
    internal double Failed { get; private set; }

    internal double ToStorage { get; private set; }

    internal double ToDevice { get; private set; }

    internal double DurationSum { get; private set; }

    /// <summary>How many programs took at most so many seconds, in the order of the seconds.</summary>
    internal List<(double Seconds, double Count)> Durations { get; } = [];

    /// <summary>Takes in one sample, as far as it is known.</summary>
    internal void Take(string name, IReadOnlyDictionary<string, string> labels, double value)
    {
        switch (name)
        {
            case "ccwfs_subchannel_info":
                Device = labels.GetValueOrDefault("device", "");
                break;
            case "ccwfs_subchannel_taken":
                IsTaken = value != 0;
                break;
            case "ccwfs_busy_seconds_total":
                BusySeconds = value;
                break;
            case "ccwfs_programs_total":
                Programs += value;
                Failed += labels.GetValueOrDefault("ending") == Well ? 0 : value;
                break;
            case "ccwfs_transferred_bytes_total" when labels.GetValueOrDefault("direction") == "to_storage":
                ToStorage = value;
                break;
            case "ccwfs_transferred_bytes_total":
                ToDevice = value;
                break;
            case "ccwfs_program_duration_seconds_sum":
                DurationSum = value;
                break;
            case "ccwfs_program_duration_seconds_bucket" when MetricsSample.TryNumber(labels.GetValueOrDefault("le"), out double seconds):
                Durations.Add((seconds, value));
                break;
        }
    }
}

/// <summary>The numbers of a mount at one moment, out of its file metrics.</summary>
internal sealed class MetricsSample
{
    private const int MaxBytes = 256 << 20; // arbitrary: four times what a mount of 65,536 busy subchannels has

    private MetricsSample(TimeSpan time) => Time = time;

    /// <summary>When it was read, by a clock that goes on.</summary>
    internal TimeSpan Time { get; }

    /// <summary>The subchannels, by their ids, in the order of the file.</summary>
    internal Dictionary<string, SubchannelSample> Subchannels { get; } = [];

    /// <summary>Reads the file of a mount; throws one line for a person.</summary>
    internal static MetricsSample Read(string mountPoint, TimeSpan now)
    {
        string path = Path.Combine(mountPoint, "metrics");
        if (!File.Exists(path))
        {
            throw new CommandException(Directory.Exists(Path.Combine(mountPoint, "sys"))
                ? $"the ccwfs at {mountPoint} has no metrics: it is an older one; mount it again with this one"
                : $"no ccwfs is mounted at {mountPoint}; mount one: ccwfs mount {ShellText.Quote(mountPoint)}");
        }
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding.ASCII);
        var sample = new MetricsSample(now);
        long bytes = 0;
        Dictionary<string, string> labels = [];
        while (file.ReadLine() is { } line)
        {
            bytes += line.Length + 1;
            if (bytes > MaxBytes || !TryParse(line, labels, out string name, out double value))
                throw new CommandException($"{path} is not understood; is it this version of ccwfs?");
            if (labels.TryGetValue("subchannel", out string? id))
                sample.Of(id).Take(name, labels, value);
        }
        return sample;
    }

    /// <summary>A number as the file has it; +Inf too.</summary>
    internal static bool TryNumber(string? text, out double number)
    {
        number = double.PositiveInfinity;
        return text == "+Inf" || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>One line: a comment, which has no name, or a sample with its labels. False: it is neither.</summary>
    internal static bool TryParse(string line, Dictionary<string, string> labels, out string name, out double value)
    {
        labels.Clear();
        (name, value) = ("", 0);
        if (line.StartsWith('#'))
            return true;
        int end = line.AsSpan().IndexOfAny('{', ' ');
        if (end <= 0)
            return false;
        name = line[..end];
        int at = end;
        while (at < line.Length && line[at] is '{' or ',')
        {
            int equal = line.IndexOf("=\"", at, StringComparison.Ordinal);
            if (equal < 0)
                return false;
            string key = line[(at + 1)..equal];
            var text = new StringBuilder();
            for (at = equal + 2; at < line.Length && line[at] != '"'; at++)
                text.Append(line[at] != '\\' ? line[at] : ++at < line.Length && line[at] == 'n' ? '\n' : line.ElementAtOrDefault(at));
            labels[key] = text.ToString();
            at++; // over the quotation mark
        }
        if (end < line.Length && line[end] == '{' && (at >= line.Length || line[at++] != '}'))
            return false;
        return at < line.Length && line[at] == ' ' && TryNumber(line[(at + 1)..], out value);
    }

    private SubchannelSample Of(string id)
    {
        if (!Subchannels.TryGetValue(id, out SubchannelSample? known))
            Subchannels.Add(id, known = new SubchannelSample());
        return known;
    }
}
