using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;

namespace CcwFs.Faults.Rules;

/// <summary>Reads the value of an action; gives null, or what is wrong with it.</summary>
internal delegate string? ActionReader(string value, FaultTarget target, out FaultAction action);

/// <summary>An action: its word, and what it may be used with.</summary>
/// <param name="Word">The word.</param>
/// <param name="Value">What its value looks like; null: it has none.</param>
/// <param name="Help">What it does, in one sentence.</param>
/// <param name="Subjects">What a rule with it may look at.</param>
/// <param name="Read">Reads its value.</param>
internal sealed record ActionRow(string Word, string? Value, string Help, SubjectKind Subjects, ActionReader Read)
{
    /// <summary>It changes data without a word of it: the rule must say corrupt.</summary>
    internal bool Corrupts { get; init; }
}

/// <summary>The table of actions, and the words that may stand behind them.</summary>
internal static class FaultActions
{
    private const int MaxFlaps = 5; // times that a path which flaps goes and comes (arbitrary)
    private const int MaxPatch = 16; // bytes that one rule puts into data (arbitrary)
    private const SubjectKind Program = SubjectKind.Command | SubjectKind.Start, Function = Program | SubjectKind.Halt | SubjectKind.Clear,
        Event = Program | SubjectKind.Now;

    internal static readonly ActionRow[] All =
    [
        new("check", "SENSE", "Unit check with this sense: a name, or 24 or 32 bytes in hex.", Program, ReadCheck),
        new("channel", "BITS", "This channel status, with + between bits.", Program, Bits(FaultKind.Channel, StatusBits.Channel)),
        new("status", "BITS", "This device status and no other, with + between bits.", Program, Bits(FaultKind.Status, StatusBits.Device)),
        new("deferred", "1|3", "The START is taken, and then ends with this deferred condition code.", Program, ReadDeferred),
        new("cc", "1|2|3", "START, HALT or CLEAR is not taken: this condition code.", Function, ReadCondition),
        new("late_end", "TIME", "Channel end comes at once, and device end so much later.", Program, Timed(FaultKind.LateEnd)),
        new("delay", "TIME", "The interrupt comes so much later.", Function, Timed(FaultKind.Delay)),
        new("lose", null, "The interrupt never comes.", Function, Plain(FaultKind.Lose)),
        new("double", null, "The interrupt comes twice.", Program, Plain(FaultKind.Double)),
        new("intermediate", null, "Intermediate status comes first, as of a program-controlled interruption, and then the program's own.", Program,
            Plain(FaultKind.Intermediate)),
        new("await", "ID", "The interrupt comes when the next program of another subchannel has ended; with ID:start when one is started there.",
            Program, ReadAwait),
        new("unsolicited", "BITS", "The device presents this status of its own.", Event, Bits(FaultKind.Unsolicited, StatusBits.Device)),
        new("path_off", "CHPID", "This channel path goes away.", Event, Path(false)),
        new("path_on", "CHPID", "This channel path comes back.", Event, Path(true)),
        new("path_flap", "CHPID", $"This channel path goes away and comes back {MaxFlaps} times, ten times a second.", Event,
            Path([.. Enumerable.Range(0, 2 * MaxFlaps).Select(i => i % 2 == 1)])),
        new("crw", "HEX", "A channel report with this word of 4 bytes.", Event, ReadReport),
        new("pass", null, "Nothing; for a rule that only sets a state.", Function, Plain(FaultKind.Pass)),
        new("drop", null, "The program is not executed, and ends as if it had been.", Program, Plain(FaultKind.Drop)) { Corrupts = true },
        new("stale", null, "The command stores nothing: storage keeps what it has.", SubjectKind.Command, Plain(FaultKind.Stale)) { Corrupts = true },
        new("torn", "N", "Only the first N bytes are transferred.", SubjectKind.Command, ReadTorn) { Corrupts = true },
        new("flip", "N", "The lowest bit of byte N of the data is another.", SubjectKind.Command, ReadFlip) { Corrupts = true },
        new("data", "N:HEX", $"These bytes, at most {MaxPatch}, take the place of those of the data from byte N on.", SubjectKind.Command, ReadData)
        {
            Corrupts = true,
        },
    ];

    internal static readonly FaultWord[] Options =
    [
        new("after", null, "The program runs whole, and then its status is replaced: what was written is written."),
        new("corrupt", null, "Data may be damaged without a word of it. The actions drop, stale, torn, flip and data need this word."),
        new("set", "NAME", "The state NAME is set when the rule acts."),
        new("unset", "NAME", "The state NAME ends when the rule acts."),
        new("sense", "SENSE", "This sense comes with unsolicited status."),
    ];

    internal static IEnumerable<FaultWord> Words => All.Select(row => new FaultWord(row.Word, row.Value, row.Help));

    /// <summary>Takes an option in; gives null, or what is wrong with it.</summary>
    internal static string? TryOption(string text, ActionRow row, FaultTarget target, ref FaultAction action)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        (string word, string value) = equals < 0 ? (text, "") : (text[..equals], text[(equals + 1)..]);
        switch (word)
        {
            case "after" when equals < 0:
                action = action with { After = true };
                return action.ReplacesStatus ? null : $"after is for check, channel, status and deferred, not for {row.Word}";
            case "corrupt" when equals < 0:
                return row.Corrupts ? null : $"{row.Word} damages no data: leave corrupt out";
            case "set" when equals > 0:
                action = action with { Sets = value };
                return WordHints.WrongName(value);
            case "unset" when equals > 0:
                action = action with { Unsets = value };
                return WordHints.WrongName(value);
            case "sense" when equals > 0 && action.Kind == FaultKind.Unsolicited:
                string? wrong = NamedSense.TryParse(value, target, out byte[] sense);
                action = action with { Sense = sense };
                return wrong;
            default:
                return WordHints.Unknown("option", word, Options.Select(option => option.Word));
        }
    }

    private static ActionReader Plain(FaultKind kind) => (string _, FaultTarget _, out FaultAction action) =>
    {
        action = new FaultAction(kind);
        return null;
    };

    private static ActionReader Bits(FaultKind kind, (string Word, byte Bit)[] table) => (string value, FaultTarget _, out FaultAction action) =>
    {
        string? wrong = StatusBits.TryParse(value, table, out byte bits);
        action = new FaultAction(kind) { Bits = bits };
        return wrong;
    };

    private static ActionReader Timed(FaultKind kind) => (string value, FaultTarget _, out FaultAction action) =>
    {
        string? wrong = WordHints.TryTime(value, out TimeSpan time);
        action = new FaultAction(kind) { Time = time };
        return wrong;
    };

    private static ActionReader Path(params bool[] steps) => (string value, FaultTarget target, out FaultAction action) =>
    {
        bool good = value.Length == 2 & byte.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte chpid);
        action = new FaultAction(FaultKind.Path) { Bits = chpid, Path = steps };
        if (!target.IsEmulated)
            return "the channel paths of a real device are the host's; there: chchp --vary";
        if (!good)
            return $"{WordHints.Shown(value)} is no channel-path id; it is two hex digits, like 40";
        return target.ChannelPaths is not { } own || own.Contains(chpid) ? null
            : $"the device has no channel path {chpid:x2}; it has {string.Join(", ", own.Select(path => $"{path:x2}"))}";
    };

    private static string? ReadCheck(string value, FaultTarget target, out FaultAction action)
    {
        action = new FaultAction(FaultKind.Check);
        string? wrong = NamedSense.TryParse(value, target, out byte[] sense);
        action = action with { Sense = sense };
        return wrong;
    }

    private static string? ReadDeferred(string value, FaultTarget target, out FaultAction action)
    {
        action = new FaultAction(FaultKind.Deferred) { Bits = value == "1" ? (byte)1 : (byte)3 };
        return value is "1" or "3" ? null : $"{WordHints.Shown(value)} is no deferred condition code: it is 1 or 3";
    }

    private static string? ReadCondition(string value, FaultTarget target, out FaultAction action)
    {
        string? wrong = WordHints.TryNumber(value, (int)ConditionCode.StatusPending, (int)ConditionCode.NotOperational, out long code);
        action = new FaultAction(FaultKind.Condition) { Bits = (byte)code };
        return wrong;
    }

    private static string? ReadAwait(string value, FaultTarget target, out FaultAction action)
    {
        string[] parts = value.Split(':');
        bool good = SubchannelId.TryParse(parts[0], out SubchannelId id) && parts.Length <= 2 && (parts.Length == 1 || parts[1] is "start" or "end");
        action = new FaultAction(FaultKind.Await) { Other = id, AwaitsStart = parts[^1] == "start" };
        if (good && id == target.Id)
            return $"{id} is the device itself: it would wait for ever; name another one";
        return good ? null : $"{WordHints.Shown(value)} is no subchannel; it is written like 0.0.0001 or 0.0.0001:start";
    }

    private static string? ReadReport(string value, FaultTarget target, out FaultAction action)
    {
        bool isHex = uint.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint word);
        bool good = isHex && value.Length == 8 && word != 0;
        action = new FaultAction(FaultKind.Report) { Report = new Crw(word) };
        return good ? null : $"{WordHints.Shown(value)} is no channel report; it is eight hex digits, like 04060040";
    }

    private static string? ReadTorn(string value, FaultTarget target, out FaultAction action)
    {
        string? wrong = WordHints.TryNumber(value, 1, ushort.MaxValue, out long count);
        action = new FaultAction(FaultKind.Torn) { Offset = (int)count };
        return wrong;
    }

    private static string? ReadFlip(string value, FaultTarget target, out FaultAction action)
    {
        string? wrong = WordHints.TryNumber(value, 0, ushort.MaxValue - 1, out long at);
        action = new FaultAction(FaultKind.Alter) { Offset = (int)at, Bytes = [1], Flips = true };
        return wrong;
    }

    private static string? ReadData(string value, FaultTarget target, out FaultAction action)
    {
        string[] parts = value.Split(':');
        action = new FaultAction(FaultKind.Alter);
        if (parts.Length != 2)
            return $"{WordHints.Shown(value)} is not N:HEX, like 0:20";
        byte[] bytes = [];
        string? wrong = WordHints.TryNumber(parts[0], 0, ushort.MaxValue - 1, out long at) ?? WordHints.TryHex(parts[1], MaxPatch, out bytes);
        action = action with { Offset = (int)at, Bytes = bytes };
        return wrong;
    }
}
