using System.Text;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Metrics;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;
using CcwFs.Tests.Trace;
using Mono.Unix.Native;

namespace CcwFs.Tests.Metrics;

/// <summary>What is counted of programs of a 3390, through the regions of its device, and how it is written.</summary>
public sealed class MetricsLayerTests : IDisposable
{
    private const uint Program = 0x1000, Extent = 0x2000, Locate = 0x2040, Data = 0x1_0000;

    private static readonly (string, string) s_subchannel = ("subchannel", "0.0.0000");

    private readonly Rig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Programs_are_counted_by_how_they_ended()
    {
        using var traced = new Traced(_rig.Device);
        Nop(traced, times: 3);
        traced.Ccws(Program, new Ccw(0x77, CcwFlags.None, 1, Data));
        traced.Run(Program);
        traced.Ccws(Program, new Ccw(0x00, CcwFlags.None, 1, Data)); // no command
        traced.Run(Program);
        Assert.True(traced.Run(0x7000_0000) < 0); // there is no such memory
        OpenMetrics metrics = Metrics(traced);
        Assert.Equal(3, Programs(metrics, "well"));
        Assert.Equal(1, Programs(metrics, "unit_check"));
        Assert.Equal(1, Programs(metrics, "program_check"));
        Assert.Equal(1, Programs(metrics, "not_translated"));
        Assert.Equal(5, metrics.Value("ccwfs_functions_total", s_subchannel, ("function", "start"), ("answer", "initiated")));
        Assert.Equal(5, metrics.Value("ccwfs_program_duration_seconds_count", s_subchannel));
        Assert.True(metrics.Value("ccwfs_program_duration_seconds_sum", s_subchannel) > 0);
        Assert.Equal(1, metrics.Value("ccwfs_unit_checks_total", s_subchannel, ("kind", "command_reject")));
    }

    [Fact]
    public void Commands_and_their_bytes_are_counted()
    {
        _rig.Filled(16, 12, 4096);
        using var traced = new Traced(_rig.Device);
        PutRead(traced);
        traced.Run(Program); // it loads the track
        OpenMetrics before = Metrics(traced);
        for (int i = 0; i < 3; i++)
            traced.Run(Program);
        OpenMetrics metrics = Metrics(traced);
        foreach (string command in (string[])["DEFINE_EXTENT", "LOCATE_RECORD", "READ_DATA"])
            Assert.Equal(4, metrics.Value("ccwfs_commands_total", s_subchannel, ("command", command)));
        Assert.Equal(4 * 4096, metrics.Value("ccwfs_transferred_bytes_total", s_subchannel, ("direction", "to_storage")));
        Assert.Equal(4 * 32, metrics.Value("ccwfs_transferred_bytes_total", s_subchannel, ("direction", "to_device")));
        Assert.Equal(4, metrics.Value("ccwfs_queue_seconds_count", s_subchannel));
        foreach (string name in (string[])["ccwfs_cache_requests_total", "ccwfs_cache_hits_total"])
            Assert.Equal(3, metrics.Value(name, s_subchannel) - before.Value(name, s_subchannel));
        Assert.True(metrics.Value("ccwfs_image_allocated_bytes", s_subchannel) > 0);
    }

    [Fact]
    public void What_a_policy_refuses_is_counted_and_no_command_of_it()
    {
        using var traced = new Traced(_rig.Device);
        new PolicyText { ReadOnly = true }.TryResolve(Families.Eckd, out DevicePolicy policy);
        traced.Policy.Policy = policy;
        traced.Ccws(Program, new Ccw(0x05, CcwFlags.None, 8, Data));
        traced.Run(Program);
        OpenMetrics metrics = Metrics(traced);
        Assert.Equal(1, metrics.Value("ccwfs_policy_refusals_total", s_subchannel));
        Assert.Equal(1, Programs(metrics, "unit_check"));
        Assert.DoesNotContain(metrics.Samples.Keys, key => key.StartsWith("ccwfs_commands_total", StringComparison.Ordinal));
    }

    [Fact]
    public void A_program_that_is_ended_from_outside_is_counted_as_that_and_its_time_is_busy_time()
    {
        using var traced = new Traced(_rig.Device);
        traced.Ccws(Program, new Ccw(0x03, CcwFlags.SuppressLength | CcwFlags.ChainCommand, 1, Data), new Ccw(0x08, CcwFlags.None, 0, Program));
        Begin(traced);
        double busy = Metrics(traced).Value("ccwfs_busy_seconds_total", s_subchannel);
        Assert.True(Metrics(traced).Value("ccwfs_busy_seconds_total", s_subchannel) > busy); // while it runs
        byte[] command = new byte[RegionLayout.CmdSize];
        command[0] = (byte)RegionLayout.CommandHalt; // little-endian, as this host
        Assert.Equal(command.Length, traced.Device.WriteRegion(RegionIndex.Cmd, 0, command));
        traced.Device.GoOn(WorkThread.Own);
        Assert.True(SpinWait.SpinUntil(() => traced.Device.State != DeviceState.Pending, Machine.Patience));
        Assert.Equal(1, Programs(Metrics(traced), "halted"));
        Begin(traced);
        Assert.Equal((Errno)0, traced.Device.Reset());
        OpenMetrics metrics = Metrics(traced);
        Assert.Equal(1, Programs(metrics, "reset"));
        Assert.Equal(1, metrics.Value("ccwfs_functions_total", s_subchannel, ("function", "halt"), ("answer", "initiated")));
        double after = metrics.Value("ccwfs_busy_seconds_total", s_subchannel);
        Assert.Equal(after, Metrics(traced).Value("ccwfs_busy_seconds_total", s_subchannel)); // nothing runs any more
    }

    [Fact]
    public void Interrupts_are_counted_when_they_are_given_and_when_they_are_taken()
    {
        using var traced = new Traced(_rig.Device);
        Nop(traced, times: 2);
        traced.Layer.Report(new Crw(0x0420_0040));
        byte[] report = new byte[RegionLayout.CrwSize];
        traced.Device.ReadRegion(RegionIndex.Crw, 0, report);
        traced.Device.ReadRegion(RegionIndex.Crw, 0, report); // there is none any more
        OpenMetrics metrics = Metrics(traced);
        foreach (string name in (string[])["ccwfs_interrupts_given_total", "ccwfs_interrupts_taken_total"])
        {
            Assert.Equal(2, metrics.Value(name, s_subchannel, ("interrupt", "io")));
            Assert.Equal(1, metrics.Value(name, s_subchannel, ("interrupt", "crw")));
        }
    }

    [Fact]
    public void A_subchannel_on_which_nothing_happened_has_no_counters()
    {
        using var traced = new Traced(_rig.Device);
        OpenMetrics metrics = Metrics(traced);
        Assert.Null(traced.Metrics.Counters);
        (string, string)[] labels = [s_subchannel, ("device", "0.0.0150"), ("devtype", traced.Device.Subchannel.Identity.DeviceType), ("backend", "emulated")];
        Assert.Equal(1, metrics.Value("ccwfs_subchannel_info", labels));
        Assert.DoesNotContain(metrics.Samples.Keys, key => key.StartsWith("ccwfs_programs", StringComparison.Ordinal));
    }

    [Fact]
    public void Injected_faults_have_a_sample_where_something_injects_any()
    {
        using var traced = new Traced(_rig.Device);
        using var layer = new MetricsLayer(traced.Policy, () => 7);
        layer.Halt();
        MetricDevice device = MetricDevice.Of(traced.Device) with { Layer = layer };
        Assert.Equal(7, Parsed(device).Value("ccwfs_faults_injected_total", s_subchannel));
        Assert.Contains("faults       7 injected\n", Encoding.UTF8.GetString(StatsText.Render(device)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_person_reads_a_short_table()
    {
        using var traced = new Traced(_rig.Device);
        Nop(traced, times: 2);
        traced.Ccws(Program, new Ccw(0x77, CcwFlags.None, 1, Data));
        traced.Run(Program);
        string[] lines = Encoding.UTF8.GetString(StatsText.Render(MetricDevice.Of(traced.Device))).TrimEnd('\n').Split('\n');
        Assert.Equal("programs     1 unit check, 2 well", lines[0]);
        Assert.Equal("start        3 initiated", lines[1]);
        Assert.Contains("commands     2 NO_OPERATION, 1 77", lines);
        Assert.Contains("unit checks  1 command reject", lines);
        Assert.Contains("given        3 io", lines);
        Assert.Matches("^duration     .* on average, half within .*, 99 of 100 within ", Assert.Single(lines, line => line.StartsWith("duration", StringComparison.Ordinal)));
        Assert.True(lines.Length < 24, "it fits a terminal");
    }

    [Fact]
    public void A_start_is_counted_without_allocating()
    {
        using var traced = new Traced(TestDevice.Dasd, flight: 0);
        traced.Ccws(Program, new Ccw(0x03, CcwFlags.SuppressLength, 1, Data));
        Assert.Equal(0, traced.LeastBytesOfStarts(Program));
        Assert.True(Programs(Metrics(traced), "well") >= 2050);
    }

    [Fact]
    public void Every_metric_has_one_row_in_the_order_of_names_and_one_sentence()
    {
        string[] names = [.. MetricFamily.All.Select(metric => metric.Name)];
        Assert.Equal(names.Order(StringComparer.Ordinal).Distinct(), names);
        Assert.All(MetricFamily.All, metric => Assert.Matches(@"^[A-Z0-9][^.]*\.$", metric.Help));
        Assert.All(MetricFamily.All.Where(metric => metric.Unit.Length > 0), metric =>
            Assert.EndsWith("_" + metric.Unit, metric.Name, StringComparison.Ordinal));
    }

    private static double Programs(OpenMetrics metrics, string ending) => metrics.Value("ccwfs_programs_total", s_subchannel, ("ending", ending));

    private static OpenMetrics Metrics(Traced traced) => Parsed(MetricDevice.Of(traced.Device));

    private static OpenMetrics Parsed(MetricDevice device) => OpenMetrics.Parse(Encoding.UTF8.GetString(MetricFamily.Render(
        new MetricSources("1.2.3", 1, [device], [new RequestCount("read", 3, 1)], [new ResourceUse("files", 1, 2)], UsesRings: true))));

    private static void Nop(Traced traced, int times)
    {
        traced.Ccws(Program, new Ccw(0x03, CcwFlags.SuppressLength, 1, Data));
        for (int i = 0; i < times; i++)
            traced.Run(Program);
    }

    /// <summary>Starts the program there, which does not end by itself.</summary>
    private static void Begin(Traced traced)
    {
        Assert.Equal(RegionLayout.IoSize, traced.Device.WriteRegion(RegionIndex.Io, 0, Machine.Request(Program)));
        traced.Device.GoOn(WorkThread.Own);
    }

    /// <summary>DEFINE EXTENT, LOCATE RECORD and READ DATA of 4 KiB of record 1 on track 1/1.</summary>
    private static void PutRead(Traced traced)
    {
        Step.Extent(0x40, 16, 16).Out.CopyTo(traced.Memory, Extent);
        Step.Locate(0x06, 1, 16, 1, 4096).Out.CopyTo(traced.Memory, Locate);
        traced.Ccws(
            Program, new Ccw(0x63, CcwFlags.ChainCommand, 16, Extent), new Ccw(0x47, CcwFlags.ChainCommand, 16, Locate),
            new Ccw(0x06, CcwFlags.None, 4096, Data));
    }
}
