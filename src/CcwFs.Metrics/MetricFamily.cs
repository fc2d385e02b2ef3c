using CcwFs.Subchannel;

namespace CcwFs.Metrics;

/// <summary>One metric: a row of <see cref="All"/>.</summary>
/// <param name="Name">Its name; samples of a counter have _total behind it.</param>
/// <param name="Type">counter, gauge or histogram.</param>
/// <param name="Unit">The last word of the name where that is a unit; else empty.</param>
/// <param name="Labels">The labels of its samples, for a person.</param>
/// <param name="Help">What it says, one sentence.</param>
public sealed record MetricFamily(string Name, string Type, string Unit, string Labels, string Help)
{
    internal const string Counter = "counter", Gauge = "gauge", Histograms = "histogram";

    private const string Seconds = "seconds", Bytes = "bytes", None = "", Subchannel = "subchannel";

    private Action<MetricSources, MetricWriter> Write { get; init; } = static (_, _) => { };

    /// <summary>All metrics, in the order of their names.</summary>
    public static IReadOnlyList<MetricFamily> All { get; } =
    [
        new("ccwfs_build_info", Gauge, None, "version", "The version of this ccwfs; the value is always 1.")
        {
            Write = static (from, to) => to.Add(1, ("version", from.Version)),
        },
        new("ccwfs_busy_seconds", Counter, Seconds, Subchannel, "Time in which a program ran.")
        {
            Write = Each(static (device, counters, to) => to.Add(counters.BusySeconds, Id(device))),
        },
        new("ccwfs_cache_hits", Counter, None, Subchannel, "Requests of programs that the cache of the volume had; of 3390 volumes alone.")
        {
            Write = EachVolume(static (id, volume, to) => Maybe(to, volume.CacheHits, id)),
        },
        new("ccwfs_cache_requests", Counter, None, Subchannel, "Requests of programs for tracks of the volume; of 3390 volumes alone.")
        {
            Write = EachVolume(static (id, volume, to) => Maybe(to, volume.CacheRequests, id)),
        },
        new("ccwfs_client_limit", Gauge, None, "resource", "How much all clients together may have of what is kept for them.")
        {
            Write = static (from, to) => EachOf(from.Clients, client => to.Add(client.Limit, ("resource", client.Resource))),
        },
        new("ccwfs_client_used", Gauge, None, "resource", "How much all clients together have of what is kept for them.")
        {
            Write = static (from, to) => EachOf(from.Clients, client => to.Add(client.Used, ("resource", client.Resource))),
        },
        new("ccwfs_commands", Counter, None, "subchannel, command", "Commands that an emulated device has executed.")
        {
            Write = Each(static (device, counters, to) =>
            {
                for (int code = 0; code < counters.Commands.Length; code++)
                    Some(to, counters.Commands[code], Id(device), ("command", device.Layer!.Commands.WordOf((byte)code)));
            }),
        },
        new("ccwfs_faults_injected", Counter, None, Subchannel, "Faults that were injected.")
        {
            Write = Each(static (device, _, to) => Maybe(to, device.Layer!.Faults, Id(device))),
        },
        new("ccwfs_functions", Counter, None, "subchannel, function, answer", "START, RESUME, HALT and CLEAR, by how they were answered.")
        {
            Write = Each(static (device, counters, to) =>
            {
                for (int i = 0; i < counters.AnswersOfFunctions.Length; i++)
                {
                    (int function, int answer) = Math.DivRem(i, SubchannelCounters.Answers.Length);
                    Some(to, counters.AnswersOfFunctions[i], Id(device), ("function", SubchannelCounters.FunctionWords[function]),
                        ("answer", SubchannelCounters.Answers[answer]));
                }
            }),
        },
        new("ccwfs_fuse_errors", Counter, None, "operation", "Requests of the kernel that were answered with an error.")
        {
            Write = static (from, to) => EachOf(from.Requests, row => to.Add(row.Errors, ("operation", row.Operation))),
        },
        new("ccwfs_fuse_requests", Counter, None, "operation", "Requests of the kernel to the file system.")
        {
            Write = static (from, to) => EachOf(from.Requests, row => to.Add(row.Requests, ("operation", row.Operation))),
        },
        new("ccwfs_fuse_uring", Gauge, None, None, "1 where requests of the kernel come over io_uring, else 0.")
        {
            Write = static (from, to) => to.Add(from.UsesRings ? 1 : 0),
        },
        new("ccwfs_image_allocated_bytes", Gauge, Bytes, Subchannel, "What the image of the device takes on its disk, or in memory.")
        {
            Write = EachVolume(static (id, volume, to) => Maybe(to, volume.AllocatedBytes, id)),
        },
        new("ccwfs_image_size_bytes", Gauge, Bytes, Subchannel, "What the image of the device can hold.")
        {
            Write = EachVolume(static (id, volume, to) => to.Add(volume.Bytes, id)),
        },
        new("ccwfs_interrupts_given", Counter, None, "subchannel, interrupt", "Interrupts that were signalled to whoever has the device.")
        {
            Write = Each(static (device, counters, to) =>
                EachWord(to, counters.InterruptsGiven, SubchannelCounters.InterruptWords, "interrupt", device)),
        },
        new("ccwfs_interrupts_taken", Counter, None, "subchannel, interrupt", "Interrupts whose status or report was read.")
        {
            Write = Each(static (device, counters, to) =>
                EachWord(to, counters.InterruptsTaken, SubchannelCounters.InterruptWords, "interrupt", device)),
        },
        new("ccwfs_policy_refusals", Counter, None, Subchannel, "Programs that the policy has refused.")
        {
            Write = Each(static (device, counters, to) => to.Add(counters.Refusals, Id(device))),
        },
        new("ccwfs_program_duration_seconds", Histograms, Seconds, Subchannel, "From START to the last status of the program.")
        {
            Write = Each(static (device, counters, to) => to.Add(counters.Durations, Id(device).Value)),
        },
        new("ccwfs_programs", Counter, None, "subchannel, ending", "Programs that have ended, by how they ended.")
        {
            Write = Each(static (device, counters, to) =>
            {
                for (int i = 0; i < counters.Endings.Length; i++)
                    Some(to, counters.Endings[i], Id(device), ("ending", ProgramEnding.Rows[i].Word));
            }),
        },
        new("ccwfs_queue_seconds", Histograms, Seconds, Subchannel, "From START until an emulated device had executed the first command.")
        {
            Write = Each(static (device, counters, to) => to.Add(counters.Queue, Id(device).Value)),
        },
        new("ccwfs_start_time_seconds", Gauge, Seconds, None, "When this ccwfs was mounted, since 1970.")
        {
            Write = static (from, to) => to.Add(from.Started),
        },
        new("ccwfs_subchannel_info", Gauge, None, "subchannel, device, devtype, backend", "One sample for each subchannel; the value is always 1.")
        {
            Write = static (from, to) => EachOf(from.Devices, device => to.Add(
                1, Id(device), ("device", device.Number.ToString()), ("devtype", device.Identity.DeviceType),
                ("backend", device.Identity.Backend))),
        },
        new("ccwfs_subchannel_taken", Gauge, None, Subchannel, "1 while a VFIO client, like QEMU, has the device, else 0.")
        {
            Write = static (from, to) => EachOf(from.Devices, device => to.Add(device.IsTaken ? 1 : 0, Id(device))),
        },
        new("ccwfs_transferred_bytes", Counter, Bytes, "subchannel, direction", "Bytes that commands of emulated devices have moved.")
        {
            Write = Each(static (device, counters, to) =>
            {
                to.Add(counters.ToStorage, Id(device), ("direction", "to_storage"));
                to.Add(counters.ToDevice, Id(device), ("direction", "to_device"));
            }),
        },
        new("ccwfs_unit_checks", Counter, None, "subchannel, kind", "Unit checks, by what their sense says first.")
        {
            Write = Each(static (device, counters, to) => EachWord(to, counters.UnitChecks, SenseKind.Words, "kind", device)),
        },
    ];

    /// <summary>All metrics of a mount, as OpenMetrics text in UTF-8.</summary>
    public static byte[] Render(MetricSources from)
    {
        var writer = new MetricWriter();
        foreach (MetricFamily family in All)
        {
            writer.Begin(family);
            family.Write(from, writer);
        }
        return writer.Finish();
    }

    private static (string Name, string Value) Id(MetricDevice device) => (Subchannel, device.Id.ToString());

    /// <summary>For each device that anything has happened on.</summary>
    private static Action<MetricSources, MetricWriter> Each(Action<MetricDevice, SubchannelCounters, MetricWriter> write) => (from, to) =>
    {
        foreach (MetricDevice device in from.Devices)
        {
            if (device.Layer?.Counters is { } counters)
                write(device, counters, to);
        }
    };

    /// <summary>For each device that has an image, or a volume in memory.</summary>
    private static Action<MetricSources, MetricWriter> EachVolume(Action<(string, string), VolumeFigures, MetricWriter> write) => (from, to) =>
    {
        foreach (MetricDevice device in from.Devices)
        {
            if (device.Volume is { } volume)
                write(Id(device), volume, to);
        }
    };

    private static void EachOf<T>(IEnumerable<T> all, Action<T> write)
    {
        foreach (T one in all)
            write(one);
    }

    private static void EachWord(MetricWriter to, ReadOnlySpan<long> counts, string[] words, string label, MetricDevice device)
    {
        for (int i = 0; i < words.Length; i++)
            Some(to, counts[i], Id(device), (label, words[i]));
    }

    /// <summary>What never happened has no sample: a subchannel would have hundreds.</summary>
    private static void Some(MetricWriter to, long count, params ReadOnlySpan<(string, string)> labels)
    {
        if (count != 0)
            to.Add(count, labels);
    }

    private static void Maybe(MetricWriter to, long? value, (string, string) label)
    {
        if (value is { } known)
            to.Add(known, label);
    }
}
