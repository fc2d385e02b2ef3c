using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Memory;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Subchannel;
using CcwFs.Trace;
using CcwFs.Trace.Views;
using Mono.Unix.Native;

namespace CcwFs.Tests.Trace;

/// <summary>What a trace shows of programs of a 3390, through the regions of its device.</summary>
public sealed class TraceLayerTests : IDisposable
{
    private const uint Program = 0x1000, Extent = 0x2000, Locate = 0x2040, Data = 0x1_0000, List = 0x3000;

    private readonly Rig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_program_is_shown_as_the_guest_wrote_it_with_what_the_device_did()
    {
        _rig.Filled(16, 12, 4096);
        using var traced = new Traced(_rig.Device);
        using TraceReader reader = traced.Layer.Read();
        PutRead(traced, indirect: true);
        Assert.Equal(RegionLayout.IoSize, traced.Run(Program));
        List<string> lines = Traced.Texts(reader, Families.Eckd);
        Assert.Equal("0.0.0000 #1 START    program at 00001000, key 0, format 1, prefetch, 64-bit IDAWs, paths 80", lines[0]);
        Assert.StartsWith("0.0.0000 #1 ccw      00001000 DEFINE_EXTENT cc count=16 address=00002000: ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("0.0.0000 #1 ccw      00001008 LOCATE_RECORD cc count=16 address=00002040: ", lines[2], StringComparison.Ordinal);
        Assert.Equal("0.0.0000 #1 ccw      00001010 READ_DATA ida count=4096 address=00003000, data at 10000+4096", lines[3]);
        Assert.Equal("0.0.0000 #1 done     00001010 READ_DATA: channel end, device end, at 1/1/1", lines[6]);
        Assert.Contains("#1 STATUS   after ", lines[7], StringComparison.Ordinal);
        Assert.EndsWith(" us, ended well: channel end, device end; residual 0.", lines[7], StringComparison.Ordinal);
        Assert.Equal(["0.0.0000 - given    io was signalled", "0.0.0000 - taken    io was read"], lines[8..]);
    }

    [Fact]
    public void Data_is_shown_in_both_directions_as_much_as_is_wanted()
    {
        byte[] stored = _rig.Filled(16, 12, 4096);
        using var traced = new Traced(_rig.Device);
        using TraceReader reader = traced.Layer.Read();
        reader.DataWanted = 8;
        PutRead(traced, indirect: false);
        traced.Run(Program);
        List<(TraceEvent Event, TraceFlags Flags, byte[] Payload)> events = Events(reader);
        (_, TraceFlags flags, byte[] payload) = events.Single(e => e.Event == TraceEvent.Data);
        Assert.Equal(TraceFlags.ToStorage | TraceFlags.Cut, flags);
        Assert.Equal(Program + 16, BinaryPrimitives.ReadUInt32BigEndian(payload));
        Assert.Equal(6, payload[4]);
        Assert.Equal(stored[..8], payload[8..]);
    }

    [Fact]
    public void The_flight_recorder_keeps_the_last_programs_and_what_failed()
    {
        using var traced = new Traced(_rig.Device, flight: 3);
        for (int i = 0; i < 500; i++)
        {
            traced.Ccws(Program, new Ccw(i == 499 ? (byte)0x77 : (byte)0x03, CcwFlags.SuppressLength, 1, Data));
            traced.Run(Program);
        }
        using TraceReader reader = traced.Layer.Read(lastPrograms: 3);
        List<string> lines = Traced.Texts(reader, Families.Eckd);
        Assert.Equal(["#498", "#499", "#500"], lines.Select(line => line.Split(' ')[1]).Distinct());
        Assert.Contains(lines, line => line.Contains("done     00001000 77: channel end, device end, unit check", StringComparison.Ordinal));
        Assert.Contains("unit check", lines[^1], StringComparison.Ordinal);
        Assert.Contains("command reject", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_of_the_policy_is_shown_before_the_status()
    {
        using var traced = new Traced(_rig.Device);
        new PolicyText { ReadOnly = true }.TryResolve(Families.Eckd, out DevicePolicy policy);
        traced.Policy.Policy = policy;
        using TraceReader reader = traced.Layer.Read();
        traced.Ccws(Program, new Ccw(0x05, CcwFlags.None, 8, Data));
        traced.Run(Program);
        Assert.Equal(
            [TraceEvent.Start, TraceEvent.Ccw, TraceEvent.Refused, TraceEvent.Status, TraceEvent.InterruptGiven, TraceEvent.InterruptTaken],
            Events(reader).Select(e => e.Event));
    }

    [Fact]
    public void A_start_that_cannot_be_translated_is_shown_with_its_reason()
    {
        using var traced = new Traced(_rig.Device);
        using TraceReader reader = traced.Layer.Read();
        Assert.True(traced.Run(0x7000_0000) < 0);
        string line = Assert.Single(Traced.Texts(reader, Families.Eckd));
        Assert.StartsWith("0.0.0000 #1 START    program at 70000000", line, StringComparison.Ordinal);
        Assert.Contains("not started, errno ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slow_reader_is_told_what_it_has_lost_and_the_rest_is_whole()
    {
        using var traced = new Traced(_rig.Device);
        using TraceReader reader = traced.Layer.Read();
        traced.Ccws(Program, new Ccw(0x03, CcwFlags.SuppressLength, 1, Data));
        for (int i = 0; i < 20_000; i++)
            traced.Run(Program);
        List<(TraceEvent Event, TraceFlags Flags, byte[] Payload)> events = Events(reader);
        Assert.Equal(TraceEvent.Lost, events[0].Event);
        long lost = BinaryPrimitives.ReadInt64BigEndian(events[0].Payload);
        Assert.Equal(20_000 * 6, lost + events.Count - 1);
        Assert.DoesNotContain(events.Skip(1), e => e.Event == TraceEvent.Lost);
    }

    [Fact]
    public void Memory_that_a_client_maps_and_unmaps_and_its_interrupts_are_shown_to_readers_alone()
    {
        using var traced = new Traced(_rig.Device);
        using TraceReader reader = traced.Layer.Read();
        var client = new Client();
        var map = new IovaMap();
        var store = new ArrayStore(traced.Memory);
        Assert.Equal(MapOutcome.Done, map.Map(0x1_0000, 0x2000, store, 0, MemoryRights.ReadWrite));
        Assert.Equal((Errno)0, traced.Device.Take(client));
        Assert.True(traced.Device.Attach(client, new AddressSpace(map)));
        Assert.Equal(MapOutcome.Done, map.Map(0x4_0000, 0x1000, store, 0x2000, MemoryRights.ReadWrite));
        traced.Layer.Report(new Crw(0x0420_0040));
        Assert.Equal(MapOutcome.Done, map.Unmap(0x4_0000, 0x1000, out _));
        traced.Device.GiveBack(client);
        map.Map(0x5_0000, 0x1000, store, 0, MemoryRights.ReadWrite); // of a space that the device has left
        List<string> lines = Traced.Texts(reader, Families.Eckd);
        Assert.Equal(
            [
                "client   has taken the device", "client   has mapped 8192 bytes at 10000", "client   has mapped 4096 bytes at 40000",
                "given    crw was signalled", "client   has unmapped 4096 bytes at 40000", "client   has given the device back",
            ],
            lines.Select(line => line["0.0.0000 - ".Length..]).Where(line => line.Split(' ')[0] is not ("CRW" or "RESET")));
        Assert.Equal(1, client.Signals);
    }

    [Fact]
    public void The_flight_recorder_has_neither_interrupts_nor_maps()
    {
        using var traced = new Traced(_rig.Device);
        traced.Ccws(Program, new Ccw(0x03, CcwFlags.SuppressLength, 1, Data));
        traced.Run(Program);
        using TraceReader flight = traced.Layer.Read(lastPrograms: 1);
        Assert.Equal([TraceEvent.Start, TraceEvent.Ccw, TraceEvent.Status], Events(flight).Select(e => e.Event));
    }

    [Fact]
    public void A_reader_ends_when_the_device_goes()
    {
        using var traced = new Traced(_rig.Device, flight: 0);
        using TraceReader reader = traced.Layer.Read();
        using var told = new ManualResetEventSlim();
        reader.Ready += told.Set;
        Assert.True(reader.Wait());
        traced.Device.Unplug();
        Assert.True(told.Wait(Machine.Patience));
        Assert.Equal(TraceEvent.Gone, Events(reader)[^1].Event);
        Assert.True(reader.IsClosed);
        Assert.False(reader.IsReadable);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    public void A_start_that_nobody_reads_allocates_nothing(int flight)
    {
        using var traced = new Traced(TestDevice.Dasd, flight);
        traced.Ccws(Program, new Ccw(0x03, CcwFlags.SuppressLength, 1, Data));
        Assert.Equal(0, traced.LeastBytesOfStarts(Program));
    }

    [Fact]
    public void What_is_stored_for_Wireshark_is_read_again_as_it_was()
    {
        _rig.Filled(16, 12, 4096);
        using var traced = new Traced(_rig.Device);
        PutRead(traced, indirect: true);
        traced.Run(Program);
        using TraceReader one = traced.Layer.Read(lastPrograms: 1), two = traced.Layer.Read(lastPrograms: 1);
        var made = new ArrayBufferWriter<byte>();
        var view = new PcapngView(Families.Eckd);
        view.Begin(traced.Layer.Id, made);
        while (one.TryRead(out TraceRecord record))
            view.Write(record, made);
        var stored = new PcapngReader(new MemoryStream(made.WrittenSpan.ToArray()));
        foreach ((TraceEvent what, TraceFlags flags, byte[] payload) in Events(two))
        {
            Assert.True(stored.TryRead(out TraceRecord record));
            Assert.Same(Families.Eckd, stored.Commands);
            Assert.Equal((what, flags), (record.Header.Event, record.Header.Flags));
            Assert.Equal(payload, record.Payload.ToArray());
        }
        Assert.False(stored.TryRead(out _));
    }

    [Fact]
    public void Every_event_is_one_JSON_object_on_one_line()
    {
        _rig.Filled(16, 12, 4096);
        using var traced = new Traced(_rig.Device);
        using TraceReader reader = traced.Layer.Read();
        PutRead(traced, indirect: true);
        traced.Run(Program);
        var made = new ArrayBufferWriter<byte>();
        var view = new JsonView(Families.Eckd);
        while (reader.TryRead(out TraceRecord record))
            view.Write(record, made);
        string[] lines = Encoding.UTF8.GetString(made.WrittenSpan).TrimEnd('\n').Split('\n');
        JsonElement[] objects = [.. lines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(
            ["start", "ccw", "ccw", "ccw", "command", "command", "command", "status", "interrupt_given", "interrupt_taken"],
            objects.Select(o => o.GetProperty("event").GetString()));
        Assert.All(objects[8..], o => Assert.Equal("io", o.GetProperty("interrupt").GetString()));
        Assert.Equal("READ_DATA", objects[3].GetProperty("command").GetString());
        Assert.Equal(1, objects[6].GetProperty("cylinder").GetInt32());
        Assert.Equal(12, objects[7].GetProperty("device_status").GetInt32());
        Assert.True(objects[7].GetProperty("duration").GetInt64() > 0);
    }

    [Fact]
    public void Any_bytes_of_an_event_are_shown_in_every_form()
    {
        var random = new Random(13);
        byte[] payload = new byte[300];
        TraceView[] views =
            [new TextView(Families.Eckd), new JsonView(Families.Fba), new PerfettoView(Families.Basic), new PcapngView(Families.Eckd)];
        var made = new ArrayBufferWriter<byte>();
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(payload);
            var id = new SubchannelId(0, 0, (ushort)(i % 3));
            var header = new TraceHeader((TraceEvent)random.Next(22), (TraceFlags)random.Next(8), id, (ulong)random.Next(3));
            foreach (TraceView view in views)
            {
                made.ResetWrittenCount();
                view.Write(new TraceRecord(random.NextInt64(), header, payload.AsSpan(0, random.Next(payload.Length))), made);
            }
        }
    }

    [Fact]
    public void A_damaged_capture_is_one_line_and_no_more()
    {
        var made = new ArrayBufferWriter<byte>();
        var view = new PcapngView(Families.Eckd);
        for (int i = 0; i < 5; i++)
            view.Write(new TraceRecord(i, new TraceHeader(TraceEvent.Start, 0, new SubchannelId(0, 0, 1), 1), new byte[12]), made);
        byte[] whole = made.WrittenSpan.ToArray();
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = whole[..random.Next(whole.Length + 1)];
            for (int changes = random.Next(4); changes > 0 && damaged.Length > 0; changes--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            var reader = new PcapngReader(new MemoryStream(damaged));
            try
            {
                while (reader.TryRead(out _))
                {
                }
            }
            catch (PcapngException refused)
            {
                Assert.DoesNotContain('\n', refused.Message);
            }
        }
    }

    private sealed class Client : IDeviceClient
    {
        public int Signals { get; private set; }

        public string GuestCode => "unknown";

        public void Signal(DeviceInterrupt interrupt) => Signals++;
    }

    private static List<(TraceEvent Event, TraceFlags Flags, byte[] Payload)> Events(TraceReader reader)
    {
        List<(TraceEvent, TraceFlags, byte[])> events = [];
        while (reader.TryRead(out TraceRecord record))
            events.Add((record.Header.Event, record.Header.Flags, record.Payload.ToArray()));
        return events;
    }

    /// <summary>DEFINE EXTENT, LOCATE RECORD and READ DATA of 4 KiB of record 1 on track 1/1, with an IDAW or without.</summary>
    private static void PutRead(Traced traced, bool indirect)
    {
        Step.Extent(0x40, 16, 16).Out.CopyTo(traced.Memory, Extent);
        Step.Locate(0x06, 1, 16, 1, 4096).Out.CopyTo(traced.Memory, Locate);
        BinaryPrimitives.WriteUInt64BigEndian(traced.Memory.AsSpan((int)List), Data);
        traced.Ccws(
            Program, new Ccw(0x63, CcwFlags.ChainCommand, 16, Extent), new Ccw(0x47, CcwFlags.ChainCommand, 16, Locate),
            indirect ? new Ccw(0x06, CcwFlags.IndirectData, 4096, List) : new Ccw(0x06, CcwFlags.None, 4096, Data));
    }
}
