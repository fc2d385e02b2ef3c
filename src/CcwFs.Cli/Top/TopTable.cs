using System.Globalization;
using System.Text.Json;
using System.Text;
using CcwFs.ChannelIo.Text;
using CcwFs.Metrics;

namespace CcwFs.Cli.Top;

/// <summary>What one subchannel did between two looks.</summary>
/// <param name="Id">The subchannel.</param>
/// <param name="Device">Its device number.</param>
/// <param name="IsTaken">A VFIO client has it.</param>
/// <param name="Busy">The part of the time in which a program ran, 0 to 1.</param>
/// <param name="Programs">Programs that ended, a second.</param>
/// <param name="Failed">Those of them that did not end well, a second.</param>
/// <param name="Read">Bytes to storage, a second.</param>
/// <param name="Written">Bytes to the device, a second.</param>
/// <param name="Average">Seconds from START to the last status; 0: no program ended.</param>
/// <param name="Most">Seconds that 99 of 100 programs did not take longer than.</param>
internal sealed record TopRow(
    string Id, string Device, bool IsTaken, double Busy, double Programs, double Failed, double Read, double Written, double Average, double Most)
{
    /// <summary>It did something.</summary>
    internal bool IsActive => Busy > 0 || Programs > 0;
}

/// <summary>What a mount did between two looks: a row for each subchannel, the busiest first.</summary>
internal sealed class TopTable
{
    private const double Most = 0.99;
    private const int UsualId = 8; // characters of 0.0.0150

    private readonly string _mountPoint;
    private readonly TopRow[] _rows;
    private readonly int _width;

    /// <summary>What happened from one look to the next. A subchannel that was added meanwhile counts from nothing.</summary>
    internal TopTable(string mountPoint, MetricsSample before, MetricsSample now)
    {
        _mountPoint = mountPoint;
        double seconds = Math.Max((now.Time - before.Time).TotalSeconds, 1e-3);
        var nothing = new SubchannelSample();
        _rows = [.. now.Subchannels.Select(pair => Row(pair.Key, before.Subchannels.GetValueOrDefault(pair.Key, nothing), pair.Value, seconds))
            .OrderByDescending(row => row.Busy).ThenByDescending(row => row.Programs)];
        _width = _rows.Any(row => row.Id.Length > UsualId || row.Device.Length > UsualId) ? UsualId + 1 : UsualId;
    }

    /// <summary>A screen of so many lines and columns.</summary>
    internal IReadOnlyList<string> Screen(DateTime time, int lines, int columns)
    {
        const int Around = 5; // the lines that are no rows
        List<string> screen =
        [
            string.Create(CultureInfo.InvariantCulture, $"ccwfs top  {time:HH:mm:ss}  {VisibleText.Of(_mountPoint)}"),
            Summary(),
            Rates(),
            Heading(),
            .. _rows.Take(Math.Max(0, lines - Around)).Select(Line),
        ];
        if (lines > Around)
            screen.Add("q ends");
        return [.. screen.Take(lines).Select(line => line.Length > columns ? line[..columns] : line)];
    }

    /// <summary>The same for who reads on: a line for each subchannel that did something, and one for all of them.</summary>
    internal IEnumerable<string> Lines(DateTime time)
    {
        string when = string.Create(CultureInfo.InvariantCulture, $"{time:HH:mm:ss} ");
        yield return when + Heading();
        foreach (TopRow row in _rows.Where(row => row.IsActive))
            yield return when + Line(row);
        yield return $"{when}{Summary()}; {Rates()}";
    }

    /// <summary>The same as one JSON object, with every subchannel. Times are in seconds, rates a second.</summary>
    internal void Write(Utf8JsonWriter json, DateTimeOffset time)
    {
        json.WriteStartObject();
        json.WriteNumber("time", Math.Round(time.ToUnixTimeMilliseconds() / 1000.0, 3));
        json.WriteStartArray("subchannels");
        foreach (TopRow row in _rows)
        {
            json.WriteStartObject();
            json.WriteString("subchannel", row.Id);
            json.WriteString("device", row.Device);
            json.WriteBoolean("client", row.IsTaken);
            (string, double)[] numbers =
            [
                ("busy", row.Busy), ("programs", row.Programs), ("errors", row.Failed), ("read", row.Read), ("written", row.Written),
                ("average", row.Average),
            ];
            foreach ((string name, double value) in numbers)
                json.WriteNumber(name, Math.Round(value, 9));
            if (double.IsFinite(row.Most))
                json.WriteNumber("within", row.Most);
            else
                json.WriteNull("within"); // longer than the last bucket
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static TopRow Row(string id, SubchannelSample before, SubchannelSample now, double seconds)
    {
        double Rate(Func<SubchannelSample, double> of) => Math.Max(0, of(now) - of(before)) / seconds;
        (double Seconds, double Count)[] buckets = [.. now.Durations.Select((bucket, i) =>
            (bucket.Seconds, bucket.Count - (i < before.Durations.Count ? before.Durations[i].Count : 0)))];
        double ended = buckets.Length == 0 ? 0 : buckets[^1].Count;
        return new TopRow(
            id, now.Device, now.IsTaken, Math.Min(1, Rate(s => s.BusySeconds)), Rate(s => s.Programs), Rate(s => s.Failed), Rate(s => s.ToStorage),
            Rate(s => s.ToDevice), ended <= 0 ? 0 : Math.Max(0, now.DurationSum - before.DurationSum) / ended,
            ended <= 0 ? 0 : buckets.First(bucket => bucket.Count >= Most * ended).Seconds);
    }

    private string Summary()
    {
        (int busy, int clients) = (_rows.Count(row => row.IsActive), _rows.Count(row => row.IsTaken));
        return $"{_rows.Length} subchannels, {busy} active, {clients} with a client";
    }

    private string Rates() => $"{Short(_rows.Sum(row => row.Programs))} programs/s, {Short(_rows.Sum(row => row.Read))}B/s read, "
        + $"{Short(_rows.Sum(row => row.Written))}B/s written";

    private string Heading()
    {
        string ids = $"{"Subchan.".PadRight(_width)} {"Device".PadRight(_width)}";
        return $"{ids} {"Busy",5} {"Prog/s",7} {"Read/s",7} {"Write/s",7} {"Average",8} {"99 %",8} {"Err/s",6} Cli";
    }

    private string Line(TopRow row)
    {
        string ids = $"{VisibleText.Of(row.Id).PadRight(_width)} {VisibleText.Of(row.Device).PadRight(_width)}";
        string busy = string.Create(CultureInfo.InvariantCulture, $"{row.Busy * 100:0}%");
        string times = row.Programs > 0 ? $"{Time(row.Average),8} {Time(row.Most),8}" : $"{"-",8} {"-",8}";
        string rates = $"{Short(row.Programs),7} {Short(row.Read),7} {Short(row.Written),7}";
        return $"{ids} {busy,5} {rates} {times} {Short(row.Failed),6} {(row.IsTaken ? "yes" : "")}".TrimEnd();
    }

    /// <summary>A number in at most six characters.</summary>
    private static string Short(double number)
    {
        foreach (string unit in (string[])["", "k", "M", "G"])
        {
            if (number < 1000)
                return number.ToString(number is > 0 and < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + unit;
            number /= 1000;
        }
        return number.ToString("0", CultureInfo.InvariantCulture) + "T";
    }

    private static string Time(double seconds) => StatsText.Time(seconds, "", ">10s");
}
