using System.ComponentModel;
using CcwFs.Fuse;

namespace CcwFs.Control;

/// <summary>
/// The one map from exceptions to what a person is told: what a user, a file or the system can cause is one line and an exit status. Whatever is not in it is
/// a fault of ours, and keeps its stack trace.
/// </summary>
internal static class Expected
{
    /// <summary>Whether it is in the map.</summary>
    internal static bool Is(Exception error) =>
        error is CommandException or IOException or UnauthorizedAccessException or FuseMountException or Win32Exception
            or ArgumentException { ParamName: "path" }; // an empty one, as of an unset variable
}
