using System.Globalization;

namespace CcwFs.Linux;

/// <summary>The open files that this process was started with: standard output and error, and others that a shell has opened for it.</summary>
public static class StartStreams
{
    private const int GetDescriptorFlags = 1, GetFlags = 3; // F_GETFD, F_GETFL
    private const int DuplicateFor = 0, DuplicateCloseOnExec = 1030; // F_DUPFD, F_DUPFD_CLOEXEC
    private const int CloseOnExec = 1; // FD_CLOEXEC
    private const int AccessMode = 3; // O_ACCMODE; 0: O_RDONLY
    private const int FirstOther = 3; // after the standard streams, which are redirected for a child

    private static readonly string[] s_directories = ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"];

    /// <summary>The number of the descriptor of our own that a path names; null for any other path.</summary>
    public static int? NumberOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        switch (path)
        {
            case "/dev/stdin": return 0;
            case "/dev/stdout": return 1;
            case "/dev/stderr": return 2;
        }
        string? directory = Array.Find(s_directories, start => path.StartsWith(start, StringComparison.Ordinal));
        string digits = directory is null ? "" : path[directory.Length..];
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    /// <summary>
    /// A second descriptor of one of them, to write; null, or why not. What the runtime has opened for itself is none of them.
    /// <paramref name="stream"/> is the caller's; <paramref name="forChild"/>: child processes inherit it, under its own number.
    /// </summary>
    public static string? Take(int number, bool forChild, out FileDescriptor stream)
    {
        var given = new FileDescriptor(number);
        try
        {
            stream = new FileDescriptor(-1);
            int flags = Result.Of(LibC.Fcntl(given, GetDescriptorFlags, 0));
            if (flags < 0 || (flags & CloseOnExec) != 0)
                return "is not open";
            if ((Result.Of(LibC.Fcntl(given, GetFlags, 0)) & AccessMode) == 0)
                return "is open to read alone";
            int result = Result.Of(LibC.Fcntl(given, forChild ? DuplicateFor : DuplicateCloseOnExec, FirstOther));
            stream = new FileDescriptor(Math.Max(result, -1));
            return result < 0 ? Problem.Of(result) : null;
        }
        finally
        {
            given.SetHandleAsInvalid(); // the stream itself stays open
        }
    }
}
