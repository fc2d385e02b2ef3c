using CcwFs.ChannelIo;

namespace CcwFs.CommandSets;

/// <summary>What the places on a device are that can be written, for policies.</summary>
public enum ExtentUnit
{
    /// <summary>Nobody knows.</summary>
    None,

    /// <summary>Tracks: cylinder and head.</summary>
    Tracks,

    /// <summary>Blocks, from 0 on.</summary>
    Blocks,
}

/// <summary>
/// The description of a device family: one row per command, and how its sense reads. Immutable; there is one object per family
/// (<see cref="Families"/>).
/// </summary>
public sealed class CommandSet
{
    private readonly CommandDescription?[] _byCode = new CommandDescription?[256];
    private readonly Dictionary<string, CommandDescription> _byWord = [];

    internal CommandSet(string name, string device, ExtentUnit extents, SenseFormat sense, IReadOnlyList<CommandDescription> rows)
    {
        (Name, Device, Extents, Sense, Rows) = (name, device, extents, sense, rows);
        foreach (CommandDescription row in rows)
        {
            _byCode[row.Code] = _byCode[row.Code] is null ? row : throw new ArgumentException($"two rows for command {row.Code:X2}", nameof(rows));
            _byWord.Add(row.Word, row);
            foreach (string alias in row.Aliases)
                _byWord.Add(alias, row);
        }
        foreach (CommandDescription row in rows)
            _byWord.TryAdd(CommandDescription.WordFor(row.Name), row);
    }

    /// <summary>The family in one small word.</summary>
    public string Name { get; }

    /// <summary>Whose commands these are, for a person: "the 3990".</summary>
    public string Device { get; }

    /// <summary>Its devices, as the heading of a chapter.</summary>
    public required string Title { get; init; }

    /// <summary>Control units and the devices behind them, by the types that SENSE ID gives. Source: the device tables of Linux' drivers.</summary>
    internal (ushort[] ControlUnits, ushort[] Devices)[] Types { get; init; } = [];

    /// <summary>What the extents of a policy count.</summary>
    public ExtentUnit Extents { get; }

    /// <summary>How sense reads, and how a refusal is written as sense.</summary>
    public SenseFormat Sense { get; }

    /// <summary>Every command, in the order of the family's manual.</summary>
    public IReadOnlyList<CommandDescription> Rows { get; }

    /// <summary>Whether a device is of the family.</summary>
    internal bool Has(ushort controlUnitType, ushort deviceType) =>
        Array.Exists(Types, row => row.ControlUnits.Contains(controlUnitType) && row.Devices.Contains(deviceType));

    /// <summary>The command with this code; null when the family is not known to have one.</summary>
    public CommandDescription? Find(byte code) => _byCode[code];

    /// <summary>The command with this word or alias, in any case, with - for _; null when there is none.</summary>
    public CommandDescription? Find(string word) => _byWord.GetValueOrDefault(word.ToUpperInvariant().Replace('-', '_'));

    /// <summary>The word of this code, or the code in two hex digits.</summary>
    public string WordOf(byte code) => Find(code)?.Word ?? code.ToString("X2", null);

    /// <summary>Which way data goes: from the row, else from the code's low bits.</summary>
    public CommandDirection DirectionOf(byte code) =>
        Find(code)?.Direction ?? (CommandCode.MovesToStorage(code) ? CommandDirection.Input : CommandDirection.Output);

    /// <summary>
    /// What the command does: from the row; without one a code whose low bits say read, read backward or sense reads, and of any other nobody can
    /// tell.
    /// </summary>
    public CommandKind KindOf(byte code) => Find(code)?.Kind ?? (CommandCode.MovesToStorage(code) ? CommandKind.Reads : CommandKind.Unknown);

    /// <summary>The command may give status modifier; of a command that is not known it cannot be told.</summary>
    public bool MaySkip(byte code) => Find(code) is not { MaySkip: false };

    /// <summary>A direction in words.</summary>
    public static string Words(CommandDirection direction) => direction switch
    {
        CommandDirection.None => "no data",
        CommandDirection.Output => "storage to device",
        CommandDirection.Input => "device to storage",
        _ => "goes on at another CCW",
    };

    /// <summary>The family's word.</summary>
    public override string ToString() => Name;
}
