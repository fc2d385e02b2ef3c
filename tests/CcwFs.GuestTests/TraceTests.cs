using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>What a trace shows of a guest.</summary>
public sealed class TraceTests(ITestOutputHelper output) : GuestTest(output)
{
    /// <summary>What Linux sends to a DASD, from its first look at it until it can be read, in the order in which each command comes first.</summary>
    private static readonly string[] s_sequence =
    [
        "SENSE_ID", "SENSE_PATH_GROUP_ID", "SET_PATH_GROUP_ID", "READ_CONFIGURATION_DATA", "READ_DEVICE_CHARACTERISTICS",
        "PERFORM_SUBSYSTEM_FUNCTION", "READ_SUBSYSTEM_DATA",
    ];

    [Fact]
    public void The_driver_of_a_guest_is_seen_from_its_first_command_on_and_alike_in_every_form()
    {
        string image = Volume.Create(Scratch, "v.ckd", 20, "--format", "cdl", "--volser", "TRACE1");
        using MountedCcwfs mounted = Mount(image);
        string stored = Scratch.At("trace.pcapng");
        string text = Scratch.At("trace.json");
        using Process cat = Child.Start("/", null, "bash", "-c", $"exec cat {mounted.MountPoint}/0.0.0000/trace.json >{text}");
        using Process storing = Child.Start("/", null, Places.Program, "trace", "0.0.0000", "--pcapng", stored, "--mount", mounted.MountPoint);
        Assert.True(SpinWait.SpinUntil(
            () => mounted.Ccwfs("info", "0.0.0000").Ok().Output.Contains("2 readers", StringComparison.Ordinal), Child.Patience));
        using (Guest guest = Boot(mounted, ["0.0.0000"]))
        {
            guest.Online(Volume.First);
            guest.Ok("dd if=/dev/dasda of=/dev/null bs=4096 count=64 iflag=direct 2>/dev/null");
            guest.Halt();
        }
        mounted.Ccwfs("remove", "0.0.0000").Ok(); // both end with the device
        Child.Finish(cat).Ok();
        Child.Finish(storing).Ok();
        string[] lines = File.ReadAllLines(text);
        JsonElement[] events = [.. lines.Select(line => JsonDocument.Parse(line).RootElement)];

        string[] commands = [.. events.Where(e => Is(e, "ccw")).Select(e => e.GetProperty("command").GetString()!)];
        int[] first = [.. s_sequence.Select(command => Array.IndexOf(commands, command))];
        Assert.All(first, (place, i) => Assert.True(place >= 0, $"{s_sequence[i]} never came"));
        Assert.Equal(first.Order(), first);
        Assert.Contains(commands, command => command is "PREFIX" or "LOCATE_RECORD");
        Assert.Contains(events, e => Is(e, "client") && e.GetProperty("act").GetString() == "took");
        Assert.Contains(events, e => Is(e, "client") && e.GetProperty("act").GetString() == "mapped");
        Assert.Equal("gone", events[^1].GetProperty("event").GetString());

        // Each status that was signalled to the guest was read by it.
        int given = events.Count(e => Is(e, "interrupt_given") && e.GetProperty("interrupt").GetString() == "io");
        Assert.True(given >= events.Count(e => Is(e, "start")) / 2, $"{given} interrupts");
        Assert.InRange(events.Count(e => Is(e, "interrupt_taken") && e.GetProperty("interrupt").GetString() == "io"), given - 1, given);
        Assert.DoesNotContain(events, e => Is(e, "lost"));
        Assert.Equal(lines, Child.Ccwfs("trace", "--read", stored, "--json").Ok().Output.TrimEnd('\n').Split('\n'));
    }

    private static bool Is(JsonElement one, string what) => one.GetProperty("event").GetString() == what;
}
