namespace CcwFs.Cli;

/// <summary>An error for a person: one line that says what failed, why, and what to do. It becomes "ccwfs: …" and an exit status.</summary>
internal sealed class CommandException(string message, int status = CommandException.Failed) : Exception(message)
{
    /// <summary>Exit status of a failure.</summary>
    internal const int Failed = 1;

    /// <summary>Exit status of wrong usage.</summary>
    internal const int WrongUsage = 2;

    /// <summary>Exit status.</summary>
    internal int Status { get; } = status;
}
