using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;
using CcwFs.Subchannel;

namespace CcwFs.Trace.Views;

/// <summary>
/// Events as JSON, an object per line: <c>time</c> (nanoseconds since 1970), <c>subchannel</c>, <c>program</c>, <c>event</c>, and what the event has.
/// Addresses and bytes are hex strings, counts and codes are numbers.
/// </summary>
public sealed class JsonView(CommandSet commands) : TraceView(commands)
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <inheritdoc/>
    public override void Write(in TraceRecord record, IBufferWriter<byte> output)
    {
        using (var json = new Utf8JsonWriter(output, s_options))
        {
            json.WriteStartObject();
            json.WriteNumber("time", record.Time);
            json.WriteString("subchannel", record.Header.Id.ToString());
            if (record.Header.Program != 0)
                json.WriteNumber("program", record.Header.Program);
            json.WriteString("event", NameOf(record.Header.Event));
            if ((record.Header.Flags & TraceFlags.Cut) != 0)
                json.WriteBoolean("cut", true);
            if (!TryWrite(record, json))
                json.WriteString("damaged", Convert.ToHexString(record.Payload));
            json.WriteEndObject();
        }
        output.Write("\n"u8);
    }

    private static string NameOf(TraceEvent what) => Enum.IsDefined(what) ? JsonNamingPolicy.SnakeCaseLower.ConvertName(what.ToString()) : "unknown";

    private bool TryWrite(in TraceRecord record, Utf8JsonWriter json)
    {
        ReadOnlySpan<byte> payload = record.Payload;
        switch (record.Header.Event)
        {
            case TraceEvent.Start when payload.Length >= Orb.Size:
                WriteOrb(json, payload);
                return true;
            case TraceEvent.Ccw:
                return TryWriteCcw(json, record.Header, payload);
            case TraceEvent.Command:
                return TryWriteCommand(json, payload);
            case TraceEvent.Device when DevicePayload.TryRead(payload, out DevicePayload? device):
                WriteDevice(json, device);
                return true;
            case TraceEvent.Data when DataPayload.TryRead(record.Header.Flags, payload, out DataPayload data):
                WriteData(json, data);
                return true;
            case TraceEvent.Status when payload.Length >= sizeof(long) + Irb.Size:
                WriteStatus(json, payload);
                return true;
            case TraceEvent.Halt or TraceEvent.Clear or TraceEvent.Resume or TraceEvent.Outcome when payload.Length >= 8:
                json.WriteNumber("condition_code", payload[0]);
                json.WriteNumber("errno", BinaryPrimitives.ReadInt32BigEndian(payload[4..]));
                return true;
            case TraceEvent.Reset when payload.Length >= 1:
                json.WriteBoolean("system", payload[0] != 0);
                return true;
            case TraceEvent.Report when payload.Length >= sizeof(uint):
                json.WriteString("crw", Convert.ToHexString(payload[..sizeof(uint)]));
                return true;
            case TraceEvent.Refused when payload.Length >= sizeof(uint) + Ccw.Size:
                json.WriteString("address", Hex(BinaryPrimitives.ReadUInt32BigEndian(payload)));
                json.WriteString("ccw", Convert.ToHexString(payload.Slice(sizeof(uint), Ccw.Size)));
                json.WriteString("rule", TextView.Text(payload[(sizeof(uint) + Ccw.Size)..]));
                return true;
            case TraceEvent.Injected:
                json.WriteString("rule", TextView.Text(payload));
                return true;
            case TraceEvent.Client when payload.Length >= 1:
                return TryWriteClient(json, payload);
            case TraceEvent.InterruptGiven or TraceEvent.InterruptTaken when payload.Length >= 1:
                json.WriteString("interrupt", TextView.WordOf((DeviceInterrupt)payload[0]));
                return true;
            case TraceEvent.Lost when payload.Length >= sizeof(long):
                json.WriteNumber("events", BinaryPrimitives.ReadInt64BigEndian(payload));
                return true;
            case TraceEvent.NotTranslated when payload.Length >= sizeof(int) + Orb.Size:
                json.WriteNumber("errno", BinaryPrimitives.ReadInt32BigEndian(payload));
                WriteOrb(json, payload[sizeof(int)..]);
                json.WriteString("reason", TextView.Text(payload[(sizeof(int) + Orb.Size)..]));
                return true;
            default:
                return record.Header.Event == TraceEvent.Gone;
        }
    }

    private static void WriteOrb(Utf8JsonWriter json, ReadOnlySpan<byte> bytes)
    {
        Orb orb = Orb.Read(bytes);
        json.WriteString("orb", Convert.ToHexString(bytes[..Orb.Size]));
        json.WriteString("address", Hex(orb.ProgramAddress));
        json.WriteNumber("format", orb.Format1 ? 1 : 0);
        json.WriteBoolean("prefetch", orb.Prefetch);
    }

    private bool TryWriteCcw(Utf8JsonWriter json, in TraceHeader header, ReadOnlySpan<byte> payload)
    {
        if (!CcwPayload.TryRead(payload, out CcwPayload ccw))
            return false;
        json.WriteNumber("number", header.Ccw);
        json.WriteString("address", Hex(ccw.Address));
        json.WriteString("ccw", Convert.ToHexString(payload.Slice(4, Ccw.Size)));
        json.WriteString("command", Commands.WordOf(ccw.Command));
        json.WriteNumber("code", ccw.Ccw.Command);
        json.WriteNumber("flags", (byte)ccw.Ccw.Flags);
        json.WriteNumber("count", ccw.Ccw.Count);
        json.WriteString("data_address", Hex(ccw.Ccw.DataAddress));
        json.WriteBoolean("continues", ccw.Continues);
        if (ccw.AreaCount > 0)
            json.WriteStartArray("areas");
        for (int i = 0; i < ccw.AreaCount; i++)
        {
            json.WriteStartObject();
            json.WriteString("address", ccw.Area(i).Address.ToString("X", null));
            json.WriteNumber("length", ccw.Area(i).Length);
            json.WriteEndObject();
        }
        if (ccw.AreaCount > 0)
            json.WriteEndArray();
        if (ccw.Data.Length > 0)
            json.WriteString("data", Convert.ToHexString(ccw.Data));
        if (ccw.Data.Length > 0 && !ccw.Continues)
            WriteParameters(json, ccw.Command, ccw.Data);
        return true;
    }

    private bool TryWriteCommand(Utf8JsonWriter json, ReadOnlySpan<byte> payload)
    {
        if (!CommandPayload.TryRead(payload, out CommandPayload command))
            return false;
        json.WriteString("address", Hex(command.Address));
        json.WriteString("command", Commands.WordOf(command.Command));
        json.WriteNumber("device_status", (byte)command.Status);
        json.WriteNumber("subchannel_status", (byte)command.Check);
        json.WriteNumber("residual", command.Residual);
        CommandPlace place = command.Place;
        if (place.Unit is PlaceUnit.Track or PlaceUnit.Record)
        {
            json.WriteNumber("cylinder", place.Cylinder);
            json.WriteNumber("head", place.Head);
        }
        if (place.Unit == PlaceUnit.Record)
            json.WriteNumber("record", place.Record);
        if (place.Unit == PlaceUnit.Block)
            json.WriteNumber("block", place.Value);
        return true;
    }

    private void WriteStatus(Utf8JsonWriter json, ReadOnlySpan<byte> payload)
    {
        ReadOnlySpan<byte> irb = payload.Slice(sizeof(long), Irb.Size);
        Scsw scsw = Scsw.Read(irb);
        json.WriteNumber("duration", BinaryPrimitives.ReadInt64BigEndian(payload));
        json.WriteString("irb", Convert.ToHexString(irb));
        json.WriteString("ccw_address", Hex(scsw.CcwAddress));
        json.WriteNumber("device_status", (byte)scsw.Device);
        json.WriteNumber("subchannel_status", (byte)scsw.Subchannel);
        json.WriteNumber("residual", scsw.Residual);
        if (IrbSummary.ConcurrentSense(irb) is { Length: > 0 } sense)
            json.WriteString("sense", Convert.ToHexString(sense));
        json.WriteString("summary", IrbSummary.Describe(irb, Commands.Sense));
    }

    private static bool TryWriteClient(Utf8JsonWriter json, ReadOnlySpan<byte> payload)
    {
        var act = (ClientAct)payload[0];
        bool hasRange = act is ClientAct.Mapped or ClientAct.Unmapped;
        if (!Enum.IsDefined(act) || (hasRange && payload.Length < 20))
            return false;
        json.WriteString("act", JsonNamingPolicy.SnakeCaseLower.ConvertName(act.ToString()));
        if (!hasRange)
            return true;
        json.WriteString("iova", BinaryPrimitives.ReadUInt64BigEndian(payload[4..]).ToString("X", null));
        json.WriteNumber("length", BinaryPrimitives.ReadUInt64BigEndian(payload[12..]));
        return true;
    }

    private void WriteData(Utf8JsonWriter json, in DataPayload data)
    {
        json.WriteString("address", Hex(data.Address));
        json.WriteString("command", Commands.WordOf(data.Command));
        json.WriteString("direction", data.IsToStorage ? "to_storage" : "to_device");
        json.WriteNumber("bytes", data.Length);
        json.WriteString(data.IsDigest ? "sha256" : "data", Convert.ToHexString(data.Bytes));
        if (!data.IsToStorage && !data.IsDigest)
            WriteParameters(json, data.Command, data.Bytes);
    }

    private void WriteParameters(Utf8JsonWriter json, byte command, ReadOnlySpan<byte> data)
    {
        if (Commands.Find(command) is not { Layout: not null } known)
            return;
        var parameters = new StringBuilder();
        ParameterDecoder.AppendLine(parameters, known, data);
        json.WriteString("parameters", parameters.ToString());
    }

    private static void WriteDevice(Utf8JsonWriter json, DevicePayload device)
    {
        json.WriteString("device_type", device.Names.Device);
        json.WriteString("control_unit_type", device.Names.ControlUnit);
        json.WriteStartObject("facts");
        foreach ((string key, string value) in device.Facts)
            json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static string Hex(uint value) => value.ToString("X8", null);
}
