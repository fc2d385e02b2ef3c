namespace CcwFs.Control;

/// <summary>An error for a person: one line that says what failed, why, and what to do. It becomes "ccwfs: …" and an exit status.</summary>
internal sealed class CommandException(string message, int status = CommandException.Failed) : Exception(message)
{
    /// <summary>Exit status of a failure.</summary>
    internal const int Failed = 1;

    /// <summary>Exit status of wrong usage.</summary>
    internal const int WrongUsage = 2;

    /// <summary>
    /// The command of ccwfs that the message ends with, for the mount that is talked about: --mount of the person who asked is put after it.
    /// </summary>
    internal string? Hint { get; private init; }

    /// <summary>An error that ends with a command to type: "there is no subchannel 0.0.0005; see: " and "ccwfs list".</summary>
    internal static CommandException Hinting(string message, string hint, int status = Failed) => new(message + hint, status) { Hint = hint };

    /// <summary>Exit status.</summary>
    internal int Status { get; } = status;
}
