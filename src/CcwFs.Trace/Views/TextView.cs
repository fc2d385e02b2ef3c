using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;
using CcwFs.Subchannel;

namespace CcwFs.Trace.Views;

/// <summary>
/// Events as lines for people: time of day, subchannel, number of the program, what it is, and what it says. Data follows as rows of hex.
/// </summary>
public sealed class TextView(CommandSet commands) : TraceView(commands)
{
    private const int NanosecondsPerTick = 100;
    private const string Bold = "\e[1m", Good = "\e[32m", Bad = "\e[31m", Odd = "\e[33m", Plain = "\e[0m"; // ECMA-48, SELECT GRAPHIC RENDITION

    private readonly StringBuilder _text = new();

    /// <summary>The lines are for a terminal: beginnings, good and bad ends have colours.</summary>
    public bool HasColours { get; init; }

    /// <inheritdoc/>
    public override void Write(in TraceRecord record, IBufferWriter<byte> output)
    {
        _text.Clear();
        string colour = HasColours ? ColourOf(record) : "";
        _text.Append(colour);
        DateTime time = DateTime.UnixEpoch.AddTicks(record.Time / NanosecondsPerTick).ToLocalTime();
        _text.Append(CultureInfo.InvariantCulture, $"{time:HH:mm:ss.ffffff} {record.Header.Id} ");
        _text.Append(record.Header.Program == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"#{record.Header.Program}"));
        _text.Append(' ').Append(WordOf(record.Header.Event).PadRight(8)).Append(' ');
        ReadOnlySpan<byte> payload = record.Payload;
        bool isWhole = record.Header.Event switch
        {
            TraceEvent.Start => Start(payload),
            TraceEvent.Ccw => CcwLine(record.Header, payload),
            TraceEvent.Command => Command(payload),
            TraceEvent.Data => Data(record.Header, payload),
            TraceEvent.Status => Status(payload),
            TraceEvent.Halt or TraceEvent.Clear or TraceEvent.Resume or TraceEvent.Outcome => Outcome(payload),
            TraceEvent.Reset => payload.Length > 0 && Append(payload[0] != 0 ? "system reset" : "the program was ended"),
            TraceEvent.Report => Report(payload),
            TraceEvent.Refused => Refused(payload),
            TraceEvent.Injected => Append(Text(payload)),
            TraceEvent.Client => Client(payload),
            TraceEvent.Lost => payload.Length >= sizeof(long)
                && Append($"{BinaryPrimitives.ReadInt64BigEndian(payload)} events, which this reader was too slow for"),
            TraceEvent.Gone => Append("the device has gone"),
            TraceEvent.NotTranslated => NotTranslated(payload),
            TraceEvent.Device => Device(payload),
            TraceEvent.InterruptGiven => payload.Length > 0 && Append($"{WordOf((DeviceInterrupt)payload[0])} was signalled"),
            TraceEvent.InterruptTaken => payload.Length > 0 && Append($"{WordOf((DeviceInterrupt)payload[0])} was read"),
            _ => Append(Convert.ToHexString(payload)),
        };
        if (!isWhole)
            _text.Append("damaged: ").Append(Convert.ToHexString(payload));
        if (_text[^1] == '\n')
            _text.Length--;
        _text.Append(colour.Length > 0 ? Plain : "").Append('\n');
        foreach (ReadOnlyMemory<char> chunk in _text.GetChunks())
            Encoding.UTF8.GetBytes(chunk.Span, output);
    }

    /// <summary>The word of an event, in small letters.</summary>
    internal static string WordOf(TraceEvent what) => what switch
    {
        TraceEvent.Start => "START",
        TraceEvent.Ccw => "ccw",
        TraceEvent.Command => "done",
        TraceEvent.Data => "data",
        TraceEvent.Status => "STATUS",
        TraceEvent.Halt => "HALT",
        TraceEvent.Clear => "CLEAR",
        TraceEvent.Resume => "RESUME",
        TraceEvent.Reset => "RESET",
        TraceEvent.Report => "CRW",
        TraceEvent.Refused => "refused",
        TraceEvent.Injected => "injected",
        TraceEvent.Client => "client",
        TraceEvent.Lost => "lost",
        TraceEvent.Gone => "gone",
        TraceEvent.Outcome => "result",
        TraceEvent.NotTranslated => "START",
        TraceEvent.Device => "device",
        TraceEvent.InterruptGiven => "given",
        TraceEvent.InterruptTaken => "taken",
        _ => "event",
    };

    /// <summary>An interrupt, by the name of its file.</summary>
    internal static string WordOf(DeviceInterrupt interrupt) => interrupt switch
    {
        DeviceInterrupt.Io => "io",
        DeviceInterrupt.Crw => "crw",
        DeviceInterrupt.Request => "req",
        _ => ((int)interrupt).ToString(CultureInfo.InvariantCulture),
    };

    private static string ColourOf(in TraceRecord record) => record.Header.Event switch
    {
        TraceEvent.Start => Bold,
        TraceEvent.Status when record.Payload.Length >= sizeof(long) + Irb.Size =>
            IrbSummary.IsWell(Scsw.Read(record.Payload[sizeof(long)..])) ? Good : Bad,
        TraceEvent.NotTranslated or TraceEvent.Outcome or TraceEvent.Refused => Bad,
        TraceEvent.Injected or TraceEvent.Lost or TraceEvent.Gone or TraceEvent.Report => Odd,
        _ => "",
    };

    private bool Append(string text)
    {
        _text.Append(text);
        return true;
    }

    private bool Start(ReadOnlySpan<byte> payload) => payload.Length >= Orb.Size && Append(Words(Orb.Read(payload)));

    private static string Words(Orb orb)
    {
        string more = (orb.Prefetch ? ", prefetch" : "") + (orb.Format2Idaws ? ", 64-bit IDAWs" : "");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"program at {orb.ProgramAddress:X8}, key {orb.Key}, format {(orb.Format1 ? 1 : 0)}{more}, paths {orb.LogicalPathMask:X2}");
    }

    private bool CcwLine(in TraceHeader header, ReadOnlySpan<byte> payload)
    {
        if (!CcwPayload.TryRead(payload, out CcwPayload ccw))
            return false;
        _text.Append(CultureInfo.InvariantCulture, $"{ccw.Address:X8} {StructureDecoder.CcwText(ccw.Ccw, Commands)}");
        if (ccw.Continues)
            _text.Append(", continues ").Append(Commands.WordOf(ccw.Command));
        for (int i = 0; i < ccw.AreaCount; i++)
        {
            (ulong address, uint length) = ccw.Area(i);
            _text.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? ", data at " : ", ")}{address:X}+{length}");
        }
        if (ccw.AreaCount > 0 && (header.Flags & TraceFlags.Cut) != 0)
            _text.Append(" …");
        if (ccw.Data.Length > 0)
            AppendData(ccw.Command, ccw.Continues, ccw.Data);
        return true;
    }

    private void AppendData(byte command, bool continues, ReadOnlySpan<byte> data)
    {
        int parameters = 0;
        if (!continues && Commands.Find(command) is { Layout: { } layout } known)
        {
            _text.Append(": ");
            ParameterDecoder.AppendLine(_text, known, data);
            parameters = layout.TakesData ? layout.LengthOf(data) : data.Length;
        }
        if (parameters >= data.Length)
            return;
        _text.Append('\n');
        HexDump.Append(_text, data[parameters..]);
    }

    private bool Command(ReadOnlySpan<byte> payload)
    {
        if (!CommandPayload.TryRead(payload, out CommandPayload command))
            return false;
        _text.Append(CultureInfo.InvariantCulture, $"{command.Address:X8} {Commands.WordOf(command.Command)}: {IrbSummary.Words(command.Status)}");
        if (command.Check != SubchannelStatus.None)
            _text.Append("; ").Append(IrbSummary.Words(command.Check));
        _text.Append(Words(command.Place));
        if (command.Residual > 0)
            _text.Append(CultureInfo.InvariantCulture, $", residual {command.Residual}");
        return true;
    }

    internal static string Words(CommandPlace place) => place.Unit switch
    {
        PlaceUnit.Track => string.Create(CultureInfo.InvariantCulture, $", at {place.Cylinder}/{place.Head}"),
        PlaceUnit.Record => string.Create(CultureInfo.InvariantCulture, $", at {place.Cylinder}/{place.Head}/{place.Record}"),
        PlaceUnit.Block => string.Create(CultureInfo.InvariantCulture, $", at block {place.Value}"),
        _ => "",
    };

    private bool Data(in TraceHeader header, ReadOnlySpan<byte> payload)
    {
        if (!DataPayload.TryRead(header.Flags, payload, out DataPayload data))
            return false;
        string way = data.IsToStorage ? "to storage" : "to the device";
        _text.Append(CultureInfo.InvariantCulture, $"{data.Address:X8} {Commands.WordOf(data.Command)}, {way}{(data.IsCut ? ", the first" : "")} ");
        _text.Append(CultureInfo.InvariantCulture, $"{data.Length} bytes");
        if (data.IsDigest)
        {
            _text.Append(", SHA-256 ").Append(Convert.ToHexString(data.Bytes));
        }
        else if (data.IsToStorage)
        {
            _text.Append('\n');
            HexDump.Append(_text, data.Bytes);
        }
        else
        {
            AppendData(data.Command, continues: false, data.Bytes);
        }
        return true;
    }

    private bool Status(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < sizeof(long) + Irb.Size)
            return false;
        long since = BinaryPrimitives.ReadInt64BigEndian(payload);
        if (since > 0)
            _text.Append(CultureInfo.InvariantCulture, $"after {since / 1000.0:0.0} us, ");
        _text.Append(IrbSummary.Describe(payload.Slice(sizeof(long), Irb.Size), Commands.Sense));
        return true;
    }

    private bool Outcome(ReadOnlySpan<byte> payload) => payload.Length >= 8 && Append(
        BinaryPrimitives.ReadInt32BigEndian(payload[4..]) is var errno && errno != 0
            ? $"refused, errno {errno}" : $"condition code {payload[0]}");

    private bool Report(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < sizeof(uint)
            || !StructureDecoder.TryDecode("crw", payload[..sizeof(uint)], format1: true, Commands, out IReadOnlyList<DecodedStructure> crw, out _))
            return false;
        return Append(crw[0].Summary);
    }

    private bool Refused(ReadOnlySpan<byte> payload)
    {
        const int Head = sizeof(uint) + Ccw.Size;
        if (payload.Length < Head)
            return false;
        string ccw = StructureDecoder.CcwText(Ccw.ReadFormat1(payload[sizeof(uint)..]), Commands);
        _text.Append(CultureInfo.InvariantCulture, $"by the policy {Text(payload[Head..])}: {BinaryPrimitives.ReadUInt32BigEndian(payload):X8} {ccw}");
        return true;
    }

    private bool Client(ReadOnlySpan<byte> payload)
    {
        switch (payload.Length > 0 ? (ClientAct)payload[0] : 0)
        {
            case ClientAct.Took:
                return Append("has taken the device");
            case ClientAct.GaveBack:
                return Append("has given the device back");
            case ClientAct.Mapped or ClientAct.Unmapped when payload.Length >= 20:
                ulong iova = BinaryPrimitives.ReadUInt64BigEndian(payload[4..]);
                ulong length = BinaryPrimitives.ReadUInt64BigEndian(payload[12..]);
                string done = (ClientAct)payload[0] == ClientAct.Mapped ? "mapped" : "unmapped";
                _text.Append(CultureInfo.InvariantCulture, $"has {done} {length} bytes at {iova:X}");
                return true;
            default:
                return false;
        }
    }

    private bool NotTranslated(ReadOnlySpan<byte> payload)
    {
        const int Head = sizeof(int) + Orb.Size;
        if (payload.Length < Head)
            return false;
        _text.Append(Words(Orb.Read(payload[sizeof(int)..])));
        _text.Append(CultureInfo.InvariantCulture, $"; not started, errno {BinaryPrimitives.ReadInt32BigEndian(payload)}: {Text(payload[Head..])}");
        return true;
    }

    private bool Device(ReadOnlySpan<byte> payload)
    {
        if (!DevicePayload.TryRead(payload, out DevicePayload? device))
            return false;
        (string type, string controlUnit) = device.Names;
        _text.Append(CultureInfo.InvariantCulture, $"{(type.Length > 0 ? type : "of unknown type")}");
        if (controlUnit.Length > 0)
            _text.Append(" behind a ").Append(controlUnit);
        foreach ((string key, string value) in device.Facts)
            _text.Append(CultureInfo.InvariantCulture, $", {VisibleText.Of(key)} {VisibleText.Of(value)}");
        return true;
    }

    internal static string Text(ReadOnlySpan<byte> utf8) => VisibleText.Of(Encoding.UTF8.GetString(utf8));
}
