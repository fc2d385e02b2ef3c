using System.CommandLine;

namespace CcwFs.Cli.Dasd;

/// <summary>The verb "dasd": images of emulated volumes.</summary>
public static class DasdCommand
{
    /// <summary>
    /// The command with its verbs. <paramref name="output"/> and <paramref name="error"/> default to the console, where progress is shown when it is
    /// a terminal; <paramref name="allocatedBytes"/> tells the disk space of a file for "info" (null: not shown).
    /// </summary>
    public static Command Create(TextWriter? output = null, TextWriter? error = null, Func<string, long?>? allocatedBytes = null)
    {
        var console = new DasdConsole(output, error);
        return new Command("dasd", "Make, look at, compare and convert images of DASD volumes.")
        {
            CreateCommand.Create(console),
            InfoCommand.Create(console, allocatedBytes),
            CheckCommand.Create(console),
            CompleteCommand.Create(console),
            CompareCommand.Create(console),
            MapCommand.Create(console),
            ConvertCommand.Create(console),
        };
    }
}
