using System.Globalization;
using System.Text;
using CcwFs.Subchannel;

namespace CcwFs.Metrics;

/// <summary>What was counted on one subchannel, as a short table for a person.</summary>
public static class StatsText
{
    private const int Column = 13;
    private const int MostCommands = 12; // arbitrary: one line of a terminal or two
    private const double Half = 0.5, Most = 0.99;

    /// <summary>The table, in UTF-8, a line each: a word, and what there is of it.</summary>
    public static byte[] Render(MetricDevice device)
    {
        var text = new StringBuilder();
        SubchannelCounters counters = device.Layer?.Counters ?? new SubchannelCounters();
        Row(text, "programs", Listed(counters.Endings, [.. ProgramEnding.Rows.Select(row => row.Word)]));
        for (int function = 0; function < SubchannelCounters.FunctionWords.Length; function++)
        {
            int each = SubchannelCounters.Answers.Length;
            ReadOnlySpan<long> answers = counters.AnswersOfFunctions.Slice(function * each, each);
            if (function == 0 || answers.ContainsAnyExcept(0L))
                Row(text, SubchannelCounters.FunctionWords[function], Listed(answers, SubchannelCounters.Answers));
        }
        Row(text, "busy", string.Create(CultureInfo.InvariantCulture, $"{counters.BusySeconds:0.000000} s"));
        Row(text, "duration", Spread(counters.Durations));
        Row(text, "queue", Spread(counters.Queue));
        Row(text, "commands", Commands(device, counters));
        Row(text, "bytes", string.Create(CultureInfo.InvariantCulture, $"{counters.ToStorage} to storage, {counters.ToDevice} to the device"));
        Row(text, "unit checks", Listed(counters.UnitChecks, SenseKind.Words));
        Row(text, "given", Listed(counters.InterruptsGiven, SubchannelCounters.InterruptWords));
        Row(text, "taken", Listed(counters.InterruptsTaken, SubchannelCounters.InterruptWords));
        Row(text, "refused", string.Create(CultureInfo.InvariantCulture, $"{counters.Refusals} by the policy"));
        Row(text, "faults", string.Create(CultureInfo.InvariantCulture, $"{device.Layer?.Faults ?? 0} injected"));
        if (device.Volume is { } volume)
            Volume(text, volume);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Row(StringBuilder text, string name, string what) => text.Append(name.PadRight(Column)).Append(what).Append('\n');

    private static string Listed(ReadOnlySpan<long> counts, string[] words)
    {
        var list = new StringBuilder();
        for (int i = 0; i < words.Length; i++)
        {
            if (counts[i] != 0)
                list.Append(CultureInfo.InvariantCulture, $"{(list.Length > 0 ? ", " : "")}{counts[i]} {words[i].Replace('_', ' ')}");
        }
        return list.Length > 0 ? list.ToString() : "none";
    }

    private static string Commands(MetricDevice device, SubchannelCounters counters)
    {
        (long Count, byte Code)[] used = [.. counters.Commands.ToArray().Select((count, code) => (count, (byte)code)).Where(row => row.count > 0)];
        if (used.Length == 0)
            return "none";
        string[] words = [.. used.OrderByDescending(row => row.Count).Take(MostCommands)
            .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.Count} {device.Layer!.Commands.WordOf(row.Code)}"))];
        string more = used.Length > words.Length ? $", and {used.Length - words.Length} others" : "";
        return string.Join(", ", words) + more;
    }

    private static string Spread(Histogram histogram)
    {
        long count = histogram.Cumulated()[^1];
        return count == 0 ? "none" : $"{Time(histogram.Sum / count)} on average, half within {Time(histogram.AtMost(Half))}, "
            + $"99 of 100 within {Time(histogram.AtMost(Most))}";
    }

    /// <summary>
    /// A time in the unit that suits it. <paramref name="gap"/>: between number and unit; <paramref name="beyond"/>: a time without end.
    /// </summary>
    public static string Time(double seconds, string gap, string beyond) => double.IsInfinity(seconds) ? beyond : seconds switch
    {
        < 1e-3 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e6:0}{gap}us"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:0.#}{gap}ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#}{gap}s"),
    };

    private static string Time(double seconds) => Time(seconds, " ", "more than 10 s");

    private static void Volume(StringBuilder text, VolumeFigures volume)
    {
        string taken = volume.AllocatedBytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $", {bytes} of them in use") : "";
        Row(text, "image", string.Create(CultureInfo.InvariantCulture, $"{volume.Bytes} bytes{taken}"));
        if (volume.CacheRequests is { } requests)
            Row(text, "cache", string.Create(CultureInfo.InvariantCulture, $"{volume.CacheHits} of {requests} requests out of the cache"));
    }
}
