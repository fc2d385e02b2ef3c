using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.CommandSets;

namespace CcwFs.Faults.Rules;

/// <summary>What a rule looks at.</summary>
[Flags]
internal enum SubjectKind
{
    /// <summary>A command of a program; with no others, the first one of every program.</summary>
    Command = 1,

    /// <summary>START SUBCHANNEL.</summary>
    Start = 2,

    /// <summary>HALT SUBCHANNEL.</summary>
    Halt = 4,

    /// <summary>CLEAR SUBCHANNEL.</summary>
    Clear = 8,

    /// <summary>Nothing: the rule acts once, when it is added.</summary>
    Now = 16,
}

/// <summary>
/// The first word of a rule: commands and classes of commands with dots between, or one of the functions. A class of data is of commands that work at
/// a place of the medium; what reads something else is of the class sense.
/// </summary>
internal sealed class FaultSubject
{
    private static readonly ClassRow[] s_classes =
    [
        new("any", "Every command.", static (_, _, _) => true),
        new("read", "Every command that reads data of the medium.", static (set, code, placed) => IsRead(set, code) && IsOfMedium(set, code, placed)),
        new("write", "Every command that writes.", static (set, code, _) => set.KindOf(code) == CommandKind.Writes),
        new("sense", "Every command that reads something else than the medium: SENSE, SENSE ID, READ CONFIGURATION DATA and the like.",
            static (set, code, placed) => IsRead(set, code) && !IsOfMedium(set, code, placed)),
        new("control", "Every command that only controls the device.", static (set, code, _) => set.KindOf(code) == CommandKind.Controls),
        new("position", "Every command that moves to a place.", static (set, code, _) => set.KindOf(code) == CommandKind.Positions),
        new("define", "Every command that defines an extent.", static (set, code, _) => set.KindOf(code) == CommandKind.Defines),
        new("search", "Every command that searches.", static (set, code, _) => set.KindOf(code) == CommandKind.Searches),
        new("order", "Every command that is what its order says.", static (set, code, _) => set.KindOf(code) == CommandKind.Orders),
    ];

    private static readonly (string Word, SubjectKind Kind, string Help)[] s_functions =
    [
        ("start", SubjectKind.Start, "The START of every program: the rule acts at its first command."),
        ("halt", SubjectKind.Halt, "Every HALT."),
        ("clear", SubjectKind.Clear, "Every CLEAR."),
        ("now", SubjectKind.Now, "No program: the rule acts once, when it is added."),
    ];

    private readonly bool[] _codes = new bool[256], _placed = new bool[256];

    private FaultSubject(SubjectKind kind) => Kind = kind;

    internal static IEnumerable<FaultWord> Words =>
        s_classes.Select(row => new FaultWord(row.Word, null, row.Help)).Concat(s_functions.Select(row => new FaultWord(row.Word, null, row.Help)));

    internal SubjectKind Kind { get; }

    /// <summary>One of its commands may work at a place of the medium.</summary>
    internal bool HasPlaces { get; private init; }

    /// <summary>A command is one of these; <paramref name="isPlaced"/>: commands before it have said where.</summary>
    internal bool Has(byte code, bool isPlaced) => (isPlaced ? _placed : _codes)[code];

    /// <summary>The device has no such command.</summary>
    internal bool IsEmpty => !HasAny(static _ => true);

    /// <summary>One of its commands is of this kind, by its code.</summary>
    internal bool HasAny(Func<byte, bool> isOfKind) =>
        Enumerable.Range(0, _codes.Length).Any(code => (_codes[code] || _placed[code]) && isOfKind((byte)code));

    /// <summary>Reads the word; gives null, or what is wrong with it.</summary>
    internal static string? TryParse(string text, FaultTarget target, out FaultSubject subject)
    {
        int function = Array.FindIndex(s_functions, row => row.Word == text);
        subject = new FaultSubject(function >= 0 ? s_functions[function].Kind : SubjectKind.Command);
        if (function >= 0)
            return null;
        var parsed = new FaultSubject(SubjectKind.Command) { HasPlaces = text.Split('.').Any(word => MayHavePlace(word, target.Commands)) };
        foreach (string word in text.Split('.'))
        {
            if (parsed.TryAdd(word, target) is { } wrong)
                return wrong;
        }
        subject = parsed;
        return null;
    }

    private static bool IsRead(CommandSet set, byte code) => set.KindOf(code) == CommandKind.Reads;

    private static bool IsOfMedium(CommandSet set, byte code, bool isPlaced) =>
        set.Extents == ExtentUnit.None ? code is not (CommandCode.Sense or CommandCode.SenseId) : isPlaced;

    private static bool MayHavePlace(string word, CommandSet commands)
    {
        CommandKind? kind = commands.Find(word)?.Kind;
        return Array.Exists(s_classes, row => row.Word == word) ? word is not ("sense" or "control" or "order")
            : kind is CommandKind.Reads or CommandKind.Writes or CommandKind.Positions or CommandKind.Defines or CommandKind.Searches;
    }

    private string? TryAdd(string word, FaultTarget target)
    {
        if (Array.Find(s_classes, row => row.Word == word) is { } known)
        {
            for (int code = 0; code < 256; code++)
            {
                _codes[code] |= known.Has(target.Commands, (byte)code, false);
                _placed[code] |= known.Has(target.Commands, (byte)code, true);
            }
            return null;
        }
        CommandDescription? command = target.Commands.Find(word);
        bool isHex = byte.TryParse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte hex) && word.Length == 2;
        if (command is null && isHex)
        {
            command = target.Commands.Find(hex)
                ?? (target.IsEmulated ? null : new CommandDescription(hex, word, CommandDirection.None, CommandKind.Unknown));
        }
        if (command is null || (command.OnlyReal && target.IsEmulated) || command.Direction == CommandDirection.Transfer)
            return Refusal(word, target);
        _codes[command.Code] = _placed[command.Code] = true;
        return null;
    }

    private static string Refusal(string word, FaultTarget target)
    {
        IEnumerable<string> commands = target.Commands.Rows
            .Where(row => !(row.OnlyReal && target.IsEmulated) && row.Direction != CommandDirection.Transfer).Select(row => row.Word);
        string[] words = [.. Words.Select(row => row.Word)];
        string? near = Nearest.Find(word, words.Concat(commands.Select(name => name.ToLowerInvariant())));
        string hint = near is null ? $"; it is one of {string.Join(", ", words)}, or a command like {commands.Last()}"
            : $": did you mean '{(words.Contains(near) ? near : near.ToUpperInvariant())}'?";
        return $"{target.Commands.Device} has no command {WordHints.Shown(word)}{hint}";
    }

    private sealed record ClassRow(string Word, string Help, Func<CommandSet, byte, bool, bool> Has);
}
