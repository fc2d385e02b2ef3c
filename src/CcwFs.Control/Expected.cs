using System.ComponentModel;
using CcwFs.Fuse;

namespace CcwFs.Control;

/// <summary>
/// The one map from exceptions to what a person is told: what a user, a file or the system can cause is one line and an exit status. Whatever is not
/// in it is a fault of ours, and keeps its stack trace.
/// </summary>
internal static class Expected
{
    private const string Path = "path"; // the parameter's name in .NET's own file calls

    /// <summary>Whether it is in the map.</summary>
    internal static bool Is(Exception error) =>
        error is CommandException or IOException or UnauthorizedAccessException or FuseMountException or Win32Exception
            or ArgumentException { ParamName: Path }; // an empty one, as of an unset variable

    /// <summary>In words.</summary>
    internal static string Text(Exception error) => error switch
    {
        ArgumentException { ParamName: Path } => FileProblem.NoPath,
        _ when FileProblem.Is(error) => FileProblem.Of(error),
        _ => error.Message,
    };

    /// <summary>The exit status of the program that it ends.</summary>
    internal static int Status(Exception error) => error switch
    {
        CommandException command => command.Status,
        ArgumentException { ParamName: Path } => CommandException.WrongUsage,
        _ => CommandException.Failed,
    };
}
