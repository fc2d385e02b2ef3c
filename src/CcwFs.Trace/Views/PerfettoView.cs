using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;
using CcwFs.Subchannel;

namespace CcwFs.Trace.Views;

/// <summary>
/// Events in the trace-event format (an array of JSON objects) that ui.perfetto.dev and chrome://tracing draw: one track per subchannel, a slice per
/// program from START to its last status, and inside it a slice per command from the one before to its end; all else is a mark. The array needs no
/// end.
/// </summary>
public sealed class PerfettoView(CommandSet commands) : TraceView(commands)
{
    private const double NanosecondsPerMicrosecond = 1000;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<SubchannelId, (ulong Program, long Started, long Last)> _running = [];
    private bool _hasBegun;

    /// <inheritdoc/>
    public override void Write(in TraceRecord record, IBufferWriter<byte> output)
    {
        SubchannelId id = record.Header.Id;
        if (!_running.TryGetValue(id, out (ulong Program, long Started, long Last) at))
            WriteEvent(output, "thread_name", "M", id, 0, null, ("name", id.ToString()));
        switch (record.Header.Event)
        {
            case TraceEvent.Start:
                at = (record.Header.Program, record.Time, record.Time);
                break;
            case TraceEvent.Command when CommandPayload.TryRead(record.Payload, out CommandPayload command) && at.Program != 0:
                WriteEvent(output, Commands.WordOf(command.Command), "X", id, at.Last, record.Time - at.Last,
                    ("status", IrbSummary.Words(command.Status)), ("place", TextView.Words(command.Place).TrimStart(',', ' ')));
                at.Last = record.Time;
                break;
            case TraceEvent.Status when record.Payload.Length >= sizeof(long) + Irb.Size && at.Program != 0 && record.Header.Program == at.Program:
                string summary = IrbSummary.Describe(record.Payload.Slice(sizeof(long), Irb.Size), Commands.Sense);
                WriteEvent(output, $"program #{at.Program}", "X", id, at.Started, record.Time - at.Started, ("status", summary));
                at = default;
                break;
            case TraceEvent.Ccw or TraceEvent.Data:
                break;
            case TraceEvent.Lost when record.Payload.Length >= sizeof(long):
                WriteEvent(output, $"{BinaryPrimitives.ReadInt64BigEndian(record.Payload)} events lost", "i", id, record.Time, null);
                break;
            case TraceEvent.InterruptGiven or TraceEvent.InterruptTaken when record.Payload.Length > 0:
                string interrupt = TextView.WordOf((DeviceInterrupt)record.Payload[0]);
                WriteEvent(output, $"{interrupt} interrupt {TextView.WordOf(record.Header.Event)}", "i", id, record.Time, null);
                break;
            default:
                WriteEvent(output, TextView.WordOf(record.Header.Event), "i", id, record.Time, null);
                break;
        }
        _running[id] = at;
    }

    private void WriteEvent(
        IBufferWriter<byte> output, string name, string phase, SubchannelId id, long time, long? duration,
        params (string Key, string Value)[] arguments)
    {
        output.Write(_hasBegun ? ",\n"u8 : "[\n"u8);
        _hasBegun = true;
        using var json = new Utf8JsonWriter(output, s_options);
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("ph", phase);
        json.WriteNumber("pid", 1);
        json.WriteNumber("tid", (id.CssId << 20) | (id.SetId << 16) | id.Number);
        json.WriteNumber("ts", time / NanosecondsPerMicrosecond);
        if (duration is { } length)
            json.WriteNumber("dur", length / NanosecondsPerMicrosecond);
        json.WriteStartObject("args");
        foreach ((string key, string value) in arguments)
            json.WriteString(key, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
