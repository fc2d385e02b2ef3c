namespace CcwFs.CommandSets;

/// <summary>Which way a command's data goes.</summary>
public enum CommandDirection
{
    /// <summary>No data: an immediate or control command without parameters.</summary>
    None,

    /// <summary>Storage to device: write, or control with parameters.</summary>
    Output,

    /// <summary>Device to storage: read or sense.</summary>
    Input,

    /// <summary>Transfer in channel.</summary>
    Transfer,
}

/// <summary>What a command does to the volume, as far as policies are concerned.</summary>
public enum CommandKind
{
    /// <summary>Nobody can tell: it is taken as a write.</summary>
    Unknown,

    /// <summary>It reads or senses.</summary>
    Reads,

    /// <summary>It controls the device, and changes neither data nor what a later command may write.</summary>
    Controls,

    /// <summary>It compares, and is repeated until it finds: a program may be sent back to it.</summary>
    Searches,

    /// <summary>It moves to the place that its parameters name; without parameters to the first one.</summary>
    Positions,

    /// <summary>It defines the extent that its parameters name; without parameters that of the whole device.</summary>
    Defines,

    /// <summary>It is what its order says, the first byte of its parameters.</summary>
    Orders,

    /// <summary>It writes.</summary>
    Writes,
}

/// <summary>One command of a device family: a row of its <see cref="CommandSet"/>.</summary>
/// <param name="Code">Command code.</param>
/// <param name="Name">The architecture's name, in capitals with blanks.</param>
/// <param name="Direction">Which way its data goes.</param>
/// <param name="Kind">What it does.</param>
/// <param name="DefaultCount">The count in program text when none is given; 0: it depends on the data or the track.</param>
public sealed record CommandDescription(byte Code, string Name, CommandDirection Direction, CommandKind Kind, int DefaultCount = 0)
{
    /// <summary>Its word in program text: capitals and underscores.</summary>
    public string Word { get; init; } = WordFor(Name);

    /// <summary>Other words for it. The architecture's name with underscores is always one, and need not stand here.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What its data looks like; null: it has no parameters, or none that anybody looks at.</summary>
    public ParameterLayout? Layout { get; init; }

    /// <summary>It may give status modifier: the next CCW is left out then.</summary>
    public bool MaySkip { get; init; } = Kind == CommandKind.Searches;

    /// <summary>Real devices of the family have it, the emulated one refuses it.</summary>
    public bool OnlyReal { get; init; }

    internal static string WordFor(string name) => name.Replace(' ', '_');
}
