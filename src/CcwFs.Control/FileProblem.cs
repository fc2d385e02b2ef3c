using CcwFs.Linux;

namespace CcwFs.Control;

/// <summary>What is wrong with a file that a person named, in one line: the file, why, what to do.</summary>
internal static class FileProblem
{
    /// <summary>An empty path, or one with a zero character.</summary>
    internal const string NoPath = "a path is empty, or has a zero character in it; give a path";

    private const int LargestErrno = 4_095; // the kernel's MAX_ERRNO; the runtime keeps an errno that it has no exception for in HResult

    /// <summary>A file could not be opened, read or written.</summary>
    internal static bool Is(Exception error) => error is IOException or UnauthorizedAccessException or NotSupportedException;

    /// <summary>In words; <paramref name="path"/>: as it was given, null where only the exception knows.</summary>
    internal static string Of(Exception error, string? path = null)
    {
        path ??= (error as FileNotFoundException)?.FileName ?? Quoted(error.Message);
        if (path is null || error
            is not (UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException or { HResult: > 0 and <= LargestErrno }))
            return error.Message;
        string? directory = Path.GetDirectoryName(path);
        return Directory.Exists(path) ? $"{path}: is a directory; give a file"
            : error is UnauthorizedAccessException ? $"{path}: permission denied; ask its owner, or be root"
            : directory is { Length: > 0 } && !Directory.Exists(directory) ? NoDirectory(path, directory)
            : error is FileNotFoundException or DirectoryNotFoundException ? $"{path}: no such file; give one that exists"
            : $"{path}: {Problem.Of(-error.HResult)}";
    }

    /// <summary>The directory that a file was to be in is not there.</summary>
    internal static string NoDirectory(string path, string directory) => $"{path}: there is no directory {directory}; make it, or give another path";

    /// <summary>The path in "Access to the path '/x' is denied."</summary>
    private static string? Quoted(string message) => message.Split('\'') is [_, { Length: > 0 } path, _, ..] ? path : null;
}
