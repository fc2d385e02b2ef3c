using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;
using CcwFs.Control;
using CcwFs.Subchannel;
using CcwFs.Trace;
using CcwFs.Trace.Views;

namespace CcwFs.Cli.Trace;

/// <summary>
/// Which programs a trace shows: <c>command=WORD</c>, <c>cylinder=N</c> or <c>cylinder=N-M</c>, <c>block=N-M</c>, <c>status=WORD</c> and
/// <c>errors</c>, with commas between them; all of them must fit. A program is shown as a whole, when its last status was seen.
/// </summary>
internal sealed class TraceFilter
{
    private const int Longest = 1024; // characters (arbitrary)

    private static readonly (string Word, DeviceStatus Status)[] s_statuses =
    [
        ("attention", DeviceStatus.Attention), ("status-modifier", DeviceStatus.StatusModifier), ("control-unit-end", DeviceStatus.ControlUnitEnd),
        ("busy", DeviceStatus.Busy), ("channel-end", DeviceStatus.ChannelEnd), ("device-end", DeviceStatus.DeviceEnd),
        ("unit-check", DeviceStatus.UnitCheck), ("unit-exception", DeviceStatus.UnitException),
    ];

    private readonly List<(string Key, Func<Seen, bool> Fits)> _wants = [];

    /// <summary>Nothing is filtered.</summary>
    internal bool IsEmpty => _wants.Count == 0;

    /// <summary>The words for a person.</summary>
    internal static string Words => "command=WORD, status=WORD, cylinder=N-M, block=N-M, errors";

    /// <summary>Reads a filter; throws with one line where it is wrong.</summary>
    internal static TraceFilter Parse(string? text)
    {
        var filter = new TraceFilter();
        if (text is { Length: > Longest })
            throw Wrong($"it is longer than {Longest} characters");
        foreach (string part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] word = part.Split('=', 2);
            filter._wants.Add((word[0], (word[0], word.ElementAtOrDefault(1)) switch
            {
                ("errors", null) => seen => seen.HasError,
                ("command", { Length: > 0 } name) => Command(name),
                ("status", { Length: > 0 } name) => Status(name),
                ("cylinder", { } range) => Range("cylinder", range, PlaceUnit.Record),
                ("block", { } range) => Range("block", range, PlaceUnit.Block),
                _ => throw Wrong($"'{part}' is not one of {Words}"),
            }));
        }
        return filter;
    }

    /// <summary>A program of which these things were seen is shown.</summary>
    internal bool Admits(Seen seen) => _wants.TrueForAll(want => want.Fits(seen));

    private static Func<Seen, bool> Command(string name)
    {
        HashSet<byte> codes = [.. Families.All.Select(family => family.Find(name)?.Code).OfType<byte>()];
        if (name.Length == 2 && byte.TryParse(name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte code))
            codes.Add(code);
        if (codes.Count == 0)
        {
            string[] known = [.. Families.All.SelectMany(family => family.Rows.Select(row => row.Word.ToLowerInvariant())).Distinct()];
            string hint = Nearest.Find(name, known) is { } near ? $": did you mean '{near.ToUpperInvariant()}'?" : "; see: ccwfs help programs";
            throw Wrong($"unknown command '{name}'{hint}");
        }
        return seen => seen.Commands.Overlaps(codes);
    }

    private static Func<Seen, bool> Status(string name)
    {
        (string? word, DeviceStatus status) = Array.Find(s_statuses, s => s.Word == name);
        if (word is null)
        {
            string[] known = [.. s_statuses.Select(s => s.Word)];
            throw Wrong($"unknown status '{name}'{Nearest.Hint(name, known, $"it is one of {string.Join(", ", known)}")}");
        }
        return seen => (seen.Status & status) != 0;
    }

    private static Func<Seen, bool> Range(string key, string range, PlaceUnit unit)
    {
        string[] ends = range.Split('-');
        if (ends.Length > 2 || !ulong.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong first)
            || !ulong.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong last) || last < first)
            throw Wrong($"{key}= takes a number or a range like 0-99, not '{range}'");
        return seen => seen.Places.Exists(place => unit == PlaceUnit.Block
            ? place.Unit == unit && place.Value >= first && place.Value <= last
            : place.Unit is PlaceUnit.Track or PlaceUnit.Record && place.Cylinder >= first && place.Cylinder <= last);
    }

    private static CommandException Wrong(string what) => new($"--filter: {what}", CommandException.WrongUsage);

    /// <summary>What was seen of a program.</summary>
    internal sealed class Seen
    {
        private const int MaxPlaces = 4096; // arbitrary

        internal HashSet<byte> Commands { get; } = [];

        internal List<CommandPlace> Places { get; } = [];

        internal DeviceStatus Status { get; private set; }

        internal bool HasError { get; private set; }

        internal bool HasEnded { get; private set; }

        /// <summary>HALT, CLEAR, a reset or another program has ended it.</summary>
        internal void End() => (HasError, HasEnded) = (true, true);

        /// <summary>Looks at one event of the program.</summary>
        internal void Look(in TraceRecord record)
        {
            ReadOnlySpan<byte> payload = record.Payload;
            switch (record.Header.Event)
            {
                case TraceEvent.Ccw when CcwPayload.TryRead(payload, out CcwPayload ccw):
                    Commands.Add(ccw.Command);
                    break;
                case TraceEvent.Command when CommandPayload.TryRead(payload, out CommandPayload command):
                    Commands.Add(command.Command);
                    Status |= command.Status;
                    if (Places.Count < MaxPlaces)
                        Places.Add(command.Place);
                    break;
                case TraceEvent.Status when payload.Length >= sizeof(long) + Irb.Size:
                    Scsw scsw = Scsw.Read(payload[sizeof(long)..]);
                    Status |= scsw.Device;
                    HasError |= !IrbSummary.IsWell(scsw);
                    HasEnded |= (scsw.StatusControl & (StatusControl.Secondary | StatusControl.Alert)) != 0;
                    break;
                case TraceEvent.NotTranslated or TraceEvent.Outcome:
                    (HasError, HasEnded) = (true, true);
                    break;
                case TraceEvent.Refused:
                    HasError = true;
                    break;
            }
        }
    }
}
